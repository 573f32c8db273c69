#!/usr/bin/env python3
"""Write word_ranges.inc: the characters that the reference's single_word rule takes for part of a word.

Asks the reference itself (pip install tokenizers) about every character, so the two cannot differ.

usage: make_word_ranges.py > word_ranges.inc
"""
from tokenizers import AddedToken, Tokenizer, models

tokenizer = Tokenizer(models.BPE(vocab={"?": 0}, merges=[], unk_token="?", fuse_unk=True))
tokenizer.add_tokens([AddedToken("a", single_word=True, normalized=False)])
token = tokenizer.token_to_id("a")


def is_word(code):
    return token not in tokenizer.encode(chr(code) + "a").ids


ranges = []
for code in range(0x110000):
    if 0xD800 <= code < 0xE000 or not is_word(code):
        continue
    if ranges and ranges[-1][1] == code - 1:
        ranges[-1][1] = code
    else:
        ranges.append([code, code])

print("// Written by make_word_ranges.py. First and last code point of each range.")
line = ""
for first, last in ranges:
    item = f"{{0x{first:X}, 0x{last:X}}},"
    if len(line) + len(item) + 1 > 108:
        print(line)
        line = ""
    line += (" " if line else "") + item
print(line)
