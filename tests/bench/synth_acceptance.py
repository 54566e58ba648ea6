#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does a corpus from `fairvox synth` show what it is made for? Run by hand; numpy and soundfile only.

    fairvox synth /tmp/corpus && tests/bench/synth_acceptance.py /tmp/corpus

Everything here is independent of fairvox's own code: log-mel mean and sd (160 numbers a recording), a linear
head d -> 256 -> 6 with class-balanced soft cross-entropy, the biased split of CREMA-D at ratio 20, ERM, RW (n_c/(G_c
n_cg)), DS and GDRO (maximum over groups in a batch) on the true gender, means over the folds. Ends with 1 when an
expectation does not hold. The expectations are for the whole corpus; with --limit parts they are only printed.
"""
import argparse
import csv
import os
import sys

import numpy as np

EMOTIONS = ["angry", "sad", "disgust", "fear", "neutral", "happy"]
MALE_MAJORITY = {"angry", "disgust", "neutral"}
DEFECTIVE = {"1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX"}
# Counts of the paper's Tables A3 and A4: train, dev, test as (male, female), by fold.
COUNTS = {1: [(1419, 357), (515, 116), (574, 889)], 2: [(1282, 370), (467, 125), (896, 574)],
          3: [(1276, 389), (520, 98), (820, 656)], 4: [(1315, 384), (428, 130), (900, 574)],
          5: [(1504, 342), (330, 139), (738, 817)]}
# F1, ACC, TPR gap, DP gap of the Python prototype's corpus, seed 1.
REFERENCE = {"random": (.360, .510, .044, .013), "unbiased": (.594, .796, .197, .062), "erm": (.550, .765, .498, .191),
             "rw": (.558, .788, .238, .073), "ds": (.537, .708, .168, .076), "gdro": (.539, .722, .314, .120)}
RACES = ["Caucasian", "African American", "Asian"]


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def mel_filters():
    """80 triangles on the HTK mel scale from 20 to 8000 Hz, [80, 257]."""
    def mel(hz):
        return 2595 * np.log10(1 + np.asarray(hz) / 700)
    edges = 700 * (10 ** (np.linspace(mel(20), mel(8000), 82) / 2595) - 1)
    hz = np.arange(257) * 16000 / 512
    up = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down))


def log_mel_statistics(path, filters):
    import soundfile
    wave, rate = soundfile.read(path, dtype="float64")
    assert rate == 16000 and wave.ndim == 1, path
    frames = np.lib.stride_tricks.sliding_window_view(wave, 400)[::160] * np.hanning(401)[:400]
    power = np.abs(np.fft.rfft(frames, 512)) ** 2
    mels = np.log(np.maximum(power @ filters.T, 1e-10))
    return np.concatenate([mels.mean(0), mels.std(0)])


def features(folder, names):
    """One row of 160 a recording; kept beside the corpus as acceptance.npz."""
    kept = os.path.join(folder, "acceptance.npz")
    mark = os.path.getmtime(os.path.join(folder, "synth.json"))
    if os.path.exists(kept):
        old = np.load(kept)
        if float(old["mark"]) == mark and list(old["names"]) == names:
            return old["x"]
    filters, x = mel_filters(), np.empty((len(names), 160))
    for i, name in enumerate(names):
        stem = os.path.splitext(name)[0]
        path = next(p for p in (os.path.join(folder, stem + e) for e in (".flac", ".wav")) if os.path.exists(p))
        x[i] = log_mel_statistics(path, filters)
    np.savez(kept, x=x, names=np.array(names), mark=mark)
    return x


class Fold:
    """One fold's rows; everything by index into the corpus."""

    def __init__(self, folder, fold, index):
        rows = [r for r in read_csv(os.path.join(folder, f"labels_consensus_{fold}.csv"))
                if os.path.splitext(r["FileName"])[0] not in DEFECTIVE]
        self.row = np.array([index[r["FileName"]] for r in rows])
        self.y = np.array([[float(r[e]) for e in EMOTIONS] for r in rows])
        self.male = np.array([r["Gender"] == "Male" for r in rows])
        self.speaker = np.array([r["SpkrID"] for r in rows])
        self.split = np.array([r["Split_Set"] for r in rows])

    def rows(self, split):
        return np.flatnonzero(self.split == split)

    def biased(self, split, ratio, rng):
        keep = []
        for c, emotion in enumerate(EMOTIONS):
            rows = [i for i in self.rows(split) if self.y[i, c] > 0.5]
            major = [i for i in rows if self.male[i] == (emotion in MALE_MAJORITY)]
            minor = [i for i in rows if self.male[i] != (emotion in MALE_MAJORITY)]
            keep += major + list(rng.permutation(minor)[:len(major) // ratio].astype(int))
        return np.array(sorted(keep), dtype=int)


def class_weights(y):
    n, n_k = len(y), (y.astype(np.float32) > np.float32(1 / 6)).sum(0)
    w = np.zeros(6)
    beta = (n - 1) / n
    w[n_k > 0] = (1 - beta) / (1 - beta ** n_k[n_k > 0])
    return w * 6 / w.sum()


class Head:
    """Two linear layers without a nonlinearity, PyTorch's initialisation, Adam, joint clipping at 1."""

    def __init__(self, d, rng, hidden=256):
        def uniform(fan_in, shape):
            return rng.uniform(-1, 1, shape) / np.sqrt(fan_in)
        self.p = [uniform(d, (d, hidden)), uniform(d, hidden), uniform(hidden, (hidden, 6)), uniform(hidden, 6)]
        self.m = [np.zeros_like(p) for p in self.p]
        self.v = [np.zeros_like(p) for p in self.p]
        self.t = 0

    def logits(self, x):
        return (x @ self.p[0] + self.p[1]) @ self.p[2] + self.p[3]

    def step(self, x, dz, lr=1e-4):
        h = x @ self.p[0] + self.p[1]
        dh = dz @ self.p[2].T
        grad = [x.T @ dh, dh.sum(0), h.T @ dz, dz.sum(0)]
        scale = min(1, 1 / (np.sqrt(sum((g * g).sum() for g in grad)) + 1e-6))
        self.t += 1
        for p, m, v, g in zip(self.p, self.m, self.v, grad):
            g = g * scale
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= lr * (m / (1 - 0.9 ** self.t)) / (np.sqrt(v / (1 - 0.999 ** self.t)) + 1e-8)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def sample_loss(z, y, w):
    top = z.max(1, keepdims=True)
    log_p = z - top - np.log(np.exp(z - top).sum(1, keepdims=True))
    return (y @ w) * -(y * log_p).sum(1)


def weights(method, loss, omega, group):
    """v [B] of a batch: the gradient is sum v_i dl_i, the value sum v_i l_i."""
    if method == "rw":
        return omega / len(loss)
    if method == "gdro":
        present = np.unique(group)
        worst = max(present, key=lambda g: loss[group == g].mean())
        return (group == worst) / (group == worst).sum()
    return np.full(len(loss), 1 / len(loss))


def stratified(y, group):
    c = y.argmax(1)
    table = {}
    for k in np.unique(c):
        present = np.unique(group[c == k])
        for g in present:
            table[k, g] = (c == k).sum() / (len(present) * ((c == k) & (group == g)).sum())
    return table


def keep_rows(method, y, group, rng):
    if method != "ds":
        return np.arange(len(y))
    c, keep = y.argmax(1), []
    for k in np.unique(c):
        parts = [np.flatnonzero((c == k) & (group == g)) for g in np.unique(group[c == k])]
        n = min(len(p) for p in parts)
        keep += [i for p in parts for i in rng.permutation(p)[:n]]
    return np.array(sorted(keep))


def train(method, x, y, group, x_dev, y_dev, group_dev, seed, epochs=50, batch=32):
    rng = np.random.default_rng(seed)
    head = Head(x.shape[1], rng)
    w, table = class_weights(y), stratified(y, group)
    omega = np.array([table[k, g] for k, g in zip(y.argmax(1), group)])
    omega_dev = np.array([table.get((k, g), 1) for k, g in zip(y_dev.argmax(1), group_dev)])
    rows, best = keep_rows(method, y, group, rng), (np.inf, None)
    for _ in range(epochs):
        order = rng.permutation(rows)
        for b in (order[i:i + batch] for i in range(0, len(order), batch)):
            z = head.logits(x[b])
            v = weights(method, sample_loss(z, y[b], w), omega[b], group[b])
            head.step(x[b], (v * (y[b] @ w))[:, None] * (softmax(z) * y[b].sum(1, keepdims=True) - y[b]))
        loss, values = sample_loss(head.logits(x_dev), y_dev, w), []
        for i in range(0, len(loss), batch):
            s = slice(i, i + batch)
            values.append(loss[s] @ weights(method, loss[s], omega_dev[s], group_dev[s]))
        if np.mean(values) < best[0]:
            best = np.mean(values), [p.copy() for p in head.p]
    head.p = best[1]
    return head


def binary(p):
    return np.asarray(p, np.float32) > np.float32(1 / 6)


def macro_f1(t, p):
    tp, wrong = (t & p).sum(0), (t ^ p).sum(0)
    return np.mean(np.where(2 * tp + wrong > 0, 2 * tp / np.maximum(1, 2 * tp + wrong), 0))


def gaps(t, p, group):
    """TPR gap (variants without positives left out) and DP gap over the groups that are not ''; nan for one group."""
    names = [g for g in np.unique(group) if g != ""]
    if len(names) < 2:
        return np.nan, np.nan
    tpr = np.full((len(names), 6), np.nan)
    rate = np.empty((len(names), 6))
    for i, g in enumerate(names):
        m = group == g
        n = t[m].sum(0)
        tpr[i, n > 0] = (t[m] & p[m]).sum(0)[n > 0] / n[n > 0]
        rate[i] = p[m].mean(0)
    pairs = [tpr[i] - tpr[j] for i in range(len(names)) for j in range(i)]
    pairs = np.concatenate(pairs)
    dp = np.abs(rate - p[group != ""].mean(0)).max(0)
    return np.sqrt(np.nanmean(pairs ** 2)), np.sqrt(np.mean(dp ** 2))


def evaluate(t, p, male):
    group = np.where(male, "Male", "Female")
    tpr, dp = gaps(t, p, group)
    worst = min(macro_f1(t[group == g], p[group == g]) for g in np.unique(group))
    return macro_f1(t, p), (t == p).mean(), tpr, dp, worst


def check_counts(folds, say):
    for number, fold in folds.items():
        rng = np.random.default_rng(number)
        parts = [fold.biased("Train", 20, rng), fold.biased("Development", 20, rng), fold.rows("Test")]
        got = [(int(fold.male[p].sum()), int((~fold.male[p]).sum())) for p in parts]
        say(got == COUNTS[number], f"fold {number}: male and female totals {got} are the paper's")


def fit_and_test(folds, x, ratio, seed):
    """Scores by method, and what the race check needs: test truth, predictions, speakers by method and fold."""
    scores = {m: [] for m in REFERENCE}
    tests = {m: [] for m in REFERENCE}
    for number, fold in folds.items():
        rng = np.random.default_rng([seed, number])
        biased, biased_dev = fold.biased("Train", ratio, rng), fold.biased("Development", ratio, rng)
        test = fold.rows("Test")
        truth = binary(fold.y[test])
        for method in REFERENCE:
            if method == "random":
                p = softmax(rng.uniform(size=(len(test), 6)))
            else:
                a, b = (fold.rows("Train"), fold.rows("Development")) if method == "unbiased" else (biased, biased_dev)
                mean, sd = x[fold.row[a]].mean(0), x[fold.row[a]].std(0)
                z = (x - mean) / np.where(sd > 0, sd, 1)
                head = train(method, z[fold.row[a]], fold.y[a], fold.male[a].astype(int), z[fold.row[b]], fold.y[b],
                             fold.male[b].astype(int), [seed, number])
                p = softmax(head.logits(z[fold.row[test]]))
            scores[method].append(evaluate(truth, binary(p), fold.male[test]))
            tests[method].append((truth, binary(p), fold.speaker[test]))
    return {m: np.array(s) for m, s in scores.items()}, tests


def race_gap(parts, race):
    return np.nanmean([gaps(t, p, np.array([race[s] for s in speaker]))[0] for t, p, speaker in parts])


def check_race(tests, demographics, say, draws=200):
    people = [r["ActorID"] for r in demographics]
    value = [r["Race"] if r["Race"] in RACES else "" for r in demographics]
    true = dict(zip(people, value))
    rng = np.random.default_rng(0)
    shuffled = [dict(zip(people, rng.permutation(value))) for _ in range(draws)]
    for method, parts in tests.items():
        gap, null = race_gap(parts, true), np.array([race_gap(parts, r) for r in shuffled])
        p = (1 + (null >= gap).sum()) / (1 + draws)
        say(p > 0.01, f"{method}: race gap {gap:.3f} is chance (permuted: {null.mean():.3f}, 95% below "
            f"{np.quantile(null, .95):.3f}; p = {p:.3f})")


def check_scores(mean, say):
    f1, gap = {m: s[0] for m, s in mean.items()}, {m: s[2] for m, s in mean.items()}
    say(.55 <= f1["unbiased"] <= .65, f"F1 without bias {f1['unbiased']:.3f} is in .55 - .65")
    say(gap["erm"] >= .40, f"TPR gap of ERM {gap['erm']:.3f} is at least .40")
    for method, most in (("rw", .65), ("ds", .5), ("gdro", .8)):
        share = gap[method] / gap["erm"]
        say(share <= most, f"TPR gap of {method} is {share:.2f} of ERM's, at most {most}")
    say(f1["rw"] >= f1["erm"] - .02, f"F1 of RW {f1['rw']:.3f} is not below ERM's {f1['erm']:.3f} - .02")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--ratio", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the draws and the training")
    parser.add_argument("--skip-race", action="store_true")
    options = parser.parse_args()
    names = sorted(r["FileName"] for r in read_csv(os.path.join(options.folder, "labels_consensus_1.csv")))
    x = features(options.folder, names)
    index = {name: i for i, name in enumerate(names)}
    folds = {f: Fold(options.folder, f, index) for f in range(1, 6)}
    whole, failed = len(names) == 7442, []

    def say(holds, text):
        print(("ok      " if holds else "MISSED  ") + text)
        if not holds:
            failed.append(text)

    if whole:
        check_counts(folds, say)
    scores, tests = fit_and_test(folds, x, options.ratio, options.seed)
    print(f"{'method':9}   F1    ACC   TPR gap        DP gap worst F1 | prototype: F1  ACC  TPR gap DP gap")
    for method, s in scores.items():
        m = s.mean(0)
        print(f"{method:9} {m[0]:.3f} {m[1]:.3f} {m[2]:.3f}+-{s[:, 2].std(ddof=1):.3f}  {m[3]:.3f}  {m[4]:.3f}    | "
              + " ".join(f"{v:.3f}" for v in REFERENCE[method]))
    check_scores({m: s.mean(0) for m, s in scores.items()}, say)
    if not options.skip_race:
        check_race(tests, read_csv(os.path.join(options.folder, "VideoDemographics.csv")), say)
    return 1 if failed and whole else 0


if __name__ == "__main__":
    sys.exit(main())
