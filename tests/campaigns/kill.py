#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills sweeps with SIGKILL at random moments, program and workers at once or the program alone, and repeats them until
they end: the table and all files of the runs must be those of an undisturbed sweep, each run is there once, and no
temporary file or checkpoint is left. Prints `campaign kill: FIGURE (TARGET)`."""
import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import bench

SWEEP = ["run", "sweep.yaml", "-j", "2", "--save-every", "0.02", "--quiet"]
KILLS = 100 if bench.LONG else 8
KILLS_IN_SWEEP = 4  # then it may end


def write_sweep(folder):
	"""A sweep of about a second: 3 losses, 2 seeds, and recordings that are encoded."""
	bench.write_study(folder)
	text = (folder / "sound.yaml").read_text().replace("loss: {name: rw}", "matrix: {loss.name: [erm, rw, grl]}")
	(folder / "sweep.yaml").write_text(text.replace("epochs: 2,", "epochs: 1500,").replace("seed: 1", "seed: [1, 2]"))


def kill_once(program, folder, words, delay, group):
	"""Whether the program was still there to be killed."""
	process = subprocess.Popen([program, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
				   stderr=subprocess.DEVNULL, start_new_session=True)
	time.sleep(delay)
	alive = process.poll() is None
	if alive:
		(os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
	process.wait()
	return alive


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("--kills", type=int, default=KILLS)
	options = parser.parse_args()
	program, dice, bad, kills, sweeps = pathlib.Path(options.build).resolve() / "fairvox", random.Random(7), [], 0, 0
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		write_sweep(folder)
		begin = time.monotonic()
		bench.run_program(program, folder, *SWEEP, "--results", "whole", "--cache", "whole-cache")
		length = time.monotonic() - begin
		runs, table = bench.hash_runs(folder / "whole"), bench.hash_table(program, folder, "whole")
		if len(runs) != 42:
			raise SystemExit("the sweep does not succeed")
		while kills < options.kills:
			own = [f"results-{sweeps}", f"cache-{sweeps}"]
			words = [*SWEEP, "--results", own[0], "--cache", own[1]]
			for _ in range(KILLS_IN_SWEEP):
				kills += kill_once(program, folder, words, dice.uniform(0.01, length / 2), dice.random() < 0.5)
			code, _, err = bench.run_program(program, folder, *words)
			if code or bench.hash_runs(folder / own[0]) != runs or bench.hash_table(program, folder, own[0]) != table:
				bad.append(f"sweep {sweeps}: exit code {code}, other files or table: {err[-300:]}")
			bad += bench.list_stale(*(folder / name for name in own))
			sweeps += 1
	for line in bad:
		print(line)
	return bench.report("kill", f"{kills} kills in {sweeps} sweeps of {len(runs) // 7} runs of {length:.1f} s, {len(bad)} differences "
			    "from an undisturbed sweep, files left over included", f"0 after {options.kills} kills", not bad)


if __name__ == "__main__":
	sys.exit(main())
