#!/usr/bin/env python3
"""Writes reference_cases.json: small vectors through the logits processors of Hugging Face transformers.

Needs torch and transformers (the committed file comes from transformers 5.17.0, on the CPU):
    python3 make_reference_cases.py > reference_cases.json

Each processor alone, then chains in the order of transformers' generate(). A vector is taken only where float32
and float64 keep the same tokens: elsewhere rounding decides. Null stands for -infinity. `exact_tokens` is false
where the reference keeps some of several equal logits: which of them its sort does not say.
"""
import json
import math
import random

import numpy
import torch
from transformers.generation import logits_process as hf


def processors(options):
    """The order of generate(): a bias, the penalty, then the warpers."""
    if options.get("logit_bias"):
        yield hf.SequenceBiasLogitsProcessor({(token,): value for token, value in options["logit_bias"]})
    if "repetition_penalty" in options:
        yield hf.RepetitionPenaltyLogitsProcessor(options["repetition_penalty"])
    if "temperature" in options:
        yield hf.TemperatureLogitsWarper(options["temperature"])
    if "top_k" in options:
        yield hf.TopKLogitsWarper(options["top_k"])
    if "top_p" in options:
        yield hf.TopPLogitsWarper(options["top_p"])
    if "min_p" in options:
        yield hf.MinPLogitsWarper(options["min_p"])
    if "typical_p" in options:
        yield hf.TypicalLogitsWarper(options["typical_p"])


def run(options, logits, tokens, dtype):
    """The processed logits, and whether equal ones shared their fate at every step."""
    scores = torch.tensor([logits], dtype=torch.float32).to(dtype)
    ids = torch.tensor([tokens], dtype=torch.long)
    together = True
    for processor in processors(options):
        before = scores
        scores = processor(ids, before.clone())
        if isinstance(processor, (hf.TopKLogitsWarper, hf.TopPLogitsWarper, hf.MinPLogitsWarper,
                                  hf.TypicalLogitsWarper)):
            kept = {float(x) for x, y in zip(before[0], scores[0]) if y > -math.inf}
            dropped = {float(x) for x, y in zip(before[0], scores[0]) if y == -math.inf and x > -math.inf}
            together = together and not kept & dropped
    return scores[0], together


def vector(rng):
    size = rng.choice([5, 8, 12, 20, 32, 48])
    spread = rng.choice([0.7, 2.0, 6.0])
    step = rng.choice([0.001, 0.001, 0.5])
    logits = [round(round(rng.gauss(0, spread) / step) * step, 3) for _ in range(size)]
    if rng.random() < 0.3:
        for i in rng.sample(range(size), size // 4):
            logits[i] = -math.inf
    return logits


def option(rng, name, size):
    return {
        "logit_bias": lambda: [[t, rng.choice([-3.5, -0.75, 1.25, 4.0, -math.inf])]
                               for t in sorted(rng.sample(range(size), 3))],
        "repetition_penalty": lambda: rng.choice([0.8, 1.1, 1.3, 2.0]),
        "temperature": lambda: rng.choice([0.3, 0.7, 0.9, 1.5, 3.0]),
        "top_k": lambda: rng.choice([1, 2, 3, 5, 10, 64]),
        "top_p": lambda: rng.choice([0.0, 0.1, 0.5, 0.8, 0.95, 0.99]),
        "min_p": lambda: rng.choice([0.001, 0.02, 0.1, 0.4, 1.0]),
        "typical_p": lambda: rng.choice([0.1, 0.4, 0.8, 0.95, 0.99]),
    }[name]()


def number(x):
    return None if x == -math.inf else float(numpy.format_float_positional(numpy.float32(x), unique=True))


def case(rng, names):
    while True:
        logits = vector(rng)
        options = {name: option(rng, name, len(logits)) for name in names}
        prompt = [rng.randrange(len(logits)) for _ in range(rng.randrange(6))]
        generated = [rng.randrange(len(logits)) for _ in range(rng.randrange(1, 6))]
        single, together = run(options, logits, prompt + generated, torch.float32)
        double, _ = run(options, logits, prompt + generated, torch.float64)
        if torch.isnan(single).any() or (single == -math.inf).all():
            continue
        if not torch.equal(single > -math.inf, double > -math.inf):
            continue
        options = {name: [[t, number(v)] for t, v in value] if name == "logit_bias" else value
                   for name, value in options.items()}
        return {"options": options, "prompt": prompt, "generated": generated,
                "logits": [number(x) for x in logits], "exact_tokens": together,
                "processed": [number(x) for x in single.tolist()]}


def main():
    rng = random.Random(20)
    alone = ["logit_bias", "repetition_penalty", "temperature", "top_k", "top_p", "min_p", "typical_p"]
    chains = [["top_k", "top_p"], ["temperature", "top_k", "top_p"], ["temperature", "top_p"],
              ["top_k", "typical_p"], ["top_p", "min_p", "typical_p"],
              ["repetition_penalty", "temperature", "min_p"], alone]
    cases = [case(rng, [name]) for name in alone for _ in range(8)]
    cases += [case(rng, chain) for chain in chains for _ in range(6)]
    print('{"cases": [')
    print(",\n".join(json.dumps(one) for one in cases))
    print("]}")


main()
