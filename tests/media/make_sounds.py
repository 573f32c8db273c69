#!/usr/bin/env python3
"""Writes sounds/: small compressed files of every kind that carat reads, and expected.txt, what other programs make of them.

usage: make_sounds.py FOLDER   (needs ffmpeg, lame, sox, flac, oggenc, opusenc, oggdec, twolame; the tests need none of them)
The number of frames comes from counting MPEG frames here, and for the other kinds from the sound that was encoded; the energy comes
from the decoders of ffmpeg and of oggdec.
"""
import array
import os
import struct
import subprocess
import sys
import tempfile

folder = sys.argv[1]
work = tempfile.mkdtemp()
lines = []


def run(*words, data=None):
    return subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def tone(rate, channels, seconds, bits=16):
    """A WAV file: a tone that swells, another one in the second channel."""
    path = os.path.join(work, f"{rate}-{channels}-{seconds}-{bits}.wav")
    synth = ["sine", "440"] if channels == 1 else ["sine", "440", "sine", "700"]
    run("sox", "-R", "-n", "-r", str(rate), "-b", str(bits), "-c", str(channels), path, "synth", str(seconds), *synth, "fade", "0.1", "vol", "0.5")
    return path


def energy(data, name, channels, rate):
    """Of what ffmpeg decodes, with channels mixed as carat mixes them."""
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(data)
    stored = int(run("ffprobe", "-v", "quiet", "-show_entries", "stream=channels", "-of", "csv=p=0", path).split()[0].strip(b","))
    if b"vorbis" in data[:100]:  # of which ffmpeg drops the beginning
        run("oggdec", "-Q", "-o", path + ".wav", path)
        path += ".wav"
    samples = array.array("f", run("ffmpeg", "-v", "quiet", "-i", path, "-ar", str(rate), "-f", "f32le", "-"))
    total = 0
    for i in range(0, len(samples), stored):
        frame = samples[i:i + stored]
        if stored != channels:
            frame = [sum(frame) / stored] * channels
        total += sum(s * s for s in frame)
    return total


def expect(name, data, rate, channels, frames, heard=None):
    """Keeps the file and what it is decoded to; the energy is that of `heard` where ffmpeg does not hear the whole file."""
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
    total = sum(energy(part, f"{i}-{name}", channels, rate) for i, part in enumerate(heard or [data]))
    lines.append(f"{name} {rate} {channels} {frames} {total:.2f}")


# ---- MPEG audio

KILOBITS = {(3, 3): [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            (2, 3): [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
            (3, 2): [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            (2, 2): [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]}


def mpeg_frames(data):
    """(offset, bytes, samples) of each frame."""
    at = 0
    while at + 4 <= len(data):
        if data[at] != 0xff or data[at + 1] & 0xe0 != 0xe0:
            at += 1
            continue
        version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
        rate = [44100, 48000, 32000][data[at + 2] >> 2 & 3] >> {3: 0, 2: 1, 0: 2}[version]
        kilobits = KILOBITS[(3 if version == 3 else 2, layer)][data[at + 2] >> 4]
        samples = 576 if layer == 3 and version != 3 else 1152
        size = samples // 8 * kilobits * 1000 // rate + (data[at + 2] >> 1 & 1)
        if at + size <= len(data):
            yield at, size, samples
        at += size


def xing_at(data):
    at = max(data[:200].find(b"Xing"), data[:200].find(b"Info"))
    return at if at > 0 else None


def mpeg_samples(data):
    total = sum(samples for _, _, samples in mpeg_frames(data))
    first = next(mpeg_frames(data))
    return total - (first[2] if xing_at(data) else 0)


def with_xing_frames(data, frames):
    at = xing_at(data)
    return data[:at + 8] + struct.pack(">I", frames) + data[at + 12:]


def lame(wav, *options):
    path = os.path.join(work, "out.mp3")  # a pipe gets no Xing header
    run("lame", "--quiet", *options, wav, path)
    with open(path, "rb") as f:
        return f.read()


mono, stereo = tone(16000, 1, 0.8), tone(16000, 2, 0.8)
cbr = lame(mono, "-b", "32", "-t")
info = lame(tone(16000, 1, 0.5), "-b", "64")
vbr = lame(mono, "-V", "6")
vbr_other = lame(tone(16000, 1, 1.3), "-V", "4")
pair = lame(stereo, "-b", "48", "-t", "-m", "s")
other_rate = lame(tone(24000, 1, 0.5), "-b", "32", "-t", "--resample", "24")
expect("cbr_no_header.mp3", cbr, 16000, 1, mpeg_samples(cbr))
expect("info.mp3", info, 16000, 1, mpeg_samples(info))
expect("vbr.mp3", vbr, 16000, 1, mpeg_samples(vbr))
no_header = lame(tone(16000, 1, 1.0), "-V", "6", "-t")
expect("vbr_no_header.mp3", no_header, 16000, 1, mpeg_samples(no_header))
expect("stereo.mp3", pair, 16000, 2, mpeg_samples(pair))
joint = lame(tone(44100, 2, 0.4), "-b", "80", "-m", "j", "--resample", "44.1")
expect("joint_44100.mp3", joint, 44100, 2, mpeg_samples(joint))
mpeg25 = lame(tone(8000, 1, 0.8), "-b", "16", "-t")
expect("mpeg25_8000.mp3", mpeg25, 8000, 1, mpeg_samples(mpeg25))
padded = lame(tone(44100, 1, 0.3), "-b", "40", "-t", "--resample", "44.1")
expect("cbr_44100.mp3", padded, 44100, 1, mpeg_samples(padded))
layer2 = run("twolame", "--quiet", "-b", "64", "-m", "m", tone(48000, 1, 0.4), "-")
expect("layer2.mp2", layer2, 48000, 1, mpeg_samples(layer2))
joint2 = run("twolame", "--quiet", "-b", "96", "-m", "j", tone(48000, 2, 0.2), "-")
expect("layer2_joint.mp2", joint2, 48000, 2, mpeg_samples(joint2))
expect("xing_says_more.mp3", with_xing_frames(vbr, 5000), 16000, 1, mpeg_samples(vbr), [vbr])
expect("xing_says_less.mp3", with_xing_frames(vbr, 3), 16000, 1, mpeg_samples(vbr), [vbr])
expect("info_says_nothing.mp3", with_xing_frames(info, 0), 16000, 1, mpeg_samples(info), [info])

id3v1 = b"TAG" + b"a title".ljust(125, b"\0")
ape_item = struct.pack("<II", 5, 0) + b"Title\0hello"
ape = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(ape_item) + 32, 1, 0xa0000000) + ape_item + \
    struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(ape_item) + 32, 1, 0x80000000)
comment = b"TIT2" + struct.pack(">IH", 6, 0) + b"\0hello"
cover = b"APIC" + struct.pack(">IH", 400, 0) + (b"\0image/jpeg\0\3\0\xff\xd8\xff\xfb\x50\xc4" + bytes(400))[:400]
content = comment + cover + bytes(300)
id3v2 = b"ID3\3\0\0" + bytes(len(content) >> shift & 0x7f for shift in (21, 14, 7, 0)) + content
expect("tagged.mp3", id3v2 + cbr + ape + id3v1, 16000, 1, mpeg_samples(cbr), [cbr])
first_xing = next(mpeg_frames(vbr_other))[2]
expect("joined.mp3", vbr + vbr_other, 16000, 1, mpeg_samples(vbr) + mpeg_samples(vbr_other) + first_xing, [vbr, vbr_other])
expect("joined_tagged.mp3", id3v2 + cbr + id3v1 + id3v2 + no_header + ape, 16000, 1, mpeg_samples(cbr) + mpeg_samples(no_header), [cbr, no_header])
expect("joined_mono_stereo.mp3", cbr + pair, 16000, 1, mpeg_samples(cbr) + mpeg_samples(pair), [cbr, pair])
expect("joined_stereo_mono.mp3", pair + cbr, 16000, 2, mpeg_samples(cbr) + mpeg_samples(pair), [pair, cbr])
expect("joined_rates.mp3", cbr + other_rate, 16000, 1, mpeg_samples(cbr) + mpeg_samples(other_rate) * 2 // 3, [cbr, other_rate])
last = list(mpeg_frames(cbr))[-1][0]
expect("cut_in_frame.mp3", cbr[:-50], 16000, 1, mpeg_samples(cbr[:-50]), [cbr[:last]])
junk = bytes(range(1, 200)) * 3
expect("junk_between.mp3", cbr + junk + no_header, 16000, 1, mpeg_samples(cbr) + mpeg_samples(no_header), [cbr, no_header])

# ---- Ogg

vorbis = run("oggenc", "-Q", "-q", "-1", "-s", "1", "-o", "-", mono)
vorbis_stereo = run("oggenc", "-Q", "-q", "-1", "-s", "2", "-o", "-", tone(44100, 2, 0.4))
vorbis_other = run("oggenc", "-Q", "-q", "-1", "-s", "3", "-o", "-", tone(16000, 1, 0.5))
opus = run("opusenc", "--quiet", "--bitrate", "16", "--serial", "4", mono, "-")
opus_stereo = run("opusenc", "--quiet", "--bitrate", "32", "--serial", "5", tone(48000, 2, 0.5), "-")
opus_44100 = run("opusenc", "--quiet", "--bitrate", "24", "--serial", "6", tone(44100, 1, 0.5), "-")
expect("vorbis.ogg", vorbis, 16000, 1, 12800)
expect("vorbis_stereo.ogg", vorbis_stereo, 44100, 2, 17640)
expect("opus.opus", opus, 16000, 1, 12800)
expect("opus_stereo.opus", opus_stereo, 48000, 2, 24000)
expect("opus_44100.opus", opus_44100, 48000, 1, 24000)
expect("chained_vorbis.ogg", vorbis + vorbis_other, 16000, 1, 12800 + 8000, [vorbis, vorbis_other])
expect("chained_opus.opus", opus_stereo + opus_44100, 48000, 2, 48000, [opus_stereo, opus_44100])
expect("chained_both.ogg", vorbis + opus, 16000, 1, 25600, [vorbis, opus])
expect("chained_rates.ogg", opus + vorbis_stereo, 16000, 1, 12800 + 6400, [opus, vorbis_stereo])
six = os.path.join(work, "six.wav")
run("sox", "-R", mono, "-c", "6", six, "remix", "1", "1", "1", "1", "1", "1")
six_opus = run("ffmpeg", "-v", "quiet", "-bitexact", "-i", six, "-c:a", "libopus", "-b:a", "48k", "-mapping_family", "1", "-f", "opus", "-")
expect("opus_six_channels.opus", six_opus, 16000, 1, 12800)
ogg_flac = run("flac", "-s", "--ogg", "--serial-number=7", "-c", tone(8000, 1, 0.5))
expect("flac.oga", ogg_flac, 8000, 1, 4000)

# ---- FLAC


def flac(wav, *options):
    return run("flac", "-s", "--no-padding", "--no-seektable", *options, "-c", wav)


def without_total(data):
    """STREAMINFO's last 36 bits before the checksum are the number of samples."""
    at = 8 + 13
    return data[:at] + bytes([data[at] & 0xf0]) + bytes(4) + data[at + 5:]


def with_total(data, total):
    at = 8 + 13
    return data[:at] + bytes([data[at] & 0xf0]) + struct.pack(">I", total) + data[at + 5:]


flac16 = with_total(flac(tone(8000, 1, 0.5)), 4000)
flac24 = with_total(flac(tone(16000, 2, 0.2, 24)), 3200)
expect("flac16.flac", flac16, 8000, 1, 4000)
expect("flac24.flac", flac24, 16000, 2, 3200)
expect("flac_without_total.flac", without_total(flac16), 8000, 1, 4000)
expect("flac_tagged.flac", id3v2 + flac16 + id3v1, 8000, 1, 4000, [flac16])
expect("flac_joined.flac", flac16 + flac16, 8000, 1, 8000, [flac16, flac16])

# A variable bit rate without a header, loud at first: its first frames say that the file is four times shorter than it is.
with open(os.path.join(folder, "vbr_loud_then_soft.mp3"), "rb") as f:
    loud = f.read()
expect("vbr_loud_then_soft.mp3", loud, 44100, 1, mpeg_samples(loud))

with open(os.path.join(folder, "expected.txt"), "w") as f:
    f.write("# file rate channels frames energy\n" + "\n".join(lines) + "\n")
