# SPDX-License-Identifier: Apache-2.0
"""A study as a table."""
import os
import tempfile

from fairvox import _program


def run(config, *overrides, results="results", cache="cache", jobs=1, plugins=(), quiet=False):
    """Computes every run of a configuration that is not done, and returns the results as a pandas DataFrame.

    overrides: "train.epochs=10", "loss.name=rw,ds", as of `fairvox run`. One row for each metric and rate of each run:
    the columns of `fairvox table --format csv`. Progress goes to standard error unless `quiet`.
    Raises FairvoxError; KeyboardInterrupt leaves a checkpoint, from which the same call goes on.
    """
    import pandas

    # doubles are read exactly by default since pandas 3.1, where the argument is deprecated
    old = tuple(map(int, pandas.__version__.split(".")[:2])) < (3, 1)
    exact = {"float_precision": "round_trip"} if old else {}
    study = [config, *overrides, "--results", results, "--cache", cache]
    for folder in plugins:
        study += ["--plugins", folder]
    _program.call(["run", *study, "--jobs", str(jobs), *(["--quiet"] if quiet else [])], live=not quiet)
    with tempfile.TemporaryDirectory(prefix="fairvox-") as folder:
        table = os.path.join(folder, "table.csv")
        _program.call(["table", *study, "--format", "csv", "--output", table, "--quiet"])
        return pandas.read_csv(table, keep_default_na=False, na_values=["", "nan"], **exact)
