"""Everything a training step picks from, made before the first step and kept on the device.

Text lessons are packed into rows; a picture or an utterance has a slot of fixed length with the questions
about it. Worker processes write the lessons, the device draws and speaks.
"""

import random
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from tokenizers import Tokenizer

import pictures
import speech
from dialogues import Writer
from network import GRIDS, MEL_FRAMES, PATCHES, SOFT_TOKENS

ROW = 384
PICTURE_SLOT, SPEECH_SLOT = 128, 96  # three pictures or four utterances fill a row
PADDING = 255  # the document number of unused places
_worker = {}


def start_worker(data, tokenizer, labels, clips):
    _worker.update(writer=Writer(data, Tokenizer.from_str(tokenizer)), labels=labels, clips=clips)


def packed_rows(job):
    """n rows of text lessons: ids, marks, document numbers."""
    seed, n = job
    rng, writer = random.Random(seed), _worker["writer"]
    ids, marks = np.zeros((n, ROW), np.uint16), np.zeros((n, ROW), np.uint8)
    document = np.full((n, ROW), PADDING, np.uint8)
    lesson = writer.text_lesson(rng, ROW)
    for row in range(n):
        at = number = 0
        while at + len(lesson[0]) <= ROW:
            end = at + len(lesson[0])
            ids[row, at:end], marks[row, at:end], document[row, at:end] = *lesson, number
            at, number = end, number + 1
            lesson = writer.text_lesson(rng, ROW)
    return ids, marks, document


def slots(lessons, length):
    ids, marks = np.zeros((len(lessons), length), np.uint16), np.zeros((len(lessons), length), np.uint8)
    for row, lesson in enumerate(lessons):
        ids[row, : len(lesson[0])], marks[row, : len(lesson[0])] = lesson
    return ids, marks


def picture_lessons(job):
    seed, n = job
    rng, writer = random.Random(seed), _worker["writer"]
    scenes, lessons = [], []
    for _ in range(n):
        scene, facts = pictures.scene(rng, _worker["labels"])
        across, down = GRIDS[scene["grid"]]
        scenes.append(scene)
        lessons.append(writer.see(rng, facts, across * down // 9, PICTURE_SLOT))
    return scenes, *slots(lessons, PICTURE_SLOT)


def speech_lessons(job):
    seed, n = job
    rng, writer = random.Random(seed), _worker["writer"]
    utterances, lessons = [], []
    for _ in range(n):
        utterance, words = speech.utterance(rng, *_worker["clips"])
        utterances.append(utterance)
        lessons.append(writer.hear(rng, words, speech.soft_tokens(utterance["length"])))
    return utterances, *slots(lessons, SPEECH_SLOT)


def sources_of(ids, soft_id, offset):
    """For each place of a slot the number of its soft token, or -1."""
    soft = ids == soft_id
    first = torch.arange(ids.shape[0], device=ids.device)[:, None] * SOFT_TOKENS + offset
    return torch.where(soft, first + soft.long().cumsum(1) - 1, -1)


class Banks:
    """Tensors whose first dimension is picked from.

    text: (ids, marks, document) rows; pictures: (ids, marks, patches, grid) slots;
    speech: (ids, marks, mel, frames) slots.
    """

    def __init__(self, data, tokenizer, device, seed, rows, picture_count, utterance_count, workers):
        tiles, labels = pictures.load_digits(data, False)
        clips = speech.Clips(data, False)
        words = (clips.length, clips.word, clips.voices)
        generator = torch.Generator(device).manual_seed(seed)
        with ProcessPoolExecutor(
            workers, initializer=start_worker, initargs=(data, tokenizer.to_str(), labels, words)
        ) as pool:
            jobs = [
                pool.map(f, [(f"{seed}-{k}", max(1, n // 96)) for k in range(96)])
                for f, n in (
                    (speech_lessons, utterance_count),
                    (picture_lessons, picture_count),
                    (packed_rows, rows),
                )
            ]
            utterances, ids, marks = (list(x) for x in zip(*jobs[0]))
            self.speech = (
                self.load(ids, device),
                self.load(marks, device),
                *self.speak([u for part in utterances for u in part], clips.samples.to(device), generator),
            )
            scenes, ids, marks = (list(x) for x in zip(*jobs[1]))
            self.pictures = (
                self.load(ids, device),
                self.load(marks, device),
                *self.draw([s for part in scenes for s in part], tiles.to(device), generator),
            )
            self.text = tuple(self.load(list(parts), device) for parts in zip(*jobs[2]))

    @staticmethod
    def load(parts, device):
        whole = np.concatenate(parts)
        return torch.from_numpy(whole.astype(np.int16) if whole.dtype == np.uint16 else whole).to(device)

    @staticmethod
    def speak(utterances, samples, generator, chunk=256):
        device = samples.device
        mel = torch.zeros(len(utterances), MEL_FRAMES, 128, dtype=torch.float16, device=device)
        frames = torch.tensor([speech.valid_frames(u["length"]) for u in utterances], device=device)
        for k in range(0, len(utterances), chunk):
            part = utterances[k : k + chunk]
            waves = speech.speak(part, samples, generator)
            mel[k : k + chunk] = speech.mel_features(waves, [u["length"] for u in part])[0]
        return mel, frames

    @staticmethod
    def draw(scenes, tiles, generator, chunk=256, warp=3.0):
        device = tiles.device
        patches = torch.zeros(len(scenes), PATCHES, 768, dtype=torch.uint8, device=device)
        grid = np.array([s["grid"] for s in scenes])
        for g in range(len(GRIDS)):
            at = np.flatnonzero(grid == g)
            for k in range(0, len(at), chunk):
                part = at[k : k + chunk]
                images = pictures.draw([scenes[i] for i in part], tiles, generator, warp)
                patches[torch.from_numpy(part).to(device)] = pictures.to_patches(images, g)
        return patches, torch.from_numpy(grid).to(device)
