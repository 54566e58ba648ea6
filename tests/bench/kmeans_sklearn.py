#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of the plugin kmeans against scikit-learn's KMeans, both on one thread, in one run.

    python tests/bench/kmeans_sklearn.py BUILD_DIR [K [ALGORITHM]]

7,442 x 192 float32: 91 speakers of unequal size, as CREMA-D's embeddings. Every seed is one start by
greedy k-means++ and one run; the two programs take turns, and the ratio is of the medians.
"""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import subprocess
import sys
import tempfile
import time

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

ROUNDS, SEEDS = 5, 4
build = os.path.abspath(sys.argv[1])
k = int(sys.argv[2]) if len(sys.argv) > 2 else 32
algorithm = sys.argv[3] if len(sys.argv) > 3 else "lloyd"

rng = np.random.default_rng(5)
speakers = rng.normal(size=(91, 192)) + rng.choice([-1, 1], size=(91, 1)) * rng.normal(size=192)
x = (speakers[rng.integers(0, 91, 7442)] + 1.5 * rng.normal(size=(7442, 192))).astype(np.float32)
folder = tempfile.TemporaryDirectory()
file = os.path.join(folder.name, "x.npy")
np.save(file, x)


def theirs(seed):
    options = dict(n_clusters=k, n_init=1, max_iter=1000, tol=1e-4, random_state=seed)
    model = (KMeans(**options) if algorithm == "lloyd"
             else MiniBatchKMeans(batch_size=32, reassignment_ratio=0.01, **options))
    start = time.perf_counter()
    model.fit(x)
    seconds = time.perf_counter() - start
    mean = np.array([x[model.labels_ == j].mean(0, dtype=np.float64) if (model.labels_ == j).any()
                     else np.zeros(192) for j in range(k)])
    return seconds, ((x - mean[model.labels_]) ** 2).sum(), model.n_iter_


def ours(seeds):
    environment = dict(os.environ, FAIRVOX_PLUGIN_PATH=os.path.join(build, "plugins"))
    out = subprocess.run([os.path.join(build, "tests", "bench_kmeans"), file, str(k), algorithm,
                          *map(str, seeds)], env=environment, check=True, capture_output=True,
                         text=True).stdout
    return [tuple(map(float, line.split())) for line in out.splitlines()]


theirs(0)
a, b = [], []
for round_number in range(ROUNDS):
    seeds = range(round_number * SEEDS, (round_number + 1) * SEEDS)
    a += [theirs(s) for s in seeds]
    b += ours(seeds)
a_seconds, b_seconds = (np.array([run[0] for run in runs]) for runs in (a, b))
print(f"7442 x 192, k = {k}, {algorithm}, one thread, {len(a)} runs each")
print(f"scikit-learn  median {np.median(a_seconds):.4f} s  least {a_seconds.min():.4f} s  "
      f"mean inertia {np.mean([run[1] for run in a]):.1f}  "
      f"mean iterations {np.mean([run[2] for run in a]):.1f}")
print(f"fairvox       median {np.median(b_seconds):.4f} s  least {b_seconds.min():.4f} s  "
      f"mean inertia {np.mean([run[1] for run in b]):.1f}")
print(f"ratio of medians {np.median(a_seconds) / np.median(b_seconds):.2f}, "
      f"of least times {a_seconds.min() / b_seconds.min():.2f}")
