"""Utterances of one to three spoken words, put together from clips in bulk, and their mel features."""

import math
import os

import numpy as np
import torch

from network import MEL_FRAMES

LONGEST = (MEL_FRAMES - 1) * 160  # samples
CLIP = 14336  # samples kept for each clip, the rest zero


class Clips:
    """Spoken words, by voice: samples [n, CLIP] int16."""

    def __init__(self, data, held_out):
        import soundfile

        pcm, rate = soundfile.read(os.path.join(data, "clips.ogg"), dtype="int16")
        z = np.load(os.path.join(data, "clips.npz"))
        assert rate == 16000
        pick = np.flatnonzero(z["held_out"] == held_out)
        samples = np.zeros((len(pick), CLIP), np.int16)
        self.length = z["length"][pick].tolist()
        self.word = [str(z["words"][w]) for w in z["word"][pick]]
        for row, (start, length) in enumerate(zip(z["start"][pick], self.length)):
            samples[row, :length] = pcm[start : start + length]
        self.samples = torch.from_numpy(samples)
        self.voices = [np.flatnonzero(z["voice"][pick] == v).tolist() for v in np.unique(z["voice"][pick])]


def utterance(rng, clips_length, clips_word, voices, spread=0.13):
    """What to say, and the words: dict(clips, starts, rate, gain, noise, length in samples)."""
    voice = rng.choice(voices)
    rate = rng.uniform(1 - spread, 1 + spread)  # faster and higher, or slower and lower
    clips, starts, words, at = [], [], [], 0
    for _ in range(rng.choice([1, 1, 2, 2, 3, 3])):
        clip = rng.choice(voice)
        at += rng.randint(300, 2800)
        end = at + math.ceil(clips_length[clip] / rate)
        if end > LONGEST - 1400:
            break
        clips.append(clip), starts.append(at), words.append(clips_word[clip])
        at = end
    return dict(
        clips=clips,
        starts=starts,
        rate=rate,
        gain=rng.uniform(0.35, 1.1),
        noise=rng.choice([0, 0.001, 0.003, 0.006]),
        length=at + rng.randint(300, 1200),
    ), words


def speak(utterances, samples, generator):
    """Waveforms [n, LONGEST] float32, zero after each one's length."""
    device = samples.device
    t = torch.arange(LONGEST, device=device)
    length, rate, gain, noise = (
        torch.tensor([u[k] for u in utterances], device=device)[:, None]
        for k in ("length", "rate", "gain", "noise")
    )
    out = torch.zeros(len(utterances), LONGEST, device=device)
    for k in range(3):
        clip = torch.tensor([u["clips"][k] if k < len(u["clips"]) else 0 for u in utterances], device=device)
        start = torch.tensor(
            [u["starts"][k] if k < len(u["clips"]) else 10**6 for u in utterances], device=device
        )[:, None]
        place = (t - start) * rate
        whole = place.floor().long()
        inside = (place >= 0) & (whole < CLIP - 1)
        row, whole = samples[clip].float() / 32768, whole.clamp(0, CLIP - 2)
        a, b = row.gather(1, whole), row.gather(1, whole + 1)
        out += torch.where(inside, torch.lerp(a, b, (place - whole).float()), 0.0)
    out = out * gain + torch.randn(out.shape, generator=generator, device=device) * noise
    return (out.clamp(-1, 1) * 32767).round() / 32768 * (t < length)


def mel_filters(device):
    """[257, 128]: triangles of equal width on the HTK mel scale."""
    hz = 700 * (10 ** (np.linspace(0, 2595 * math.log10(1 + 8000 / 700), 130) / 2595) - 1)
    f = np.linspace(0, 8000, 257)[:, None]
    up, down = (f - hz[:-2]) / (hz[1:-1] - hz[:-2]), (hz[2:] - f) / (hz[2:] - hz[1:-1])
    return torch.from_numpy(np.maximum(0, np.minimum(up, down))).float().to(device)


def valid_frames(length):
    """Frames that end within `length` samples."""
    return max(0, (length - 161) // 160 + 1)


def soft_tokens(length):
    """Every fourth frame, counted from the first, gives a soft token."""
    return (valid_frames(length) + 3) // 4


def mel_features(waves, lengths):
    """What the feature extractor computes: [n, MEL_FRAMES, 128] and the mask of the valid frames."""
    device = waves.device
    window = torch.hann_window(320, device=device)
    x = torch.nn.functional.pad(waves, (160, MEL_FRAMES * 160 + 161 - 160 - waves.shape[1]))
    frames = x.unfold(1, 320, 160)[:, :MEL_FRAMES] * window
    mel = torch.log(torch.fft.rfft(frames, 512).abs() @ mel_filters(device) + 1e-3)
    valid = torch.tensor([valid_frames(n) for n in lengths], device=device)
    mask = torch.arange(MEL_FRAMES, device=device) < valid[:, None]
    return mel * mask[..., None], mask
