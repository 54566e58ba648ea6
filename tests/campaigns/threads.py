#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes features, groups, trainings, figures and tables with 1, 2, 3, 4 and 8 workers and as many threads of OpenBLAS:
every file must have the same bytes, for every seed. Prints `campaign threads: FIGURE (TARGET)`."""
import argparse
import hashlib
import pathlib
import sys
import tempfile

import bench

COUNTS = (1, 2, 3, 4, 8) if bench.LONG else (1, 3)
SEEDS = 5 if bench.LONG else 1
LOSSES = ("erm", "rw", "gdro", "grl", "jtt", "disent", "lisa", "eiil, then: gadro")


def write_sweep(folder):
	bench.write_study(folder)
	text = (folder / "sound.yaml").read_text().replace("{name: pitch, standardize: train}", "{name: functionals, standardize: train}")
	text = text.replace("grouper: {name: truth, column: gender}", "grouper: {name: kmeans, k: 2, encoder: {name: pitch}}").replace("epochs: 2", "epochs: 12")
	losses = ", ".join(f"{{name: {loss}}}" for loss in LOSSES)
	text = text.replace("loss: {name: rw}", f"matrix: {{loss: [{losses}]}}\nhead: {{hidden: [128]}}")
	(folder / "sweep.yaml").write_text(text.replace("seed: 1", f"seed: [{', '.join(map(str, range(1, SEEDS + 1)))}]"))


def hash_file(path):
	return hashlib.sha256(path.read_bytes()).hexdigest()


def compute_all(program, folder, n):
	"""The hashes of what n workers with n threads make."""
	own = folder / f"n{n}"
	own.mkdir()
	threads = {"OPENBLAS_NUM_THREADS": str(n)}
	recordings = sorted(f"audio/{path.name}" for path in (folder / "audio").iterdir())
	for words in (["run", "sweep.yaml", "-j", str(n), "--results", f"n{n}/results", "--cache", f"n{n}/cache"],
		      ["encode", "--encoder", "functionals", "-j", str(n), "--out", f"n{n}/features.safetensors", *recordings],
		      ["groups", "sweep.yaml", "loss.name=rw", "train.seed=1", "--cache", f"n{n}/cache", "--out", f"n{n}/groups.csv"],
		      ["plot", "tsne", f"n{n}/results", "--cache", f"n{n}/cache", "-o", f"n{n}/tsne.svg"]):
		code, _, err = bench.run_program(program, folder, *words, **threads)
		if code:
			raise SystemExit(f"{' '.join(words[:6])}, {n} threads: exit code {code}: {err}")
	found = {"table": bench.hash_table(program, folder, f"n{n}/results"), **bench.hash_runs(own / "results")}
	found.update((path.name, hash_file(path)) for path in own.iterdir() if path.is_file())
	found.update((path.name, hash_file(path)) for path in (own / "cache").rglob("*.safetensors"))
	return found


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	options = parser.parse_args()
	program = pathlib.Path(options.build).resolve() / "fairvox"
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		write_sweep(folder)
		found = {n: compute_all(program, folder, n) for n in COUNTS}
	one = found[COUNTS[0]]
	bad = sorted(f"{n} threads: {name}" for n in COUNTS for name in {*one, *found[n]} if one.get(name) != found[n].get(name))
	for line in bad:
		print(line)
	figure = f"{len(one)} files of {SEEDS} seeds, each with {', '.join(map(str, COUNTS))} workers and threads, {len(bad)} differ"
	return bench.report("threads", figure, "0 differ", not bad and len(one) > 7 * len(LOSSES) * SEEDS)


if __name__ == "__main__":
	sys.exit(main())
