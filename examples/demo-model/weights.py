"""The files that train.py writes and the other scripts read."""

import os

from safetensors.torch import load_file, save_file


def save(masters, tokenizer, out):
    """Float32 to go on from, and bfloat16, which the checkpoint will hold, in two files."""
    os.makedirs(out, exist_ok=True)
    whole = {n: t.float().cpu().contiguous() for n, t in masters.items()}
    save_file(whole, os.path.join(out, "masters.safetensors"))
    names = sorted(whole)
    for k in range(2):
        save_file({n: whole[n].bfloat16() for n in names[k::2]}, os.path.join(out, f"weights{k}.safetensors"))
    tokenizer.save(os.path.join(out, "tokenizer.json"))


def load(folder):
    """{name: float32 tensor} of what `save` wrote; the bfloat16 files do where the float32 one is missing."""
    path = os.path.join(folder, "masters.safetensors")
    if os.path.exists(path):
        return load_file(path)
    return {
        n: t.float()
        for k in range(2)
        for n, t in load_file(os.path.join(folder, f"weights{k}.safetensors")).items()
    }
