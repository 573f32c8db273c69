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

# JPEG files as phones and browsers write them, and without their end marker.
for name, options in (("sampled", {"quality": 80, "subsampling": 2}), ("progressive", {"quality": 85, "progressive": True}),
                      ("grey", {"quality": 85})):
    whole = encoded(grey if name == "grey" else rgb, "JPEG", **options)
    for missing in (1, 2):
        pixels = np.asarray(Image.open(io.BytesIO(whole)).convert("RGB"))
        expect(f"{name}_without_end{missing}.jpg", whole[:-missing], pixels)
expect("restarts.jpg", encoded(rgb, "JPEG", quality=80, restart_marker_blocks=1))
expect("cmyk_progressive.jpg", encoded(Image.fromarray(scene(19, 23, 4), "CMYK"), "JPEG", quality=90, progressive=True))

# GIF: the first frame on the background colour; transparency is dropped.
palette = rgb.quantize(60)
expect("palette.gif", encoded(palette, "GIF"))
expect("grey.gif", encoded(grey, "GIF"))
expect("interlaced.gif", encoded(palette, "GIF", interlace=1))
expect("not_interlaced.gif", encoded(palette, "GIF", interlace=0))
see_through = encoded(palette, "GIF", transparency=5)
expect("transparent.gif", see_through, np.asarray(palette.convert("RGB")))
animated = encoded(palette, "GIF", save_all=True, append_images=[palette.rotate(180), palette.rotate(90)], duration=100, loop=0)
expect("animated.gif", animated, np.asarray(palette.convert("RGB")))


def gif(width, height, background, colours, left, top, frame_width, frame_height, data, trailer=b";"):
    """One frame of two-bit colours whose packed indices are `data`."""
    return (b"GIF87a" + struct.pack("<HHBBB", width, height, 0x81, background, 0) + bytes(colours) + b"," +
            struct.pack("<HHHHB", left, top, frame_width, frame_height, 0) + b"\2" + bytes([len(data)]) + data + b"\0" + trailer)


def gif_codes(indices):
    """Indices of 2 bits as uncompressed codes: a clear code before every second one keeps codes at 3 bits."""
    bits = []
    for i, index in enumerate(indices):
        for code in ([4] if i % 2 == 0 else []) + [index]:
            bits += [code >> b & 1 for b in range(3)]
    bits += [1, 0, 1] + [0] * 7
    return bytes(sum(bits[i + b] << b for b in range(8)) for i in range(0, len(bits) // 8 * 8, 8))


four = [10, 20, 30, 200, 0, 0, 0, 200, 0, 0, 0, 200]
small = np.full((5, 6, 3), (0, 200, 0), np.uint8)
small[1:3, 2:5] = np.array(four, np.uint8).reshape(4, 3)[np.array([[0, 1, 3], [3, 0, 1]])]
expect("smaller_frame.gif", gif(6, 5, 2, four, 2, 1, 3, 2, gif_codes([0, 1, 3, 3, 0, 1])), small)
expect("without_trailer.gif", gif(6, 5, 2, four, 2, 1, 3, 2, gif_codes([0, 1, 3, 3, 0, 1]), b""), small)
clipped = np.full((2, 3, 3), (0, 200, 0), np.uint8)
clipped[1, 2] = (10, 20, 30)
expect("frame_outside.gif", gif(3, 2, 2, four, 2, 1, 3, 2, gif_codes([0, 1, 3, 3, 0, 1])), clipped)


# BMP
def bmp(bits, rows, palette=b"", compression=0, masks=b"", height=19, header=40, width=23):
    size = 14 + header + len(masks if header == 40 else b"") + len(palette)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        colours = len(palette) // 4
        info = (struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, 0, 2835, 2835, colours, 0) + masks).ljust(
            header + len(masks if header == 40 else b""), b"\0")
    return struct.pack("<2sIHHI", b"BM", size + len(rows), 0, 0, size) + info + palette + rows


def bmp_rows(pixels, from_top=False):
    """Rows of bytes, each padded to a multiple of four."""
    rows = [row.tobytes() + bytes(-len(row.tobytes()) % 4) for row in pixels]
    return b"".join(rows if from_top else rows[::-1])


full = scene(19, 23, 3)
bgr = np.ascontiguousarray(full[..., ::-1])
expect("rgb24.bmp", bmp(24, bmp_rows(bgr)), full)
expect("from_top.bmp", bmp(24, bmp_rows(bgr, True), height=-19), full)
expect("core.bmp", bmp(24, bmp_rows(bgr), header=12), full)
expect("pillow.bmp", encoded(rgb, "BMP"))
expect("pillow8.bmp", encoded(palette, "BMP"))
bgrx = np.concatenate([bgr, np.full((19, 23, 1), 77, np.uint8)], -1)
expect("rgb32.bmp", bmp(32, bmp_rows(bgrx)), full)
expect("masks32.bmp", bmp(32, bmp_rows(bgrx[..., ::-1].copy()), compression=3, masks=struct.pack("<III", 0xff000000, 0xff0000, 0xff00)),
       np.ascontiguousarray(bgrx[..., ::-1][..., [3, 2, 1]]))
expect("v5.bmp", bmp(32, bmp_rows(bgrx), compression=3, masks=struct.pack("<IIII", 0xff0000, 0xff00, 0xff, 0xff000000), header=124), full)


def scaled(values, most):
    return ((values.astype(np.uint32) * 255 + most // 2) // most).astype(np.uint8)


r, g, b = (full[..., c].astype(np.uint16) for c in range(3))
expect("rgb555.bmp", bmp(16, bmp_rows((r >> 3) << 10 | (g >> 3) << 5 | b >> 3)),
       np.stack([scaled(r >> 3, 31), scaled(g >> 3, 31), scaled(b >> 3, 31)], -1))
expect("rgb565.bmp", bmp(16, bmp_rows((r >> 3) << 11 | (g >> 2) << 5 | b >> 3), compression=3, masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f)),
       np.stack([scaled(r >> 3, 31), scaled(g >> 2, 63), scaled(b >> 3, 31)], -1))
y, x = np.mgrid[0:19, 0:23]
for bits in (1, 4, 8):
    indices = ((x * 3 + y * 5) % (1 << bits)).astype(np.uint8)
    colours = np.array([[i * 37 % 256, i * 91 % 256, 255 - i, 0] for i in range(1 << bits)], np.uint8)
    packed = np.packbits(np.unpackbits(indices[..., None], axis=-1)[..., 8 - bits:].reshape(19, -1), axis=-1)
    expect(f"palette{bits}.bmp", bmp(bits, bmp_rows(packed), colours.tobytes()), np.ascontiguousarray(colours[indices][..., 2::-1]))
colours = np.array([[i * 37 % 256, i * 91 % 256, 255 - i, 0] for i in range(16)], np.uint8)
# Six pixels in three rows from below: a run, literal ones, a move over one row, an end.
runs8 = bytes([4, 3, 2, 5, 0, 0, 0, 3, 1, 2, 3, 0, 0, 2, 1, 1, 2, 9, 0, 1])
indices = np.zeros((3, 6), np.uint8)
indices[2] = [3, 3, 3, 3, 5, 5]
indices[1] = [1, 2, 3, 0, 0, 0]
indices[0] = [0, 0, 0, 0, 9, 9]
expect("runs8.bmp", bmp(8, runs8, colours.tobytes(), compression=1, height=3, width=6), np.ascontiguousarray(colours[indices][..., 2::-1]))
runs4 = bytes([5, 0x37, 1, 0x50, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 0, 0, 6, 0x99, 0, 1])
indices[2] = [3, 7, 3, 7, 3, 5]
indices[1] = [1, 2, 3, 4, 5, 0]
indices[0] = 9
expect("runs4.bmp", bmp(4, runs4, colours.tobytes(), compression=2, height=3, width=6), np.ascontiguousarray(colours[indices][..., 2::-1]))

with open(os.path.join(folder, "expected.txt"), "w") as f:
    f.write("# file width height crc32 of its pixels as RGB\n" + "\n".join(lines) + "\n")
