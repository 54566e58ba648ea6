#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Studies of numbers that are none, of silence, of empty groups and missing classes, and of learning rates that are too
large: each gives the value that is documented, or ends with the documented code and a message that names the place. No
table holds a number that is none, in any format: what is undefined is null, a dash, or in CSV a cell `nan`. Prints `campaign numerics: FIGURE (TARGET)`."""
import argparse
import csv
import dataclasses
import math
import pathlib
import re
import struct
import sys
import tempfile

import bench

LOSSES = ("afr", "cb_llr", "cvar_dro", "dfr", "disent", "ds", "eiil", "erm", "fairbatch", "gadro", "gdro", "grl", "jtt", "lff",
	  "lisa", "mixup", "random", "rw")


@dataclasses.dataclass
class Case:
	name: str
	code: int
	text: str = ""  # a pattern that the messages must match
	study: str = "study.yaml"
	words: tuple = ()
	change: object = None  # changes the files of a folder


def edit_csv(name, change):
	"""Changes the rows of a table: change(header, rows) -> rows."""
	def edit(folder):
		with open(folder / name, newline="") as file:
			header, *rows = list(csv.reader(file))
		with open(folder / name, "w", newline="") as file:
			csv.writer(file, lineterminator="\n").writerows([header, *change(header, rows)])
	return edit


def set_feature(row, column, text):
	def change(_header, rows):
		rows[row][column] = text
		return rows
	return edit_csv("features.csv", change)


def set_all_features(make):
	return edit_csv("features.csv", lambda _header, rows: [[row[0], *make(row)] for row in rows])


def set_label(select, **values):
	"""Sets columns of the label rows for which select(row as a map) holds."""
	def change(header, rows):
		for row in rows:
			if select(dict(zip(header, row))):
				for key, value in values.items():
					row[header.index(key)] = value
		return rows
	return edit_csv("labels.csv", change)


def drop_labels(select):
	return edit_csv("labels.csv", lambda header, rows: [row for row in rows if not select(dict(zip(header, row)))])


def is_class(row, name):
	return float(row[name]) > 0.5


def write_wave(name, samples, kind=1):
	"""A recording of 16 kHz: 16 bit integers (kind 1), or floats (3)."""
	def write(folder):
		data = struct.pack(f"<{len(samples)}{'h' if kind == 1 else 'f'}", *samples)
		bits = 16 if kind == 1 else 32
		head = struct.pack("<HHIIHH", kind, 1, 16000, 16000 * bits // 8, bits // 8, bits)
		body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data
		(folder / "audio" / name).write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
	return write


def change_both(*changes):
	def change(folder):
		for each in changes:
			each(folder)
	return change


def silence_all(folder):
	for path in (folder / "audio").iterdir():
		write_wave(path.name, [0] * 1600)(folder)


CASES = [
	Case("nan in features", 4, r"features\.csv:3:.*nan", change=set_feature(1, 1, "nan")),
	Case("inf in features", 4, r"features\.csv:3:.*inf", change=set_feature(1, 2, "inf")),
	Case("a feature beyond float32", 4, r"features\.csv:3:.*1e39", change=set_feature(1, 1, "1e39")),
	Case("features of 1e38", 0, change=set_all_features(lambda r: [f"{(int(r[0][1:3]) % 7 - 3) * 1e38}", "1"])),
	Case("features of 1e38, not standardized", 1, r"step 2 \(epoch 1\): the logits are not finite", words=("encoder.standardize=none",),
	     change=set_all_features(lambda r: ["3e38", "-3e38"])),
	Case("constant features", 0, change=set_all_features(lambda r: ["2", "2"])),
	Case("features of 0", 0, change=set_all_features(lambda r: ["0", "0"])),
	Case("denormal features", 0, change=set_all_features(lambda r: ["1e-40", "1e-44"])),
	Case("one silent recording", 0, r"silent", study="sound.yaml", change=write_wave("r03.wav", [0] * 1600)),
	Case("silence alone", 0, r"silent", study="sound.yaml", change=silence_all),
	Case("silence alone, functionals", 0, r"silent", study="sound.yaml", words=("encoder.name=functionals",), change=silence_all),
	Case("no sample", 4, r"r03\.wav.*", study="sound.yaml", change=write_wave("r03.wav", [])),
	Case("one sample", 4, r"r03\.wav: 1 samples at 16000 Hz, encoder pitch needs 640", study="sound.yaml", change=write_wave("r03.wav", [100])),
	Case("one sample, functionals", 4, r"r03\.wav: 1 samples at 16000 Hz, encoder functionals needs 640", study="sound.yaml", words=("encoder.name=functionals",), change=write_wave("r03.wav", [100])),
	Case("samples of the largest size", 0, study="sound.yaml", change=write_wave("r03.wav", [32767, -32768] * 800)),
	Case("nan in a recording", 4, r"r03\.wav.*", study="sound.yaml", change=write_wave("r03.wav", [math.nan] + [0.1] * 1599, 3)),
	Case("inf in a recording", 4, r"r03\.wav.*", study="sound.yaml", change=write_wave("r03.wav", [math.inf] + [0.1] * 1599, 3)),
	Case("samples of 1e30", 0, study="sound.yaml", change=write_wave("r03.wav", [1e30, -1e30] * 800, 3)),
	Case("samples of 1e38", 4, r"r03\.wav: sample 0 is 1e\+38: sound has no numbers beyond 1e\+30", study="sound.yaml",
	     change=write_wave("r03.wav", [1e38, -1e38] * 800, 3)),
	Case("a group without training rows", 0, change=set_label(lambda r: r["Split_Set"] == "Train", Gender="Male")),
	Case("a group of one class only", 0, change=drop_labels(lambda r: r["Split_Set"] == "Train" and r["Gender"] == "Female" and not is_class(r, "angry"))),
	Case("a group without test rows", 0, change=set_label(lambda r: r["Split_Set"] == "Test", Gender="Male")),
	Case("one group alone", 0, change=set_label(lambda r: True, Gender="Male")),
	Case("no group is known", 3, r"attribute 'gender' is unknown in all 24 training rows", change=set_label(lambda r: True, Gender="")),
	Case("a class without training rows", 0, r"", change=drop_labels(lambda r: r["Split_Set"] == "Train" and is_class(r, "happy"))),
	Case("a class without development rows", 0, "", change=drop_labels(lambda r: r["Split_Set"] == "Development" and is_class(r, "happy"))),
	Case("a class without test rows", 0, "", change=drop_labels(lambda r: r["Split_Set"] == "Test" and is_class(r, "happy"))),
	Case("no training rows", 4, r"train", change=drop_labels(lambda r: r["Split_Set"] == "Train")),
	Case("no development rows", 4, r"dev", change=drop_labels(lambda r: r["Split_Set"] == "Development")),
	Case("no test rows", 4, r"test", change=drop_labels(lambda r: r["Split_Set"] == "Test")),
	Case("one test row", 0, "", change=drop_labels(lambda r: r["Split_Set"] == "Test" and r["FileName"] != "r35.wav")),
	Case("shares of 0", 4, r"labels\.csv:4:.*", change=set_label(lambda r: r["FileName"] == "r02.wav", angry="0", happy="0", neutral="0")),
	Case("a share that is no number", 4, r"labels\.csv:4:.*nan", change=set_label(lambda r: r["FileName"] == "r02.wav", angry="nan")),
	Case("a negative share", 4, r"labels\.csv:4:.*-0\.1", change=set_label(lambda r: r["FileName"] == "r02.wav", angry="-0.1")),
	Case("more clusters than rows", 4, r"k = 100 needs at least as many different rows, but the 24 training rows have 24", words=("grouper={name: kmeans, k: 100}", "loss.name=rw")),
	Case("more clusters than distinct rows", 4, r"k = 5 needs at least as many different rows, but the 24 training rows have 2", words=("grouper={name: kmeans, k: 5}", "loss.name=rw"),
	     change=set_all_features(lambda r: [str(int(r[0][1:3]) % 2), "1"])),
	Case("a batch larger than the data", 0, words=("train.batch=1000000",)),
	Case("batches of one", 0, words=("train.batch=1",)),
	Case("a learning rate of 1e-300", 0, words=("train.learning_rate=1e-300",)),
	*(Case(f"a learning rate of 1e30, {loss}", -1, words=("matrix=none", f"loss.name={loss}", "train.learning_rate=1e30"))
	  for loss in LOSSES),
	*(Case(f"a learning rate of 1e30, sgd, {loss}", -1,
	       words=("matrix=none", f"loss.name={loss}", "train.learning_rate=1e30", "train.optimizer=sgd")) for loss in LOSSES),
	Case("thresholds without a positive", 0, words=("eval.threshold=dev",),
	     change=drop_labels(lambda r: r["Split_Set"] == "Development" and is_class(r, "happy"))),
]

FORMATS = ("md", "csv", "json", "tex")
NO_NUMBER = re.compile(r"(?<![A-Za-z_\-])[-+]?(nan|inf|infinity)(?![A-Za-z_\-])", re.I)
DIVERGED = re.compile(r"step \d+")  # documented: names step, and what is not finite


def look_for_nan(program, folder):
	"""Where tables or files of results hold a number that is none."""
	for path in (folder / "results").glob("*/*/metrics.json*"):
		if NO_NUMBER.search(path.read_text()):
			return str(path.relative_to(folder))
	for kind in FORMATS:
		code, out, err = bench.run_program(program, folder, "table", "results", "--format", kind, *([] if kind == "csv" else ["--full"]))
		text = re.sub(r"(?<=,)nan(?=,|$)", "", out.decode(), flags=re.M) if kind == "csv" else out.decode()
		found = NO_NUMBER.search(text)
		if code or found:
			line = text[max(0, found.start() - 80):found.end() + 40] if found else err[-300:]
			return f"table --format {kind}: exit code {code}: {line!r}"
	code, _, err = bench.run_program(program, folder, "report", "results", "-o", "report.html")
	return "" if code == 0 else f"report: exit code {code}: {err[-300:]}"


def try_case(program, root, number, case):
	"""What is not as documented."""
	folder = root / f"case-{number}"
	folder.mkdir()
	bench.write_study(folder)
	if case.change:
		case.change(folder)
	code, _, err = bench.run_program(program, folder, "run", case.study, "train.seed=1", *case.words)
	if code not in ((0, 1, 3) if case.code == -1 else (case.code,)):
		return f"exit code {code}, wanted {case.code}: {err[-300:]}"
	if not re.search(case.text, err):
		return f"no message with '{case.text}': {err[-300:]}"
	if case.code == -1 and code and not DIVERGED.search(err):
		return f"no step is named: {err[-300:]}"
	if "nan" in err and "nan" not in case.name and "number" not in case.name and not code:
		return f"nan in a message: {err[-300:]}"
	done = list((folder / "results").glob("*/*/done"))
	if code == 0 and not done:
		return "exit code 0 without a run"
	return look_for_nan(program, folder) if done else ""


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("names", nargs="*", help="only cases whose name holds one of these")
	options = parser.parse_args()
	program = pathlib.Path(options.build).resolve() / "fairvox"
	chosen = [case for case in CASES if not options.names or any(name in case.name for name in options.names)]
	if not bench.LONG and not options.names:
		chosen = chosen[::4]
	bad = 0
	with tempfile.TemporaryDirectory() as root:
		for number, case in enumerate(chosen):
			words = try_case(program, pathlib.Path(root), number, case)
			bad += bool(words)
			if words:
				print(f"{case.name}: {words}")
	return bench.report("numerics", f"{len(chosen) - bad} of {len(chosen)} studies as documented", "all", not bad)


if __name__ == "__main__":
	sys.exit(main())
