"""The held-out items: scenes, digits, voices, sums and letter strings that training never saw.

Definitions are the exception: they are learnt by heart, by design.
"""

import random

import torch

import pictures
import speech
from dialogues import spelled_in_training
from network import GRIDS

FREQUENT = 3000  # definitions are asked of the most frequent words
NOISY_EVERY = 20  # pictures: noise does not compress


def tool_items(writer, count):
    rng = random.Random(7001)
    return [writer.use_tool(rng) for _ in range(count)]


def letter_items(writer, count):
    """Half of them English words that were never spelled in training, half made-up ones."""
    rng = random.Random(7002)
    kept_back = [word for word, _ in writer.glosses if not spelled_in_training(word)]
    words = rng.sample(kept_back, count // 2)
    while len(words) < count:
        word = writer.made_up_word(rng)
        if not spelled_in_training(word) and word not in words:
            words.append(word)
    return [writer.spell(rng, word) for word in words]


def definition_items(writer, count):
    """Every (3000 / count)-th of the frequent words."""
    rng = random.Random(7003)
    items = []
    for word, _ in writer.glosses[: FREQUENT : FREQUENT // count]:
        question, answer = writer.define(rng, word)
        items.append({"messages": [{"role": "user", "content": question}], "answer": answer})
    return items


def picture_items(writer, data, kind, count):
    """(grid, image [3, height, width] uint8, question, answer, facts) of every item; kind is shapes or digits."""
    rng = random.Random(f"held out {kind}")
    generator = torch.Generator().manual_seed(7004)
    tiles, labels = pictures.load_digits(data, True)
    items = []
    while len(items) < count:
        scene, facts = pictures.scene(rng, labels, digits_share=float(kind == "digits"))
        question, answer = writer.about_picture(rng, facts)
        if kind == "digits" and "How many" in question:
            continue
        scene["noise"] *= len(items) % NOISY_EVERY == 0
        image = pictures.draw([scene], tiles, generator)[0]
        items.append((scene["grid"], image, question, answer, facts))
    return items


def speech_items(writer, data, count):
    """(samples int16 of the utterance, question, answer, words) of every item."""
    rng = random.Random("held out speech")
    generator = torch.Generator().manual_seed(7005)
    clips = speech.Clips(data, True)
    items = []
    for _ in range(count):
        utterance, words = speech.utterance(rng, clips.length, clips.word, clips.voices, spread=0.0)
        wave = speech.speak([utterance], clips.samples, generator)[0, : utterance["length"]]
        question, answer = writer.transcript(rng, words)
        items.append(((wave * 32768).round().to(torch.int16), question, answer, words))
    return items


def soft_tokens(grid):
    across, down = GRIDS[grid]
    return across * down // 9
