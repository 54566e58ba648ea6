#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes single system calls fail in every subcommand: no space (ENOSPC), an error of the disk (EIO), too many open files
(EMFILE). Each call must either do without and give what an undisturbed one gives, or end with code 1, 3 or 4 and a message
that has the kernel's words and, for a file, its name. No temporary file is left, and the same command then gives the same
files as if nothing had failed. By class:

    wrong    exit code 0, but another output or other files
    misled   another exit code, or no message with the reason and, unless descriptors ran out, the file
    upstream in a library that takes it for something else: UPSTREAM
    crash    ended by a signal
    hang     not ended after 60 s
    left     a temporary file is left
    spoiled  repeated in the same place, it gives other files, or fails

Prints `campaign errors KIND: FIGURE (TARGET)` for each kind."""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import sys
import tempfile

import bench

REASONS = {"space": "No space left on device", "io": "Input/output error", "files": "Too many open files"}

# cairo and fontconfig go on without a font that cannot be opened, or say that memory is out.
UPSTREAM = re.compile(r"\.(ttf|otf|conf)$|/fontconfig/|/fonts/")


def name_places(log):
	"""The file of the call that failed as messages call it, or its folder: a temporary file is named by what it becomes."""
	line = log.read_text().splitlines()[:1] if log.exists() else []
	path = pathlib.Path(line[0].partition(" ")[2].removesuffix(" (deleted)") if line else "")
	name = re.sub(r"^\.(.*)\.[A-Za-z0-9]{6}$", r"\1", path.name)
	return (name, path.parent.name) if path.name.startswith(".") else (name,)


class Errors(bench.Bench):
	def __init__(self, build, folder):
		super().__init__(build, folder)
		self.preload = build / "preload" / "errors.so"

	def measure(self, verb, kind):
		"""How many calls can fail, and what the subcommand does when none does."""
		file = self.folder / f"count-{kind}-{verb.replace(' ', '-')}"
		whole = self.call(verb, self.preload, ERRORS_KIND=kind, ERRORS_COUNT=str(file))
		if whole[0] != 0:
			raise SystemExit(f"{verb}: exit code {whole[0]} although nothing fails: {whole[2]}")
		return int(file.read_text().split()[0]), whole

	def judge(self, verb, kind, site, whole):
		log = self.folder / f"log-{kind}-{verb.replace(' ', '-')}-{site}"
		variables = {"ERRORS_KIND": kind, "ERRORS_FAIL": str(site), "ERRORS_LOG": str(log)}
		with tempfile.TemporaryDirectory(dir=self.folder, prefix="out-") as out:
			out = pathlib.Path(out)
			call = self.call_in(out, verb, self.preload, **variables)
			failed = log.read_text().splitlines()[0] if log.exists() else "no call failed"
			places = ("",) if kind == "files" else name_places(log)
			found = self.judge_call(call, whole, REASONS[kind], places)
			if found[0] in ("wrong", "misled") and UPSTREAM.search(failed):
				found = "upstream", found[1]
			if found[0] in ("unharmed", "named"):
				found = self.judge_rest(verb, out, call, whole) or found
		return found[0], f"{failed}: {found[1]}"

	def judge_call(self, call, whole, reason, places):
		code, out, err, _ = call
		if code == "hang":
			return "hang", "not ended"
		if code < 0 or code > 128 or re.search(r"crashed \((Segm|Abor|Bus)", err):
			return "crash", f"{code}: {err[-300:]}"
		said = err + out.decode(errors="replace")
		if code == 0:
			changed = bench.list_changes(whole, call)
			told = changed == ["standard output"] and reason in said
			return ("wrong", f"{changed} {err[-200:]}") if changed and not told else ("unharmed", "")
		if code in (1, 3, 4) and reason in said and any(place in said for place in places):
			return "named", ""
		return "misled", f"exit code {code}, wanted '{places[0]}: {reason}': {err[-300:]}"

	def judge_rest(self, verb, out, call, whole):
		"""What is left of the call, and what the same command does in its place."""
		stale = bench.list_stale(out)
		if stale and call[0] != 0:
			return "left", str(stale)
		if call[0] == 0 or not whole[3]:
			return None
		again = self.call_in(out, verb, self.preload)
		changed = [name for name in bench.list_changes(whole, again) if not re.search(r"/(log|\.lease-\d+)$", name)]
		if again[0] != 0 or changed:
			return "spoiled", f"exit code {again[0]}, {changed} {again[2][-300:]}"
		return None


def run_kind(campaign, kind, verbs, n):
	"""Lets calls fail in one way. Exit code."""
	measured = {verb: campaign.measure(verb, kind) for verb in verbs}
	sites = bench.choose_sites({verb: m[0] for verb, m in measured.items()}, n)
	with concurrent.futures.ThreadPoolExecutor(2) as pool:
		results = list(pool.map(lambda s: campaign.judge(s[0], kind, s[1], measured[s[0]][1]), sites))
	classes = collections.Counter(found for found, _ in results)
	for (verb, site), (found, words) in zip(sites, results):
		if found not in ("unharmed", "named"):
			print(f"{kind}, {verb} {site}: {found}: {words.strip()}")
	bad = {found: classes[found] for found in ("wrong", "misled", "crash", "hang", "left", "spoiled")}
	total = sum(m[0] for m in measured.values())
	figure = (f"of {len(sites)} of {total} calls {classes['named']} named, {classes['unharmed']} unharmed, "
		  + ", ".join(f"{count} {found}" for found, count in bad.items()) + f", {classes['upstream']} upstream")
	return bench.report(f"errors {kind}", figure, "0 of each class but upstream", not any(bad.values()))


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("--sites", type=int, default=2000 if bench.LONG else 20, help="calls of each kind")
	parser.add_argument("--kind", action="append", choices=list(REASONS), help="only these")
	parser.add_argument("--verb", action="append", choices=list(bench.VERBS), help="only these")
	options = parser.parse_args()
	with tempfile.TemporaryDirectory() as folder:
		campaign = Errors(pathlib.Path(options.build).resolve(), pathlib.Path(folder))
		codes = [run_kind(campaign, kind, options.verb or list(bench.VERBS), options.sites)
			 for kind in options.kind or REASONS]
	return max(codes)


if __name__ == "__main__":
	sys.exit(main())
