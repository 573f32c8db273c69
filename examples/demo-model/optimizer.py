"""Muon for the matrices, Adam for the rest, written so that a CUDA graph can hold a whole step.

Matrices have float32 masters; the network computes with copies (bfloat16 on a GPU). With `quantize` set, the copies,
and that of the head, are what int4 storage (groups of 32 along a row, one scale each) would give, so that the
checkpoint answers as well when it is stored so.
"""

import torch

from network import is_matrix

GROUP = 32
HEAD = "model.language_model.embed_tokens.weight"  # the head too is stored in int4


def orthogonalize(g, dtype):
    """Roughly the nearest matrices with orthogonal rows, by a Newton-Schulz iteration: [n, rows <= columns]."""
    x = (g / (g.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(5):
        a = x @ x.mT
        b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, b, x, beta=3.4445)
    return x


def is_int4(name, tensor):
    return is_matrix(name, tensor) or name == HEAD


def as_int4(w):
    """What a matrix becomes in int4: [..., out, in]."""
    group = min(GROUP, w.shape[-1])
    x = w.reshape(*w.shape[:-1], -1, group)
    scale = x.abs().amax(-1, keepdim=True).clamp(min=1e-8) / 7
    return ((x / scale).round().clamp(-7, 7) * scale).reshape(w.shape)


class MatrixGroup:
    """Matrices of one shape up to transposition, stacked with rows <= columns."""

    def __init__(self, named):
        named = sorted(named, key=lambda item: item[1].shape[0] > item[1].shape[1])
        self.names = [name for name, _ in named]
        self.turned = [t.shape[0] > t.shape[1] for _, t in named]
        self.master = torch.stack(
            [t.float().mT if turned else t.float() for (_, t), turned in zip(named, self.turned)]
        )
        self.momentum = torch.zeros_like(self.master)
        upright = self.turned.count(False)
        self.parts = [(slice(0, upright), False), (slice(upright, None), True)]

    def matrices(self, stacked):
        """The matrices in their own orientation, as views."""
        return [m.mT if turned else m for m, turned in zip(stacked, self.turned)]

    def update(self, gradients, rate, decay, dtype):
        g = torch.stack([x.mT if turned else x for x, turned in zip(gradients, self.turned)]).float()
        self.momentum.lerp_(g, 0.05)
        step = orthogonalize(g.lerp(self.momentum, 0.95), dtype).float()
        # an orthogonal [r, c] has elements of size 1/sqrt(c): scaled so that the rate is the size of a change
        self.master.mul_(1 - rate * decay).sub_(step * (rate * self.master.shape[2] ** 0.5))


class Optimizer:
    def __init__(self, parameters, matrix_rate, other_rate, dtype, decay=0.05):
        by_shape = {}
        for name, t in parameters.items():
            if is_matrix(name, t):
                by_shape.setdefault(tuple(sorted(t.shape)), []).append((name, t))
        self.groups = [MatrixGroup(named) for named in by_shape.values()]
        self.names = [name for group in self.groups for name in group.names]
        self.others = {
            name: t.float().clone() for name, t in parameters.items() if name not in set(self.names)
        }
        # what the network computes with: copies of what is stored in int4, the others themselves
        self.leaves = {
            name: t.to(dtype).contiguous()
            if name in set(self.names)
            else t.float().clone()
            if name == HEAD
            else self.others[name]
            for name, t in parameters.items()
        }
        for leaf in self.leaves.values():
            leaf.requires_grad_()
        device = next(iter(parameters.values())).device
        self.scale, self.quantize = torch.ones((), device=device), torch.zeros((), device=device)
        self.matrix_rate, self.other_rate, self.decay, self.dtype = matrix_rate, other_rate, decay, dtype
        self.first = {n: torch.zeros_like(t) for n, t in self.others.items()}
        self.second = {n: torch.zeros_like(t) for n, t in self.others.items()}
        self.count = torch.zeros((), device=device)

    def masters(self):
        out = {n: m for group in self.groups for n, m in zip(group.names, group.matrices(group.master))}
        return {**out, **{n: t.detach() for n, t in self.others.items()}}

    def step(self, gradients):
        """gradients: {name: tensor}, for every parameter. The rates are multiplied by `self.scale`."""
        with torch.no_grad():
            for group in self.groups:
                group.update(
                    [gradients[n] for n in group.names], self.matrix_rate * self.scale, self.decay, self.dtype
                )
            self.adam([gradients[n] for n in self.others])
            self.copy_masters()

    def adam(self, gradients, beta1=0.9, beta2=0.98):
        others, first, second = (list(d.values()) for d in (self.others, self.first, self.second))
        self.count += 1
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        size = torch._foreach_sqrt(second)
        torch._foreach_mul_(size, (1 - beta2**self.count).rsqrt())
        torch._foreach_add_(size, 1e-8)
        change = torch._foreach_div(first, size)
        torch._foreach_mul_(change, -self.other_rate * self.scale / (1 - beta1**self.count))
        torch._foreach_add_(others, change)

    def copy_masters(self):
        """Writes the network's matrices anew from the masters."""
        for group in self.groups:
            for part, turned in group.parts:
                names, w = group.names[part], group.master[part]
                w = w.mT if turned else w
                if names:
                    for name, m in zip(names, torch.lerp(w, as_int4(w), self.quantize)):
                        self.leaves[name].copy_(m)
        self.leaves[HEAD].copy_(torch.lerp(self.others[HEAD], as_int4(self.others[HEAD]), self.quantize))
