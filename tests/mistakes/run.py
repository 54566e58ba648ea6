#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds plugins with one mistake each and compares what `plugins`, `check` and `run` say with what is expected.

losses.txt, groupers.txt and encoders.txt hold the mistakes: [name], what is wrong, the macros that make the mistake
in loss.c, grouper.c or encoder.c, and expectations:

    plugins: TEXT       the file is refused with this text
    check CODE: TEXT    the exit code of `check`, and a text in its output
    run: TEXT           the run fails with this text; without such a line it must succeed
    warn: TEXT          the run says so

Every plugin is run in one study with a sound neighbour, in one worker; the neighbour's files must be the same as
those of a study without the plugin. run.py --table FILE writes what was said of every kind.

As a test, every fourth mistake of a kind is tried, so that each change waits half a minute; with FAIRVOX_LONG, all."""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import small_corpus  # in tests/support

KINDS = {"losses": "loss", "groupers": "grouper", "encoders": "encoder"}
HANG_S = 60


class Mistake:
	def __init__(self, kind, name, words):
		self.kind, self.name, self.words = kind, name, words
		self.macros, self.plugins, self.check, self.check_code = [], [], [], None
		self.run, self.warn = [], []

	def add_entry(self, key, text):
		if key == "plugins":
			self.plugins.append(text)
		elif key.startswith("check "):
			self.check_code = int(key[6:])
			self.check += [text] if text else []
		elif key in ("run", "warn"):
			getattr(self, key).append(text)
		else:
			self.macros.append((key, text))


def read_mistakes():
	found = []
	for file, kind in KINDS.items():
		for number, line in enumerate((HERE / f"{file}.txt").read_text().splitlines(), 1):
			head = re.fullmatch(r"\[(\w+)\] (.+)", line)
			entry = re.fullmatch(r"([\w ]+): ?(.*)", line)
			if head:
				found.append(Mistake(kind, *head.groups()))
			elif entry and found:
				found[-1].add_entry(*entry.groups())
			elif line and not line.startswith("#"):
				sys.exit(f"{file}.txt:{number}: not understood: {line}")
	return found


def choose_mistakes(options):
	"""Those of the kind and the names asked for; of all, the sample that a test has time for."""
	chosen = [m for m in read_mistakes() if options.kind in (None, m.kind)]
	if options.names:
		return [m for m in chosen if m.name in options.names]
	return chosen if options.table or os.environ.get("FAIRVOX_LONG") else chosen[::4]


def write_study(folder):
	"""A small corpus and a study of it for each kind of plugin."""
	small_corpus.write_corpus(folder)
	known = "{name: precomputed, file: features.csv, standardize: train}"
	for kind, lines in {
		"loss": [f"encoder: {known}", "grouper: {name: truth, column: gender}",
			 "matrix: {loss: [{name: MISTAKE}, {name: erm}]}"],
		"grouper": [f"encoder: {known}", "loss: {name: erm}",
			    "matrix: {include: [{loss: {name: pgdro}, grouper: {name: MISTAKE}}]}"],
		"encoder": ["loss: {name: erm}", f"matrix: {{encoder: [{{name: MISTAKE}}, {known}]}}"],
	}.items():
		head = ["corpus: {audio: audio, labels: labels.csv}", "train: {epochs: 3, batch: 8, learning_rate: 0.01}",
			"eval: {attributes: [gender]}"]
		(folder / f"{kind}.yaml").write_text("\n".join(head + lines) + "\n")


def hash_neighbour(results, name):
	"""The content of all that must not depend on other runs."""
	found = hashlib.sha256()
	for run in sorted(results.glob(f"{name}*/*")):
		for file in ("model.safetensors", "predictions.csv", "metrics.json"):
			found.update((run / file).read_bytes() if (run / file).exists() else b"-")
		found.update(b"done" if (run / "done").exists() else b"open")
	return found.hexdigest()


class Bench:
	def __init__(self, options, folder):
		self.options, self.folder = options, folder
		self.neighbour = {}
		write_study(folder)
		for kind in KINDS.values():
			text = (folder / f"{kind}.yaml").read_text()
			alone = folder / f"alone-{kind}.yaml"
			text = re.sub(r"matrix: .*", "", text).replace("grouper: {name: MISTAKE}", "")
			if "encoder:" not in text:
				text += "encoder: {name: precomputed, file: features.csv, standardize: train}\n"
			if "loss:" not in text:
				text += "loss: {name: erm}\n"
			alone.write_text(text)
			self.call("run", str(alone), "--results", f"alone-{kind}", "--cache", "cache-alone")
			self.neighbour[kind] = hash_neighbour(folder / f"alone-{kind}", "")
			if self.neighbour[kind] == hashlib.sha256().hexdigest():
				raise SystemExit(f"{kind}: the study without mistakes does not run")

	def call(self, *words, limit=HANG_S):
		command = [self.options.program, *words]
		try:
			done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=limit, text=True,
					      errors="replace", stdin=subprocess.DEVNULL)
		except subprocess.TimeoutExpired as late:
			out, err = (t.decode(errors="replace") if t else "" for t in (late.stdout, late.stderr))
			return "hangs", out, err
		return done.returncode, done.stdout, done.stderr

	def compile(self, m):
		own = self.folder / m.name
		own.mkdir()
		text = "".join(f"#define {key} {value}\n" for key, value in m.macros)
		text += f'#define MISTAKE "{m.name}"\n#include "{HERE}/{m.kind}.c"\n'
		(own / f"{m.name}.c").write_text(text)
		command = [self.options.compiler, "-std=gnu11", "-O1", "-w", "-shared", "-fPIC", "-fvisibility=hidden",
			   "-D_GNU_SOURCE", f"-I{self.options.include}", "-o", own / f"{m.name}.so", own / f"{m.name}.c",
			   f"-L{self.options.library}", "-lfairvox", "-lm"]
		done = subprocess.run(command, capture_output=True, text=True)
		if done.returncode:
			raise SystemExit(f"{m.kind} {m.name}: {done.stderr}")
		return own

	def try_out(self, m):
		own = self.compile(m)
		limit = [] if self.options.before else ["--op-timeout", "2"]
		loaded = self.call("plugins", "--plugins", str(own))
		refused = [line for line in loaded[1].splitlines() if line.startswith("refused") and f"/{m.name}.so" in line]
		checked = self.call("check", *limit, str(own / f"{m.name}.so"))
		config = own / "plan.yaml"
		config.write_text((self.folder / f"{m.kind}.yaml").read_text().replace("MISTAKE", m.name)
				  .replace("audio: audio", f"audio: {self.folder}/audio")
				  .replace("labels.csv", f"{self.folder}/labels.csv")
				  .replace("features.csv", f"{self.folder}/features.csv"))
		ran = self.call("run", str(config), "-k", *limit, "--plugins", str(own), "--results", str(own / "results"),
				"--cache", str(own / "cache"))
		slug = "erm-precomputed" if m.kind == "encoder" else "erm"
		same = hash_neighbour(own / "results", slug) == self.neighbour[m.kind]
		return {"refused": refused, "check": checked, "run": ran, "same": same}


def shorten(text, most=420):
	text = " / ".join(line for line in text.splitlines() if line.strip())
	text = re.sub(r"\S*/(\w+\.so)", r"\1", text)
	text = re.sub(r"\S*/results/(\S+)", r"results/\1", text)
	text = text.replace("fairvox: ", "").replace("|", "\\|")
	return text if len(text) <= most else text[:most] + "..."


def tell_run(result):
	lines = [x for x in result["run"][2].splitlines() if not re.search(r"^(encode|run) |^[0-9]+ of [0-9]+ runs", x)]
	return shorten("\n".join(lines))


def tell_check(result):
	lines = result["check"][1].splitlines()
	told = [x for x in lines if re.match(r"(fault|note): ", x)] + lines[-1:] + result["check"][2].splitlines()
	return shorten("\n".join(dict.fromkeys(told)))


def write_table(path, results):
	rows = ["| kind | what is wrong | plugins | check | exit | run | exit | neighbour |", "|---|---|---|---|---|---|---|---|"]
	for m, r in results:
		refused = shorten("\n".join(re.sub(r"^refused +", "", x) for x in r["refused"])) or "loaded"
		rows.append(f"| {m.kind} {m.name} | {m.words} | {refused} | {tell_check(r)} | {r['check'][0]} | {tell_run(r)} | "
			    f"{r['run'][0]} | {'same' if r['same'] else 'CHANGED'} |")
	pathlib.Path(path).write_text("\n".join(rows) + "\n")


def judge(m, r):
	"""What is not as expected."""
	wrong = []
	code, out, err = r["check"]
	refused = " ".join(r["refused"])
	for text in m.plugins:
		if text not in refused:
			wrong.append(f"plugins: wanted '{text}', got '{refused}'")
	if bool(m.plugins) != bool(refused):
		wrong.append(f"plugins: refused: '{refused}'")
	expected = m.check_code if m.check_code is not None else 4 if m.plugins else 0
	if code != expected:
		wrong.append(f"check: exit code {code}, wanted {expected}: {tell_check(r)}")
	for text in m.check + m.plugins:
		if text not in out + err:
			wrong.append(f"check: wanted '{text}', got: {tell_check(r)}")
	code, out, err = r["run"]
	fails = m.run + m.plugins
	if code != (3 if fails else 0):
		wrong.append(f"run: exit code {code}, wanted {3 if fails else 0}: {tell_run(r)}")
	for text in fails + m.warn:
		if text not in err:
			wrong.append(f"run: wanted '{text}', got: {tell_run(r)}")
	if out.strip():
		wrong.append(f"run: standard output has '{out[:80]}'")
	if not r["same"]:
		wrong.append("run: the neighbour is not as without it")
	return wrong


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", help="build folder with the program and the library")
	parser.add_argument("--program")
	parser.add_argument("--include", default=str(HERE.parent.parent / "core" / "include"))
	parser.add_argument("--library")
	parser.add_argument("--compiler", default="cc")
	parser.add_argument("--before", action="store_true", help="the program has no --op-timeout: only --table is useful")
	parser.add_argument("--table", help="write what was said to this file")
	parser.add_argument("--kind", choices=list(KINDS.values()), help="only mistakes of this kind")
	parser.add_argument("names", nargs="*", help="only these")
	options = parser.parse_args()
	options.program = options.program or str(pathlib.Path(options.build).resolve() / "fairvox")
	options.library = options.library or options.build
	chosen = choose_mistakes(options)
	with tempfile.TemporaryDirectory() as folder:
		bench = Bench(options, pathlib.Path(folder))
		with concurrent.futures.ThreadPoolExecutor(2) as pool:
			results = list(zip(chosen, pool.map(bench.try_out, chosen)))
	if options.table:
		write_table(options.table, results)
	bad = 0
	for m, r in results:
		wrong = [] if options.before else judge(m, r)
		bad += bool(wrong)
		for line in wrong:
			print(f"{m.kind} {m.name}: {line}")
	print(f"{len(results)} kinds, {bad} not as expected")
	return bad > 0


if __name__ == "__main__":
	sys.exit(main())
