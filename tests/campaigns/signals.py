#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stops sweeps with SIGUSR1, SIGTERM and SIGHUP at random moments: each must end within 30 s with the code that is
documented (75, 143, 143) and leave a checkpoint of what was at work, from which the same command goes on to the same
bytes. Prints `campaign signals: FIGURE (TARGET)`."""
import argparse
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import bench

SWEEP = ["run", "sweep.yaml", "-j", "2", "--save-every", "0", "--quiet"]
CODES = {signal.SIGUSR1: 75, signal.SIGTERM: 143, signal.SIGHUP: 143}
STOPS = 90 if bench.LONG else 6
MOST_S = 30


def write_sweep(folder):
	bench.write_study(folder)
	text = (folder / "study.yaml").read_text().replace("epochs: 2,", "epochs: 3000,")
	(folder / "sweep.yaml").write_text(text.replace("[erm, rw]", "[erm, gdro, grl, jtt]"))


def has_begun(results, since):
	"""Whether a run has begun since then: before, there is nothing to go on with."""
	return any(path.stat().st_mtime >= since for path in results.rglob(".begun"))


def stop_once(program, folder, words, number, delay):
	"""Exit code and seconds from the signal to the end; None if the sweep was done before."""
	since = time.time() - 0.01  # times of files are a little behind the clock
	process = subprocess.Popen([program, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
				   stderr=subprocess.DEVNULL)
	end = time.monotonic() + delay
	while time.monotonic() < end or not has_begun(folder / words[-1], since):
		if process.poll() is not None:
			return None, 0
		time.sleep(0.002)
	process.send_signal(number)
	begin = time.monotonic()
	return process.wait(10 * MOST_S), time.monotonic() - begin


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("--stops", type=int, default=STOPS)
	options = parser.parse_args()
	program, dice, bad, stops, sweeps, longest = pathlib.Path(options.build).resolve() / "fairvox", random.Random(8), [], 0, 0, 0
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		write_sweep(folder)
		begin = time.monotonic()
		bench.run_program(program, folder, *SWEEP, "--results", "whole")
		length = time.monotonic() - begin
		runs = bench.hash_runs(folder / "whole")
		if len(runs) != 56:
			raise SystemExit("the sweep does not succeed")
		while stops < options.stops:
			words = [*SWEEP, "--results", f"results-{sweeps}"]
			for number, wanted in CODES.items():
				code, seconds = stop_once(program, folder, words, number, dice.uniform(0.02, length / 4))
				stops, longest = stops + (code is not None), max(longest, seconds)
				if code not in (None, 0, wanted) or seconds > MOST_S:
					bad.append(f"sweep {sweeps}, {number.name}: exit code {code} after {seconds:.1f} s")
			code, _, err = bench.run_program(program, folder, *words)
			if code or bench.hash_runs(folder / words[-1]) != runs:
				bad.append(f"sweep {sweeps}: exit code {code}, other bytes: {err[-300:]}")
			bad += bench.list_stale(folder / words[-1])
			sweeps += 1
	for line in bad:
		print(line)
	return bench.report("signals", f"{stops} stops in {sweeps} sweeps, the longest took {longest:.2f} s, {len(bad)} not as documented "
			    "or not resumed bitwise", f"0, within {MOST_S} s", not bad)


if __name__ == "__main__":
	sys.exit(main())
