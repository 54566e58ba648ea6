#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plugins of every kind of mistake (tests/mistakes), the zoo (tests/zoo) and files that are no plugins: each is refused, or
its run fails, with path and reason; the other runs of the sweep give the bytes that they give without it. Prints
`campaign plugins: FIGURE (TARGET)`."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import bench

HERE = pathlib.Path(__file__).resolve().parent


def flip_header(data):
	return data[:4] + b"\x01\x02" + data[6:]


def write_files(folder, sound):
	"""Files called odd.so that are no plugins: name, and what the reason says."""
	data = sound.read_bytes()
	kinds = {"empty": b"", "text": b"not a plugin\n", "script": b"#!/bin/sh\ntouch /tmp/ran\n", "zeros": bytes(4096), "magic": data[:4],
		 "32 bits, big-endian": flip_header(data), "zip": b"PK\x03\x04" + bytes(200)}
	for share in (16, 52, 64, 100, 1000, 4096, len(data) // 2, len(data) - 4096, len(data) - 1000, len(data) - 64):
		kinds[f"cut to {share} bytes"] = data[:share]
	for i, (name, content) in enumerate(kinds.items()):
		own = folder / f"file-{i}"
		own.mkdir()
		(own / "odd.so").write_bytes(content)
		yield name, own
	for name, make in {"folder": lambda p: p.mkdir(), "pipe": os.mkfifo, "dangling link": lambda p: p.symlink_to("nothing"),
			   "loop of links": lambda p: p.symlink_to("odd.so")}.items():
		own = folder / name.replace(" ", "-")
		own.mkdir()
		make(own / "odd.so")
		yield name, own
	own = folder / "writable"
	own.mkdir()
	shutil.copy(sound, own / "odd.so")
	(own / "odd.so").chmod(0o666)
	yield "writable by all", own
	own = folder / "redirected"
	own.mkdir()
	(own / "odd.la").write_text(f"dlname='{sound}'\nlibrary_names=''\nold_library=''\ninstalled=yes\nlibdir='{sound.parent}'\n")
	yield "libtool redirect", own


def write_sweep(folder):
	bench.write_study(folder)
	(folder / "sweep.yaml").write_text((folder / "study.yaml").read_text().replace("[erm, rw]", "[erm, odd]"))
	(folder / "alone.yaml").write_text((folder / "study.yaml").read_text().replace("[erm, rw]", "[erm]"))


def try_file(program, folder, name, own, alone):
	"""What is wrong with how a sweep goes on beside the file."""
	results = f"results-{own.name}"
	listed = bench.run_program(program, folder, "plugins", "--plugins", str(own))
	code, _, err = bench.run_program(program, folder, "run", "sweep.yaml", "-k", "--plugins", str(own), "--results", results)
	runs = {key: value for key, value in bench.hash_runs(folder / results).items() if key.startswith("erm")}
	if code != 3 or "odd" not in err:
		return f"{name}: exit code {code}: {err[-300:]}"
	refused = [line for line in listed[1].decode().splitlines() if re.match(r"refused .*odd\.", line)]
	if listed[0] or (len(refused) != 1 and name not in ("folder", "libtool redirect", "dangling link", "loop of links")):
		return f"{name}: exit code {listed[0]}, refused: {refused}"
	if runs != alone:
		return f"{name}: the other runs differ"
	return ""


def count_mistakes(build, output):
	"""How many mistakes tests/mistakes tried, and how many were not as expected."""
	done = subprocess.run([sys.executable, "-B", HERE.parent / "mistakes" / "run.py", "--build", build], capture_output=True, text=True,
			      env=dict(os.environ, FAIRVOX_LONG="1"))
	output.write(done.stdout + done.stderr)
	found = re.search(r"^(\d+) kinds, (\d+) not as expected$", done.stdout, re.M)
	return (int(found[1]), int(found[2])) if found else (0, 1)


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	options = parser.parse_args()
	build = pathlib.Path(options.build).resolve()
	program = build / "fairvox"
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		write_sweep(folder)
		bench.run_program(program, folder, "run", "alone.yaml", "--results", "alone")
		alone = bench.hash_runs(folder / "alone")
		files = list(write_files(folder, build / "plugins" / "erm.so"))
		bad = [words for words in (try_file(program, folder, name, own, alone) for name, own in files) if words]
	for line in bad:
		print(line)
	tried, unexpected = count_mistakes(build, sys.stdout)
	zoo = subprocess.run(["ctest", "--test-dir", build, "-R", "core/test_registry"], capture_output=True, text=True)
	beasts = len(list((build / "zoo").glob("*.so")))
	if zoo.returncode:
		print(zoo.stdout)
	wrong = len(bad) + unexpected + (zoo.returncode != 0)
	return bench.report("plugins", f"{tried} mistakes, {beasts} of the zoo, {len(files)} files that are no plugins, {wrong} not as expected",
			    "0, of at least 30 kinds", not wrong and len(alone) == 14)


if __name__ == "__main__":
	sys.exit(main())
