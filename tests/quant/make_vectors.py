#!/usr/bin/env python3
"""Write vectors.bin: what the `gguf` package of PyPI and libggml make of random bytes and random values.

Records, little-endian: kind, number of the format, count of values, count of bytes (uint32 each), the bytes, the
values (float32).
  kind 0: the bytes are random, the values what they decode to
  kind 1: the values are random, the bytes what they are encoded as
  kind 2: the bytes are one double, the root-mean-square error that libggml's encoder leaves on the values of the
          record of kind 3; no values
  kind 3: values alone

usage: make_vectors.py LIBGGML_BASE.so OUT
"""
import ctypes
import struct
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType, quants

FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
           "IQ4_NL", "IQ4_XS"]
ENCODED = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]
SEARCHED = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]


def record(kind, format_name, values=None, data=b""):
    values = np.zeros(0, np.float32) if values is None else values.astype(np.float32)
    number = FORMATS.index(format_name)
    return struct.pack("<4I", kind, number, values.size, len(data)) + data + values.tobytes()


def random_bytes(rng, format_name):
    block, size = gguf.GGML_QUANT_SIZES[GGMLQuantizationType[format_name]]
    return rng.integers(0, 256, 768 // block * size, dtype=np.uint8)


def decode(format_name, data):
    if format_name == "F32":
        return data.view(np.float32)
    with np.errstate(all="ignore"):
        return quants.dequantize(data.reshape(1, -1), GGMLQuantizationType[format_name]).reshape(-1)


def sample(rng, count):
    """Values as weights have them: of many sizes, some blocks zero, some constant."""
    values = rng.standard_normal(count) * np.exp2(rng.integers(-12, 3, count // 32)).repeat(32)
    values[32:64] = 0
    values[64:96] = -0.75
    values[96:128] = 1.5
    values[128] = 40
    return values.astype(np.float32)


def error_of(library, format_name, values):
    kind = GGMLQuantizationType[format_name]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    data = np.empty(values.size // block * size, np.uint8)
    library.ggml_quantize_chunk(
        ctypes.c_int(kind.value), ctypes.c_void_p(values.ctypes.data), ctypes.c_void_p(data.ctypes.data),
        ctypes.c_int64(0), ctypes.c_int64(values.size // 256), ctypes.c_int64(256), None)
    difference = decode(format_name, data).astype(np.float64) - values
    return float(np.sqrt(np.mean(difference ** 2)))


def main():
    library = ctypes.CDLL(sys.argv[1])
    rng = np.random.default_rng(20)
    parts = []
    for name in FORMATS:
        data = random_bytes(rng, name)
        parts.append(record(0, name, decode(name, data), data.tobytes()))
    values = sample(rng, 512)
    for name in ENCODED:
        data = quants.quantize(values.reshape(1, -1), GGMLQuantizationType[name])
        parts.append(record(1, name, values, data.tobytes()))
    weights = rng.standard_normal(4096).astype(np.float32) * 0.02
    parts.append(record(3, "F32", weights))
    for name in SEARCHED:
        parts.append(record(2, name, data=struct.pack("<d", error_of(library, name, weights))))
    with open(sys.argv[2], "wb") as f:
        f.write(b"".join(parts))


main()
