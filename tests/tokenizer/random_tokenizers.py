#!/usr/bin/env python3
"""Write random small tokenizers of Gemma's pipeline, each with cases from the reference.

They have what the published files do not: normalized, single-word and stripping added tokens, added tokens that
are no pieces, merges that leave out splits, no byte pieces or only some, unknown pieces, ignore_merges.

usage: pip install tokenizers
       random_tokenizers.py FOLDER [TOKENIZERS] [CASES] [SEED]
       tokenizer_run_cases FOLDER/0.json FOLDER/0.cases.json
"""
import json
import os
import random
import sys

from tokenizers import Tokenizer

from random_cases import make_cases, write_cases

SPACE = "\u2581"
CONTENTS = ["<bos>", "<a>", "<ab>", "<a b>", "ab", "b c", "\n", "\n\n", "\t", SPACE, SPACE * 2, SPACE * 3, "a", "\u00e9",
            "c" + SPACE, "x y", "\u4f60\u597d", "<0x41>", "=", "<|x|>"]


def make_vocabulary(rng):
    pieces = [p for p in ("<unk>", "<bos>", "<|x|>") if rng.random() < 0.8]
    pieces += rng.sample(list("abcd=<>0x\n\t\u00e9\u4f60\U0001f44b") + [SPACE], rng.randint(4, 14))
    if rng.random() < 0.6:
        pieces += [f"<0x{b:02X}>" for b in range(256) if rng.random() < rng.choice([1, 1, 0.9])]
    singles = [p for p in pieces if len(p) == 1]
    for _ in range(rng.randint(0, 60)):
        joined = rng.choice(singles + pieces[-20:]) + rng.choice(singles + pieces[-20:])
        if joined not in pieces and len(joined) < 10:
            pieces.append(joined)
    if rng.random() < 0.3:
        rng.shuffle(pieces)
    return pieces


def make_merges(rng, pieces):
    known = set(pieces)
    merges = [(p[:i], p[i:]) for p in pieces for i in range(1, len(p)) if p[:i] in known and p[i:] in known]
    kind = rng.random()
    if kind < 0.3:
        rng.shuffle(merges)
    if kind < 0.6:
        merges = [m for m in merges if rng.random() < 0.7]
    if merges and rng.random() < 0.2:
        merges += rng.choices(merges, k=3)
    if not any(" " in a + b for a, b in merges) and rng.random() < 0.3:
        return [f"{a} {b}" for a, b in merges]
    return [list(m) for m in merges]


def can_come_from_text(piece, pieces):
    return len(piece) == 1 or piece.startswith("<0x") or any(piece[:i] in pieces and piece[i:] in pieces
                                                             for i in range(1, len(piece)))


def make_added(rng, pieces, ignore_merges):
    ids = {p: i for i, p in enumerate(pieces)}
    added, normalized = [], set()
    for content in rng.sample(CONTENTS, rng.randint(0, 10)):
        token = {"content": content, "single_word": rng.random() < 0.2, "lstrip": rng.random() < 0.25,
                 "rstrip": rng.random() < 0.25, "normalized": rng.random() < 0.3, "special": rng.random() < 0.5}
        # carat is stricter than the reference here: plain text never becomes a special token.
        if content in pieces and (ignore_merges or can_come_from_text(content, pieces)):
            token["special"] = False
        if token["normalized"]:
            # The reference does not recognise a special token whose content normalisation changes when decoding.
            if " " in content or content.replace(" ", SPACE) in normalized:
                continue
            normalized.add(content)
        added.append({"id": ids.setdefault(content, len(ids)), **token})
    return added


def make_tokenizer(rng):
    pieces = make_vocabulary(rng)
    ignore_merges = rng.random() < 0.3
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": make_added(rng, pieces, ignore_merges),
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
        "pre_tokenizer": rng.choice([None, {"type": "Split", "pattern": {"String": " "},
                                            "behavior": "MergedWithPrevious", "invert": False}]),
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>" if "<unk>" in pieces else None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": rng.random() < 0.5,
                  "byte_fallback": rng.random() < 0.7, "ignore_merges": ignore_merges,
                  "vocab": {p: i for i, p in enumerate(pieces)}, "merges": make_merges(rng, pieces)},
    }


def write_tokenizer(path, document):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(document, out, ensure_ascii=False, separators=(",", ":"))
        out.write("\n")


def main():
    folder = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    cases = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    os.makedirs(folder, exist_ok=True)
    for i in range(count):
        path = os.path.join(folder, f"{i}.json")
        write_tokenizer(path, make_tokenizer(random.Random(seed * 1000003 + i)))
        tokenizer = Tokenizer.from_file(path)
        write_cases(os.path.join(folder, f"{i}.cases.json"), f"random tokenizer {seed}/{i}",
                    make_cases(tokenizer, cases, i))


if __name__ == "__main__":
    main()
