#!/usr/bin/env python3
"""Write the text decoder of a checkpoint folder as a BF16 GGUF file that llama.cpp reads.

The same weights as the folder's, so that engines can be measured and compared on them. Matrices are copied as
they are (bf16), vectors become float32, as llama.cpp's own converter does. Streams: no tensor is ever held.
Without a tokenizer.json in the folder the tokenizer is made up: enough for loading and for measuring.

usage: make_gguf.py CHECKPOINT OUT.gguf
"""
import argparse
import itertools
import json
import os
import string
import struct
import sys

ALIGNMENT = 32
CHUNK = 1 << 22
F32, BF16 = 0, 30  # ggml's numbers of the types
FILE_TYPE_BF16 = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9  # GGUF's numbers of the value types
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6  # kinds of tokens
NEVER = 1e30  # a rotary frequency divided by this stands still

# What a checkpoint calls a tensor, and what GGUF does; of the model, and of one layer.
MODEL_NAMES = {
    "embed_tokens.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "embed_tokens_per_layer.weight": "per_layer_token_embd.weight",
    "per_layer_model_projection.weight": "per_layer_model_proj.weight",
    "per_layer_projection_norm.weight": "per_layer_proj_norm.weight",
}
LAYER_NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight",
    "post_attention_layernorm.weight": "post_attention_norm.weight",
    "pre_feedforward_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
    "post_feedforward_layernorm.weight": "post_ffw_norm.weight",
    "per_layer_input_gate.weight": "inp_gate.weight",
    "per_layer_projection.weight": "proj.weight",
    "post_per_layer_input_norm.weight": "post_norm.weight",
    "layer_scalar": "layer_output_scale.weight",
    "router.proj.weight": "ffn_gate_inp.weight",
    "router.scale": "ffn_gate_inp.scale",
    "router.per_expert_scale": "ffn_down_exps.scale",
    "pre_feedforward_layernorm_2.weight": "pre_ffw_norm_2.weight",
    "post_feedforward_layernorm_1.weight": "post_ffw_norm_1.weight",
    "post_feedforward_layernorm_2.weight": "post_ffw_norm_2.weight",
    "experts.gate_up_proj": "ffn_gate_up_exps.weight",
    "experts.down_proj": "ffn_down_exps.weight",
}
# Always rendered, though the tokenizer calls them special.
RENDERED = {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>",
            '<|"|>'}


class Source:
    """A tensor of the checkpoint."""

    def __init__(self, path, offset, size, kind, shape):
        self.path, self.offset, self.size, self.kind, self.shape = path, offset, size, kind, shape


def read_checkpoint(folder):
    """Every tensor of the folder's safetensors files by name."""
    files = sorted(f for f in os.listdir(folder) if f.startswith("model") and f.endswith(".safetensors"))
    tensors = {}
    for name in files:
        path = os.path.join(folder, name)
        with open(path, "rb") as f:
            (length,) = struct.unpack("<Q", f.read(8))
            header = json.loads(f.read(length))
        header.pop("__metadata__", None)
        for tensor, entry in header.items():
            begin, end = entry["data_offsets"]
            tensors[tensor] = Source(path, 8 + length + begin, end - begin, entry["dtype"], entry["shape"])
    return tensors


def string_bytes(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


SCALARS = {
    UINT32: lambda v: struct.pack("<I", v),
    INT32: lambda v: struct.pack("<i", v),
    FLOAT32: lambda v: struct.pack("<f", v),
    BOOL: lambda v: struct.pack("<?", v),
    STRING: string_bytes,
}


def value_bytes(kind, value):
    """The type and the value of one key; a list is an array of that type."""
    if isinstance(value, list):
        return struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(map(SCALARS[kind], value))
    return struct.pack("<I", kind) + SCALARS[kind](value)


def layer_heads(text):
    """(head_dim, kv_heads) of every layer, from either form of the configuration."""
    full = [kind == "full_attention" for kind in text["layer_types"]]
    usual = (text["head_dim"], text["num_key_value_heads"])
    overrides = text.get("per_layer_config")
    if overrides is not None:
        by_layer = {int(layer): values for layer, values in overrides.items()}
        return [(by_layer.get(i, {}).get("head_dim", usual[0]),
                 by_layer.get(i, {}).get("num_key_value_heads", usual[1])) for i in range(len(full))]
    kv_heads = text.get("num_global_key_value_heads") if text.get("attention_k_eq_v") else None
    wide = (text.get("global_head_dim", 512), kv_heads or usual[1])
    return [wide if is_full else usual for is_full in full]


def model_keys(text):
    """The keys that describe the decoder: (key, type, value)."""
    layers = text["num_hidden_layers"]
    heads = layer_heads(text)
    sliding = [kind == "sliding_attention" for kind in text["layer_types"]]
    (full_dim,) = {dim for (dim, _), slides in zip(heads, sliding) if not slides}
    (sliding_dim,) = {dim for (dim, _), slides in zip(heads, sliding) if slides}
    kv_heads = [kv for _, kv in heads]
    shared = text.get("num_kv_shared_layers", 0)
    width = text["intermediate_size"]
    if text.get("use_double_wide_mlp"):
        width = [width * (2 if i >= layers - shared else 1) for i in range(layers)]
    rope = text["rope_parameters"]
    keys = [
        ("block_count", UINT32, layers),
        ("context_length", UINT32, text["max_position_embeddings"]),
        ("embedding_length", UINT32, text["hidden_size"]),
        ("feed_forward_length", INT32 if isinstance(width, list) else UINT32, width),
        ("attention.head_count", UINT32, text["num_attention_heads"]),
        ("attention.head_count_kv",) + ((UINT32, kv_heads[0]) if len(set(kv_heads)) == 1 else (INT32, kv_heads)),
        ("attention.key_length", UINT32, full_dim),
        ("attention.value_length", UINT32, full_dim),
        ("attention.key_length_swa", UINT32, sliding_dim),
        ("attention.value_length_swa", UINT32, sliding_dim),
        ("attention.sliding_window", UINT32, text["sliding_window"]),
        ("attention.sliding_window_pattern", BOOL, sliding),
        ("attention.shared_kv_layers", UINT32, shared),
        ("attention.layer_norm_rms_epsilon", FLOAT32, text["rms_norm_eps"]),
        ("rope.freq_base", FLOAT32, rope["full_attention"]["rope_theta"]),
        ("rope.freq_base_swa", FLOAT32, rope["sliding_attention"]["rope_theta"]),
        ("rope.dimension_count", UINT32, full_dim),
        ("rope.dimension_count_swa", UINT32, sliding_dim),
        ("embedding_length_per_layer_input", UINT32, text.get("hidden_size_per_layer_input") or 0),
    ]
    if text.get("final_logit_softcapping"):
        keys.append(("final_logit_softcapping", FLOAT32, text["final_logit_softcapping"]))
    if text.get("enable_moe_block"):
        keys += [
            ("expert_count", UINT32, text["num_experts"]),
            ("expert_used_count", UINT32, text["top_k_experts"]),
            ("expert_feed_forward_length", UINT32, text["moe_intermediate_size"]),
        ]
    return [("gemma4." + key, kind, value) for key, kind, value in keys]


def made_up_tokenizer(size):
    """Pieces and merges of a vocabulary of that size: controls, bytes, letters, and strings of two to four."""
    controls = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    pieces = [(piece, CONTROL) for piece in controls] + [(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
    pieces += [(piece, NORMAL) for piece in ["\n", "\u2581"] + list(string.ascii_letters)]
    merges = []
    for length in (2, 3, 4):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            if len(pieces) >= size:
                return pieces[:size], merges
            piece = "".join(letters)
            pieces.append((piece, NORMAL))
            merges.append(f"{piece[:-1]} {piece[-1]}")
    while len(pieces) < size:
        pieces.append((f"<unused{len(pieces)}>", NORMAL))
    return pieces[:size], merges


def real_tokenizer(path, size):
    """Pieces and merges of a tokenizer.json, filled up to `size`."""
    with open(path, encoding="utf-8") as f:
        tokenizer = json.load(f)
    model = tokenizer["model"]
    pieces = [(f"<unused{i}>", NORMAL) for i in range(size)]
    for piece, i in model["vocab"].items():
        is_byte = len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")
        pieces[i] = (piece, BYTE if is_byte else NORMAL)
    for token in tokenizer["added_tokens"]:
        kind = CONTROL if token["special"] and token["content"] not in RENDERED else USER_DEFINED
        pieces[token["id"]] = (token["content"], kind)
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    return pieces, merges


def tokenizer_keys(folder, config, text):
    path = os.path.join(folder, "tokenizer.json")
    size = text["vocab_size"]
    pieces, merges = real_tokenizer(path, size) if os.path.exists(path) else made_up_tokenizer(size)
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    if "<unk>" in ids:
        pieces[ids["<unk>"]] = ("<unk>", UNKNOWN)
    eos = config.get("eos_token_id", text.get("eos_token_id", 1))
    keys = [
        ("model", STRING, "gemma4"),
        ("tokens", STRING, [piece for piece, _ in pieces]),
        ("scores", FLOAT32, [-1000.0] * len(pieces)),
        ("token_type", INT32, [kind for _, kind in pieces]),
        ("merges", STRING, merges),
        ("eos_token_id", UINT32, eos[0] if isinstance(eos, list) else eos),
        ("add_bos_token", BOOL, True),
        ("add_space_prefix", BOOL, False),
    ]
    for key, piece in (("bos", "<bos>"), ("unknown", "<unk>"), ("padding", "<pad>"), ("mask", "<mask>")):
        if piece in ids:
            keys.append((key + "_token_id", UINT32, ids[piece]))
    return [("tokenizer.ggml." + key, kind, value) for key, kind, value in keys]


def gguf_name(name, prefix):
    """GGUF's name of a tensor of the decoder."""
    rest = name[len(prefix):]
    if rest in MODEL_NAMES:
        return MODEL_NAMES[rest]
    layers, number, inner = rest.split(".", 2)
    if layers != "layers" or inner not in LAYER_NAMES:
        raise SystemExit(f"no GGUF name for tensor {name}")
    return f"blk.{number}.{LAYER_NAMES[inner]}"


class Target:
    """A tensor of the GGUF file: the bytes come from a tensor of the checkpoint, or are given."""

    def __init__(self, name, shape, kind, source=None, data=None):
        self.name, self.shape, self.kind, self.source, self.data = name, shape, kind, source, data
        self.size = 1
        for size in shape:
            self.size *= size
        self.size *= 4 if kind == F32 else 2


def plan(tensors, text):
    """What goes into the file, in order."""
    prefix = next((p for p in ("model.language_model.", "model.") if p + "embed_tokens.weight" in tensors), None)
    if prefix is None:
        raise SystemExit("there is no text decoder in this folder")
    layers, shared = text["num_hidden_layers"], text.get("num_kv_shared_layers", 0)
    unused = {f"layers.{i}.self_attn.{name}.weight" for i in range(layers - shared, layers)
              for name in ("k_proj", "v_proj", "k_norm")}
    targets = []
    for name, source in tensors.items():
        if not name.startswith(prefix) or name[len(prefix):] in unused:
            continue
        if source.kind != "BF16":
            raise SystemExit(f"tensor {name} is {source.kind}, but must be BF16")
        small = len(source.shape) == 1 or name.endswith("router.proj.weight")
        targets.append(Target(gguf_name(name, prefix), source.shape, F32 if small else BF16, source))
    full = text["rope_parameters"]["full_attention"]
    dim = max(head_dim for head_dim, _ in layer_heads(text))
    turning = int(full.get("partial_rotary_factor", 1.0) * dim / 2)
    factors = [1.0] * turning + [NEVER] * (dim // 2 - turning)
    targets.append(Target("rope_freqs.weight", [dim // 2], F32, data=struct.pack(f"<{dim // 2}f", *factors)))
    return targets


def to_float32(data):
    """bf16 is the upper half of float32."""
    wide = bytearray(2 * len(data))
    wide[2::4] = data[0::2]
    wide[3::4] = data[1::2]
    return bytes(wide)


def write_tensor(out, target):
    if target.data is not None:
        out.write(target.data)
        return
    with open(target.source.path, "rb") as f:
        f.seek(target.source.offset)
        left = target.source.size
        while left > 0:
            data = f.read(min(CHUNK, left))
            if not data:
                raise SystemExit(f"{target.source.path}: cut short")
            left -= len(data)
            out.write(data if target.kind == BF16 else to_float32(data))


def pad(out):
    out.write(b"\0" * (-out.tell() % ALIGNMENT))


def write_gguf(path, keys, targets):
    with open(path, "wb") as out:
        out.write(struct.pack("<4sIQQ", b"GGUF", 3, len(targets), len(keys)))
        for key, kind, value in keys:
            out.write(string_bytes(key) + value_bytes(kind, value))
        offset = 0
        for target in targets:
            shape = list(reversed(target.shape))
            out.write(string_bytes(target.name) + struct.pack("<I", len(shape)))
            out.write(struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", target.kind, offset))
            offset += (target.size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        pad(out)
        for target in targets:
            write_tensor(out, target)
            pad(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    arguments = parser.parse_args()
    with open(os.path.join(arguments.checkpoint, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    text = config.get("text_config") or config
    general = [
        ("general.architecture", STRING, "gemma4"),
        ("general.name", STRING, os.path.basename(os.path.abspath(arguments.checkpoint))),
        ("general.file_type", UINT32, FILE_TYPE_BF16),
        ("general.quantization_version", UINT32, 2),
    ]
    keys = general + model_keys(text) + tokenizer_keys(arguments.checkpoint, config, text)
    targets = plan(read_checkpoint(arguments.checkpoint), text)
    write_gguf(arguments.out, keys, targets)
    values = sum(target.size // (4 if target.kind == F32 else 2) for target in targets)
    print(f"{arguments.out}: {len(targets)} tensors, {values / 1e9:.3f} G values, "
          f"{os.path.getsize(arguments.out) / 1e9:.2f} GB")


if __name__ == "__main__":
    sys.exit(main())
