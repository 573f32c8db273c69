#!/usr/bin/env python3
"""Write cases/: the cases that the tests hold carat's tokenizer to. Run it again after changing it.

cases/tiny.json and cases/demo.json are over two tokenizers of the repository, whose newline and space runs are added
tokens that are not special. cases/synthetic*.json are random tokenizers with the rarer settings, each with its cases.

usage: pip install tokenizers
       make_cases.py
"""
import os
import random

from tokenizers import Tokenizer

from random_cases import make_cases, write_cases
from random_tokenizers import make_tokenizer, write_tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOKENIZERS = {"tiny": "tests/golden/models/tiny-e2b/tokenizer.json",
              "demo": "examples/demo-model/checkpoint/tokenizer.json"}
FIXED = ["", " ", "  ", "\u2581\u2581", " \u2581", "a  b", "\n\n\n\n\n\n\n", "\r\n", "<bos>", "<bos><bos>", "x<bos>y<eos>",
         "<|turn>user\nHi<turn|>\n", "<|turn>\n\n\n\n\n<turn|>", "<|tool_call>call:f{a:1}<tool_call|>", "<|turn", "turn|>",
         "<unk>", "<0x41>", "caf\u00e9", "cafe\u0301", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\0", "\ufffd",
         "3.14 + 2 = 5.14", "The quick brown fox jumps over the lazy dog.", "a" * 70, "ab" * 40, " " * 67, "\n" * 67]


def fixed_cases(tokenizer):
    cases = []
    for text in FIXED:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        cases.append({"text": text, "ids_plain": plain, "ids": ids,
                      "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                      "decoded_skip": tokenizer.decode(ids, skip_special_tokens=True)})
    return cases


def main():
    folder = os.path.join(HERE, "cases")
    os.makedirs(folder, exist_ok=True)
    for name, path in TOKENIZERS.items():
        tokenizer = Tokenizer.from_file(os.path.join(ROOT, path))
        cases = fixed_cases(tokenizer) + make_cases(tokenizer, 120, 7, length=100)
        write_cases(os.path.join(folder, name + ".json"), path, cases)
    for number, seed in enumerate([21, 253, 380, 1533, 1761, 1940]):
        path = os.path.join(folder, f"synthetic{number}.tokenizer.json")
        write_tokenizer(path, make_tokenizer(random.Random(seed)))
        cases = make_cases(Tokenizer.from_file(path), 24, seed, length=60)
        write_cases(os.path.join(folder, f"synthetic{number}.json"), f"synthetic{number}.tokenizer.json", cases)


if __name__ == "__main__":
    main()
