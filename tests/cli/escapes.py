#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A study whose classes, groups, files and variants have names chosen to do harm: what every subcommand shows of it on a
terminal, and whether every file that it writes is well formed."""
import argparse
import csv
import io
import json
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from xml.parsers import expat

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import small_corpus  # in tests/support

CLASSES = ["=1+1\x1b[31m", "<script>alert(1)</script>\x9b31m", "a|b`c`*d*_\\input{x}"]
GROUPS = ["\x1b]0;\x9b]0;title<img src=x>", "@SUM(A1)\u202e\x85"]
VARIANT = b"erm\xff\x9b31m-0123abcd"
ESCAPE = b"\x1b[1m", b"\x1b[33m", b"\x1b[0m"  # of the program itself: bold, yellow, and their end


def write_study(folder):
	"""The small corpus with those names, and its study."""
	small_corpus.write_corpus(folder)
	for name in ("labels.csv",):
		rows = list(csv.reader((folder / name).open()))
		rows[0][1:4] = CLASSES
		column = rows[0].index("Gender")
		for row in rows[1:]:
			row[column] = GROUPS[row[column] == "Male"]
		with (folder / name).open("w", newline="") as out:
			csv.writer(out).writerows(rows)
	(folder / "study.yaml").write_text(
		"corpus: {audio: audio, labels: labels.csv}\n"
		"train: {epochs: 2, batch: 8, learning_rate: 0.01, seed: 1}\n"
		"eval: {attributes: [gender]}\ngrouper: {name: truth, column: gender}\n"
		"encoder: {name: pitch, standardize: train}\nmatrix: {loss.name: [erm, rw]}\n")


def show(program, folder, *words):
	"""What a terminal gets from a call."""
	master, slave = pty.openpty()
	child = subprocess.Popen([program, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
	os.close(slave)
	out = b""
	while True:
		try:
			part = os.read(master, 65536)
		except OSError:  # the other end is closed
			break
		if not part:
			break
		out += part
	os.close(master)
	return child.wait(), out.replace(b"\r\n", b"\n")


def find_harm(shown):
	"""The first bytes that a terminal would obey, or an empty text."""
	for part in ESCAPE + (b"\r\x1b[K",):
		shown = shown.replace(part, b"")
	try:
		text = shown.decode()
	except UnicodeDecodeError as error:
		return f"no UTF-8: {shown[max(0, error.start - 20):error.start + 20]!r}"
	for i, c in enumerate(text):
		if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\u200c\u200d":
			return repr(text[max(0, i - 20):i + 20])
	return ""


def check_terminal(program, folder, predictions, faults):
	run = str(pathlib.Path(predictions).parent)
	calls = [["table", "results"], ["table", "results", "--full"], ["split", "study.yaml"], ["split", "study.yaml", "--json"],
		["explain", "study.yaml", "--full"], ["status", "results"], ["status", "results", "--json"], ["status", "study.yaml"],
		["audit", predictions, "--group-columns", "gender"], ["audit", predictions, "--group-columns", "gender", "--json"],
		["groups", "study.yaml", "loss.name=rw", "--out", "groups.csv"], ["predict", run, "audio/r00.wav"],
		["predict", run, b"audio/\x1b[31m\x9b.wav"], ["predict", run, "--spreadsheet", "audio/r00.wav"],
		["groups", "study.yaml", "loss.name=rw", "--out", "groups.csv", "--json"],
		["inspect", run + "/model.safetensors"], ["inspect", run + "/model.safetensors", "--json"],
		["verify", "results"], ["run", "study.yaml", "--results", "again"], ["table", "bad"], ["status", "bad"],
		["status", "bad", "--json"], ["table", "results", "--layout", "pairs"]]
	calls += [["table", "results", "--format", f] for f in ("md", "tex", "csv", "json")]
	for words in calls:
		_, shown = show(program, folder, *words)
		harm = find_harm(shown)
		if harm:
			faults.append(f"{words}: {harm}")
		elif not shown.endswith(b"\n"):
			faults.append(f"{words}: does not end with a line: {shown[-40:]!r}")
	return len(calls)


def write(program, folder, *words):
	done = subprocess.run([program, *words], cwd=folder, capture_output=True, check=False)
	return done.stdout if not done.returncode else f"exit code {done.returncode}: {done.stderr!r}".encode()


def check_files(program, folder, predictions, faults):
	"""CSV, JSON, SVG, PDF and HTML of the study."""
	run = str(pathlib.Path(predictions).parent)
	for words in (["table", "results", "--format", "csv"], ["predict", run, "--spreadsheet", "audio/r00.wav"]):
		for row in csv.reader(io.StringIO(write(program, folder, *words).decode(), newline="")):
			faults += [f"{words}: a formula: {cell!r}" for cell in row if cell[:1] in tuple("=+@\t\r\n")]
	header = next(csv.reader(io.StringIO(write(program, folder, "predict", run, "audio/r00.wav").decode(), newline="")))
	if header != ["FileName"] + [f"prob_{c}" for c in CLASSES]:
		faults.append(f"predict: other classes: {header}")
	for results in ("results", "bad"):
		states = json.loads(write(program, folder, "status", results, "--json"))
		if len(states["runs"]) < 2:
			faults.append(f"status {results} --json: {len(states['runs'])} runs")
	for figure in ("effects", "rates", "tradeoff", "confusion", "curves", "folds"):
		for form in ("svg", "pdf"):
			path = folder / f"{figure}.{form}"
			said = write(program, folder, "plot", figure, "results", "-o", path)
			if not path.exists():
				faults.append(f"plot {figure} as {form}: {said!r}")
			elif form == "svg":
				check_xml(path, faults)
	page = folder / "report.html"
	said = write(program, folder, "report", "results", "-o", page)
	if not page.exists():
		faults.append(f"report: {said!r}")
		return
	text = page.read_bytes().decode()
	faults += [f"report: {bad!r} in it" for bad in ("<img src=x", "<script>alert", "\x1b", "\x9b", "\x85", "\u202e") if bad in text]


def check_xml(path, faults):
	try:
		expat.ParserCreate().Parse(path.read_bytes(), True)
	except expat.ExpatError as error:
		faults.append(f"{path.name}: {error}")
	text = path.read_bytes().decode()
	faults += [f"{path.name}: {bad!r} in it" for bad in ("<script", "\x9b", "\x85", "\u202e", "\x07") if bad in text]


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("program", type=pathlib.Path)
	program = str(parser.parse_args().program.resolve())
	faults = []
	with tempfile.TemporaryDirectory() as place:
		folder = pathlib.Path(place)
		write_study(folder)
		subprocess.run([program, "run", "study.yaml", "--quiet"], cwd=folder, check=True)
		(folder / "audio" / os.fsdecode(b"\x1b[31m\x9b.wav")).write_bytes((folder / "audio/r00.wav").read_bytes())
		# what others may have done to a results folder: a name that is no text, and such a reason
		shutil.copytree(folder / "results", folder / "bad")
		os.rename(sorted((folder / "bad").glob("erm-*"))[0], os.fsencode(folder / "bad") + b"/" + VARIANT)
		failed = sorted((folder / "bad").glob("rw-*/fold0-seed1"))[0]
		(failed / "done").unlink()
		(failed / "failed").write_bytes(b"\x1b[31m\xff\x9b<b>\xc2\x9b\n")
		predictions = str(sorted(folder.glob("results/erm-*/fold0-seed1/predictions.csv"))[0].relative_to(folder))
		calls = check_terminal(program, folder, predictions, faults)
		check_files(program, folder, predictions, faults)
	print("\n".join(faults))
	print(f"escapes: {len(faults)} harmful outputs of {calls} calls on a terminal and of every format (0)")
	return bool(faults)


if __name__ == "__main__":
	sys.exit(main())
