#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes parameters.json and signal.json: what `fairvox synth` must draw and compute, from a second implementation.

Run in this folder; needs numpy. Reads the label files of configs/corpora/cremad.
"""
import csv
import json
import math
import os

import numpy as np

CREMAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../configs/corpora/cremad")
M64 = 2 ** 64 - 1
CLASSES = ["angry", "sad", "disgust", "fear", "neutral", "happy"]
#        pitch range rate gain tilt tremor breath
VEC = np.array([[1.5, .35, .10, 5, 5, 0, 0],
                [-1.0, -.45, -.16, -4, -5, .05, 1.0],
                [-1.5, -.10, -.14, 0, 1, 0, 3.5],
                [3.0, -.20, .14, 0, 0, .35, 2.0],
                [0, 0, 0, 0, 0, 0, 0],
                [2.5, .55, .03, 3, 3, 0, 0]])
JIT = np.array([1.2, .18, .07, 2, 2, .08, 1.2])
SPK = np.array([1.0, .12, .07, 2.5, 2, .03, 1.0])


def fnv1a64(data):
    value = 14695981039346656037
    for byte in data.encode():
        value = ((value ^ byte) * 1099511628211) & M64
    return value


class Splitmix:
    def __init__(self, name, seed):
        self.state = fnv1a64(name) ^ (seed * 0x9E3779B97F4A7C15 & M64)

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & M64
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & M64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & M64
        return z ^ z >> 31

    def uniform(self):
        return (self.next() >> 11) / 2 ** 53

    def normal(self):
        u1, u2 = self.uniform(), self.uniform()
        return math.sqrt(-2 * math.log(1 - u1)) * math.cos(2 * math.pi * u2)


def speaker(actor, male, age, seed):
    rng = Splitmix(f"speaker/{actor}", seed)
    voice = rng.next() % (8 if male else 5) + 1
    a, b, c, d = (rng.normal() for _ in range(4))
    habit = np.array([rng.normal() for _ in range(7)]) * SPK
    old = max(0, age - 50) / 10
    return {"voice": voice, "pitch_st": 1.5 * a + old * (0.8 if male else -1.0), "tract": math.exp(0.03 * b),
            "tempo": math.exp(0.07 * c - 0.05 * (age - 36) / 20), "expressiveness": math.exp(0.25 * d),
            "habit": list(habit)}


def utterance(name, label, who, knobs):
    rng = Splitmix(f"utt/{name}", knobs["seed"])
    w = np.clip(np.array(label) - min(label), 0, None)
    w = w / w.sum() if w.sum() > 0 else np.full(6, 1 / 6)
    top = w == w.max()
    w = knobs["mix"] * w + (1 - knobs["mix"]) * top / top.sum()
    n = np.array([rng.normal() for _ in range(7)])
    v = knobs["strength"] * who["expressiveness"] * (w @ VEC) + who["habit"] + knobs["jitter"] * JIT * n
    pitch = 50 + (v[0] + who["pitch_st"] - 12 * math.log2(who["tract"])) / 0.149
    rate = 175 * who["tempo"] * math.exp(v[2]) / who["tract"]
    phase = rng.uniform() if v[5] > 0 else 0
    return {"weight": list(w), "v": list(v), "pitch": int(np.clip(round(pitch), 0, 99)),
            "range_percent": round(100 * math.exp(v[1])), "rate_wpm": int(np.clip(round(rate), 90, 400)),
            "tremor_phase": phase, "room_db": -60 + 3 * rng.normal()}


def parameters():
    with open(os.path.join(CREMAD, "VideoDemographics.csv"), newline="") as file:
        people = {r["ActorID"]: r for r in csv.DictReader(file)}
    with open(os.path.join(CREMAD, "labels_consensus_1.csv"), newline="") as file:
        rows = {r["FileName"]: r for r in csv.DictReader(file)}
    names = ["1001_DFA_ANG_XX.wav", "1002_IEO_FEA_HI.wav", "1005_TSI_SAD_XX.wav", "1037_IWL_HAP_XX.wav",
             "1040_ITH_DIS_XX.wav", "1066_MTI_NEU_XX.wav", "1091_WSI_HAP_XX.wav"]
    labels = {n: [float(rows[n][c]) for c in CLASSES] for n in rows}
    tie = next(n for n in sorted(rows) if sorted(labels[n])[-1] == sorted(labels[n])[-2])
    cases = []
    for knobs in ({"seed": 1, "strength": 1.8, "jitter": 0.7, "mix": 1.0},
                  {"seed": 20250613, "strength": 0.9, "jitter": 1.25, "mix": 0.3}):
        for name in names + [tie]:
            person = people[rows[name]["SpkrID"]]
            who = speaker(person["ActorID"], person["Sex"] == "Male", float(person["Age"]), knobs["seed"])
            cases.append({"knobs": knobs, "file_name": name, "speaker": who,
                          "utterance": utterance(name, labels[name], who, knobs)})
    return {"cases": cases}


def one_pole(x, pole):
    y, state = np.empty_like(x), 0.0
    for i, value in enumerate(x):
        state = (1 - pole) * value + pole * state
        y[i] = state
    return y


def signal():
    rng = Splitmix("signal", 0)
    n = 240
    x = np.array([0.4 * math.sin(0.07 * i) * (i < 180) + 0.2 * (rng.uniform() - 0.5) for i in range(n)])
    noise = np.array([rng.normal() for _ in range(n)]).astype(np.float32).astype(float)
    t = np.arange(n) / 16000
    low = one_pole(x, math.exp(-2 * math.pi * 1000 / 16000))
    tilt = [x + (10 ** (db / 20) - 1) * (x - low) for db in (-4.25, 6.5)]
    tremor = [x * (1 + min(max(depth, 0), .8) * np.sin(2 * math.pi * (6 * t + 0.3))) for depth in (0.35, 1.7, -0.2)]
    envelope = np.sqrt(one_pole(x * x, math.exp(-1 / 400)))
    breath = [x + envelope * 10 ** ((-26 + 2 * v) / 20) * noise for v in (2.5, -1.0)]
    return {"x": x, "noise": noise, "tilt_db": [-4.25, 6.5], "tilt": tilt, "tremor_depth": [0.35, 1.7, -0.2],
            "tremor_phase": 0.3, "tremor": tremor, "breath_value": [2.5, -1.0], "breath": breath}


def write(name, data):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(data, file, default=lambda a: a.tolist() if isinstance(a, np.ndarray) else a.item())
        file.write("\n")


write("parameters.json", parameters())
write("signal.json", signal())
