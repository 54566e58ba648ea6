#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes sets.json: predictions and what scikit-learn and fairlearn say about them.

    pip install scikit-learn==1.9.1 fairlearn==0.15.0 pandas && python3 make.py

Each library judges each class as a binary problem; this file only averages over classes and leaves out what has no rate
(scikit-learn's own values for 0/0 are 0 or a warning). Calibration and the spread over speakers, which neither library
has, are written out in numpy here; brier is checked against scikit-learn where labels are hard.
"""
import json
import sys
import warnings

import fairlearn
import fairlearn.metrics as fl
import numpy as np
import sklearn
import sklearn.metrics as sk

warnings.filterwarnings("ignore")
BINS = 15


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return (e / e.sum(1, keepdims=True)).astype(np.float32)


def positives(x):
    return x > np.float32(1.0 / x.shape[1])


def known(value):
    return None if value is None or np.isnan(value) else float(value)


def mean(values):
    values = [v for v in values if v is not None and not np.isnan(v)]
    return float(np.mean(values)) if values else None


def overall(prefix, true, pred):
    """true, pred [n, C] indicators"""
    out = {
        prefix + "f1": sk.f1_score(true, pred, average="macro", zero_division=0),
        prefix + "f1_micro": sk.f1_score(true, pred, average="micro", zero_division=0),
        prefix + "f1_weighted": sk.f1_score(true, pred, average="weighted", zero_division=0) if true.any() else None,
    }
    return {k: known(v) for k, v in out.items()}


def one_hot(ids, C):
    return np.arange(C)[None, :] == ids[:, None]


def argmax_overall(true, pred, C):
    recall = sk.recall_score(true, pred, labels=range(C), average=None, zero_division=np.nan)
    out = overall("argmax_", one_hot(true, C), one_hot(pred, C))
    out["accuracy"] = known(sk.accuracy_score(true, pred))
    out["uar"] = known(sk.balanced_accuracy_score(true, pred))
    out["worst_class_recall"] = known(np.nanmin(recall))
    return out, recall


def values_of(frame):
    """The groups' values of a fairlearn MetricFrame, without those that have no rate."""
    return frame.by_group.dropna()


def per_class(true, pred, group):
    """fairlearn's figures of one class, true and pred [n]; NaN: undefined."""
    nan = float("nan")
    has_p = [g for g in np.unique(group) if true[group == g].any()]
    has_n = [g for g in np.unique(group) if (~true[group == g]).any()]
    p, n = np.isin(group, has_p), np.isin(group, has_n)
    out = {}

    def frame(metric, rows):
        return fl.MetricFrame(metrics=metric, y_true=true[rows], y_pred=pred[rows], sensitive_features=group[rows])

    tpr = frame(fl.true_positive_rate, p) if len(has_p) > 1 else None
    fpr = frame(fl.false_positive_rate, n) if len(has_n) > 1 else None
    out["equal_opportunity"] = (
        fl.equal_opportunity_difference(true[p], pred[p], sensitive_features=group[p]) if tpr else nan
    )
    parts = [f.difference() for f in (tpr, fpr) if f]
    out["odds"] = max(parts) if parts else nan
    if len(has_p) == len(has_n) == len(np.unique(group)) > 1:
        assert out["odds"] == fl.equalized_odds_difference(true, pred, sensitive_features=group)
    ratios = [f.ratio() if f and f.by_group.max() > 0 else nan for f in (tpr, fpr)]
    out["odds_ratio"] = nan if np.isnan(ratios).any() else min(ratios)
    if not np.isnan(out["odds_ratio"]) and len(has_p) == len(has_n) == len(np.unique(group)):
        assert out["odds_ratio"] == fl.equalized_odds_ratio(true, pred, sensitive_features=group)
    out["parity_ratio"] = (
        fl.demographic_parity_ratio(true, pred, sensitive_features=group) if pred.any() else nan
    )
    out["tpr"], out["fpr"] = tpr, fpr
    return out


def rms_of_pairs(frames):
    d = []
    for f in frames:
        v = f.by_group.to_numpy() if f else []
        d += [v[i] - v[j] for i in range(len(v)) for j in range(i + 1, len(v))]
    return float(np.sqrt(np.mean(np.square(d)))) if d else None


def dp_gap(pred, group):
    worst = []
    for c in range(pred.shape[1]):
        f = fl.MetricFrame(
            metrics=fl.selection_rate, y_true=pred[:, c], y_pred=pred[:, c], sensitive_features=group
        )
        worst.append(float((f.by_group - f.overall).abs().max()))
    return float(np.sqrt(np.mean(np.square(worst))))


def gaps(true, pred, group):
    if len(np.unique(group)) < 2:
        return {}
    one = [per_class(true[:, c], pred[:, c], group) for c in range(true.shape[1])]
    return {
        "equal_opportunity_difference": mean([o["equal_opportunity"] for o in one]),
        "equalized_odds_difference": mean([o["odds"] for o in one]),
        "demographic_parity_ratio": mean([o["parity_ratio"] for o in one]),
        "equalized_odds_ratio": mean([o["odds_ratio"] for o in one]),
        "tpr_gap": rms_of_pairs([o["tpr"] for o in one]),
        "fpr_gap": rms_of_pairs([o["fpr"] for o in one]),
        "dp_gap": dp_gap(pred, group),
    }


def ece_of_class(p, y):
    """15 bins of equal mass; rows with the same p count with the mean of their labels."""
    n = len(p)
    order = np.argsort(p, kind="stable")
    p, y = p[order].astype(float), y[order].astype(float)
    for value in np.unique(p):
        y[p == value] = y[p == value].mean()
    edge = [b * n // BINS for b in range(BINS + 1)]
    return sum(abs(p[a:b].mean() - y[a:b].mean()) * (b - a) / n for a, b in zip(edge, edge[1:]) if b > a)


def calibration(p, y):
    C = p.shape[1]
    brier = [float(np.mean((p[:, c].astype(float) - y[:, c].astype(float)) ** 2)) for c in range(C)]
    if np.isin(y, (0, 1)).all():
        for c in range(C):
            assert abs(sk.brier_score_loss(y[:, c] > 0, p[:, c].astype(float), pos_label=True) - brier[c]) < 1e-15
    return {"ece": float(np.mean([ece_of_class(p[:, c], y[:, c]) for c in range(C)])), "brier": float(np.mean(brier))}


def spread(true, pred, speaker, least):
    uar = []
    for s in np.unique(speaker):
        rows = speaker == s
        if rows.sum() >= least:
            uar.append(sk.balanced_accuracy_score(true[rows], pred[rows]))
    x = np.array(uar)
    if len(x) < 2:
        return {"speaker_uar_spread": None, "speaker_gini": None}
    gini = np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) ** 2 * x.mean()) if x.sum() else None
    return {"speaker_uar_spread": float(x.std(ddof=1)), "speaker_gini": known(gini)}


def areas(p, true):
    auc = [
        sk.roc_auc_score(true[:, c], p[:, c]) if true[:, c].any() and not true[:, c].all() else None
        for c in range(p.shape[1])
    ]
    ap = [sk.average_precision_score(true[:, c], p[:, c]) if true[:, c].any() else None for c in range(p.shape[1])]
    return {"auc": mean(auc), "ap": mean(ap), "class_auc": auc, "class_ap": ap}


def has_majority(y):
    return (y > 0.5).sum(1) == 1


def evaluate(p, y, group, speaker, majority_only, least):
    C = p.shape[1]
    true, pred = positives(y), positives(p)
    out = overall("", true, pred)
    out["acc"] = float(np.mean([sk.accuracy_score(true[:, c], pred[:, c]) for c in range(C)]))
    out["no_majority"] = int((~has_majority(y)).sum())
    rows = (y.max(1) > 0) & (has_majority(y) if majority_only else True)
    t, q, g, s = y[rows].argmax(1), p[rows].argmax(1), group[rows], speaker[rows]
    argmax, recall = argmax_overall(t, q, C)
    out.update(argmax)
    out["recall"] = [known(r) for r in recall]
    out["confusion"] = sk.confusion_matrix(t, q, labels=range(C)).tolist()
    out.update(areas(p, true))
    out.update(calibration(p, y))
    out.update(spread(t, q, s, least))
    out["gaps"] = gaps(true, pred, group)
    out["argmax_gaps"] = {
        "argmax_" + k: v
        for k, v in gaps(one_hot(t, C), one_hot(q, C), g).items()
        if k in ("tpr_gap", "fpr_gap", "dp_gap")
    }
    uar = [sk.balanced_accuracy_score(t[g == k], q[g == k]) for k in np.unique(g)]
    f1 = [overall("", one_hot(t[g == k], C), one_hot(q[g == k], C))["f1"] for k in np.unique(g)]
    out["argmax_gaps"]["recall_gap"] = float(max(uar) - min(uar)) if len(uar) > 1 else None
    out["argmax_gaps"]["worst_group_uar"] = float(min(uar))
    out["argmax_gaps"]["argmax_worst_group_f1"] = float(min(f1))
    out["groups"] = []
    for k in np.unique(group):
        own = group == k
        one = overall("", true[own], pred[own])
        one.update(argmax_overall(t[g == k], q[g == k], C)[0])
        one.update(calibration(p[own], y[own]))
        one["confusion"] = sk.confusion_matrix(t[g == k], q[g == k], labels=range(C)).tolist()
        out["groups"].append(one)
    return out


def make(seed, n, C, G, *, soft=False, quantum=None, empty=None, one_class=False, silent=None, majority_only=False,
         lacking=None, least=10, speakers=4):
    """empty: a class never labelled; silent: a class never above 1/C; lacking: (group, class) without labels."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, G, n)
    group[:G] = np.arange(G)
    speaker = rng.integers(0, speakers, n) * G + group  # a speaker has one group
    p = softmax(rng.normal(0, 1.2, (n, C)) + 0.4 * group[:, None] * np.linspace(-1, 1, C))
    klass = rng.integers(0, C, n)
    klass = np.where(rng.random(n) < 0.4, p.argmax(1), klass)
    if empty is not None:
        klass = np.where(klass == empty, (empty + 1) % C, klass)
    if lacking:
        klass = np.where((group == lacking[0]) & (klass == lacking[1]), (lacking[1] + 1) % C, klass)
    if one_class:
        klass[:] = 1
    y = np.eye(C, dtype=np.float32)[klass]
    if soft:  # votes of 4 raters, half of them for the class
        votes = np.stack([np.where(rng.random(n) < 0.5, klass, rng.integers(0, C, n)) for _ in range(4)])
        y = np.stack([(votes == c).mean(0) for c in range(C)], 1).astype(np.float32)
    if quantum:
        p = (np.round(p / quantum) * quantum).astype(np.float32)
    if silent is not None:
        p[:, silent] *= np.float32(0.1)
        p[:, silent] = np.minimum(p[:, silent], np.float32(0.2 / C))
    return {
        "majority_only": majority_only, "min_support": least, "group": group.tolist(), "speaker": speaker.tolist(),
        "prob": [[float(v) for v in row] for row in p], "label": [[float(v) for v in row] for row in y],
        "expected": evaluate(p, y, group, speaker, majority_only, least),
    }


def main():
    sets = {
        "hard_labels": make(1, 150, 4, 3),
        "soft_labels": make(2, 200, 6, 2, soft=True),
        "ties": make(3, 180, 4, 2, soft=True, quantum=0.25),
        "no_majority_left_out": make(4, 200, 5, 3, soft=True, majority_only=True),
        "empty_class": make(5, 120, 5, 2, empty=3),
        "group_without_a_class": make(6, 120, 4, 3, lacking=(1, 2)),
        "one_class": make(7, 60, 3, 2, one_class=True),
        "one_group": make(8, 90, 4, 1),
        "class_never_predicted": make(9, 150, 4, 2, silent=0),
        "two_classes": make(10, 100, 2, 2),
        "few_rows": make(11, 9, 3, 2, least=1, speakers=2),
    }
    versions = {"scikit-learn": sklearn.__version__, "fairlearn": fairlearn.__version__, "numpy": np.__version__}
    with open(sys.argv[1] if len(sys.argv) > 1 else "sets.json", "w") as file:
        json.dump({"versions": versions, "sets": sets}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
