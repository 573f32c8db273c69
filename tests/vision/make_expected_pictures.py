#!/usr/bin/env python3
"""Writes expected_pictures.txt: what the reference's image processor makes of pictures that picture_test.cc
makes as well. Needs torch, torchvision and transformers (5.17 or later), on an x86-64 machine with AVX2.

usage: make_expected_pictures.py > expected_pictures.txt
"""
import random
import zlib

import numpy as np
import torch
from transformers.models.gemma4.image_processing_gemma4 import Gemma4ImageProcessor

BUDGETS = (70, 140, 280, 560, 1120)


def make_picture(seed, height, width, kind):
    """Noise (0), black and white noise (1), or a ramp with some noise (2); see MakePicture in picture_test.cc."""
    i = np.arange(height * width * 3, dtype=np.uint32)
    x = i * np.uint32(2654435761) + np.uint32(seed * 40503)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x45D9F3B)
    x ^= x >> np.uint32(16)
    noise = (x & np.uint32(255)).astype(np.uint32)
    if kind == 1:
        noise = np.where(noise > 127, 255, 0)
    if kind == 2:
        noise = ((i // 3 % width) * 200 // width + noise // 8) % 256
    return noise.astype(np.uint8).reshape(height, width, 3)


def main():
    random.seed(4)
    sizes = [(1, 1), (1, 7), (9, 1), (1, 2000), (3000, 1), (2, 2500), (48, 48), (47, 49), (100, 5000), (5000, 100),
             (1080, 1920), (480, 640), (576, 1056), (384, 384), (16, 16), (768, 1024), (33, 3333), (1200, 40)]
    sizes += [(random.randint(1, 400), random.randint(1, 400)) for _ in range(40)]
    sizes += [(random.randint(400, 1500), random.randint(400, 1500)) for _ in range(6)]
    processor = Gemma4ImageProcessor()
    print("# seed height width kind budget -> height width crc32 of the patches")
    for seed, (height, width) in enumerate(sizes):
        kind = seed % 3
        budget = BUDGETS[seed % 5] if height * width < 1000000 else BUDGETS[seed % 3]
        picture = torch.from_numpy(make_picture(seed, height, width, kind)).permute(2, 0, 1)
        batch = processor(images=[picture], max_soft_tokens=budget, return_tensors="pt")
        positions = batch["image_position_ids"][0]
        valid = (positions != -1).all(-1)
        patches = (batch["pixel_values"][0][valid] * 255).round().to(torch.uint8).numpy()
        across, down = (positions[valid].max(0).values + 1).tolist()
        print(seed, height, width, kind, budget, down * 16, across * 16, zlib.crc32(patches.tobytes()))


main()
