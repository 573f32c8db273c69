#!/usr/bin/env python3
"""Train the demo checkpoint: a very small Gemma 4 of E2B's kind that reads text, pictures and speech.

Everything a step needs is on the GPU before the first step, and a CUDA graph holds the whole step. Weights are
written as float32 and bfloat16 safetensors; evaluate.py scores them, export.py makes the checkpoint of them.

usage: train.py DATA OUT [--minutes M] [--resume OUT]
DATA is what prepare.py writes.
"""

import argparse
import os
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import chat
import dialogues
import network
from banks import PICTURE_SLOT, ROW, SPEECH_SLOT, Banks, sources_of
from chat import ID
from optimizer import Optimizer
from weights import load, save

KINDS = ("text", "pictures", "speech")
WEIGHT = dict(text=1.0, pictures=1.5, speech=4.0)  # of one token in the loss


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument(
        "--minutes", type=float, default=6.0, help="of training, after everything is compiled"
    )
    parser.add_argument("--steps", type=int, help="train so many steps instead, however long they take")
    parser.add_argument("--resume", help="a folder that an earlier run wrote")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--matrix-rate", type=float, default=1.5e-3)
    parser.add_argument("--other-rate", type=float, default=3e-3)
    parser.add_argument(
        "--decay-share",
        type=float,
        default=0.5,
        help="the last part of the time, in which the rates fall to zero",
    )
    parser.add_argument(
        "--int4-share",
        type=float,
        default=0.3,
        help="the last part, in which every other step computes with int4 weights",
    )
    parser.add_argument("--text-rows", type=int, default=48, help="of a step")
    parser.add_argument("--picture-rows", type=int, default=24, help="of a step, three pictures each")
    parser.add_argument("--speech-rows", type=int, default=24, help="of a step, four utterances each")
    parser.add_argument("--rows", type=int, default=60000, help="of text to pick from")
    parser.add_argument("--pictures", type=int, default=50000, help="to pick from")
    parser.add_argument("--utterances", type=int, default=100000, help="to pick from")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda")
    return parser.parse_args()


class Step:
    """One training step over rows picked from the banks; a CUDA graph where there is a GPU."""

    def __init__(self, net, optimizer, banks, args):
        self.net, self.optimizer, self.banks, self.device = net, optimizer, banks, args.device
        self.rows = dict(text=args.text_rows, pictures=args.picture_rows, speech=args.speech_rows)
        per_row = dict(text=1, pictures=ROW // PICTURE_SLOT, speech=ROW // SPEECH_SLOT)
        self.pick = {
            k: torch.zeros(self.rows[k] * per_row[k], dtype=torch.long, device=self.device) for k in KINDS
        }
        self.sums = torch.zeros(
            2, len(KINDS), device=self.device
        )  # losses and labels since they were last read
        self.slot_numbers = {k: slot_numbers(ROW // per_row[k], self.device) for k in KINDS[1:]}
        self.graph = None

    def batch(self):
        """ids, marks, document numbers and sources of soft tokens, all [rows, ROW], and the soft tokens."""
        t = [x[self.pick["text"]] for x in self.banks.text]
        p = [x[self.pick["pictures"]] for x in self.banks.pictures]
        s = [x[self.pick["speech"]] for x in self.banks.speech]
        parameters = self.optimizer.leaves
        soft = [self.net.see(parameters, p[2], p[3]), self.net.hear(parameters, *mel_and_mask(s[2], s[3]))]
        ids, marks = (torch.cat([t[k], p[k].view(-1, ROW), s[k].view(-1, ROW)]) for k in (0, 1))
        sources = [
            sources_of(p[0], ID["<|image|>"], 0),
            sources_of(s[0], ID["<|audio|>"], p[0].shape[0] * network.SOFT_TOKENS),
        ]
        source = torch.cat([torch.full_like(t[0], -1, dtype=torch.long)] + [x.view(-1, ROW) for x in sources])
        document = torch.cat([t[2]] + [self.slot_numbers[k].expand(self.rows[k], -1) for k in KINDS[1:]])
        return ids.long(), marks, source, document, torch.cat([x.flatten(0, 1) for x in soft])

    def loss(self):
        """Sums of the losses of the labelled tokens, and their counts, by kind."""
        ids, marks, source, document, soft = self.batch()
        parameters = self.optimizer.leaves
        h = self.net.read(parameters, ids, source, document, soft)
        target = F.pad(ids[:, 1:], (0, 1))
        wanted = F.pad(marks[:, 1:], (0, 1)).float()
        each = self.net.run["token_losses"](
            h, target, wanted, self.net.weights(parameters, "model.language_model.")
        )
        each, wanted = (x.split([self.rows[k] for k in KINDS]) for x in (each, wanted))
        return torch.stack([x.sum() for x in each]), torch.stack([x.sum() for x in wanted])

    def run_once(self):
        sums, counts = self.loss()
        mean = sum(WEIGHT[k] * sums[i] for i, k in enumerate(KINDS)) / sum(
            WEIGHT[k] * counts[i] for i, k in enumerate(KINDS)
        )
        parameters = self.optimizer.leaves
        gradients = torch.autograd.grad(mean, list(parameters.values()))
        self.optimizer.step(dict(zip(parameters, gradients)))
        self.sums += torch.stack([sums.detach(), counts])

    def capture(self):
        """Compiles on the first run; the rates should be zero."""
        if self.device != "cuda":
            return
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.run_once()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.run_once()
        self.graph = graph

    def __call__(self, picks, scale, quantize):
        for k in KINDS:
            self.pick[k].copy_(picks[k])
        self.optimizer.scale.fill_(scale)
        self.optimizer.quantize.fill_(quantize)
        self.graph.replay() if self.graph else self.run_once()


def mel_and_mask(mel, frames):
    return mel.float(), torch.arange(network.MEL_FRAMES, device=mel.device) < frames[:, None]


def slot_numbers(length, device):
    return torch.arange(ROW // length, dtype=torch.uint8, device=device).repeat_interleave(length)


def token_losses(h, target, wanted, w):
    logits = network.text_logits(h, w)
    right = logits.gather(-1, target[..., None])[..., 0]
    return (logits.logsumexp(-1) - right) * wanted


def scale_at(share, step, decay_share, warm_up=200):
    """Of the rates: rising for a moment, constant, and falling to zero in the last part."""
    return min(1.0, (step + 1) / warm_up, max(0.0, (1 - share) / decay_share))


def plan(banks, step, count, rng):
    """Random picks for the next `count` steps."""
    size = {k: getattr(banks, k)[0].shape[0] for k in KINDS}
    return {
        k: torch.randint(size[k], (count, step.pick[k].shape[0]), generator=rng, device=step.device)
        for k in KINDS
    }


def train(step, banks, args):
    rng = torch.Generator(args.device).manual_seed(args.seed)
    start, done, chunk = time.time(), 0, min(100, args.steps or 100)

    def share():
        return done / args.steps if args.steps else (time.time() - start) / (args.minutes * 60)

    while share() < 1.0:
        picks = plan(banks, step, chunk, rng)
        for k in range(chunk):
            quantize = float(share() > 1 - args.int4_share and done % 2)
            step(
                {kind: p[k] for kind, p in picks.items()}, scale_at(share(), done, args.decay_share), quantize
            )
            done += 1
        if args.device == "cuda":
            torch.cuda.synchronize()  # so that the clock is the device's
        if done == chunk or done % (10 * chunk) == 0:
            losses = (step.sums[0] / step.sums[1]).tolist()
            step.sums.zero_()
            told = " ".join(f"{kind} {loss:.4f}" for kind, loss in zip(KINDS, losses))
            print(f"{time.time() - start:5.0f} s step {done} {told}", flush=True)
    print(f"{done} steps, {done / (time.time() - start):.1f} a second", flush=True)


def main():
    args = arguments()
    began = time.time()
    torch.manual_seed(args.seed)
    if args.resume:
        tokenizer = Tokenizer.from_file(os.path.join(args.resume, "tokenizer.json"))
        parameters = load(args.resume)
    else:
        tokenizer = chat.train_tokenizer(dialogues.tokenizer_texts(args.data))
        parameters = network.initial_parameters(network.reference_model(ID), args.seed)
    banks = Banks(
        args.data, tokenizer, args.device, args.seed, args.rows, args.pictures, args.utterances, args.workers
    )
    print(
        f"{time.time() - began:.0f} s: banks made", {k: len(getattr(banks, k)[0]) for k in KINDS}, flush=True
    )
    parameters = {n: t.to(args.device) for n, t in parameters.items()}
    print(sum(t.numel() for t in parameters.values()), "parameters", flush=True)
    torch._dynamo.config.recompile_limit = 32
    torch.set_float32_matmul_precision("high")
    dtype = torch.bfloat16 if args.device == "cuda" else torch.float32
    optimizer = Optimizer(parameters, args.matrix_rate, args.other_rate, dtype)
    compiled = (lambda f: torch.compile(f, dynamic=False)) if args.device == "cuda" else (lambda f: f)
    net = network.Network(parameters, ROW, args.device, compiled)
    net.run["token_losses"] = compiled(token_losses)
    step = Step(net, optimizer, banks, args)
    optimizer.scale.fill_(0.0)
    step.capture()
    print(f"{time.time() - began:.0f} s: compiled", flush=True)
    train(step, banks, args)
    save(optimizer.masters(), tokenizer, args.out)


if __name__ == "__main__":
    main()
