#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""soft.json: posteriors of scikit-learn's mixture of spherical Gaussians with equal weights around the
centres of the runs of kmeans.json, its variance the mean squared distance to the own centre over D.

    python make_soft.py > soft.json
"""
import json
import os
import sys

import numpy as np
from sklearn.mixture import GaussianMixture

here = os.path.dirname(os.path.abspath(__file__))
runs = json.load(open(os.path.join(here, "kmeans.json")))["lloyd"]
out = []
for run, of in enumerate(runs):
    if of["k"] > 8 or run % 2:
        continue
    x = np.load(os.path.join(here, of["data"] + ".npy")).astype(np.float64)
    centres = np.array(of["centres"])
    mixture = GaussianMixture(of["k"], covariance_type="spherical")
    mixture.weights_ = np.full(of["k"], 1 / of["k"])
    mixture.means_ = centres
    variance = ((x - centres[of["labels"]]) ** 2).sum() / x.size
    for spread in (1, 10):
        mixture.precisions_cholesky_ = np.full(of["k"], (spread * variance) ** -0.5)
        rows = list(range(0, len(x), 9))
        out.append({"run": run, "spread": spread, "rows": rows,
                    "member": [[float("%.9g" % p) for p in m]
                               for m in mixture.predict_proba(x[rows])]})
json.dump(out, sys.stdout)
print()
