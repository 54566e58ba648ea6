#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Interrupts system calls of every subcommand, and lets them read and write in parts: the exit code, the output and the
files must be those of an undisturbed run. Prints
`campaign interrupt: FIGURE (TARGET)`."""
import argparse
import concurrent.futures
import os
import pathlib
import sys
import tempfile

import bench


def judge(campaign, preload, verb, whole, every):
	"""What differs, and how many calls were disturbed."""
	log = campaign.folder / f"log-{verb.replace(' ', '-')}-{every}"
	call = campaign.call(verb, preload, INTERRUPT_EVERY=str(every), INTERRUPT_LOG=str(log))
	disturbed = log.stat().st_size if log.exists() else 0
	if call[0] != whole[0]:
		return f"exit code {call[0]}: {call[2][-300:].strip()}", disturbed
	changed = bench.list_changes(whole, call)
	return f"other {changed}" if changed else "", disturbed


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	options = parser.parse_args()
	build = pathlib.Path(options.build).resolve()
	preload = build / "preload" / "interrupt.so"
	every = range(2, 40) if os.environ.get("FAIRVOX_LONG") else (2, 3, 7)
	with tempfile.TemporaryDirectory() as folder:
		campaign = bench.Bench(build, pathlib.Path(folder))
		calls = [(verb, k) for verb in bench.VERBS for k in every]
		whole = {verb: campaign.call(verb, preload) for verb in bench.VERBS}
		with concurrent.futures.ThreadPoolExecutor(2) as pool:
			results = list(pool.map(lambda c: judge(campaign, preload, c[0], whole[c[0]], c[1]), calls))
	bad = [(verb, k, words) for (verb, k), (words, _) in zip(calls, results) if words]
	for verb, k, words in bad:
		print(f"{verb}, every {k}: {words}")
	disturbed = sum(n for _, n in results)
	print(f"campaign interrupt: {disturbed} disturbed calls in {len(calls)} runs of {len(bench.VERBS)} subcommands, "
	      f"{len(bad)} not as undisturbed (0)")
	return bool(bad) or disturbed < 1000


if __name__ == "__main__":
	sys.exit(main())
