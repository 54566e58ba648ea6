#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""16 processes compute one sweep in one results folder, and then two identical sweeps do: each run is computed by one
process, and tables and files are those of one process alone. Prints `campaign crowd: FIGURE (TARGET)`."""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import bench

ROUNDS = 10 if bench.LONG else 1
CROWDS = (16, 2)
SEEDS = 20


def write_sweep(folder):
	bench.write_study(folder)
	text = (folder / "study.yaml").read_text().replace("epochs: 2,", "epochs: 300,")
	text = text.replace("seed: [1, 2]", f"seed: [{', '.join(map(str, range(1, SEEDS + 1)))}]")
	(folder / "sweep.yaml").write_text(text.replace("{name: precomputed, file: features.csv, standardize: train}", "{name: pitch}"))


def run_crowd(program, folder, n, own):
	"""Exit codes, and how many runs each process computed."""
	words = ["run", "sweep.yaml", "--wait", "--results", f"results-{own}", "--cache", f"cache-{own}"]
	crowd = [subprocess.Popen([program, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
				  stderr=subprocess.PIPE, text=True) for _ in range(n)]
	codes, shares = [], []
	for process in crowd:
		err = process.communicate(timeout=600)[1]
		codes.append(process.returncode)
		now = re.search(r"(\d+) of (\d+) runs done, (\d+) computed now", err)
		shares.append(int(now[3]) if now and now[1] == now[2] else -1)
	return codes, shares


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	options = parser.parse_args()
	program, bad, total = pathlib.Path(options.build).resolve() / "fairvox", [], 2 * SEEDS
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		write_sweep(folder)
		bench.run_program(program, folder, "run", "sweep.yaml", "--results", "whole", "--cache", "whole-cache")
		runs, table = bench.hash_runs(folder / "whole"), bench.hash_table(program, folder, "whole")
		crowds = [(n, f"{n}-{i}") for i in range(ROUNDS) for n in CROWDS]
		for n, own in crowds:
			codes, shares = run_crowd(program, folder, n, own)
			results = folder / f"results-{own}"
			if any(codes) or sum(shares) != total or min(shares) < 0:
				bad.append(f"{own}: exit codes {codes}, computed {shares}, of {total}")
			if bench.hash_runs(results) != runs or bench.hash_table(program, folder, results.name) != table:
				bad.append(f"{own}: other files or table")
			bad += bench.list_stale(results, folder / f"cache-{own}")
	for line in bad:
		print(line)
	return bench.report("crowd", f"{len(crowds)} crowds of 16 and of 2 processes, {total} runs each, {len(bad)} differences from one "
			    "process alone", "0, every run once", not bad and len(runs) == 7 * total)


if __name__ == "__main__":
	sys.exit(main())
