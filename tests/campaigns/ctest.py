#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ctest.py [--short] NAME BUILD OPTION...: runs ctest with these options and prints `campaign NAME: FIGURE (all pass)`.
--short: tests in the form that every change is tested with."""
import os
import re
import subprocess
import sys


def main():
	words = sys.argv[1:]
	if words[0] == "--short":
		words.pop(0)
		os.environ.pop("FAIRVOX_LONG", None)
	name, build, *options = words
	command = ["ctest", "--test-dir", build, "--output-on-failure", *options]
	process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
	passed = failed = cases = 0
	for line in process.stdout:
		print(line, end="", flush=True)
		passed += bool(re.search(r"Test +#\d+: .* Passed ", line))
		failed += bool(re.search(r"Test +#\d+: .*\*\*\*(?!Skipped)", line))
	code = process.wait()
	with open(f"{build}/Testing/Temporary/LastTest.log", errors="replace") as log:
		cases = sum(bool(re.match(r"\[  SKIPPED \] [a-z]|ok \d+ .* # skip", line)) for line in log)
	print(f"campaign {name}: {passed} of {passed + failed} tests pass, {cases} cases skipped (all pass)")
	return bool(code) or failed > 0 or passed == 0


if __name__ == "__main__":
	sys.exit(main())
