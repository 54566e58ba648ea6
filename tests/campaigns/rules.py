#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deletes each rule of the readers of files, one after the other: the condition of each `if` whose branch fails is made
false. The library is linked anew, and a test must fail or crash. What no test notices is listed; rules.txt holds, with the
reason, those that no file can break. Prints `campaign rules: FIGURE (TARGET)`."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Sources that read files of others, and the tests of each, the quickest first.
READERS = {
	"core/src/checkpoint/safetensors.c": ("core/test_containers", "core/test_safetensors"),
	"core/src/checkpoint/scan.c": ("core/test_containers", "core/test_safetensors", "core/test_torch", "core/test_torch_archive", "core/test_torch_legacy", "core/test_npy", "core/test_npz"),
	"core/src/checkpoint/zip.c": ("core/test_containers", "core/test_torch_archive", "core/test_torch"),
	"core/src/checkpoint/zip_entry.c": ("core/test_containers", "core/test_torch_archive", "core/test_torch"),
	"core/src/checkpoint/torch.c": ("core/test_containers", "core/test_torch", "core/test_torch_archive", "core/test_torch_legacy"),
	"core/src/checkpoint/torch_zip.c": ("core/test_containers", "core/test_torch_archive", "core/test_torch"),
	"core/src/checkpoint/torch_legacy.c": ("core/test_containers", "core/test_torch_legacy", "core/test_torch"),
	"core/src/checkpoint/torch_meta.c": ("core/test_containers", "core/test_torch", "core/test_torch_archive", "core/test_torch_legacy"),
	"core/src/checkpoint/pickle.c": ("core/test_containers", "core/test_torch"),
	"core/src/checkpoint/pickle_build.c": ("core/test_containers", "core/test_torch"),
	"core/src/checkpoint/pickle_opcodes.c": ("core/test_containers", "core/test_torch"),
	"core/src/checkpoint/tree.c": ("core/test_containers", "core/test_torch", "core/test_torch_archive", "core/test_torch_legacy"),
	"core/src/checkpoint/npy.c": ("core/test_npy", "core/test_npz"),
	"core/src/checkpoint/npz.c": ("core/test_npz", "core/test_npy"),
	"core/src/config/yaml.c": ("core/test_yaml", "core/test_yaml_faults"),
	"core/src/config/yaml_fault.c": ("core/test_yaml_faults", "core/test_yaml"),
	"core/src/base/csv_fields.c": ("core/test_csv", "core/test_corpus"),
	"core/src/base/csv.c": ("core/test_csv", "core/test_corpus"),
	"core/src/base/csv_json.c": ("core/test_csv",),
	"core/src/eval/predictions.c": ("core/test_predictions",),
	"core/src/eval/predictions_read.c": ("core/test_predictions",),
}
FAILS = re.compile(r"return (?:\(fv_status\))?(?:core_scan_fail|core_fail_at|fv_fail|fail\w*|refuse\w*|\w+_fail)\(")
MEMORY = re.compile(r'"out of memory"|FV_FAILED')
TEST_S = 120


def find_end(text, start):
	"""Behind the parenthesis that closes the one at `start`; strings and characters are skipped."""
	depth, i = 0, start
	while i < len(text):
		if text[i] in "\"'":
			quote = text[i]
			i += 1
			while text[i] != quote:
				i += 2 if text[i] == "\\" else 1
		depth += (text[i] == "(") - (text[i] == ")")
		i += 1
		if depth == 0:
			return i
	return len(text)


def list_rules(text):
	"""(start, end, line) of the conditions of ifs whose branch begins with a failure."""
	for found in re.finditer(r"\bif \(", text):
		start = found.end() - 1
		end = find_end(text, start)
		branch = re.compile(r"\s*\{?\s*").match(text, end).end()
		if not FAILS.match(text, branch):
			continue
		statement = text[branch:find_end(text, text.index("(", branch + 7))]
		if not MEMORY.search(statement):
			yield start, end, text.count("\n", 0, start) + 1


class Linker:
	def __init__(self, build):
		self.build = build
		entries = json.loads((build / "compile_commands.json").read_text())
		self.compile = {os.path.relpath(entry["file"], ROOT): entry for entry in entries if "CMakeFiles/fairvox.dir" in entry["command"]}
		lines = subprocess.run(["ninja", "-C", build, "-t", "commands", "libfairvox.so"], capture_output=True, text=True, check=True).stdout
		link = [line for line in lines.splitlines() if "-o libfairvox.so.0" in line][-1]
		self.link = shlex.split(link.removeprefix(": && ").removesuffix(" && :"))

	def make(self, path, text, folder):
		"""A library of the build with another text of one source; whether it could be made."""
		entry = self.compile[path]
		words = [word for word in shlex.split(entry["command"]) if word not in ("-Werror", "ccache") and not word.endswith("/ccache")]
		at, source = words.index("-o") + 1, folder / pathlib.Path(path).name
		source.write_text(text)
		before, words[at] = words[at], str(folder / "rule.o")
		words[words.index("-c") + 1] = str(source)
		words += ["-iquote", str((ROOT / path).parent), "-O0", "-w"]
		link = [str(folder / "rule.o") if word == before else word for word in self.link]
		link[link.index("-o") + 1] = str(folder / "libfairvox.so.0")
		return all(subprocess.run(command, cwd=self.build, capture_output=True).returncode == 0 for command in (words, link))


def read_tests(build):
	"""Command and environment of each test of ctest."""
	listed = json.loads(subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, check=True).stdout)
	found = {}
	for test in listed["tests"]:
		values = {p["name"]: p["value"] for p in test.get("properties", [])}
		found[test["name"]] = (test.get("command"), dict(v.split("=", 1) for v in values.get("ENVIRONMENT", [])))
	return found


def is_noticed(tests, names, folder):
	"""Whether a test fails with the library of this folder."""
	for name in names:
		command, variables = tests[name]
		env = dict(os.environ, **variables, LD_LIBRARY_PATH=str(folder))
		env.pop("FAIRVOX_LONG", None)  # the tests in their short form
		try:
			if subprocess.run(command, env=env, cwd=folder, capture_output=True, timeout=TEST_S).returncode:
				return True
		except subprocess.TimeoutExpired:
			return True
	return False


def try_rule(linker, tests, path, rule):
	text = (ROOT / path).read_text()
	start, end, line = rule
	changed = f"{text[:start]}(0 && {text[start:end]}){text[end:]}"
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		if not linker.make(path, changed, folder):
			return f"{path}:{line}: does not compile"
		if is_noticed(tests, READERS[path], folder):
			return ""
	return f"{path}:{line}: if {' '.join(text[start:end].split())}"


def read_exceptions():
	"""Conditions that no file makes true, with the reason: `FILE: if CONDITION # REASON`."""
	path = pathlib.Path(__file__).with_name("rules.txt")
	lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")] if path.exists() else []
	found = dict(line.split(" # ", 1) for line in lines)
	return {key.strip(): reason for key, reason in found.items()}


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("sources", nargs="*", help="only these")
	options = parser.parse_args()
	build = pathlib.Path(options.build).resolve()
	linker, tests = Linker(build), read_tests(build)
	chosen = [path for path in options.sources or READERS if (ROOT / path).exists()]
	for path in chosen:
		with tempfile.TemporaryDirectory() as folder:  # the text as it is must pass
			folder = pathlib.Path(folder)
			if not linker.make(path, (ROOT / path).read_text(), folder) or is_noticed(tests, READERS[path], folder):
				raise SystemExit(f"{path}: its tests fail although nothing was deleted")
	rules = [(path, rule) for path in chosen for rule in list_rules((ROOT / path).read_text())]
	with concurrent.futures.ThreadPoolExecutor(2) as pool:
		results = list(pool.map(lambda r: try_rule(linker, tests, *r), rules))
	exceptions = read_exceptions()
	missed = [words for words in results if words and re.sub(r":\d+:", ":", words, count=1) not in exceptions]
	excepted = sum(bool(words) for words in results) - len(missed)
	for words in missed:
		print(words)
	print(f"campaign rules: deleting {len(rules) - excepted - len(missed)} of {len(rules)} rules of {len(chosen)} readers fails a test, "
	      f"{excepted} cannot be broken by a file (all)")
	return bool(missed) or not rules


if __name__ == "__main__":
	sys.exit(main())
