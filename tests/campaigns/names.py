#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Studies whose recordings, folders, classes, groups and columns have hostile names, whose tables have every form that
editors give them, and which run in other locales: the same numbers as of the plain study, or a refusal that is documented;
nothing is written outside the folders that are given. Prints `campaign names: FIGURE (TARGET)`."""
import argparse
import csv
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import bench

NAMES = ("a b,  c", 'say "hi"', "it's", "-rf", "--help", "$(touch oops)", "`touch oops`", "tab\there", "日本語 ñ", "x" * 250, "%s%n%d", "a;b",
	 "=1+1", "@SUM(A1)", "{fold}", "~", "*", "?", "[a]", "#x", "a:b", "&amp;", "<b>x<b>", "\u202etxt", "\x1b[31mred", "e\u0301", "\ufeffx",
	 "null", "nan", "true", "1e5", "007", "CON", "a\\b", "a|b", ".hidden", "..hidden", "a.b.c", "a" + "\u0300" * 60)
BAD_BYTES = (b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf")
OUTSIDE = ("../r34", "../../r34", "/etc/passwd", "x/../../r34", "./../r34", "..", ".", "audio/../../r34")
LOCALES = ("C", "C.UTF-8", "POSIX", "de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8", "fa_IR.UTF-8", "ja_JP.eucJP", "none_SUCH")
FORMS = {
	"byte order mark": lambda text: b"\xef\xbb\xbf" + text,
	"CRLF": lambda text: text.replace(b"\n", b"\r\n"),
	"byte order mark and CRLF": lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"),
	"no newline at the end": lambda text: text.rstrip(b"\n"),
	"empty lines at the end": lambda text: text + b"\n\n\n",
	"semicolons": lambda text: text.replace(b",", b";"),
	"tabs": lambda text: text.replace(b",", b"\t"),
	"all quoted": lambda text: b"\n".join(b",".join(b'"' + c + b'"' for c in line.split(b",")) for line in text.splitlines()) + b"\n",
	"decimal commas": lambda text: re.sub(rb"(\d)\.(\d)", rb"\1,\2", text.replace(b",", b";")),
	"rows in reverse": lambda text: b"\n".join([text.splitlines()[0], *reversed(text.splitlines()[1:])]) + b"\n",
	"spaces around numbers": lambda text: re.sub(rb",(-?\d\.\d+)", rb", \1 ", text),
	"UTF-16": lambda text: text.decode().encode("utf-16"),
	"a zero byte": lambda text: text.replace(b"r05", b"r0\x005", 1),
	"CR alone": lambda text: text.replace(b"\n", b"\r"),
}
REFUSED = {("labels.csv", "UTF-16"), ("labels.csv", "a zero byte"), ("features.csv", "UTF-16"), ("features.csv", "a zero byte"),
	   ("features.csv", "CR alone")}


class Campaign:
	def __init__(self, build, folder):
		self.program, self.folder = build / "fairvox", folder
		self.place = folder / "inside"
		self.place.mkdir()
		bench.write_study(self.place)
		text = (self.place / "study.yaml").read_text()
		(self.place / "table.yaml").write_text(text.replace("seed: [1, 2]", "seed: 1"))
		(self.place / "hear.yaml").write_text((self.place / "sound.yaml").read_text())
		(self.folder / "r34.wav").write_bytes((self.place / "audio" / "r34.wav").read_bytes())
		self.tried, self.bad = 0, []
		self.plain = {study: self.collect(f"plain-{study}", study, ()) for study in ("table.yaml", "hear.yaml")}
		self.outside = self.list_outside()

	def list_outside(self):
		return sorted(str(path) for path in self.folder.rglob("*") if self.place not in path.parents) + [
			name for name in ("oops",) if (self.place / name).exists()]

	def collect(self, results, study, words, **variables):
		"""Exit code, messages, and the numbers of the predictions whatever the rows are called."""
		code, _, err = bench.run_program(self.program, self.place, "run", study, "--results", results, *words, **variables)
		numbers = []
		for path in (self.place / results).glob("*/*/predictions.csv"):
			with open(path, newline="", encoding="utf-8") as file:
				header, *rows = list(csv.reader(file))
			kept = [i for i, name in enumerate(header) if name.startswith(("prob_", "label_", "split"))]
			numbers += [[row[i] for i in kept] for row in rows]
		return code, err, sorted(numbers)

	def expect_same(self, what, study, words=(), results=None, **variables):
		self.tried += 1
		code, err, numbers = self.collect(results or f"same-{self.tried}", study, words, **variables)
		if code or numbers != self.plain[study][2]:
			self.bad.append(f"{what}: exit code {code}, {len(numbers)} rows, other numbers: {err[-300:]}")
		self.check_outside(what)

	def expect_refused(self, what, study, text, words=()):
		self.tried += 1
		code, err, numbers = self.collect(f"refused-{self.tried}", study, words)
		if code not in (2, 4) or numbers or not re.search(text, err) or re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", err):
			self.bad.append(f"{what}: exit code {code}, wanted a refusal with '{text}': {err[-300:]!r}")
		self.check_outside(what)

	def check_outside(self, what):
		if self.list_outside() != self.outside:
			self.bad.append(f"{what}: written outside: {self.list_outside()}")
			self.outside = self.list_outside()

	def write_table(self, name, change):
		"""A copy of labels.csv with other cells."""
		with open(self.place / "labels.csv", newline="") as file:
			rows = list(csv.reader(file))
		with open(self.place / name, "w", newline="", encoding="utf-8") as file:
			csv.writer(file, lineterminator="\n").writerows([[change(cell) for cell in row] for row in rows])


def try_recordings(campaign):
	audio = campaign.place / "audio"
	for name in NAMES:
		renamed = audio / f"{name}.wav"
		(audio / "r34.wav").rename(renamed)
		campaign.write_table("other.csv", lambda cell: renamed.name if cell == "r34.wav" else cell)
		if name.startswith("."):  # hidden files are no recordings
			campaign.expect_refused(f"recording {name!r}", "hear.yaml", "no recording", ("corpus.labels=other.csv",))
		else:
			campaign.expect_same(f"recording {name!r}", "hear.yaml", ("corpus.labels=other.csv",))
		renamed.rename(audio / "r34.wav")
	for name in OUTSIDE:
		(audio / "r34.wav").rename(campaign.place / "kept.wav")
		campaign.write_table("other.csv", lambda cell: f"{name}.wav" if cell == "r34.wav" else cell)
		campaign.expect_refused(f"recording {name!r}", "hear.yaml", r"other\.csv|r34|passwd", ("corpus.labels=other.csv",))
		(campaign.place / "kept.wav").rename(audio / "r34.wav")
	for raw in BAD_BYTES:
		(campaign.place / "other.csv").write_bytes((campaign.place / "labels.csv").read_bytes().replace(b"r34", b"r" + raw))
		campaign.expect_refused(f"recording {raw!r}", "hear.yaml", r"other\.csv:36: FileName is not UTF-8", ("corpus.labels=other.csv",))


def try_values(campaign):
	for name in NAMES:
		missing = name in ("null", "nan", "?")
		campaign.write_table("other.csv", lambda cell: name if cell == "happy" else cell)
		words = ("corpus.labels=other.csv",)
		campaign.expect_same(f"class {name!r}", "table.yaml", words)
		campaign.write_table("other.csv", lambda cell: name if cell == "Female" else cell)
		if not missing:
			campaign.expect_same(f"group {name!r}", "table.yaml", words)
		campaign.write_table("other.csv", lambda cell: name if cell == "s3" else cell)
		if not missing:
			campaign.expect_same(f"speaker {name!r}", "table.yaml", words)


def try_folders(campaign):
	for name in NAMES:
		results = f"./{name}"
		campaign.expect_same(f"results {name!r}", "table.yaml", results=results)
		if bench.hash_table(campaign.program, campaign.place, results).startswith("exit code"):
			campaign.bad.append(f"results {name!r}: no table")
		copy = campaign.place / f"{name[:240]}.yaml"
		copy.write_text((campaign.place / "table.yaml").read_text())
		campaign.tried += 1
		code, _, err = bench.run_program(campaign.program, campaign.place, "split", f"./{copy.name}")
		if code:
			campaign.bad.append(f"configuration {name!r}: exit code {code}: {err[-300:]}")
		copy.unlink()
		campaign.check_outside(f"results {name!r}")


def try_forms(campaign):
	for table, key in (("labels.csv", "corpus.labels"), ("features.csv", "encoder.file")):
		for form, change in FORMS.items():
			(campaign.place / "form.csv").write_bytes(change((campaign.place / table).read_bytes()))
			words = (f"{key}=form.csv",)
			if (table, form) in REFUSED:
				campaign.expect_refused(f"{table}: {form}", "table.yaml", r"form\.csv", words)
			else:
				campaign.expect_same(f"{table}: {form}", "table.yaml", words)


def try_locales(campaign):
	known = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.lower().replace("utf8", "utf-8").split()
	for name in LOCALES:
		campaign.expect_same(f"locale {name}", "table.yaml", LC_ALL=name)
	return sum(name.lower() in known for name in LOCALES)


def try_links(campaign):
	inside = campaign.place
	os.symlink(campaign.folder / "elsewhere", inside / "results-link")
	campaign.tried += 1
	code, _, err = bench.run_program(campaign.program, inside, "run", "table.yaml", "--results", "results-link")
	if code == 0 or "results-link" not in err:
		campaign.bad.append(f"a dangling link as results folder: exit code {code}: {err[-200:]}")
	campaign.check_outside("a dangling link as results folder")
	audio = inside / "linked"
	audio.mkdir()
	for path in (inside / "audio").iterdir():
		os.symlink(path, audio / path.name)
	os.symlink("..", audio / "loop")
	os.symlink("self", audio / "self")
	campaign.expect_same("linked recordings and loops of links", "hear.yaml", ("corpus.audio=linked",))


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	options = parser.parse_args()
	with tempfile.TemporaryDirectory() as folder:
		campaign = Campaign(pathlib.Path(options.build).resolve(), pathlib.Path(folder))
		for study, (code, err, numbers) in campaign.plain.items():
			if code or not numbers:
				raise SystemExit(f"{study} does not succeed: {err}")
		try_recordings(campaign)
		try_values(campaign)
		try_folders(campaign)
		try_forms(campaign)
		try_links(campaign)
		installed = try_locales(campaign)
	for line in campaign.bad:
		print(line)
	return bench.report("names", f"{campaign.tried} studies, {installed} of {len(LOCALES)} locales installed, {len(campaign.bad)} with other "
			    "numbers, another refusal or files outside", "0", not campaign.bad)


if __name__ == "__main__":
	sys.exit(main())
