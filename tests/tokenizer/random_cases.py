#!/usr/bin/env python3
"""Write a file of random cases for a tokenizer.json, with the ids that the reference gives them.

usage: pip install tokenizers
       random_cases.py TOKENIZER.json OUT.json [COUNT] [SEED]
       tokenizer_run_cases TOKENIZER.json OUT.json
"""
import json
import random
import sys

from tokenizers import Tokenizer

WORDS = ("the of and to in is you that it he was for on are as with his they at be this have from or one had by "
         "word but not what all were we when your can said there use an each which she do how their if "
         "caf\u00e9 na\u00efve \u00fcber se\u00f1or \u4f60\u597d \u4e16\u754c \u3053\u3093\u306b\u3061\u306f \uc548\ub155 "
         "\u043f\u0440\u0438\u0432\u0435\u0442 \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947").split()
SPACES = [" ", "  ", "   ", "     ", "\n", "\n\n", "\n\n\n\n\n", "\t", "\t\t", "\r\n", "\u00a0", "\u3000", "\u2581",
          "\u2581\u2581", "\u2028", "\v", "\x85"]
ODD = ["\0", "\x01", "\x7f", "\ufffd", "\u200d", "\ufe0f", "e\u0301", "\U0001f44b", "\U0001f468\u200d\U0001f469",
       "\U0001f1e9\U0001f1ea", "<0x0A>", "<0xE2>", "<", ">", "|", "<|", "|>", "\ud7ff", "\ue000", "\U0010ffff", "<unk>"]


def random_text(rng, pieces, added):
    parts = []
    kind = rng.random()
    for _ in range(rng.randint(0, 24)):
        choice = rng.random()
        if kind < 0.2:
            parts.append(chr(rng.choice([rng.randrange(0x20, 0x7F), rng.randrange(0x80, 0xD800),
                                         rng.randrange(0xE000, 0x110000)])))
        elif kind < 0.3:
            parts.append(rng.choice("abn .") * rng.randint(1, 9))
        elif choice < 0.35:
            parts.append(rng.choice(WORDS))
        elif choice < 0.5:
            parts.append(rng.choice(SPACES))
        elif choice < 0.6:
            parts.append(rng.choice(ODD))
        elif choice < 0.75 and added:
            token = rng.choice(added)
            parts.append(token if rng.random() < 0.7 else token[:rng.randint(1, len(token))])
        elif choice < 0.9:
            parts.append(rng.choice(pieces))
        else:
            parts.append(str(rng.randrange(10 ** rng.randint(1, 9))))
            parts.append(" ")
    return "".join(parts)


def random_ids(rng, size, bytes_, special):
    ids = []
    for _ in range(rng.randint(0, 16)):
        choice = rng.random()
        if choice < 0.3 and bytes_:
            ids += [bytes_[b] for b in rng.choice(ODD + WORDS).encode() if b in bytes_]
        elif choice < 0.5 and bytes_:
            ids.append(rng.choice(list(bytes_.values())))
        elif choice < 0.7 and special:
            ids.append(rng.choice(special))
        else:
            ids.append(rng.randrange(size))
    return ids


def encode(tokenizer, text, special):
    tokenizer.encode_special_tokens = not special
    try:
        return tokenizer.encode(text, add_special_tokens=False).ids
    finally:
        tokenizer.encode_special_tokens = False


def make_cases(tokenizer, count, seed, length=None):
    rng = random.Random(seed)
    vocab = tokenizer.get_vocab()
    added = tokenizer.get_added_tokens_decoder()
    contents = [token.content for token in added.values()]
    special = [i for i, token in added.items() if token.special]
    pieces = sorted(vocab)
    bytes_ = {b: vocab[f"<0x{b:02X}>"] for b in range(256) if f"<0x{b:02X}>" in vocab}
    cases = []
    for i in range(count):
        case = {}
        if i % 4 == 3:
            ids = random_ids(rng, len(vocab), bytes_, special)
        else:
            text = random_text(rng, pieces, contents)[:length]
            case["text"] = text
            try:
                ids = encode(tokenizer, text, True)
                case["ids_plain"] = encode(tokenizer, text, False)
            except BaseException as error:  # the reference panics where stripping tokens overlap
                if type(error).__name__ != "PanicException":
                    raise
                continue
        case["ids"] = ids
        case["decoded"] = tokenizer.decode(ids, skip_special_tokens=False)
        case["decoded_skip"] = tokenizer.decode(ids, skip_special_tokens=True)
        cases.append(case)
    return cases


def write_cases(path, source, cases):
    with open(path, "w", encoding="utf-8") as out:
        out.write('{"source": ' + json.dumps(source) + ',\n"cases": [\n')
        out.write(",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases))
        out.write("\n]}\n")


def main():
    path, target = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 4000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    tokenizer = Tokenizer.from_file(path)
    write_cases(target, f"random, seed {seed}", make_cases(tokenizer, count, seed))


if __name__ == "__main__":
    main()
