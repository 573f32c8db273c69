"""The tokenizer, and Gemma 4's chat format: as much of it as the demo's dialogues need."""

import json

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from network import VOCABULARY

CONTROL = (
    "<pad> <eos> <bos> <unk> <mask> <|turn> <turn|> <|channel> <channel|> <|think|> <|tool> <tool|> <|tool_call> "
    '<tool_call|> <|tool_response> <tool_response|> <|"|> <|image> <image|> <|image|> <|audio> <audio|> <|audio|> '
    "<|video|>"
).split()
ID = {token: i for i, token in enumerate(CONTROL)}
STOP = [ID["<eos>"], ID["<turn|>"], ID["<|tool_response>"]]


def train_tokenizer(texts):
    """A BPE tokenizer with Gemma's structure: space -> U+2581, byte fallback, no dummy prefix."""
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    runs = ["\n" * n for n in range(1, 5)] + ["\u2581" * n for n in range(2, 6)]
    fixed = CONTROL + runs + bytes_
    base = Tokenizer(models.BPE(unk_token=None))
    base.normalizer = normalizers.Replace(" ", "\u2581")
    base.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    base.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY - len(fixed),
            special_tokens=[],
            show_progress=False,
            initial_alphabet=[chr(c) for c in range(33, 127)],
        ),
    )
    trained = json.loads(base.to_str())["model"]
    vocab = {token: i for i, token in enumerate(fixed)}
    for piece in sorted(trained["vocab"], key=trained["vocab"].get):
        if piece not in vocab and len(vocab) < VOCABULARY:
            vocab[piece] = len(vocab)
    while len(vocab) < VOCABULARY:
        vocab[f"<unused{len(vocab)}>"] = len(vocab)
    merges = [tuple(m) for m in trained["merges"] if m[0] in vocab and m[1] in vocab and m[0] + m[1] in vocab]
    tokenizer = Tokenizer(
        models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos>:1 $B:1", special_tokens=[("<bos>", ID["<bos>"])]
    )
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in CONTROL])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in runs])
    return tokenizer


def render(messages, tools=(), enable_thinking=False):
    """The prompt for a dialogue, in Gemma 4's chat format (small form); only what these dialogues need of it."""
    out = "<bos>"
    messages = list(messages)
    system = messages.pop(0)["content"] if messages[0]["role"] == "system" else ""
    if system or tools or enable_thinking:
        out += "<|turn>system\n" + ("<|think|>\n" if enable_thinking else "") + system
        out += "".join(declaration(tool["function"]) for tool in tools) + "<turn|>\n"
    called = ""
    for m in messages:
        if m["role"] == "user":
            parts = (
                m["content"] if isinstance(m["content"], list) else [{"type": "text", "text": m["content"]}]
            )
            text = "".join(p["text"].strip() if p["type"] == "text" else f"<|{p['type']}|>" for p in parts)
            out += f"<|turn>user\n{text}<turn|>\n"
        elif m["role"] == "tool":
            out += f'<|tool_response>response:{called}{{value:<|"|>{m["content"]}<|"|>}}<tool_response|>'
        elif "tool_calls" in m:
            f = m["tool_calls"][0]["function"]
            called = f["name"]
            arguments = ",".join(f'{k}:<|"|>{v}<|"|>' for k, v in sorted(f["arguments"].items()))
            out += f"<|turn>model\n<|tool_call>call:{called}{{{arguments}}}<tool_call|>"
        else:
            out += f"<|turn>model\n{m['content']}<turn|>\n"
    return out if messages[-1]["role"] == "tool" else out + "<|turn>model\n"


def declaration(f):
    p = f["parameters"]
    properties = ",".join(
        f'{k}:{{description:<|"|>{v["description"]}<|"|>,type:<|"|>{v["type"].upper()}<|"|>}}'
        for k, v in sorted(p["properties"].items())
    )
    required = ",".join(f'<|"|>{k}<|"|>' for k in p["required"])
    return (
        f'<|tool>declaration:{f["name"]}{{description:<|"|>{f["description"]}<|"|>,parameters:{{properties:{{{properties}}},'
        f'required:[{required}],type:<|"|>{p["type"].upper()}<|"|>}}}}<tool|>'
    )


def call(name, **arguments):
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}],
    }


def expand(ids, kind, soft_tokens):
    """Puts a picture's or an utterance's soft tokens in the place of the placeholder."""
    k = ids.index(ID[f"<|{kind}|>"])
    return (
        ids[:k] + [ID[f"<|{kind}>"]] + [ID[f"<|{kind}|>"]] * soft_tokens + [ID[f"<{kind}|>"]] + ids[k + 1 :]
    )


def expand_marks(ids, marks, kind, soft_tokens):
    k = ids.index(ID[f"<|{kind}|>"])
    return marks[:k] + [0] * (soft_tokens + 2) + marks[k + 1 :]
