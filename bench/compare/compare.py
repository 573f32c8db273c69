#!/usr/bin/env python3
"""Measure carat and llama.cpp on the same GGUF files, in turns: tokens/s, memory, loading, and their ratios.

Every turn is a process of its own that loads the file, warms up once and measures once; carat and llama.cpp
alternate, so that what disturbs the machine disturbs both. The table shows medians.

usage: compare.py --carat PROGRAM FILE.gguf... [--threads 2] [--prompt 512,2048] [--generate 64]
                  [--depth 0,4096] [--turns 5] [--cache DIR] [--json OUT]
       compare.py --carat PROGRAM [FILE.gguf...] --reference MODEL [--types q8_0,q4_0] --quality TEXT...
"""
import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import llama_cpp

DEFAULT_CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "carat-compare")
WARM_UP = 4
RUN = 32  # tokens whose mean counts as one observation


def numbers(text):
    return [int(part) for part in text.split(",") if part]


# --- llama.cpp's side: runs in a process of its own -----------------------------------------------------------

def peak_rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_llama_cpp(arguments):
    start = time.perf_counter()
    longest = max(arguments.prompt + [depth + arguments.generate for depth in arguments.depth])
    engine = llama_cpp.LlamaCpp(llama_cpp.install(arguments.cache), arguments.files[0], longest + 64,
                                arguments.threads)
    measured = {"load": time.perf_counter() - start}
    draw = random.Random(1)
    tokens = [draw.randrange(300, engine.vocabulary) for _ in range(longest + 64)]
    engine.decode(tokens[:WARM_UP])  # pages of the file come in, threads start
    for count in arguments.prompt:
        engine.clear()
        start = time.perf_counter()
        engine.decode(tokens[:count])
        measured[f"prompt {count}"] = count / (time.perf_counter() - start)
    if arguments.generate:
        for depth in arguments.depth:
            engine.clear()
            engine.decode(tokens[:max(1, depth)])
            start = time.perf_counter()
            for token in tokens[:arguments.generate]:
                engine.decode([token])
            measured[f"generate {arguments.generate} at {depth}"] = arguments.generate / (time.perf_counter() - start)
    measured["peak"] = peak_rss()
    engine.close()
    return measured


def write_llama_cpp_logits(arguments):
    """Logits of all tokens of arguments.tokens (a JSON file) as float32."""
    with open(arguments.tokens, encoding="utf-8") as file:
        tokens = json.load(file)
    engine = llama_cpp.LlamaCpp(llama_cpp.install(arguments.cache), arguments.files[0], len(tokens) + 64,
                                arguments.threads)
    with open(arguments.logits, "wb") as file:
        for token in tokens:
            logits = engine.decode([token])
            file.write(bytes(memoryview((llama_cpp.ctypes.c_float * engine.vocabulary).from_address(
                llama_cpp.ctypes.addressof(logits.contents)))))
    engine.close()


# --- the comparison -------------------------------------------------------------------------------------------

def run(command):
    """The JSON object that a command prints as its last line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def itself(engine, path, arguments, *more):
    return [sys.executable, os.path.abspath(__file__), "--engine", engine, path, "--threads", str(arguments.threads),
            "--prompt", ",".join(map(str, arguments.prompt)), "--depth", ",".join(map(str, arguments.depth)),
            "--generate", str(arguments.generate), "--cache", arguments.cache, *more]


def turn_of_carat(path, arguments):
    printed = run([arguments.carat, "bench", path, "--json", "--threads", str(arguments.threads), "--repeat", "1",
                   "--prompt", ",".join(map(str, arguments.prompt)), "--depth", ",".join(map(str, arguments.depth)),
                   "--generate", str(arguments.generate), *arguments.carat_options.split()])
    measured = {"load": printed["load_seconds"], "peak": printed["peak_memory"]}
    for line in printed["measurements"]:
        measured[line["what"]] = line["tokens_per_second"]
        limit = printed["machine"]["read_bytes" if line["bytes_per_second"] else printed["products"]]
        measured["share of " + line["what"]] = (line["bytes_per_second"] or line["operations_per_second"]) / limit
    return measured


def medians(turns):
    return {what: statistics.median(turn[what] for turn in turns) for what in turns[0]}


def compare_speed(arguments):
    results = {}
    for path in arguments.files:
        carat, other = [], []
        for _ in range(arguments.turns):
            carat.append(turn_of_carat(path, arguments))
            other.append(run(itself("llama.cpp", path, arguments)))
        results[path] = {"carat": medians(carat), "llama.cpp": medians(other)}
        print_speed(path, results[path], arguments)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


def print_speed(path, result, arguments):
    carat, other = result["carat"], result["llama.cpp"]
    print(f"\n{os.path.basename(path)}, {arguments.threads} threads, medians of {arguments.turns} turns\n")
    print(f"| | carat | llama.cpp {llama_cpp.VERSION} | ratio | carat's share of the limit |\n|---|---|---|---|---|")
    for what in carat:
        if what.startswith("share") or what in ("load", "peak"):
            continue
        print(f"| {what}, tokens/s | {carat[what]:.2f} | {other[what]:.2f} | {carat[what] / other[what]:.2f} "
              f"| {100 * carat['share of ' + what]:.0f} % |")
    print(f"| loading, s | {carat['load']:.2f} | {other['load']:.2f} | | |")
    print(f"| peak memory, GB | {carat['peak'] / 1e9:.2f} | {other['peak'] / 1e9:.2f} | | |", flush=True)


def compare_quality(arguments):
    print(f"| file | carat: nats a token, same best token, largest error | llama.cpp {llama_cpp.VERSION} "
          "| difference in nats a token, standard error |\n|---|---|---|---|", flush=True)
    for path in arguments.files:
        compare_quality_of(path, arguments)
    for kind in arguments.types:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, f"{os.path.basename(os.path.normpath(arguments.reference))}-{kind}.gguf")
            done = subprocess.run([arguments.carat, "quantize", arguments.reference, path, "--type", kind, "--quiet"],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"| {os.path.basename(path)} | {last_line(done)} | | |", flush=True)
                continue
            compare_quality_of(path, arguments)


def compare_quality_of(path, arguments):
    carat, other, reason = [], [], ""
    for text in arguments.quality:
        common = [arguments.carat, "quality", path, "--reference", arguments.reference, "--text", text,
                  "--threads", str(arguments.threads), "--json"]
        carat.append(run(common + arguments.carat_options.split()))
        if not reason:
            reason = quality_of_llama_cpp(path, arguments, common, carat[-1]["tokens"], other)
    print(f"| {os.path.basename(path)} | {quality_in_words(carat)} | {reason or quality_in_words(other)} "
          f"| {'' if reason else difference_in_words(carat, other)} |", flush=True)


def quality_of_llama_cpp(path, arguments, common, tokens, measured):
    """Appends to `measured`, or says why not: some models do not load there."""
    with tempfile.TemporaryDirectory() as folder:
        list_of_tokens, logits = os.path.join(folder, "tokens"), os.path.join(folder, "logits")
        with open(list_of_tokens, "w", encoding="utf-8") as file:
            json.dump(tokens, file)
        done = subprocess.run(itself("llama.cpp", path, arguments, "--tokens", list_of_tokens, "--logits", logits),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return last_line(done)
        measured.append(run(common + ["--logits", logits]))
        return ""


def last_line(done):
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def quality_in_words(texts):
    """Means over all texts' tokens."""
    tokens = sum(len(text["tokens"]) for text in texts)
    same_best = sum(text["same_best"] * len(text["tokens"]) for text in texts) / tokens
    return (f"{statistics.fmean(all_divergences(texts)):.5f}, {100 * same_best:.1f} %, "
            f"{max(text['largest_error'] for text in texts):.3f}")


def all_divergences(texts):
    return [value for text in texts for value in text["divergences"]]


def difference_in_words(carat, other):
    """The mean over tokens of carat's divergence less the other's, and the standard error of that mean. Both read
    the same tokens, so what makes a token hard is in both. Neighbours share what they attend to: the error is that
    of runs of tokens, not of single ones."""
    pairs = [ours - theirs for ours, theirs in zip(all_divergences(carat), all_divergences(other))]
    runs = [statistics.fmean(pairs[first:first + RUN]) for first in range(0, len(pairs) - RUN + 1, RUN)]
    error = statistics.stdev(runs) / len(runs) ** 0.5 if len(runs) > 1 else float("nan")
    return f"{statistics.fmean(pairs):+.5f}, {error:.5f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE.gguf")
    parser.add_argument("--carat", help="the carat program")
    parser.add_argument("--carat-options", default="", help="more options for carat bench or carat quality, in one word")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=numbers, default=[512], help="tokens of prompts")
    parser.add_argument("--generate", type=int, default=64, help="tokens that follow, one by one")
    parser.add_argument("--depth", type=numbers, default=[0], help="tokens before those")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--quality", metavar="TEXT", nargs="+",
                        help="compare predictions of these texts instead of speed")
    parser.add_argument("--reference", metavar="MODEL", help="the model of float weights that --quality compares with")
    parser.add_argument("--types", type=lambda text: text.split(","), default=[],
                        help="also files that carat quantize writes of the reference: q8_0,q4_0,...")
    parser.add_argument("--cache", default=DEFAULT_CACHE, help="where llama.cpp is installed")
    parser.add_argument("--json", help="also write the figures here")
    parser.add_argument("--engine", choices=["llama.cpp"], help=argparse.SUPPRESS)
    parser.add_argument("--tokens", help=argparse.SUPPRESS)
    parser.add_argument("--logits", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine and arguments.logits:
        write_llama_cpp_logits(arguments)
    elif arguments.engine:
        print(json.dumps(measure_llama_cpp(arguments)))
    elif not arguments.carat:
        parser.error("--carat is missing")
    elif not arguments.files and not arguments.types:
        parser.error("name GGUF files, or --types with --quality")
    elif arguments.quality:
        if not arguments.reference:
            parser.error("--quality needs --reference")
        compare_quality(arguments)
    else:
        llama_cpp.install(arguments.cache)
        compare_speed(arguments)


if __name__ == "__main__":
    main()
