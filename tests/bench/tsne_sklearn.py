#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of t-SNE against scikit-learn's, with the same number of threads, in one run.

    python tests/bench/tsne_sklearn.py BUILD_DIR [ROWS [DIMS]]

ROWS x DIMS float32 (default 1,555 x 192, a fold of CREMA-D's embeddings): 19 speakers of unequal size.
Perplexity 30, 1,000 iterations, start from the principal components. The two programs take turns. On two
threads the machine must be idle: threads of scikit-learn that wait for each other compute nothing. KL is as each reports it, and for the same affinities (those of
scikit-learn's exact method) on both final maps.
"""
import os
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
if len(sys.argv) > 1 and sys.argv[1] == "--theirs":
    # a process of its own, as OpenMP and OpenBLAS read their threads once
    import numpy as np
    from sklearn.manifold import TSNE

    x = np.load(sys.argv[2])
    TSNE(perplexity=5, max_iter=250, random_state=0).fit(x[:200])
    model = TSNE(random_state=42, n_jobs=int(sys.argv[4]))
    start = time.perf_counter()
    y = model.fit_transform(x)
    print(time.perf_counter() - start, model.kl_divergence_, model.n_iter_ + 1)
    y.astype(np.float32).tofile(sys.argv[3])
    sys.exit()

import numpy as np
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold import trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities

build = os.path.abspath(sys.argv[1])
rows = int(sys.argv[2]) if len(sys.argv) > 2 else 1555
dims = int(sys.argv[3]) if len(sys.argv) > 3 else 192
rng = np.random.default_rng(5)
speakers = rng.normal(size=(19, dims)) + rng.choice([-1, 1], size=(19, 1)) * rng.normal(size=dims)
x = (speakers[rng.integers(0, 19, rows)] + 1.5 * rng.normal(size=(rows, dims))).astype(np.float32)
folder = tempfile.TemporaryDirectory()
source, target = (os.path.join(folder.name, name) for name in ("x.npy", "map.f32"))
np.save(source, x)
distance = squareform(pdist(x.astype(float), "sqeuclidean"))
affinity = _joint_probabilities(distance.astype(np.float32), 30, 0)


def measure(y):
    """KL of a map from the affinities of all pairs, and its trustworthiness."""
    q = 1 / (1 + pdist(y.astype(float), "sqeuclidean"))
    return (2 * (affinity * np.log(affinity / (q / (2 * q.sum())))).sum(),
            trustworthiness(x, y, n_neighbors=12))


def run(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    out = subprocess.run([*command, source, target, str(threads)], env=environment, check=True,
                         capture_output=True, text=True).stdout.split()
    return float(out[0]), float(out[1]), int(out[2]), np.fromfile(target, np.float32).reshape(-1, 2)


programs = {"scikit-learn": [sys.executable, os.path.abspath(__file__), "--theirs"],
            "fairvox": [os.path.join(build, "tests", "bench_tsne")]}
for threads in (1, 2):
    print(f"{rows} x {dims}, perplexity 30, threads {threads}, {ROUNDS} runs each")
    medians, least = {}, {}
    runs = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, command in programs.items():
            runs[name].append(run(command, threads))
    for name, of_one in runs.items():
        seconds = np.array([one[0] for one in of_one])
        medians[name], least[name] = np.median(seconds), seconds.min()
        kl, trust = measure(of_one[-1][3])
        print(f"  {name:<12}  median {medians[name]:.3f} s  least {least[name]:.3f} s  "
              f"KL {of_one[-1][1]:.4f} (all pairs {kl:.4f})  trustworthiness {trust:.4f}  "
              f"iterations {of_one[-1][2]}")
    print(f"  ratio of medians {medians['scikit-learn'] / medians['fairvox']:.2f}, "
          f"of least times {least['scikit-learn'] / least['fairvox']:.2f}")
