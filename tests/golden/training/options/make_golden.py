#!/usr/bin/env python3
"""Training options against PyTorch in float64: options.json and weights_<run>.npy beside this file.

    python3 make_golden.py

Data, start weights and the order of rows are those of ../head. Each run has 20 steps of the head
(mixture of layers, projection, output) under class-balanced soft cross-entropy, the gradient clipped to
norm 1, with an optimizer and a scheduler of torch.optim. Development rows are the first 40 rows under the
labels of the rows 7 further on, so that their loss soon rises. Flat order of weights: layer mixture,
projection weight and bias, output weight and bias.
"""
import json
import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
HEAD = HERE.parent / "head"
L, D, H, C, N, DEV = 13, 24, 16, 6, 100, 40
torch.set_num_threads(1)

x = torch.tensor(np.load(HEAD / "features.npy"), dtype=torch.float64)
y = torch.tensor(np.load(HEAD / "labels.npy"), dtype=torch.float64)
weight = torch.tensor(np.load(HEAD / "class_weights.npy"), dtype=torch.float64)
order = np.load(HEAD / "order.npy")
dev_y = y[(torch.arange(DEV) + 7) % N]

SIZES = [(L,), (H, D), (H,), (C, H), (C,)]

RUNS = {
    "sgd": dict(optimizer="sgd", rate=0.1, batch=32, epochs=5),
    "sgd_momentum_decay": dict(optimizer="sgd", rate=0.05, momentum=0.9, decay=0.01, batch=32, epochs=5),
    "adamw": dict(optimizer="adamw", rate=1e-3, decay=0.05, batch=32, epochs=5),
    "cosine": dict(optimizer="adam", rate=1e-2, schedule="cosine", batch=N, epochs=20),
    "cosine_sgd": dict(optimizer="sgd", rate=0.2, momentum=0.9, schedule="cosine", batch=N, epochs=20),
    "plateau": dict(optimizer="adam", rate=1e-2, schedule="plateau", patience=2, factor=0.1, batch=N,
                    epochs=20),
    "plateau_sgd": dict(optimizer="sgd", rate=0.5, momentum=0.9, decay=0.01, schedule="plateau",
                        patience=1, factor=0.5, batch=N, epochs=20),
}


def start():
    flat, out, at = np.load(HEAD / "init.npy"), [], 0
    for size in SIZES:
        count = int(np.prod(size))
        out.append(torch.tensor(flat[at:at + count].reshape(size), dtype=torch.float64,
                                requires_grad=True))
        at += count
    return out


def losses(p, rows, labels):
    hidden = torch.einsum("l,bld->bd", torch.softmax(p[0], 0), rows) @ p[1].T + p[2]
    log = torch.log_softmax(hidden @ p[3].T + p[4], 1)
    return (labels * weight).sum(1) * -(labels * log).sum(1)


def make_optimizer(run, p):
    if run["optimizer"] == "sgd":
        return torch.optim.SGD(p, lr=run["rate"], momentum=run.get("momentum", 0),
                               weight_decay=run.get("decay", 0))
    if run["optimizer"] == "adamw":
        return torch.optim.AdamW(p, lr=run["rate"], weight_decay=run["decay"])
    return torch.optim.Adam(p, lr=run["rate"])


def train(run):
    p = start()
    optimizer = make_optimizer(run, p)
    schedule = run.get("schedule")
    if schedule == "cosine":
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=run["epochs"])
    elif schedule == "plateau":
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=run["factor"], patience=run["patience"])
    trace = {"loss": [], "rate": [], "dev_loss": []}
    for epoch in range(run["epochs"]):
        rows = order[epoch] if run["batch"] < N else np.arange(N)
        trace["rate"].append(optimizer.param_groups[0]["lr"])
        for first in range(0, N, run["batch"]):
            batch = rows[first:first + run["batch"]]
            loss = losses(p, x[batch], y[batch]).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(p, 1)
            optimizer.step()
            trace["loss"].append(loss.item())
        with torch.no_grad():
            dev = losses(p, x[:DEV], dev_y).mean().item()
        trace["dev_loss"].append(dev)
        if schedule == "cosine":
            scheduler.step()
        elif schedule == "plateau":
            scheduler.step(dev)
    assert len(trace["loss"]) == 20
    return trace, np.concatenate([t.detach().numpy().reshape(-1) for t in p])


out = {}
for name, run in RUNS.items():
    trace, weights = train(run)
    out[name] = {**run, **trace}
    np.save(HERE / f"weights_{name}.npy", weights)


def plateau_values():
    """ReduceLROnPlateau on values with ties, NaN, changes within the threshold and a negative best."""
    values = [3, 2, 2, 1.9999, 1.9997, 2, float("nan"), 1, 1, 1, -1, -1.00005, -0.5, -2, 0, 0, 0, 0, 0, 0, 0, 0]
    optimizer = torch.optim.SGD(start(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=1)
    rates = []
    for value in values:
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(value)
    return {"value": [None if v != v else v for v in values], "rate": rates}


out["plateau_values"] = plateau_values()
(HERE / "options.json").write_text(json.dumps(out, indent=1) + "\n")
