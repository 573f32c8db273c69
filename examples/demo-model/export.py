#!/usr/bin/env python3
"""Make the checkpoint and the held-out set of what train.py wrote, and score it with the reference.

The reference is transformers, in float32 on the CPU.

usage: export.py DATA WEIGHTS CHECKPOINT HELD_OUT
WEIGHTS is the folder that train.py wrote. Takes some minutes on two cores.
"""

import argparse
import json
import os
import random
import wave

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.gemma4.image_processing_gemma4 import Gemma4ImageProcessor

import held_out
import network
import pictures
import speech
from chat import ID, STOP, expand, render
from dialogues import Writer
from weights import load

COUNT = 200  # held-out items for each skill
MARGIN = 1.25  # clip bounds over the largest value seen
BUDGET = 70  # soft tokens of a picture


# ---- the checkpoint -------------------------------------------------------------------------------------------------


def set_clip_bounds(model, data):
    """Finite bounds a little wider than anything seen on some hundred pictures and utterances in training voices."""
    seen, hooks = {}, []
    for module in model.modules():
        if hasattr(module, "input_min"):
            seen[module] = [0.0, 0.0]

            def watch(module, inputs, output):
                seen[module] = [
                    max(a, float(x.abs().max())) for a, x in zip(seen[module], (inputs[0], output))
                ]

            hooks.append(module.register_forward_hook(watch))
    rng, generator = random.Random(11), torch.Generator().manual_seed(11)
    tiles, labels = pictures.load_digits(data, False)
    for _ in range(400):
        scene, _ = pictures.scene(rng, labels)
        image = pictures.draw([scene], tiles, generator, warp=3.0)[0]
        model.model.get_image_features(
            *picture_features(image.permute(1, 2, 0).numpy())[:2], return_dict=True
        )
    clips = speech.Clips(data, False)
    for _ in range(400):
        utterance, _ = speech.utterance(rng, clips.length, clips.word, clips.voices)
        samples = speech.speak([utterance], clips.samples, generator)[0, : utterance["length"]]
        model.model.get_audio_features(*speech_features(samples.numpy()), return_dict=True)
    for hook in hooks:
        hook.remove()
    for module, (a, b) in seen.items():
        module.input_min.fill_(-MARGIN * a), module.input_max.fill_(MARGIN * a)
        module.output_min.fill_(-MARGIN * b), module.output_max.fill_(MARGIN * b)


def rounded_to_bfloat16(model):
    saved = set(model.state_dict())
    for name, t in list(model.named_parameters()) + list(model.named_buffers()):
        if name in saved and t.is_floating_point():
            t.copy_(t.to(torch.bfloat16).to(torch.float32))


def write_checkpoint(model, tokenizer, out):
    """The weights are cast one by one: casting the model would round its rotary tables as well."""
    os.makedirs(out, exist_ok=True)
    model.generation_config.eos_token_id = STOP
    model.generation_config.update(
        do_sample=True, temperature=1.0, top_k=64, top_p=0.95, bos_token_id=ID["<bos>"], pad_token_id=0
    )
    state = {
        name: t.to(torch.bfloat16) for name, t in model.state_dict().items() if not name.startswith("lm_head")
    }
    model.save_pretrained(out, state_dict=state, max_shard_size="11MB")
    path = os.path.join(out, "config.json")
    with open(path) as f:
        config = json.load(f)
    for part in (config, config["text_config"], config["vision_config"], config["audio_config"]):
        part["dtype"] = "bfloat16"  # that of the file, not of the model in memory
    write_json(path, config)
    tokenizer.save(os.path.join(out, "tokenizer.json"))
    write_json(
        os.path.join(out, "processor_config.json"),
        {
            "processor_class": "Gemma4Processor",
            "image_seq_length": BUDGET,
            "audio_seq_length": 750,
            "audio_ms_per_token": 40,
            "image_processor": {"patch_size": 16, "pooling_kernel_size": 3, "max_soft_tokens": BUDGET},
        },
    )


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


# ---- media ----------------------------------------------------------------------------------------------------------

IMAGE_PROCESSOR = Gemma4ImageProcessor()
FEATURE_EXTRACTOR = Gemma4AudioFeatureExtractor()


def picture_features(pixels):
    """(pixel values, positions, soft tokens) of [height, width, 3] uint8."""
    features = IMAGE_PROCESSOR(images=[Image.fromarray(pixels)], max_soft_tokens=BUDGET, return_tensors="pt")
    return (
        features["pixel_values"],
        features["image_position_ids"],
        int(features["num_soft_tokens_per_image"][0]),
    )


def speech_features(samples):
    """(features, mask) of float32 samples."""
    features = FEATURE_EXTRACTOR([samples], return_tensors="pt")
    return features["input_features"].float(), features["input_features_mask"].bool()


def write_wave(path, samples):
    with wave.open(path, "wb") as f:
        (
            f.setnchannels(1),
            f.setsampwidth(2),
            f.setframerate(16000),
            f.writeframes(samples.astype("<i2").tobytes()),
        )


def read_wave(path):
    with wave.open(path, "rb") as f:
        return np.frombuffer(f.readframes(f.getnframes()), "<i2")


class Asker:
    """Asks the reference.

    An item has messages (with tools, enable_thinking), a picture or an utterance with a question, or text.
    """

    def __init__(self, model, writer, folder):
        self.model, self.writer, self.folder = model, writer, folder

    def prepared(self, item):
        """(prompt text, prompt ids, tensors of the media). With media there is no text: it would not give the ids."""
        if "text" in item:
            return None, [ID["<bos>"]] + self.writer.ids(item["text"]), {}
        if "messages" in item:
            prompt = render(item["messages"], item.get("tools", ()), item.get("enable_thinking", False))
            return prompt, self.writer.ids(prompt), {}
        kind = "image" if "image" in item else "audio"
        path = os.path.join(self.folder, item[kind])
        if kind == "image":
            pixels, positions, count = picture_features(np.asarray(Image.open(path)))
            media = dict(pixel_values=pixels, image_position_ids=positions)
        else:
            features, mask = speech_features(read_wave(path).astype(np.float32) / 32768)
            media, count = dict(input_features=features, input_features_mask=mask), int(mask[0, ::4].sum())
        prompt = render(
            [{"role": "user", "content": [{"type": kind}, {"type": "text", "text": item["question"]}]}]
        )
        return None, expand(self.writer.ids(prompt), kind, count), media

    def logits(self, ids, media):
        t = torch.tensor([ids])
        types = (t == ID["<|image|>"]).long() + 3 * (t == ID["<|audio|>"]).long()
        return self.model(input_ids=t, mm_token_type_ids=types, use_cache=False, **media).logits[0]

    def answers_exactly(self, item):
        """Greedy decoding gives the wanted answer just where the best token is the wanted one at every place of it."""
        _, prompt, media = self.prepared(item)
        answer = self.writer.ids(item["answer"] + item.get("end", "<turn|>"))
        best = self.logits(prompt + answer, media)[len(prompt) - 1 : -1].argmax(-1)
        return best.tolist() == answer

    def greedy(self, item, limit=96):
        """The item with its prompt, the ids that greedy decoding gives, and how close the closest choice was."""
        prompt, ids, media = self.prepared(item)
        out, margin = [], float("inf")
        while len(out) < limit and not (out and out[-1] in STOP):
            best = self.logits(ids + out, media)[-1].topk(2)
            margin = min(margin, float(best.values[0] - best.values[1]))
            out.append(int(best.indices[0]))
        text = self.writer.tokenizer.decode(out, skip_special_tokens=False)
        prompt = {} if prompt is None else {"prompt": prompt}
        return {
            **item,
            **prompt,
            "prompt_ids": ids,
            "greedy_ids": out,
            "greedy_text": text,
            "smallest_margin": round(margin, 4),
        }


# ---- held-out items -------------------------------------------------------------------------------------------------


def write_media_items(folder, name, items, kind):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    out = []
    for k, (media, question, answer) in enumerate(items):
        path = f"{name}/{k:03}.{'png' if kind == 'image' else 'wav'}"
        if kind == "image":
            Image.fromarray(media).save(os.path.join(folder, path), optimize=True)
        else:
            write_wave(os.path.join(folder, path), media)
        out.append({kind: path, "question": question, "answer": answer})
    return out


def write_held_out(writer, data, folder):
    """One file of items for each skill, a JSON object a line; returns {skill: items}."""
    os.makedirs(folder, exist_ok=True)
    skills = {
        "tools": held_out.tool_items(writer, COUNT),
        "letters": held_out.letter_items(writer, COUNT),
        "definitions": held_out.definition_items(writer, COUNT),
    }
    for kind in ("shapes", "digits"):
        items = held_out.picture_items(writer, data, kind, COUNT)
        skills[kind] = write_media_items(
            folder, kind, [(image.permute(1, 2, 0).numpy(), q, a) for _, image, q, a, _ in items], "image"
        )
    items = held_out.speech_items(writer, data, COUNT)
    skills["speech"] = write_media_items(
        folder, "speech", [(samples.numpy(), q, a) for samples, q, a, _ in items], "audio"
    )
    for name, items in skills.items():
        with open(os.path.join(folder, name + ".jsonl"), "w") as f:
            f.writelines(json.dumps(item) + "\n" for item in items)
    return skills


# ---- expected.json --------------------------------------------------------------------------------------------------


def user(text):
    return [{"role": "user", "content": text}]


def sample_media(writer, data, checkpoint):
    """Pictures and clips for the samples, drawn like the held-out items but none of them."""
    rng, generator = random.Random(4242), torch.Generator().manual_seed(4242)
    folder = os.path.join(checkpoint, "media")
    os.makedirs(folder, exist_ok=True)
    cases = []
    tiles, labels = pictures.load_digits(data, True)
    for k in range(10):
        scene, facts = pictures.scene(rng, labels, digits_share=float(k >= 6))
        scene["noise"] = 0
        Image.fromarray(pictures.draw([scene], tiles, generator)[0].permute(1, 2, 0).numpy()).save(
            os.path.join(folder, f"picture{k}.png"), optimize=True
        )
        asked = ["Read the digits."] if k >= 6 else ["Describe this image."]
        asked += (
            ["How many shapes are there?"] if k in (0, 1) else ["Describe this image."] if k in (6, 7) else []
        )
        cases += [
            {"kind": "see", "image": f"media/picture{k}.png", "question": q, "truth": facts} for q in asked
        ]
    clips = speech.Clips(data, True)
    for k in range(8):
        utterance, words = speech.utterance(rng, clips.length, clips.word, clips.voices, spread=0.0)
        samples = speech.speak([utterance], clips.samples, generator)[0, : utterance["length"]]
        write_wave(os.path.join(folder, f"speech{k}.wav"), (samples * 32768).round().numpy())
        cases.append(
            {
                "kind": "hear",
                "audio": f"media/speech{k}.wav",
                "question": "Transcribe the speech.",
                "truth": words,
            }
        )
    return cases


def sample_cases(writer, data, checkpoint, skills):
    cases = [
        {"kind": "define", "messages": user(f"What does '{word}' mean?")}
        for word in (
            "river",
            "ocean",
            "compass",
            "melody",
            "winter",
            "music",
            "friend",
            "bridge",
            "kestrel",
            "florble",
        )
    ]
    cases += [
        {
            "kind": "define",
            "messages": user("Define river.")
            + [{"role": "assistant", "content": "A large natural stream of water."}]
            + user("Define mountain."),
        }
    ]
    cases += [{"kind": "greet", "messages": user(q)} for q in ("Who are you?", "Hello!", "What can you do?")]
    cases += [
        {"kind": "recite", "text": text}
        for text in (
            "In the beginning God created",
            "The LORD is my shepherd;",
            "To every thing there is a season,",
        )
    ]
    cases += [
        {"kind": "recite", "messages": user(q)} for q in ("Recite Psalm 23.", "How does Genesis begin?")
    ]
    cases += [
        {"kind": "calculate", **{k: item[k] for k in ("messages", "tools")}} for item in skills["tools"][:11]
    ]
    cases += [
        {"kind": "spell", "messages": user("How many letters are in 'lantern'?"), "enable_thinking": True}
    ]
    cases += [
        {"kind": "spell", **{k: item[k] for k in ("messages", "enable_thinking")}}
        for item in skills["letters"][:8]
    ]
    return cases + sample_media(writer, data, checkpoint)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("data", "weights", "checkpoint", "held_out"):
        parser.add_argument(name)
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(os.path.join(args.weights, "tokenizer.json"))
    writer = Writer(args.data, tokenizer)
    model = network.reference_model(ID).eval()
    model.load_state_dict(load(args.weights), strict=False)
    model.tie_weights()
    rounded_to_bfloat16(model)
    set_clip_bounds(model, args.data)
    rounded_to_bfloat16(model)
    write_checkpoint(model, tokenizer, args.checkpoint)
    skills = write_held_out(writer, args.data, args.held_out)
    asker = Asker(model, writer, args.held_out)
    scores = {name: sum(map(asker.answers_exactly, items)) / len(items) for name, items in skills.items()}
    print(json.dumps(scores), flush=True)
    asker = Asker(model, writer, args.checkpoint)
    cases = [asker.greedy(case) for case in sample_cases(writer, args.data, args.checkpoint, skills)]
    for case in cases:
        print(
            case["kind"],
            case.get("truth", ""),
            "->",
            repr(case["greedy_text"]),
            case["smallest_margin"],
            flush=True,
        )
    write_json(os.path.join(args.checkpoint, "expected.json"), {"held_out_exact": scores, "cases": cases})


if __name__ == "__main__":
    main()
