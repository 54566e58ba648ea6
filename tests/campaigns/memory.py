#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes single allocations fail in every subcommand, and compares what it does with a run in which none fails.

For each site (a subcommand and the number of an allocation) the exit code must be 1, or 3 if other runs are done, with "out of memory" (or the
kernel's words for it) in the message, or the program got by without: then its code, its output and its files are those of the run in
which nothing fails. Everything else is counted by class and printed:

    wrong     exit code 0, but another output or other files
    misled    another exit code, or code 1 without the reason: a lack of memory is told as something else
    crash     ended by a signal, in code of ours
    upstream  ended by a signal, or not ended, in a library that does not look at what malloc returns: UPSTREAM
    hang      not ended after 60 s

Prints `campaign memory: FIGURE (TARGET)`."""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import sys
import tempfile

import bench

# Libraries of Debian 12 that crash when memory is out, and in which calls.
UPSTREAM = {
	"libfontconfig.so.1": "while it reads its configuration, of which it may go on with a part, or matches a font; for ever if "
			      "the request failed while it held its lock of caches, which it then takes again",
	"libexpat.so.1": "called by libfontconfig",
	"libjansson.so.4": "after a token whose text could not grow, if the reserve that is kept for it is used up",
	"libsndfile.so.1": "while it opens a file",
	"libc.so.6:fts64_open": "which does not look at whether it got memory for the first folder",
}
HANGING = ("libfontconfig.so.1",)
NAMES = ("out of memory", "Cannot allocate memory", "no memory")


class Memory(bench.Bench):
	def __init__(self, build, folder):
		super().__init__(build, folder)
		self.preload = build / "preload" / "memory.so"

	def measure(self, verb):
		"""Counts the allocations, and keeps what the subcommand does when none fails."""
		file = self.folder / f"count-{verb.replace(' ', '-')}"
		whole = self.call(verb, self.preload, MEMORY_COUNT=str(file))
		if whole[0] != 0:
			raise SystemExit(f"{verb}: exit code {whole[0]} although nothing fails: {whole[2]}")
		return int(file.read_text()), whole

	def judge(self, verb, site, whole, every):
		call = self.call(verb, self.preload, MEMORY_FAIL=str(site), MEMORY_SHOW="1", **({"MEMORY_ALL": "1"} if every else {}))
		code, _, err, _ = call
		asked = re.search(r"memory: failed for (.*)\n", err)
		if code == "hang":
			upstream = asked and asked[1].split()[0] in HANGING
			return ("upstream" if upstream else "hang"), f"{asked[1] if asked else '?'}: not ended"
		crash = re.search(r"memory: crashed in (.*)", err)
		if crash:
			inner = [name for name in crash[1].split() if name in UPSTREAM or not name.startswith(("libc.so", "libpthread"))]
			return "upstream" if inner and inner[0] in UPSTREAM else "crash", " < ".join(inner[:5])
		if code < 0 or code > 128 or "(Segmentation fault)" in err or "(Aborted)" in err:
			return "crash", f"{code}: {err[-300:]}"
		if code == 0 and "Fontconfig error" in err:
			return "upstream", "libfontconfig.so.1"
		if code == 0:
			changed = bench.list_changes(whole, call)
			return ("wrong", f"{changed} {err[-200:]}") if changed else ("unharmed", "")
		if (code == 1 or (code == 3 and "some failed" in err)) and any(name in err for name in NAMES):
			return "named", ""
		return "misled", f"exit code {code}: {err[-300:]}"


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("--sites", type=int, default=3000 if os.environ.get("FAIRVOX_LONG") else 150)
	parser.add_argument("--verb", action="append", choices=list(bench.VERBS), help="only these")
	parser.add_argument("--range", help="FIRST-LAST: every site from the first to the last")
	parser.add_argument("--all", action="store_true", help="from the site on, every allocation fails")
	options = parser.parse_args()
	verbs = options.verb or list(bench.VERBS)
	with tempfile.TemporaryDirectory() as folder:
		campaign = Memory(pathlib.Path(options.build).resolve(), pathlib.Path(folder))
		measured = {verb: campaign.measure(verb) for verb in verbs}
		sites = bench.choose_sites({verb: m[0] for verb, m in measured.items()}, options.sites)
		if options.range:
			first, last = map(int, options.range.split("-"))
			sites = [(verb, site) for verb in verbs for site in range(first, last + 1)]
		with concurrent.futures.ThreadPoolExecutor(2) as pool:
			results = list(pool.map(lambda s: campaign.judge(s[0], s[1], measured[s[0]][1], options.all), sites))
	classes = collections.Counter(kind for kind, _ in results)
	for (verb, site), (kind, words) in zip(sites, results):
		if kind not in ("unharmed", "named"):
			print(f"{verb} {site}: {kind}: {words.strip()}")
	if classes["upstream"]:
		print(f"memory: {classes['upstream']} crashes and hangs upstream: " + ", ".join(sorted(
			{f"{words.split()[0]} ({UPSTREAM[words.split()[0]]})" for kind, words in results if kind == "upstream"})))
	bad = {kind: classes[kind] for kind in ("wrong", "misled", "crash", "hang")}
	print(f"campaign memory: of {len(sites)} sites {classes['named']} named, {classes['unharmed']} unharmed, "
	      + ", ".join(f"{n} {kind}" for kind, n in bad.items()) + " (0 wrong, 0 misled, 0 crash, 0 hang)")
	return any(bad.values())


if __name__ == "__main__":
	sys.exit(main())
