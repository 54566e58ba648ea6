#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes a sweep on disks of every small size (as root), under limits on the size of files, and in folders that cannot be
written. It must end with code 1 or 3 and a message with path and reason, leave no temporary file, and give the files of an
undisturbed sweep when it is repeated with room. Prints `campaign disk: FIGURE (TARGET)`."""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import bench

REASONS = {"disk": "No space left on device", "limit": "File too large", "folder": ("Read-only file system", "Permission denied")}
SIZES_KIB = (*range(4, 400, 4),) if bench.LONG else (16, 40, 120)
LIMITS = (0, 1, 100, *range(200, 30000, 300)) if bench.LONG else (0, 1000)
MARK = "CAMPAIGN_PRIVATE_MOUNTS"


class Sweep:
	def __init__(self, build, folder):
		self.program, self.folder = build / "fairvox", folder
		bench.write_study(folder)
		text = (folder / "sound.yaml").read_text().replace("loss: {name: rw}", "matrix: {loss.name: [erm, rw, grl]}")
		(folder / "sweep.yaml").write_text(text)
		self.run("whole")
		self.whole = self.collect("whole")
		self.failed = self.tried = 0
		self.bad = []

	def run(self, place, **options):
		return subprocess.run([self.program, "run", "sweep.yaml", "--results", f"{place}/results", "--cache", f"{place}/cache"],
				      cwd=self.folder, capture_output=True, timeout=bench.HANG_S, text=True, stdin=subprocess.DEVNULL, **options)

	def collect(self, place):
		return {**bench.hash_runs(self.folder / place / "results"),
			"table": bench.hash_table(self.program, self.folder, f"{place}/results")}

	def judge(self, what, done, place, reason):
		"""After a sweep without room."""
		self.tried += 1
		reasons = reason if isinstance(reason, tuple) else (reason,)
		if done.returncode == 0:
			return
		self.failed += 1
		if done.returncode not in (1, 3) or not any(f": {words}" in done.stderr for words in reasons) or place not in done.stderr:
			self.bad.append(f"{what}: exit code {done.returncode}: {done.stderr[-400:]}")
		self.bad += [f"{what}: left over: {name}" for name in bench.list_stale(self.folder / place)]

	def judge_again(self, what, place):
		"""After the same sweep with room."""
		done = self.run(place)
		if done.returncode or self.collect(place) != self.whole:
			self.bad.append(f"{what}, with room: exit code {done.returncode}, other files or table: {done.stderr[-400:]}")
		self.bad += [f"{what}, with room: left over: {name}" for name in bench.list_stale(self.folder / place)]


def mount(*words):
	subprocess.run(["mount", *words], check=True)


def fill_disks(sweep):
	for size in SIZES_KIB:
		place = f"disk-{size}"
		(sweep.folder / place).mkdir()
		mount("-t", "tmpfs", "-o", f"size={size}k", "none", str(sweep.folder / place))
		sweep.judge(place, sweep.run(place), place, REASONS["disk"])
		mount("-o", "remount,size=20m", str(sweep.folder / place))
		sweep.judge_again(place, place)
		subprocess.run(["umount", str(sweep.folder / place)], check=True)


def limit_files(sweep):
	for size in LIMITS:
		place = f"limit-{size}"
		done = sweep.run(place, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
		sweep.judge(place, done, place, REASONS["limit"])
		sweep.judge_again(place, place)


def close_folders(sweep, mounts):
	for name in ("results", "cache"):
		place = f"closed-{name}"
		closed = sweep.folder / place / name
		closed.mkdir(parents=True)
		if mounts:
			mount("-t", "tmpfs", "-o", "size=20m,ro", "none", str(closed))
		else:
			closed.chmod(0o555)
		sweep.judge(place, sweep.run(place), place, REASONS["folder"])
		if mounts:
			mount("-o", "remount,rw", str(closed))
		else:
			closed.chmod(0o755)
		sweep.judge_again(place, place)
		if mounts:
			subprocess.run(["umount", str(closed)], check=True)


def can_mount():
	return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True).returncode == 0


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	options = parser.parse_args()
	if MARK not in os.environ and can_mount():
		os.environ[MARK] = "1"
		os.execvp("unshare", ["unshare", "-m", sys.executable, "-B", *sys.argv])
	mounts = MARK in os.environ
	with tempfile.TemporaryDirectory() as folder:
		sweep = Sweep(pathlib.Path(options.build).resolve(), pathlib.Path(folder))
		if len(sweep.whole) != 22:
			raise SystemExit("the sweep does not succeed")
		if mounts:
			fill_disks(sweep)
		limit_files(sweep)
		close_folders(sweep, mounts)
	for line in sweep.bad:
		print(line)
	kinds = f"{len(SIZES_KIB) if mounts else 'no'} disks, {len(LIMITS)} limits, 2 closed folders"
	return bench.report("disk", f"{kinds}: {sweep.failed} of {sweep.tried} sweeps failed for it, {len(sweep.bad)} without reason, with "
			    "files left over or with other bytes when repeated", "0", not sweep.bad and sweep.failed > len(LIMITS) // 2)


if __name__ == "__main__":
	sys.exit(main())
