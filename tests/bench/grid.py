# SPDX-License-Identifier: Apache-2.0
"""The grid of the paper (32 variants and Random, 5 folds, 50 epochs) at its size, and PyTorch beside it.

    python3 tests/bench/grid.py FAIRVOX FOLDER [JOBS] [KEY=VALUE...]

FAIRVOX is the program in a build folder. FOLDER (1 GB is needed) gets made-up features for the 7,442
recordings of CREMA-D, 13 x 768 each, and of 192 numbers for the clusters; they lean on class, gender
and speaker, and say nothing about people. They are made once; results are written anew. Labels and
demographics are those of configs/corpora/cremad.

Printed are the wall time of the grid; for each loss the processor time of a variant (5 folds), with all
that belongs to it: reading the features, groups, training, development set, metrics, files; the time a step of its
epochs (training and development set); and, where torch is installed, what PyTorch takes for the same training steps
alone (one thread, measured again after each variant, the best so far) relative to both, and with the heads of 33
variants trained at once. Run by hand; needs numpy, and torch for the ratio.
"""
import csv
import glob
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.abspath(os.path.join(HERE, "../../configs/corpora/cremad"))
CLASSES = ["angry", "sad", "disgust", "fear", "neutral", "happy"]
LAYERS, DIMS, VOICE, HIDDEN, BATCH = 13, 768, 192, 256, 32

PLAN = """corpus:
  labels: {corpus}/labels_consensus_{{fold}}.csv
  attributes: {{file: {corpus}/VideoDemographics.csv, speaker: ActorID, columns: {{race: Race, age: Age}}}}
  bins: {{age: {{Young: [20, 35], Middle: [36, 49], Elderly: [50, 75]}}}}
  values: {{race: [Caucasian, African American, Asian]}}
  folds: [1, 2, 3, 4, 5]
  exclude: [1064_IEO_DIS_MD, 1064_TIE_SAD_XX, 1076_MTI_NEU_XX, 1076_MTI_SAD_XX]
bias:
  attribute: gender
  minority_ratio: 20
  majority: {{angry: Male, disgust: Male, neutral: Male, fear: Female, happy: Female, sad: Female}}
encoder: {{name: precomputed, file: states.safetensors}}
loss: {{name: erm, profile: paper}}
eval: {{attributes: [gender, race, age], compare: {{metric: tpr_gap, attribute: gender}}}}
matrix:
  loss.name: [erm, random, lff, disent, ds, rw, gdro, gadro]
  grouper:
    - {{name: truth, column: gender}}
    - {{name: file, file: pseudo.csv}}
    - {{name: kmeans, k: 2, encoder: {{name: precomputed, file: voice.safetensors}}}}
    - {{name: kmeans, k: 4, encoder: {{name: precomputed, file: voice.safetensors}}}}
    - {{name: kmeans, k: 8, encoder: {{name: precomputed, file: voice.safetensors}}}}
    - {{name: kmeans, k: 16, encoder: {{name: precomputed, file: voice.safetensors}}}}
    - {{name: kmeans, k: 32, encoder: {{name: precomputed, file: voice.safetensors}}}}
  include:
    - {{loss.name: pgdro, grouper: {{name: file, file: pseudo.csv}}}}
"""


def write_tensors(path, names, shape, row):
    """One F32 tensor a recording; row(i) -> [*shape]."""
    size = int(np.prod(shape)) * 4
    head = {n: {"dtype": "F32", "shape": shape, "data_offsets": [i * size, (i + 1) * size]}
            for i, n in enumerate(names)}
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for i in range(len(names)):
            out.write(row(i).astype("<f4").tobytes())


def make(folder):
    if os.path.exists(f"{folder}/pseudo.csv"):
        return
    os.makedirs(folder, exist_ok=True)
    with open(f"{CORPUS}/labels_consensus_1.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [re.sub(r"\.wav$", "", r["FileName"]) for r in rows]
    label = np.array([[float(r[c]) for c in CLASSES] for r in rows])
    man = np.array([r["Gender"] == "Male" for r in rows]) * 1.0
    who = np.unique([r["SpkrID"] for r in rows], return_inverse=True)[1]
    rng = np.random.default_rng(1)
    of_class = rng.normal(size=(len(CLASSES), LAYERS * DIMS)) * 0.06
    of_man = rng.normal(size=LAYERS * DIMS) * 0.1
    of_speaker = rng.normal(size=(who.max() + 1, LAYERS * DIMS)) * 0.3

    def state(i):
        own = label[i] @ of_class + man[i] * of_man + of_speaker[who[i]]
        return (own + rng.normal(size=LAYERS * DIMS)).reshape(LAYERS, DIMS)

    voice = rng.normal(size=(who.max() + 1, VOICE))
    man_voice = rng.normal(size=VOICE)
    write_tensors(f"{folder}/states.safetensors", names, [LAYERS, DIMS], state)
    write_tensors(f"{folder}/voice.safetensors", names, [VOICE],
                  lambda i: voice[who[i]] + man[i] * man_voice + rng.normal(size=VOICE) * 0.5)
    with open(f"{folder}/plan.yaml", "w", encoding="utf-8") as out:
        out.write(PLAN.format(corpus=CORPUS))
    with open(f"{folder}/pseudo.csv", "w", encoding="utf-8") as out:
        out.write("FileName,group,prob_Female,prob_Male\n")
        for name, m in zip(names, man):
            p = float(np.clip(0.9 * m + 0.05 + rng.normal() * 0.1, 0.001, 0.999))
            out.write(f"{name},{'Male' if p > 0.5 else 'Female'},{1 - p:.6g},{p:.6g}\n")


def measure_steps(torch, steps, take_step):
    """Seconds of processor time a step: the best of three rounds. take_step gets features and labels of a batch."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x = 2 * torch.rand(1776, LAYERS, DIMS) - 1
    label = torch.softmax(torch.randn(1776, len(CLASSES)), 1)
    order = torch.randperm(1776)
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for step in range(steps):
            row = order[step % 55 * BATCH:][:BATCH]
            take_step(x[row], label[row])
        best = min(best, (time.process_time() - start) / steps)
    return best


def pytorch_step(steps=150):
    """Seconds of processor time a step; None without torch."""
    try:
        import torch
    except ImportError:
        return None
    weight = torch.ones(len(CLASSES))

    class Head(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = torch.nn.Parameter(torch.zeros(LAYERS))
            self.projection = torch.nn.Linear(DIMS, HIDDEN)
            self.output = torch.nn.Linear(HIDDEN, len(CLASSES))

        def forward(self, states):
            mixed = torch.einsum("l,bld->bd", torch.softmax(self.mix, 0), states)
            return self.output(self.projection(mixed))

    head = Head()
    adam = torch.optim.Adam(head.parameters(), lr=1e-4)

    def take_step(x, y):
        log_p = torch.log_softmax(head(x), 1)
        loss = ((y * weight).sum(1) * -(y * log_p).sum(1)).mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1)
        adam.step()

    return measure_steps(torch, steps, take_step)


def pytorch_together(heads=33, steps=20):
    """Seconds of processor time a step and head, where all variants of a fold train at once as batched products; None
    without torch."""
    try:
        import torch
    except ImportError:
        return None
    weight = torch.ones(heads, len(CLASSES))
    shapes = [(LAYERS,), (DIMS, HIDDEN), (1, HIDDEN), (HIDDEN, len(CLASSES)), (1, len(CLASSES))]
    params = [torch.nn.Parameter(0.02 * torch.randn(heads, *shape)) for shape in shapes]
    adam = torch.optim.Adam(params, lr=1e-4, foreach=True)

    def take_step(x, y):
        mix, w1, b1, w2, b2 = params
        mixed = torch.einsum("kl,bld->kbd", torch.softmax(mix, 1), x)
        log_p = torch.log_softmax(torch.baddbmm(b2, torch.baddbmm(b1, mixed, w1), w2), 2)
        loss = ((y * weight[:, None]).sum(2) * -(y * log_p).sum(2)).mean(1)
        adam.zero_grad()
        loss.sum().backward()
        with torch.no_grad():  # each head's gradient is clipped by its own norm
            norm = sum(p.grad.flatten(1).square().sum(1) for p in params).sqrt()
            scale = torch.clamp(1 / (norm + 1e-6), max=1)
            for p in params:
                p.grad.mul_(scale.view(-1, *[1] * (p.ndim - 1)))
        adam.step()

    return measure_steps(torch, steps, take_step) / heads


def spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(fairvox, folder, results, extra):
    wall, cpu = time.perf_counter(), spent()
    subprocess.run([fairvox, "run", "plan.yaml", "--quiet", "--results", results, *extra],
                   cwd=folder, check=True)
    return time.perf_counter() - wall, spent() - cpu


def training(results):
    """Steps and seconds of training of all runs, by loss."""
    out = {}
    for path in glob.glob(f"{results}/*/*/metrics.jsonl"):
        with open(os.path.join(os.path.dirname(path), "env.json"), encoding="utf-8") as file:
            env = json.load(file)
        with open(path, encoding="utf-8") as file:
            epochs = [json.loads(line) for line in file]
        own = out.setdefault(env["variant"]["loss"], [0, 0.0])
        own[0] += len(epochs) * -(-env["rows"]["subsample"] // BATCH)
        own[1] += sum(e["seconds"] for e in epochs)
    return out


def main():
    fairvox, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    extra = sys.argv[3:]
    jobs = extra.pop(0) if extra and extra[0].isdigit() else "2"
    make(folder)
    env_path = os.path.join(os.path.dirname(fairvox), "plugins")
    os.environ.setdefault("FAIRVOX_PLUGIN_PATH", env_path)
    step = pytorch_step()
    print("loss      steps  a variant   us/step  in epochs" + ("   PyTorch  ratio  in epochs" if step else ""), flush=True)
    for loss in ["erm", "rw", "ds", "gdro", "gadro", "pgdro", "lff", "disent", "random"]:
        results = f"{folder}/results-{loss}"
        shutil.rmtree(results, ignore_errors=True)
        grouper = "grouper={name: file, file: pseudo.csv}"
        _, cpu = run(fairvox, folder, results,
                     ["-j", "1", "matrix=none", f"loss.name={loss}", grouper, *extra])
        steps, epochs = training(results)[loss]
        line = f"{loss:8} {steps:6} {cpu:6.2f} s {cpu / steps * 1e6:8.0f} {epochs / steps * 1e6:8.0f}"
        if step:
            step = min(step, pytorch_step())
            line += f" {steps * step:7.2f} s {steps * step / cpu:6.1f} {steps * step / epochs:6.1f}"
        print(line, flush=True)
    shutil.rmtree(f"{folder}/results", ignore_errors=True)
    wall, cpu = run(fairvox, folder, "results", ["-j", jobs, *extra])
    total = training(f"{folder}/results")
    steps = sum(v[0] for v in total.values())
    runs = len(glob.glob(f"{folder}/results/*/*/done"))
    print(f"the grid: {runs} runs, {steps} steps, -j {jobs}: {wall:.1f} s of wall time, {cpu:.1f} s "
          f"of processors, {sum(v[1] for v in total.values()):.1f} s (by the clock) in epochs")
    for way, seconds in (("one by one", step), ("33 heads at once", step and pytorch_together())):
        if seconds:
            print(f"PyTorch, {way}: {seconds * 1e6:.0f} us a step, {steps * seconds:.0f} s of a processor for "
                  f"these steps: {steps * seconds / cpu:.1f} times the grid's")


if __name__ == "__main__":
    main()
