"""Pictures of coloured shapes and of handwritten digits: drawn in bulk by PyTorch, on the CPU or the GPU."""

import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from network import GRIDS, PATCHES

SIZES = [(240, 240), (320, 240), (240, 320)]  # width, height; one for each grid of patches
COLOURS = dict(
    red=(220, 40, 40),
    green=(40, 170, 60),
    blue=(50, 80, 220),
    yellow=(240, 210, 40),
    black=(20, 20, 20),
    white=(245, 245, 245),
    purple=(150, 60, 180),
    orange=(245, 140, 30),
)
SHAPES = ["circle", "square", "triangle", "star"]
PLACES = [
    ["top left", "top", "top right"],
    ["left", "centre", "right"],
    ["bottom left", "bottom", "bottom right"],
]
GROUNDS = [(128, 128, 128), (200, 200, 210), (90, 100, 90), (225, 220, 200), (60, 70, 90)]
MOST = 3  # shapes or digits in one picture
HELD_OUT_EVERY = 6  # of the digits


def load_digits(data, held_out):
    """(tiles [n, 8, 8] in 0..1, labels): every sixth digit is held out."""
    z = np.load(os.path.join(data, "digits.npz"))
    pick = (np.arange(len(z["labels"])) % HELD_OUT_EVERY == 0) == held_out
    return torch.from_numpy(z["images"][pick] / 16.0).float(), z["labels"][pick].tolist()


def scene(rng, labels, digits_share=0.4):
    """What to draw, and what is in it: the shapes as (size, colour, shape, place), or the digits as a string.

    An object is (shape or -1 - index of digit, centre x, centre y, half its size, colour, turn, slant, sharpness).
    """
    grid = rng.choice([0, 0, 1, 2])
    width, height = SIZES[grid]
    objects = []
    if rng.random() < digits_share:
        count = rng.randint(1, MOST)
        paper, pen = rng.randint(170, 250), rng.randint(0, 70)
        ground = tuple(paper + rng.randint(-15, 5) for _ in range(3))
        half = rng.uniform(34, 40) if count == MOST else rng.uniform(36, 52)
        step = width / count
        line, facts = height / 2 + rng.uniform(-0.5, 0.5) * (height - 2.4 * half), ""
        for k in range(count):
            index = rng.randrange(len(labels))
            x = (k + 0.5) * step + rng.uniform(-0.5, 0.5) * max(0, step - 2.1 * half)
            objects.append(
                (
                    -1 - index,
                    x,
                    line + rng.uniform(-6, 6),
                    half * rng.uniform(0.92, 1.06),
                    (pen,) * 3,
                    rng.gauss(0, 0.08),
                    rng.gauss(0, 0.08),
                    rng.choice([0, 0, 3, 8]),
                )
            )
            facts += str(labels[index])
    else:
        ground, facts = rng.choice(GROUNDS), []
        for row, column in sorted(
            rng.sample([(r, c) for r in range(3) for c in range(3)], rng.choice([1, 1, 2, 2, 3]))
        ):
            colour, shape, large = rng.choice(list(COLOURS)), rng.randrange(len(SHAPES)), rng.random() < 0.5
            half = min(width, height) / 6 * (rng.uniform(0.84, 0.95) if large else rng.uniform(0.42, 0.52))
            x, y = ((c + 0.5) * size / 3 + rng.uniform(-4, 4) for c, size in ((column, width), (row, height)))
            paint = tuple(max(0, min(255, v + rng.randint(-12, 12))) for v in COLOURS[colour])
            objects.append((shape, x, y, half, paint, 0.0, 0.0, 0))
            facts.append(("large" if large else "small", colour, SHAPES[shape], PLACES[row][column]))
    return dict(grid=grid, ground=ground, objects=objects, noise=rng.choice([0, 0, 6, 10])), facts


def distance_inside(shape, x, y, half):
    """How many pixels a point lies inside of each outline; negative outside."""
    circle = half - torch.hypot(x, y)
    square = half - torch.maximum(x.abs(), y.abs())
    triangle = torch.minimum(half - y, (half + y - 2 * x.abs()) / 5**0.5)
    sector = math.pi / 5  # a star is ten mirror images of one edge
    angle = (torch.remainder(torch.atan2(x, -y) + sector, 2 * sector) - sector).abs()
    radius = torch.hypot(x, y)
    edge_x, edge_y = 0.45 * math.cos(sector) - 1, 0.45 * math.sin(sector)
    along = math.hypot(edge_x, edge_y)
    star = (edge_y * (half - radius * angle.cos()) + edge_x * radius * angle.sin()) / along
    return torch.stack([circle, square, triangle, star]).gather(0, shape.expand(1, *x.shape))[0]


def draw(scenes, tiles, generator, warp=0.0):
    """Draws scenes of one grid: [n, 3, height, width] uint8. `warp` bends digits, in pixels."""
    device = tiles.device
    width, height = SIZES[scenes[0]["grid"]]
    n = len(scenes)
    padded = [
        s["objects"] + [(0, -1e4, -1e4, 1.0, (0, 0, 0), 0.0, 0.0, 0)] * (MOST - len(s["objects"]))
        for s in scenes
    ]
    image = torch.tensor([s["ground"] for s in scenes], device=device, dtype=torch.float32)[:, :, None, None]
    image = image.expand(n, 3, height, width)
    ys, xs = torch.meshgrid(
        torch.arange(height, device=device) + 0.5, torch.arange(width, device=device) + 0.5, indexing="ij"
    )
    bend = torch.randn(n, 2, 4, 4, generator=generator, device=device) * warp
    bend = F.interpolate(bend, (height, width), mode="bicubic", align_corners=True)
    for k in range(MOST):
        kind = torch.tensor([p[k][0] for p in padded], device=device)
        x0, y0, half, turn, slant, sharp = (
            torch.tensor([p[k][i] for p in padded], device=device, dtype=torch.float32)[:, None, None]
            for i in (1, 2, 3, 5, 6, 7)
        )
        paint = torch.tensor([p[k][4] for p in padded], device=device, dtype=torch.float32)[:, :, None, None]
        x, y = xs - x0, ys - y0
        shape_cover = (distance_inside(kind.clamp(min=0)[None, :, None, None], x, y, half) + 0.5).clamp(0, 1)
        u, v = (x + bend[:, 0]) / half, (y + bend[:, 1]) / half
        u, v = u * turn.cos() - v * turn.sin() + slant * v, u * turn.sin() + v * turn.cos()
        ink = F.grid_sample(
            tiles[(-1 - kind).clamp(min=0)][:, None],
            torch.stack([u, v], -1),
            mode="bicubic",
            align_corners=False,
        )[:, 0]
        ink = torch.where(sharp > 0, (ink - 0.5) * sharp + 0.5, ink).clamp(0, 1)
        ink = torch.where((u.abs() < 1.1) & (v.abs() < 1.1), ink, 0.0)
        cover = torch.where(kind[:, None, None] >= 0, shape_cover, ink)[:, None]
        image = image * (1 - cover) + paint * cover
    noise = torch.tensor([s["noise"] for s in scenes], device=device, dtype=torch.float32)[
        :, None, None, None
    ]
    image = image + (torch.rand(image.shape, generator=generator, device=device) * 2 - 1) * noise
    return image.round().clamp(0, 255).to(torch.uint8)


def to_patches(images, grid):
    """What the image processor does: [n, 576, 768] uint8, the rest of the patches zero."""
    across, down = GRIDS[grid]
    x = (
        F.interpolate(images.float(), (down * 16, across * 16), mode="bicubic", antialias=True)
        .round()
        .clamp(0, 255)
        .to(torch.uint8)
    )
    x = x.view(len(x), 3, down, 16, across, 16).permute(0, 2, 4, 3, 5, 1).reshape(len(x), down * across, 768)
    return F.pad(x, (0, 0, 0, PATCHES - down * across))
