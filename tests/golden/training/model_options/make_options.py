#!/usr/bin/env python3
"""Writes the golden traces of the options of head and base loss: PyTorch modules and losses in float64, and in
float32 to say how far rounding alone goes. Needs torch, numpy and xxhash.

    python3 make_options.py        writes options.json and <case>_{init,weights}.npy beside this file

Each case trains 20 steps (5 epochs of batches 32, 32, 32, 4 in the order of ../head/order.npy) on
../head/features.npy with the mean base loss, Adam (learning rate 0.001) and clipping to norm 1. The weights are
those after epochs 1 and 5, tensors in the order of the model: layer_mix, projection, hidden, output. Dropout
masks are drawn here as core/docs/numerics.md says, with an implementation of the streams of their own.
"""
import json
import math
import os

import numpy as np
import torch
import xxhash

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = os.path.join(HERE, "..", "head")
EPOCHS, BATCH, CLASSES = 5, 32, 6
SEED, FOLD = 7, 3
MASK = (1 << 64) - 1


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [(b >> 64) ^ c[1] ^ k[0], b & MASK, (a >> 64) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return c


def uniforms(purpose, epoch, index, n):
    """The first n uniform draws of a stream."""
    name = xxhash.xxh3_128_intdigest(purpose.encode())
    words = b"".join(w.to_bytes(8, "little") for w in (SEED, FOLD, name & MASK, name >> 64))
    key = xxhash.xxh3_128_intdigest(words)
    bits = []
    while len(bits) < n:
        bits += philox([len(bits) // 4, epoch, index & MASK, 0], [key & MASK, key >> 64])
    return [(b >> 11) * 2.0**-53 for b in bits[:n]]


def stem(row):
    return "rec%03d" % row


class Model(torch.nn.Module):
    def __init__(self, layers, dims, projection, hidden, activation, dropout):
        super().__init__()
        self.mix = torch.nn.Parameter(torch.zeros(layers))
        width, self.linear = dims, torch.nn.ModuleList()
        for out in ([projection] if projection else []) + hidden + [CLASSES]:
            self.linear.append(torch.nn.Linear(width, out))
            width = out
        self.first = 1 if projection else 0
        self.hidden, self.dropout = hidden, dropout
        self.activation = {"relu": torch.nn.ReLU(), "gelu": torch.nn.GELU(),
                           "none": torch.nn.Identity()}[activation]

    def masks(self, epoch, rows, dtype):
        """Factors of dropout for each hidden layer, [rows, width]."""
        scale, total = 1 / (1 - self.dropout), sum(self.hidden)
        draws = [uniforms("dropout", epoch, xxhash.xxh3_64_intdigest(stem(r).encode()), total) for r in rows]
        keep = torch.tensor([[0.0 if u < self.dropout else scale for u in d] for d in draws], dtype=dtype)
        return torch.split(keep, self.hidden, 1)

    def forward(self, x, masks):
        u = torch.einsum("l,nld->nd", torch.softmax(self.mix, 0), x)
        for j, linear in enumerate(self.linear):
            u = linear(u)
            if self.first <= j < self.first + len(self.hidden):
                u = self.activation(u)
                if masks:
                    u = u * masks[j - self.first]
        return u


def class_weights(kind, labels):
    positives = (labels.astype(np.float32) > np.float32(1 / CLASSES)).sum(0)
    n = len(labels)
    beta = (n - 1) / n
    if kind == "none":
        return np.ones(CLASSES)
    w = (1 - beta) / (1 - beta**positives) if kind == "effective" else n / (CLASSES * positives)
    return w * CLASSES / w.sum()


def base_loss(kind, gamma, logits, y, w):
    """Base losses of the rows."""
    if kind == "bce":
        loss = torch.nn.BCEWithLogitsLoss(weight=w, reduction="none")
        return loss(logits, y).mean(1)
    log_p = torch.log_softmax(logits, 1)
    if kind == "focal":
        return (w * y * (1 - log_p.exp()) ** gamma * -log_p).sum(1)
    return (y @ w) * -(y * log_p).sum(1)


CASES = {
    "plain": {},
    "no_projection": {"projection": 0},
    "hidden_relu": {"hidden": [16]},
    "hidden_gelu": {"hidden": [16, 12], "activation": "gelu"},
    "hidden_none": {"hidden": [10], "activation": "none"},
    "hidden_only": {"projection": 0, "hidden": [16]},
    "dropout": {"hidden": [16, 12], "dropout": 0.3},
    "dropout_gelu": {"projection": 0, "hidden": [24], "activation": "gelu", "dropout": 0.5},
    "inverse": {"class_weights": "inverse"},
    "unweighted": {"class_weights": "none"},
    "bce": {"base_loss": "bce"},
    "bce_unweighted": {"base_loss": "bce", "class_weights": "none", "hidden": [16]},
    "focal": {"base_loss": "focal"},
    "focal_half": {"base_loss": "focal", "focal_gamma": 0.5, "class_weights": "inverse", "hidden": [16]},
}
DEFAULTS = {"projection": 16, "hidden": [], "activation": "relu", "dropout": 0.0, "class_weights": "effective",
            "base_loss": "soft_ce", "focal_gamma": 2.0}


def flat(model):
    linear = [t for m in model.linear for t in (m.weight, m.bias)]
    return torch.cat([p.detach().double().reshape(-1) for p in [model.mix] + linear]).numpy()


def load(model, vector):
    at = 0
    for p in [model.mix] + [t for m in model.linear for t in (m.weight, m.bias)]:
        p.data = torch.from_numpy(vector[at:at + p.numel()].copy()).reshape(p.shape).to(p.dtype)
        at += p.numel()


def train(case, init, x, labels, order, dtype):
    model = Model(x.shape[1], x.shape[2], case["projection"], case["hidden"], case["activation"],
                  case["dropout"]).to(dtype)
    load(model, init)
    w = torch.from_numpy(class_weights(case["class_weights"], labels)).to(dtype)
    x, y = torch.from_numpy(x).to(dtype), torch.from_numpy(labels.astype(np.float32)).to(dtype)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    values, norms, weights = [], [], []
    for epoch in range(1, EPOCHS + 1):
        value, norm, steps = 0.0, 0.0, 0
        for first in range(0, len(x), BATCH):
            rows = order[epoch - 1][first:first + BATCH]
            masks = model.masks(epoch, rows, dtype) if case["dropout"] else None
            adam.zero_grad()
            loss = base_loss(case["base_loss"], case["focal_gamma"], model(x[rows], masks), y[rows], w).mean()
            loss.backward()
            norm += float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
            adam.step()
            value += float(loss.detach())
            steps += 1
        values.append(value / steps)
        norms.append(norm / steps)
        if epoch in (1, EPOCHS):
            weights.append(flat(model))
    return values, norms, np.stack(weights)


def main():
    x = np.load(os.path.join(HEAD, "features.npy"))
    labels = np.load(os.path.join(HEAD, "labels.npy"))
    order = np.load(os.path.join(HEAD, "order.npy"))
    out = {}
    for index, (name, own) in enumerate(CASES.items()):
        case = {**DEFAULTS, **own}
        torch.manual_seed(100 + index)
        fresh = Model(x.shape[1], x.shape[2], case["projection"], case["hidden"], case["activation"], 0.0)
        init = flat(fresh).astype(np.float32)
        init[:x.shape[1]] = np.linspace(-0.5, 0.5, x.shape[1], dtype=np.float32)
        values, norms, weights = train(case, init, x, labels, order, torch.float64)
        single = train(case, init, x, labels, order, torch.float32)
        out[name] = {"settings": case, "value": values, "grad_norm": norms, "seed": SEED, "fold": FOLD,
                     "float32_deviation": {"weights": float(np.abs(single[2] - weights).max()),
                                           "value": max(abs(a - b) for a, b in zip(single[0], values))}}
        np.save(os.path.join(HERE, name + "_init.npy"), init)
        np.save(os.path.join(HERE, name + "_weights.npy"), weights)
        print(name, math.fsum(values) / EPOCHS, out[name]["float32_deviation"])
    with open(os.path.join(HERE, "options.json"), "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
