#!/usr/bin/env python3
"""Writes golden runs of fairbatch, dfr and cb_llr: an implementation of their own in PyTorch and NumPy, float64, from
the papers' formulas and core/docs. Needs torch, numpy and xxhash.

    python3 make_rebalance.py        writes rebalance.json and <case>.npy (the kept model) beside this file

Data: ../head (features [100,13,24], labels, init.npy, the flat order of its weights). Row i is "rec%03d" of speaker
i % 7. Its group is column 0 of groups.npy in fairbatch, i // 7 % 2 in dfr; that of rows 10, 21, 32, ... is unknown. The development rows are the training rows.
Adam, clipping to norm 1, batches of 32, seed 7, fold 3. Shuffles and draws are those of core/docs/numerics.md.
"""
import json
import os

import numpy as np
import torch
import xxhash

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = os.path.join(HERE, "..", "head")
N, L, D, H, C, G, BATCH, SEED, FOLD = 100, 13, 24, 16, 6, 2, 32, 7, 3
MASK = (1 << 64) - 1
OUTPUT = L + H * D + H  # where the output layer begins


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [(b >> 64) ^ c[1] ^ k[0], b & MASK, (a >> 64) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return c


def first_bits(purpose, epoch, row):
    name = xxhash.xxh3_128_intdigest(purpose.encode())
    words = b"".join(w.to_bytes(8, "little") for w in (SEED, FOLD, name & MASK, name >> 64))
    key = xxhash.xxh3_128_intdigest(words)
    index = xxhash.xxh3_64_intdigest(b"rec%03d" % row)
    return philox([0, epoch, index, 0], [key & MASK, key >> 64])[0]


def shuffle(rows, epoch):
    return sorted(rows, key=lambda r: first_bits("shuffle", epoch, r))


X = torch.from_numpy(np.load(os.path.join(HEAD, "features.npy"))).double()
LABELS = np.load(os.path.join(HEAD, "labels.npy")).astype(np.float32)
Y = torch.from_numpy(LABELS).double()
KLASS = LABELS.argmax(1)
GROUP = np.load(os.path.join(HEAD, "groups.npy"))[:, 0].astype(int)
GROUP[10::11] = -1
TURNS = np.arange(N) // 7 % 2
TURNS[10::11] = -1
SPEAKER = np.arange(N) % 7
INIT = torch.from_numpy(np.load(os.path.join(HEAD, "init.npy")).astype(np.float32)).double()


def class_weights(kind):
    if kind == "none":
        return torch.ones(C).double()
    positives = (LABELS > np.float32(1 / C)).sum(0)
    w = (1 / N) / (1 - ((N - 1) / N) ** positives)
    return torch.from_numpy(w * C / w.sum())


def logits(p, rows):
    mix, w1 = p[:L], p[L:L + H * D].reshape(H, D)
    b1, w2 = p[L + H * D:OUTPUT], p[OUTPUT:OUTPUT + C * H].reshape(C, H)
    h = torch.einsum("l,nld->nd", torch.softmax(mix, 0), X[rows])
    return (h @ w1.T + b1) @ w2.T + p[OUTPUT + C * H:]


def losses(p, rows, w):
    return (Y[rows] @ w) * -(Y[rows] * torch.log_softmax(logits(p, rows), 1)).sum(1)


def train(start, rows, epochs, rate, w, factor=None, output_only=False, l1=0.0, shuffled=0, order=None, judge=None,
          after=None):
    """One stage -> kept model, mean values and development values of the epochs."""
    p = start.clone()
    free = p[OUTPUT if output_only else 0:].clone().requires_grad_()
    fixed = p[:OUTPUT] if output_only else p[:0]
    adam = torch.optim.Adam([free], lr=rate)
    kept, values, judged = None, [], []
    for epoch in range(1, epochs + 1):
        visited = shuffle(rows, shuffled + epoch)
        visited = order(visited) if order else visited
        value, steps = 0.0, 0
        for first in range(0, len(visited), BATCH):
            batch = visited[first:first + BATCH]
            adam.zero_grad()
            p = torch.cat([fixed, free])
            each = losses(p, batch, w)
            if factor is not None:
                each = each * torch.from_numpy(factor[batch])
            total = each.mean()
            if l1:
                total = total + l1 * p[OUTPUT:OUTPUT + C * H].abs().sum()
            total.backward()
            torch.nn.utils.clip_grad_norm_([free], 1.0)
            adam.step()
            value, steps = value + float(total.detach()), steps + 1
        p = torch.cat([fixed, free]).detach()
        each = losses(p, list(range(N)), w).numpy()
        values.append(value / steps)
        judged.append(np.mean([judge(b, each) for b in np.array_split(np.arange(N), range(BATCH, N, BATCH))]))
        if after:
            after(each)
        if judged[-1] <= min(judged):
            kept = p
    return kept, values, [float(v) for v in judged]


def mean_of(batch, each):
    return each[batch].mean()


# --- fairbatch ---------------------------------------------------------------------------------------

def fairbatch(alpha, update):
    w = class_weights("effective")
    count = np.array([[np.sum((KLASS == c) & (GROUP == g)) for g in range(G)] for c in range(C)], float)
    natural = count / count.sum(1, keepdims=True)
    lam, history, orders = natural.copy(), [], []

    def compose(visited):
        queue = {(c, g): [r for r in visited if KLASS[r] == c and GROUP[r] == g] for c in range(C)
                 for g in list(range(G)) + [-1]}
        share = {(c, g): (count[c].sum() / N * lam[c, g] if g >= 0 else np.sum((KLASS == c) & (GROUP == -1)) / N)
                 for c, g in queue}
        drawn, out = dict.fromkeys(queue, 0), []
        for i in range(1, N + 1):
            able = [q for q in queue if queue[q] and share[q] > 0]
            best = max(able, key=lambda q: share[q] * i - drawn[q])  # the first of equals, as queues are listed
            out.append(queue[best][drawn[best] % len(queue[best])])
            drawn[best] += 1
        orders.append([int(r) for r in out])
        return out

    def judge(batch, each):
        weight = [lam[KLASS[i], GROUP[i]] / natural[KLASS[i], GROUP[i]] if GROUP[i] >= 0 else 1 for i in batch]
        return np.mean(np.array(weight) * each[batch])

    def follow(each):
        gaps = []
        for c in range(C):
            of = {g: each[(KLASS == c) & (GROUP == g)].mean() for g in range(G) if count[c, g]}
            low, high = min(of, key=of.get), max(of, key=of.get)
            gaps.append((of[high] - of[low], low, high))
        largest = max(range(C), key=lambda c: gaps[c][0])
        for c in range(C):
            if update == "each" or c == largest:
                _, low, high = gaps[c]
                step = min(alpha, lam[c, low])
                lam[c, low] -= step
                lam[c, high] += step
        history.append(lam.reshape(-1).tolist())

    kept, values, judged = train(INIT, list(range(N)), 4, 1e-3, w, order=compose, judge=judge, after=follow)
    return kept, {"alpha": alpha, "update": update, "lambda": history, "order": orders, "value": values,
                  "dev_objective": judged}


# --- stages on held-out speakers ---------------------------------------------------------------------

def hold_out(share):
    """Rows that train, and rows of the held-out speakers."""
    draws = sorted((first_bits("holdout", 0, s) >> 11, s) for s in range(7))
    held, n = set(), 0
    for _, speaker in draws[:-1]:
        if n >= share * N:
            break
        held.add(speaker)
        n += int(np.sum(SPEAKER == speaker))
    return [r for r in range(N) if SPEAKER[r] not in held], [r for r in range(N) if SPEAKER[r] in held]


def balance(rows, part, w):
    factor = np.zeros(N)
    size = (Y @ w).numpy()
    rows = [r for r in rows if part[r] >= 0]
    total = {q: sum(size[r] for r in rows if part[r] == q) for q in set(part[r] for r in rows)}
    for r in rows:
        factor[r] = len(rows) / (len(total) * total[part[r]])
    return factor


def fresh_output(p):
    return torch.cat([p[:OUTPUT], INIT[OUTPUT:]])


def cb_llr(weights):
    w = class_weights(weights)
    first, held = hold_out(0.3)
    model, values, judged = train(INIT, first, 2, 1e-3, w, judge=mean_of)
    dev = balance(list(range(N)), KLASS, w)
    kept, more, judged_more = train(
        fresh_output(model), held, 3, 1e-2, w, factor=balance(held, KLASS, w), output_only=True, shuffled=2,
        judge=lambda b, e: np.mean(dev[b] * e[b]))
    return kept, {"class_weights": weights, "value": values + more, "dev_objective": judged + judged_more,
                  "rows": [sorted(first), sorted(held)]}


def dfr(weights, refits, c):
    w = class_weights(weights)
    first, held = hold_out(0.6)
    model, values, judged = train(INIT, first, 2, 1e-3, w, judge=mean_of)
    part = np.where(TURNS < 0, -1, KLASS * G + TURNS)
    dev = balance(list(range(N)), part, w)
    cells = {q: [r for r in held if part[r] == q] for q in set(part[held]) if q >= 0}
    each, models, rows = min(map(len, cells.values())), [], [sorted(first)]

    def judge(b, e):
        return np.mean(dev[b] * e[b])

    for refit in range(1, refits + 1):
        drawn = [r for q in cells for r in sorted(cells[q], key=lambda r: first_bits("dfr", refit, r))[:each]]
        kept, more, judged_more = train(
            fresh_output(model), drawn, 3, 1e-2, w, factor=balance(drawn, part, w), output_only=True,
            l1=1 / (c * len(drawn)), shuffled=2, judge=judge)
        models.append(kept)
        values, judged, rows = values + more, judged + judged_more, rows + [sorted(map(int, drawn))]
    mean = torch.stack(models).mean(0)
    each = losses(mean, list(range(N)), w).numpy()
    judged.append(float(np.mean([judge(b, each) for b in np.array_split(np.arange(N), range(BATCH, N, BATCH))])))
    return mean, {"class_weights": weights, "refits": refits, "c": c, "value": values, "dev_objective": judged,
                  "rows": rows}


def main():
    torch.set_default_dtype(torch.float64)
    out = {}
    for name, (model, case) in {
        "fairbatch": fairbatch(0.05, "largest"), "fairbatch_each": fairbatch(0.2, "each"),
        "cb_llr": cb_llr("effective"), "cb_llr_unweighted": cb_llr("none"),
        "dfr": dfr("effective", 3, 0.5), "dfr_unweighted": dfr("none", 2, 2.0),
    }.items():
        np.save(os.path.join(HERE, name + ".npy"), model.numpy())
        out[name] = case
    with open(os.path.join(HERE, "rebalance.json"), "w") as f:
        json.dump(out, f)
        f.write("\n")


if __name__ == "__main__":
    main()
