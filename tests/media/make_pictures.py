#!/usr/bin/env python3
"""Writes pictures/: small files of every kind that carat reads, and expected.txt, what Pillow makes of them.

usage: make_pictures.py FOLDER   (needs Pillow and numpy)
"""
import io
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

folder = sys.argv[1]
lines = []


def scene(height, width, channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x * 7 + y * 13) % 256, 255 - x * 5 % 256]
    return np.stack(planes[:channels], -1).astype(np.uint8)


def expect(name, data, pixels=None):
    """Keeps the file, and what it is decoded to: by Pillow unless `pixels` says otherwise."""
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
    if pixels is None:
        pixels = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    height, width, _ = pixels.shape
    lines.append(f"{name} {width} {height} {zlib.crc32(pixels.tobytes())}")


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, interlace, raw):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def adam7(pixels):
    raw = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = pixels[y0::dy, x0::dx]
        if part.size:
            raw += b"".join(b"\0" + row.tobytes() for row in part)
    return raw


def orientation(value, big_endian):
    order = ">" if big_endian else "<"
    return ((b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8) + struct.pack(order + "H", 2) +
            struct.pack(order + "HHII", 0x010F, 2, 4, 0x20414141) +
            struct.pack(order + "HHIHH", 0x0112, 3, 1, value, 0) + struct.pack(order + "I", 0))


rgb = Image.fromarray(scene(19, 23, 3))
rgba = Image.fromarray(scene(19, 23, 4))
grey = rgb.convert("L")
expect("rgb.png", encoded(rgb, "PNG"))
expect("rgba.png", encoded(rgba, "PNG"))
expect("grey.png", encoded(grey, "PNG"))
expect("grey_alpha.png", encoded(rgba.convert("LA"), "PNG"))
expect("palette.png", encoded(rgb.quantize(11), "PNG"))
expect("palette_transparent.png", encoded(rgb.quantize(200), "PNG", transparency=3))
expect("black_and_white.png", encoded(rgb.convert("1"), "PNG"))
expect("interlaced.png", png(23, 19, 8, 2, 1, adam7(scene(19, 23, 3))))
deep = np.arange(19 * 23 * 3, dtype=np.uint32) * 977 % 65536
deep = deep.astype(">u2").reshape(19, 23, 3)
expect("rgb16.png", png(23, 19, 16, 2, 0, b"".join(b"\0" + row.tobytes() for row in deep)), (deep >> 8).astype(np.uint8))
shade = deep[..., :1]
expect("grey16.png", png(23, 19, 16, 0, 0, b"".join(b"\0" + row.tobytes() for row in shade)),
       np.repeat((shade >> 8).astype(np.uint8), 3, -1))
expect("turned.png", encoded(rgb, "PNG", exif=orientation(6, False)))

expect("sampled.jpg", encoded(rgb, "JPEG", quality=80, subsampling=2))
expect("full.jpg", encoded(rgb, "JPEG", quality=95, subsampling=0))
expect("half.jpg", encoded(rgb, "JPEG", quality=85, subsampling=1))
expect("progressive.jpg", encoded(rgb, "JPEG", quality=85, progressive=True))
expect("grey.jpg", encoded(grey, "JPEG", quality=85))
expect("cmyk.jpg", encoded(Image.fromarray(scene(19, 23, 4), "CMYK"), "JPEG", quality=90))
for value in range(1, 9):
    expect(f"turned{value}.jpg", encoded(rgb, "JPEG", quality=90, subsampling=0, exif=b"Exif\0\0" + orientation(value, value % 2 == 0)))

expect("lossy.webp", encoded(rgb, "WEBP", quality=80))
expect("lossless.webp", encoded(rgb, "WEBP", lossless=True))
expect("lossless_alpha.webp", encoded(rgba, "WEBP", lossless=True, exact=True))
expect("lossy_alpha.webp", encoded(rgba, "WEBP", quality=90, exact=True))
expect("turned.webp", encoded(rgb, "WEBP", lossless=True, exif=b"Exif\0\0" + orientation(8, True)))
expect("animated.webp", encoded(rgb, "WEBP", lossless=True, save_all=True, append_images=[rgb.rotate(180)], duration=100))

with open(os.path.join(folder, "expected.txt"), "w") as f:
    f.write("# file width height crc32 of its pixels as RGB\n" + "\n".join(lines) + "\n")
