#!/usr/bin/env python3
"""Measure Gemma 4 engines on the same weights: prompt tokens/s, generated tokens/s, memory, loading.

Every engine runs in a process of its own, one after the other, with the same settings. An engine's measurement
is one JSON object {"load_s", "prompt_s": [...], "generate_s": [...], "peak_rss": bytes}, one number of each
list for every repeat; the table shows medians.

usage: compare.py --gguf MODEL.gguf [--carat PROGRAM --checkpoint DIR] [--threads 2] [--prompt 512]
                  [--generate 64] [--repeats 5] [--cache DIR]
"""
import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time

import llama_cpp

DEFAULT_CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "carat-compare")


def peak_rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_llama_cpp(arguments):
    """Runs in the engine's own process."""
    start = time.perf_counter()
    engine = llama_cpp.LlamaCpp(llama_cpp.install(arguments.cache), arguments.gguf,
                                arguments.prompt + arguments.generate + 8, arguments.threads)
    measured = {"load_s": time.perf_counter() - start, "prompt_s": [], "generate_s": []}
    draw = random.Random(1)
    tokens = [draw.randrange(300, engine.vocabulary) for _ in range(arguments.prompt + arguments.generate)]
    engine.decode(tokens[:4])  # pages of the file come in, threads start
    for _ in range(arguments.repeats):
        engine.clear()
        start = time.perf_counter()
        engine.decode(tokens[:arguments.prompt])
        prompt_end = time.perf_counter()
        for token in tokens[arguments.prompt:]:
            engine.decode([token])
        measured["prompt_s"].append(prompt_end - start)
        measured["generate_s"].append(time.perf_counter() - prompt_end)
    measured["peak_rss"] = peak_rss()
    engine.close()
    return measured


def llama_cpp_command():
    return [sys.executable, os.path.abspath(__file__), "--engine", "llama.cpp"] + sys.argv[1:]


def carat_command(arguments):
    """carat's side: a program that prints the same JSON object."""
    return [arguments.carat, "bench", arguments.checkpoint, "--json", "--threads", str(arguments.threads),
            "--prompt", str(arguments.prompt), "--generate", str(arguments.generate),
            "--repeats", str(arguments.repeats)]


def run(command):
    """The measurement that the command prints as its last line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def print_row(name, measured, arguments):
    prompt = arguments.prompt / statistics.median(measured["prompt_s"])
    generate = arguments.generate / statistics.median(measured["generate_s"])
    print(f"| {name} | {prompt:.1f} | {generate:.2f} | {measured['peak_rss'] / 1e9:.2f} "
          f"| {measured['load_s']:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gguf", help="for llama.cpp, as make_gguf.py writes it")
    parser.add_argument("--carat", help="the carat program")
    parser.add_argument("--checkpoint", help="for carat, the folder that the GGUF was made from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512, help="tokens of the prompt")
    parser.add_argument("--generate", type=int, default=64, help="tokens that follow, one by one")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cache", default=DEFAULT_CACHE, help="where engines are installed")
    parser.add_argument("--engine", choices=["llama.cpp"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        print(json.dumps(measure_llama_cpp(arguments)))
        return
    engines = []
    if arguments.gguf:
        llama_cpp.install(arguments.cache)
        engines.append(("llama.cpp " + llama_cpp.VERSION, llama_cpp_command()))
    if arguments.carat and arguments.checkpoint:
        engines.append(("carat", carat_command(arguments)))
    if not engines:
        parser.error("nothing to measure: give --gguf, or --carat and --checkpoint")
    print(f"| {arguments.threads} threads | prompt {arguments.prompt}, tokens/s "
          f"| generate {arguments.generate}, tokens/s | peak RSS, GB | load, s |")
    print("|---|---|---|---|---|")
    for name, command in engines:
        print_row(name, run(command), arguments)


if __name__ == "__main__":
    main()
