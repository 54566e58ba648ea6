#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stops a run in each of its steps and resumes it: the checkpoint must be of this very step, and all files those of a run
that was not stopped. tests/core/test_run_checkpoint.c does the same inside the library, for every objective. Prints
`campaign steps: FIGURE (TARGET)`."""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import bench

STEPS = 200
HERE = pathlib.Path(__file__).resolve().parent


def write_run(build, folder):
	"""A run of 201 steps with a loss that stops it."""
	bench.write_study(folder)
	text = re.sub("matrix: .*", "loss: {name: halting}", (folder / "study.yaml").read_text()).replace("epochs: 2,", "epochs: 67,")
	(folder / "run.yaml").write_text(text.replace("grouper: {name: truth, column: gender}\n", "").replace("seed: [1, 2]", "seed: 1"))
	(folder / "plugins").mkdir()
	include = HERE.parents[1] / "core" / "include"
	subprocess.run(["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", f"-I{include}", "-o", folder / "plugins" / "halting.so",
			HERE / "halting.c", f"-L{build}", "-lfairvox"], check=True)


def stop_at(program, folder, step, whole):
	"""What is wrong with a run that was stopped in this step."""
	results = f"results-{step}"
	words = ["run", "run.yaml", "--plugins", "plugins", "--results", results]
	code, _, err = bench.run_program(program, folder, *words, HALT_AT=str(step))
	if code != 75:
		return f"step {step}: exit code {code}: {err[-300:]}"
	code, _, err = bench.run_program(program, folder, *words)
	logs = "".join(path.read_text() for path in (folder / results).glob("*/*/log"))
	resumed = re.findall(r"goes on after step (\d+)", logs)
	if code or resumed != [str(step)]:
		return f"step {step}: exit code {code}, went on after {resumed}: {err[-300:]}"
	if bench.hash_runs(folder / results) != whole or bench.list_stale(folder / results):
		return f"step {step}: other bytes, or files left over"
	return ""


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	options = parser.parse_args()
	build = pathlib.Path(options.build).resolve()
	steps = range(1, STEPS + 1) if bench.LONG else range(1, STEPS + 1, 20)
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		write_run(build, folder)
		code, _, err = bench.run_program(build / "fairvox", folder, "run", "run.yaml", "--plugins", "plugins", "--results", "whole")
		whole = bench.hash_runs(folder / "whole")
		if code or len(whole) != 7:
			raise SystemExit(f"the run does not succeed: {err}")
		with concurrent.futures.ThreadPoolExecutor(2) as pool:
			bad = [words for words in pool.map(lambda k: stop_at(build / "fairvox", folder, k, whole), steps) if words]
	for line in bad:
		print(line)
	return bench.report("steps", f"{len(steps) - len(bad)} of {len(steps)} steps resumed bitwise", "all", not bad)


if __name__ == "__main__":
	sys.exit(main())
