#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the parts of `./bootstrap test --long`, those that are not done for the commit that is checked out.

usage: run.py [NAME...]   these parts, or all
       run.py --list      what each part is, and whether it is done for this commit
       run.py --table     the figures of the latest run of each part, in Markdown
       run.py --again     also parts that are done

A part is a command below tests/ that prints `campaign NAME: FIGURE (TARGET)` for each figure, ends with 0 if it reached
its target, and takes less than 90 minutes. Each run is recorded in build/long/done.jsonl with the tree of the commit, and
its output is in build/long/PART.log. A part counts as done if it reached its target with this tree and no file was changed
since, so that a second call takes up where the first one stopped. The exit code is 1 if a part failed."""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from parts import PARTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "long"
RECORDS = FOLDER / "done.jsonl"
MOST_S = 90 * 60
SKIPPED = 77
FIGURE = re.compile(r"^campaign ([^:]+): (.*) \((.*)\)$", re.M)


def ask_git(*words):
	done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
	return done.stdout.strip() if done.returncode == 0 else None


def identify_sources():
	"""The tree and the commit that are checked out, and whether every file is as they say."""
	tree = ask_git("rev-parse", "HEAD^{tree}")
	return tree, ask_git("rev-parse", "--short=12", "HEAD"), tree is not None and ask_git("status", "--porcelain") == ""


def read_records():
	"""The latest record of each part, and the latest that passed for each part and tree."""
	latest, passed = {}, {}
	for line in RECORDS.read_text().splitlines() if RECORDS.exists() else []:
		try:
			record = json.loads(line)
		except ValueError:
			continue  # a line that was cut when the machine stopped
		latest[record["part"]] = record
		if record["state"] == "passed" and record["clean"]:
			passed[record["part"], record["tree"]] = record
	return latest, passed


def add_record(record):
	FOLDER.mkdir(parents=True, exist_ok=True)
	cut = RECORDS.exists() and not RECORDS.read_bytes().endswith(b"\n")
	with open(RECORDS, "a", encoding="utf-8") as file:
		file.write(("\n" if cut else "") + json.dumps(record) + "\n")
		file.flush()
		os.fsync(file.fileno())


def build(folders):
	"""Builds what a part runs; the reason if that fails."""
	for folder in folders:
		done = subprocess.run(["./bootstrap", "test-build", folder], cwd=ROOT, stdin=subprocess.DEVNULL)
		if done.returncode:
			return f"{folder} does not build"
	return ""


def end_group(process):
	"""Ends a part with all that it started."""
	for number in (signal.SIGTERM, signal.SIGKILL):
		try:
			os.killpg(process.pid, number)
			process.wait(30)
		except ProcessLookupError:
			return
		except subprocess.TimeoutExpired:
			continue


def heed_signals():
	"""Started by nohup or in the background of a shell, this ignores what a part sends to others."""
	for number in (signal.SIGINT, signal.SIGHUP):
		signal.signal(number, signal.SIG_DFL)


def run_command(part, log):
	"""Exit code of a part's command, or "late" or "not started"."""
	env = dict(os.environ, FAIRVOX_LONG="1", PYTHONDONTWRITEBYTECODE="1", OPENBLAS_NUM_THREADS="1")
	with open(log, "wb") as out:
		try:
			process = subprocess.Popen(part.command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out,
						   stderr=subprocess.STDOUT, start_new_session=True,
						   preexec_fn=heed_signals)
		except OSError as error:
			out.write(f"{error}\n".encode())
			return "not started"
		try:
			return process.wait(MOST_S)
		except subprocess.TimeoutExpired:
			end_group(process)
			return "late"
		except BaseException:
			end_group(process)
			raise


def judge(code, figures):
	"""State of a part, and the reason if it failed."""
	if code == SKIPPED:
		return "skipped", ""
	if code == "late":
		return "failed", "not ended within 90 minutes"
	if code == "not started":
		return "failed", "it cannot be started"
	if code != 0:
		return "failed", f"exit code {code}"
	return ("passed", "") if figures else ("failed", "printed no figure")


def run_part(part):
	"""Runs a part, records it and prints its figures; the record."""
	tree, commit, clean = identify_sources()
	log = FOLDER / f"{part.name}.log"
	FOLDER.mkdir(parents=True, exist_ok=True)
	print(f"{part.name}: {part.words}", flush=True)
	reason = build(part.builds)
	begin = time.monotonic()
	code = "no build" if reason else run_command(part, log)
	seconds = round(time.monotonic() - begin)
	text = "" if reason else log.read_text(errors="replace")
	figures = [list(found.groups()) for found in FIGURE.finditer(text)]
	state, why = ("failed", reason) if reason else judge(code, figures)
	if identify_sources()[0] != tree:
		clean = False  # of another commit by now
	record = {"part": part.name, "state": state, "tree": tree, "commit": commit, "clean": clean and identify_sources()[2],
		  "seconds": seconds, "figures": figures, "why": why}
	add_record(record)
	if state == "failed" and not reason:
		print("".join(line + "\n" for line in text.splitlines()[-40:]), end="")
		print(f"{part.name}: {why}: {log.relative_to(ROOT)}")
	for name, figure, target in figures:
		print(f"campaign {name}: {figure} ({target})")
	sys.stdout.flush()
	return record


def list_parts(passed, latest, tree, clean):
	"""Prints each part with its state for these sources."""
	for part in PARTS:
		last = latest.get(part.name)
		done = clean and passed.get((part.name, tree))
		if done:
			state = f"done in {done['seconds']} s"
		elif last and last["tree"] == tree and last["state"] != "passed":
			state = f"{last['state']} after {last['seconds']} s"
		else:
			state = "open"
		print(f"{part.name:<12} {state:<18} {part.words}")


def print_table(latest):
	"""Prints the latest figures of each part as a table in Markdown."""
	print("| campaign | target | figure | seconds | commit |\n|---|---|---|---|---|")
	for part in PARTS:
		record = latest.get(part.name)
		if not record or record["state"] == "skipped":
			continue
		commit = (record["commit"] or "none") + ("" if record["clean"] else ", with changes")
		for i, (name, figure, target) in enumerate(record["figures"] or [[part.name, record["why"], "-"]]):
			failed = "" if record["state"] == "passed" else "**missed** "
			cells = [name, target, failed + figure, str(record["seconds"]) if i == 0 else "", commit]
			print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")


def run_parts(chosen, again):
	"""Runs what is not done; prints a table at the end. Exit code."""
	rows = []
	for part in chosen:
		tree, _, clean = identify_sources()
		record = read_records()[1].get((part.name, tree)) if clean and not again else None
		rows.append((part.name, "done before", record) if record else (part.name, None, run_part(part)))
	if len(rows) > 1:
		print("\npart         result       seconds")
	for name, state, record in rows if len(rows) > 1 else []:
		print(f"{name:<12} {state or record['state']:<12} {record['seconds']:>7}  {record['why']}".rstrip())
	if any(not record["clean"] for _, _, record in rows):
		print("not recorded as done: files differ from the commit, or there is none")
	return any(record["state"] == "failed" for _, _, record in rows)


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--list", action="store_true", help="the parts and their state")
	parser.add_argument("--table", action="store_true", help="the latest figures in Markdown")
	parser.add_argument("--again", action="store_true", help="run parts that are done, too")
	parser.add_argument("names", nargs="*", metavar="NAME")
	options = parser.parse_args()
	known = {part.name: part for part in PARTS}
	unknown = [name for name in options.names if name not in known]
	if unknown:
		parser.error(f"no part is called {unknown[0]}: {', '.join(known)}")
	latest, passed = read_records()
	if options.list:
		tree, _, clean = identify_sources()
		return list_parts(passed, latest, tree, clean)
	if options.table:
		return print_table(latest)
	return run_parts([known[name] for name in dict.fromkeys(options.names)] or PARTS, options.again)


if __name__ == "__main__":
	signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # which ends the part, too
	try:
		code = main()
		sys.stdout.flush()
		sys.exit(code)
	except KeyboardInterrupt:
		sys.exit(130)
	except BrokenPipeError:  # the reader of a list has seen enough; at exit, Python would flush once more
		os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
		sys.exit(141)
