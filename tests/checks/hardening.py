#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program, the library, the modules and the plugins are built so that a fault in a parser is hard to use: position
independent, with relocations that are read-only once the file is loaded, guards of the stack, checked copies, and no
executable stack."""
import argparse
import pathlib
import subprocess
import sys


def read(*words):
	return subprocess.run(["readelf", "-W", *words], capture_output=True, text=True, check=True).stdout


def find_faults(path, parses):
	head, dynamic, segments = read("-h", path), read("-d", path), read("-l", path)
	symbols = read("--dyn-syms", path)
	faults = []
	if "DYN (" not in head:
		faults.append("is not position independent")
	if "GNU_RELRO" not in segments or ("BIND_NOW" not in dynamic and " NOW" not in dynamic):
		faults.append("has relocations that stay writable (no full RELRO)")
	stack = next((line for line in segments.splitlines() if "GNU_STACK" in line), "RWE")
	if " RWE " in stack + " " or "GNU_STACK" not in stack:
		faults.append("has an executable stack")
	if parses and "__stack_chk_fail" not in symbols:
		faults.append("has no guards of the stack (-fstack-protector-strong)")
	if parses and "_chk@" not in symbols.replace("__stack_chk_fail@", ""):
		faults.append("has no checked copies (_FORTIFY_SOURCE)")
	return faults


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--build", required=True)
	build = pathlib.Path(parser.parse_args().build)
	cache = (build / "CMakeCache.txt").read_text()
	if "FAIRVOX_SANITIZE:BOOL=ON" in cache or "CMAKE_BUILD_TYPE:STRING=Debug" in cache:
		sys.exit(77)
	large = [build / "fairvox", build / "libfairvox.so", build / "libfairvox-fetch.so", build / "libfairvox-cairo.so"]
	# A plugin of a few lines may need neither guards nor copies.
	files = [(path, path.name != "libfairvox-cairo.so") for path in large]
	files += [(path, path.stem in ("precomputed", "wavlm")) for path in sorted((build / "plugins").glob("*.so"))]
	bad = [f"{path}: {fault}" for path, parses in files for fault in find_faults(path, parses)]
	print("\n".join(bad) or f"{len(files)} files are hardened")
	return bool(bad)


if __name__ == "__main__":
	sys.exit(main())
