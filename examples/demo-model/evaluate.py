#!/usr/bin/env python3
"""Held-out scores by the lean network: the share of items whose greedy answer is exactly the wanted one.

usage: evaluate.py DATA WEIGHTS [--device cpu]
WEIGHTS is the folder that train.py wrote.
"""

import argparse
import json
import os

import torch
from tokenizers import Tokenizer

import held_out
import pictures
import speech
from banks import ROW, sources_of
from chat import ID
from dialogues import Writer
from network import TEXT, Network
from optimizer import as_int4, is_int4
from weights import load


def exact(net, parameters, lessons, device, soft=None, soft_id=-1, chunk=50):
    """Greedy decoding gives the wanted answer just where the best token is the wanted one at every marked place."""
    right = []
    for k in range(0, len(lessons), chunk):
        part = lessons[k : k + chunk]
        ids, marks = (
            torch.zeros(len(part), ROW, dtype=torch.long),
            torch.zeros(len(part), ROW, dtype=torch.bool),
        )
        for row, (i, m) in enumerate(part):
            ids[row, : len(i)], marks[row, : len(m)] = torch.tensor(i), torch.tensor(m).bool()
        ids, marks = ids.to(device), marks.to(device)
        some = (
            soft[k : k + chunk].flatten(0, 1)
            if soft is not None
            else torch.zeros(1, TEXT["hidden_size"], device=device)
        )
        h = net.read(parameters, ids, sources_of(ids, soft_id, 0), torch.zeros_like(ids), some)
        best = net.logits(parameters, h).argmax(-1)
        right += ((best[:, :-1] == ids[:, 1:]) | ~marks[:, 1:]).all(1).tolist()
    return right


def share(right):
    return round(sum(right) / len(right), 4)


@torch.no_grad()
def scores(masters, data, tokenizer, device, count=300):
    """{storage: {skill: share}} for weights as bfloat16 and with the matrices as int4."""
    torch.set_float32_matmul_precision("highest")
    writer = Writer(data, tokenizer)
    texts = {
        "tools": held_out.tool_items(writer, count),
        "letters": held_out.letter_items(writer, count),
        "definitions": held_out.definition_items(writer, held_out.FREQUENT),
    }
    texts = {name: [writer.lesson(item) for item in items] for name, items in texts.items()}
    everything = [
        writer.lesson(
            {"messages": [{"role": "user", "content": f"Define {w}."}], "answer": f"{g[0].upper()}{g[1:]}."}
        )
        for w, g in writer.glosses[::10]
    ]
    seen = {kind: held_out.picture_items(writer, data, kind, count) for kind in ("shapes", "digits")}
    heard = held_out.speech_items(writer, data, count)
    out = {}
    for storage, change in (("bfloat16", lambda t: t), ("int4", as_int4)):
        parameters = {n: (change(t) if is_int4(n, t) else t).bfloat16().float() for n, t in masters.items()}
        net = Network(parameters, ROW, device)
        got = {name: share(exact(net, parameters, lessons, device)) for name, lessons in texts.items()}
        got["definitions of all words"] = share(exact(net, parameters, everything, device))
        for kind, items in seen.items():
            soft = torch.cat(
                [
                    net.see(
                        parameters,
                        pictures.to_patches(image[None].to(device), grid),
                        torch.tensor([grid], device=device),
                    )
                    for grid, image, *_ in items
                ]
            )
            lessons = [
                writer.with_media("image", held_out.soft_tokens(grid), [(question, answer)])
                for grid, _, question, answer, _ in items
            ]
            got[kind] = share(exact(net, parameters, lessons, device, soft, ID["<|image|>"]))
        waves = torch.zeros(len(heard), speech.LONGEST, device=device)
        for row, (samples, *_) in enumerate(heard):
            waves[row, : len(samples)] = samples.to(device).float() / 32768
        soft = net.hear(parameters, *speech.mel_features(waves, [len(samples) for samples, *_ in heard]))
        lessons = [
            writer.with_media("audio", speech.soft_tokens(len(samples)), [(question, answer)])
            for samples, question, answer, _ in heard
        ]
        right = exact(net, parameters, lessons, device, soft, ID["<|audio|>"])
        got["speech"] = share(right)
        got["speech by words"] = {
            n: share([r for r, item in zip(right, heard) if len(item[3]) == n]) for n in (1, 2, 3)
        }
        out[storage] = got
    return out


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("weights")
    parser.add_argument("--device", default="cuda")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(os.path.join(args.weights, "tokenizer.json"))
    masters = {name: t.to(args.device) for name, t in load(args.weights).items()}
    print(json.dumps(scores(masters, args.data, tokenizer, args.device), indent=1))


if __name__ == "__main__":
    main()
