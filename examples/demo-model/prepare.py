#!/usr/bin/env python3
"""Write what train.py learns from: glosses.json, other_words.json, passages.json, digits.npz, clips.npz and clips.ogg.

  glosses   the first WordNet sense of frequent English words       Debian package wordnet-base
  passages  a few well-known passages of the King James Bible        Debian package bible-kjv
  clips     single spoken words in many synthetic voices             Debian packages espeak-ng, sox; soundfile of PyPI
  digits    1,797 handwritten digits of 8 x 8 pixels                 scikit-learn of PyPI

usage: prepare.py OUT
"""

import argparse
import json
import os
import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

WORDNET = "/usr/share/wordnet"
GLOSSES = 12000
UNSUITABLE = re.compile(
    r"slur|offensive|obscen|vulgar|derogat|disparag|genital|sexual|coit|prostitut|excrement|faec|feces"
)

PASSAGES = {
    "Genesis 1": "Gen 1:1-31",
    "Psalm 23": "Psa 23:1-6",
    "Ecclesiastes 3": "Eccl 3:1-8",
    "Matthew 5": "Matt 5:1-16",
    "the Lord's prayer": "Matt 6:9-13",
    "John 1": "John 1:1-14",
}

SPOKEN = (
    "zero one two three four five six seven eight nine ten hello goodbye yes no please thank open close door "
    "window light music lamp kitchen garden red green blue yellow black white cat dog bird fish horse tree "
    "river mountain house city morning evening night today tomorrow sun moon rain snow wind water fire bread "
    "apple coffee book paper pencil table chair clock train ship car road bridge left right up down start "
    "stop play pause next back call send find count"
).split()
ACCENTS = ["en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd"]
TIMBRES = (
    "m1 m2 m3 m4 m5 m7 m8 f1 f3 f4 f5 Alex Alicia Andrea Andy Annie Denis Diogo Gene Henrique Hugo Jacky Lee "
    "Marco Mario Michael Mike Nguyen RicishayMax Storm adam anika antonio aunty benjamin caleb david ed "
    "edward grandpa iven iven3 kaukovalta klatt klatt2 klatt4 marcelo max michel norbert pablo paul pedro "
    "quincy rob robert sandro shelby steph steph3 travis victor zac"
).split()
HELD_OUT_TIMBRES = "m6 f2 Gene2 belinda boris iven2 john linda miguel steph2".split()
TAKES = 2.7  # clips for each word and training timbre, on average
TRIM = "silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse".split()
LONGEST_CLIP = 14000  # samples


def glosses():
    """[[word, gloss], ...], the most frequent word first, and a list of the words beyond them.

    The gloss is that of a word's most frequent sense, up to the first semicolon.
    """
    frequency, sense, text = {}, {}, {}
    with open(os.path.join(WORDNET, "cntlist.rev")) as f:
        for line in f:
            key, _, count = line.split()
            word = key.split("%")[0]
            frequency[word] = frequency.get(word, 0) + int(count)
    for part in ("noun", "verb", "adj", "adv"):
        with open(os.path.join(WORDNET, "data." + part)) as f:
            for line in f:
                if not line.startswith(" "):
                    text[part, line[:8]] = line.split("|", 1)[1].strip()
        with open(os.path.join(WORDNET, "index." + part)) as f:
            for line in f:
                p = line.split()
                if line.startswith(" ") or not re.fullmatch("[a-z]{3,14}", p[0]):
                    continue
                tagged, offset = int(p[5 + int(p[3])]), p[6 + int(p[3])]
                if p[0] not in sense or tagged > sense[p[0]][0]:
                    sense[p[0]] = (tagged, part, offset)
    rows = []
    for word, (_, part, offset) in sense.items():
        if UNSUITABLE.search(text[part, offset]):
            continue
        gloss = re.sub(r"^\([^)]*\)\s*", "", text[part, offset].split(";")[0].strip())
        if 12 <= len(gloss) <= 140 and re.fullmatch(r"[A-Za-z0-9 ,.:'`\"/()-]+", gloss):
            rows.append((frequency.get(word, 0), word, gloss))
    rows.sort(reverse=True)
    taught = [row[1:] for row in rows[:GLOSSES]]
    return taught, sorted(set(sense) - {word for word, _ in taught})


def passages():
    """{name: [verse, ...]}"""
    out = {}
    for name, where in PASSAGES.items():
        said = subprocess.run(["bible", "-f", where], capture_output=True, check=True, text=True).stdout
        out[name] = [line.split(" ", 1)[1].strip() for line in said.splitlines() if " " in line]
    return out


def speak(job):
    """One word as 16-bit samples at 16 kHz, without the silence at both ends."""
    word, voice, speed, pitch = job
    said = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", word],
        capture_output=True,
        check=True,
    ).stdout
    raw = subprocess.run(
        ["sox", "-t", "wav", "-", "-t", "raw", "-r", "16000", "-e", "signed", "-b", "16", "-c", "1", "-"]
        + TRIM,
        input=said,
        capture_output=True,
        check=True,
    ).stdout
    return np.frombuffer(raw, "<i2")


def clips(out):
    """All clips one after the other as Opus in clips.ogg; the word, the voice and the place of each in clips.npz."""
    import soundfile

    rng = random.Random(3)
    jobs = []
    for voice, timbre in enumerate(TIMBRES + HELD_OUT_TIMBRES):
        held_out = timbre in HELD_OUT_TIMBRES
        for word in range(len(SPOKEN)):
            for _ in range(1 if held_out else int(TAKES + rng.random())):
                sound = (
                    SPOKEN[word],
                    rng.choice(ACCENTS) + "+" + timbre,
                    rng.randint(130, 190),
                    rng.randint(30, 70),
                )
                jobs.append((sound, word, voice, held_out))
    rows, at = [], 0
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        soundfile.SoundFile(
            os.path.join(out, "clips.ogg"), "w", 16000, 1, format="OGG", subtype="OPUS", compression_level=0.9
        ) as f,
    ):
        for (_, word, voice, held_out), pcm in zip(jobs, pool.map(speak, [job[0] for job in jobs])):
            if 2000 <= len(pcm) <= LONGEST_CLIP:
                f.write(pcm.astype(np.int16))
                rows.append((word, voice, held_out, at, len(pcm)))
                at += len(pcm)
    word, voice, held_out, start, length = map(np.array, zip(*rows))
    np.savez_compressed(
        os.path.join(out, "clips.npz"),
        word=word,
        voice=voice,
        held_out=held_out.astype(bool),
        start=start,
        length=length,
        words=np.array(SPOKEN),
    )
    print(f"{len(rows)} clips, {at / 16000:.0f} s, {held_out.sum()} of them in held-out voices")


def digits(out):
    from sklearn.datasets import load_digits

    data = load_digits()
    np.savez_compressed(
        os.path.join(out, "digits.npz"),
        images=data.images.astype(np.uint8),
        labels=data.target.astype(np.uint8),
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out")
    out = parser.parse_args().out
    os.makedirs(out, exist_ok=True)
    taught, others = glosses()
    for name, value in (("glosses", taught), ("other_words", others), ("passages", passages())):
        with open(os.path.join(out, name + ".json"), "w") as f:
            json.dump(value, f, indent=0)
    digits(out)
    clips(out)


if __name__ == "__main__":
    main()
