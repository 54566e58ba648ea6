#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bands.json: inertia of scikit-learn's k-means over 400 seeds, for comparing means of many runs.

    python make_bands.py > bands.json

kmeans.json holds the mean of 20 seeds; at 20 seeds even scikit-learn leaves that band with other seeds in
a few cases, so means are compared on 400 of theirs against 200 of ours, three standard errors of the
difference.
"""
import json
import os
import sys

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans, kmeans_plusplus

here = os.path.dirname(os.path.abspath(__file__))
bands = []
for name in ("blobs", "hard"):
    x = np.load(os.path.join(here, name + ".npy")).astype(np.float64)
    for k in (2, 4, 8, 16, 32):
        options = dict(n_clusters=k, init="k-means++", n_init=1, max_iter=1000, tol=1e-4)
        seeds = range(1000, 1400)
        inertia = {
            "lloyd": [KMeans(random_state=s, **options).fit(x).inertia_ for s in seeds],
            "minibatch": [MiniBatchKMeans(random_state=s, batch_size=32, reassignment_ratio=0.01,
                                          **options).fit(x).inertia_ for s in seeds],
            "seeding_only": [((x[:, None] - kmeans_plusplus(x, k, random_state=s)[0][None]) ** 2)
                             .sum(2).min(1).sum() for s in seeds],
        }
        bands.append({"data": name, "k": k, "seeds": len(seeds),
                      **{kind: {"mean": np.mean(v), "sd": np.std(v, ddof=1)}
                         for kind, v in inertia.items()}})
json.dump(bands, sys.stdout, indent=1)
print()
