#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests run.py on parts of its own, in a repository of its own: what is run, skipped, recorded and told."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import parts

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTS = '''
import re
import pathlib
import sys
text = (pathlib.Path(__file__).parent / "parts.py").read_text()
head = text[:text.index("def describe_campaign")]
exec(head)
def shell(name, words):
    return Part(name, f"part {name}", ("sh", "-c", f"echo {name} >>../ran; {words}"), ())
PARTS = (
    shell("good", "echo 'campaign good: 3 of 3 (all)'"),
    shell("bad", "echo 'campaign bad: 2 of 3 (all)'; exit 1"),
    shell("silent", "true"),
    shell("absent", "exit 77"),
    Part("gone", "a program that is not there", ("./gone",), ()),
    shell("last", f"{sys.executable} -c 'import signal; exit(signal.getsignal(2) != signal.default_int_handler "
                  "or signal.getsignal(1) != signal.SIG_DFL)' "
                  "&& echo 'campaign last (x): 0 faults (0)'"),
)
'''


class Repository:
	def __init__(self, folder):
		self.root = folder / "repository"
		own = self.root / "tests" / "campaigns"
		own.mkdir(parents=True)
		shutil.copy(HERE / "parts.py", own)
		(own / "other.py").write_text(PARTS)
		(own / "run.py").write_text((HERE / "run.py").read_text().replace("from parts import", "from other import"))
		(self.root / ".gitignore").write_text("/build/\n__pycache__/\n")
		self.git("init", "-q")
		self.commit()

	def git(self, *words):
		subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], cwd=self.root, check=True)

	def commit(self):
		self.git("add", "-A")
		self.git("commit", "-q", "--allow-empty", "-m", "change")

	def run(self, *words, heeded=True):
		"""Exit code, output, and the parts that ran; not `heeded`: SIGINT and SIGHUP are ignored, as under nohup."""
		def set_signals():
			for number in (signal.SIGINT, signal.SIGHUP):
				signal.signal(number, signal.SIG_DFL if heeded else signal.SIG_IGN)

		ran = self.root.parent / "ran"
		ran.unlink(missing_ok=True)
		done = subprocess.run([sys.executable, "-B", "tests/campaigns/run.py", *words], cwd=self.root, capture_output=True, text=True,
				      preexec_fn=set_signals)
		return done.returncode, done.stdout + done.stderr, ran.read_text().split() if ran.exists() else []


def expect(what, found, wanted):
	if found != wanted:
		raise SystemExit(f"{what}: {found!r}, wanted {wanted!r}")


def test_states(repository):
	code, out, ran = repository.run()
	expect("the first call", (code, ran), (1, ["good", "bad", "silent", "absent", "last"]))
	for text in ("campaign last (x): 0 faults (0)", "bad: exit code 1: build/long/bad.log", "silent: printed no figure",
		     "gone: it cannot be started: build/long/gone.log"):
		expect(text, text in out, True)
	closing = {line.split()[0]: line.split()[1] for line in out.partition("\npart ")[2].splitlines()[1:]}
	expect("the table at the end", closing,
	       {"good": "passed", "bad": "failed", "silent": "failed", "absent": "skipped", "gone": "failed", "last": "passed"})
	expect("the second call", repository.run()[::2], (1, ["bad", "silent", "absent"]))
	expect("a part by name", repository.run("good", "last")[::2], (0, []))
	expect("a part again", repository.run("--again", "good")[::2], (0, ["good"]))
	expect("in the background", repository.run("--again", "last", heeded=False)[::2], (0, ["last"]))
	expect("an unknown part", repository.run("nothing")[::2], (2, []))
	listed = [line.split()[:2] for line in repository.run("--list")[1].splitlines()]
	expect("--list", listed, [["good", "done"], ["bad", "failed"], ["silent", "failed"], ["absent", "skipped"], ["gone", "failed"], ["last", "done"]])
	rows = repository.run("--table")[1].splitlines()
	expect("a row", rows[2].startswith("| good | all | 3 of 3 | 0 | "), True)
	expect("a missed row", rows[3].startswith("| bad | all | **missed** 2 of 3 | 0 | "), True)
	expect("rows", len(rows), 2 + 5)


def test_trees(repository):
	repository.commit()
	expect("another commit of the same files", repository.run("good")[2], [])
	(repository.root / "file").write_text("x")
	out = repository.run("good")
	expect("with changes", (out[2], "not recorded as done" in out[1]), (["good"], True))
	expect("with changes again", repository.run("good")[2], ["good"])
	repository.commit()
	expect("that was not recorded", repository.run("good")[2], ["good"])
	expect("now it is", repository.run("good")[2], [])
	with open(repository.root / "build/long/done.jsonl", "a") as file:
		file.write('{"part": "go')
	expect("a record that was cut", repository.run("good")[2], [])
	expect("a record behind it", repository.run("last")[2], ["last"])
	expect("which counts", repository.run("last")[2], [])
	shutil.rmtree(repository.root / ".git")
	expect("without git", repository.run("good")[::2], (0, ["good"]))


def test_end(repository):
	"""A driver that is told to end takes the part with it."""
	pid = repository.root.parent / "pid"
	with open(repository.root / "tests/campaigns/other.py", "a") as file:
		file.write('PARTS += (shell("lasting", "echo $$ >../pid; exec sleep 300"),)\n')
	command = [sys.executable, "-B", "tests/campaigns/run.py", "lasting"]
	driver = subprocess.Popen(command, cwd=repository.root, stdout=subprocess.DEVNULL)
	while not (pid.exists() and pid.read_text().strip()):
		expect("the driver", driver.poll(), None)
		time.sleep(0.02)
	driver.terminate()
	expect("its end", driver.wait(60), 128 + signal.SIGTERM)
	expect("the part", os.path.exists(f"/proc/{pid.read_text().strip()}"), False)


def test_commands():
	"""Each part's command is a program that can be started."""
	for part in parts.PARTS:
		expect(f"{part.name}: {part.command[0]} can be started", os.access(ROOT / part.command[0], os.X_OK), True)


def test_closed_output(repository):
	"""A list whose reader goes away, as head does, ends without a traceback."""
	command = f"{sys.executable} -B tests/campaigns/run.py --list | true"
	for _ in range(3):
		done = subprocess.run(["sh", "-c", command], cwd=repository.root, capture_output=True, text=True)
		expect("a closed pipe", done.stderr, "")


def main():
	with tempfile.TemporaryDirectory() as folder:
		repository = Repository(pathlib.Path(folder))
		test_states(repository)
		test_trees(repository)
		test_closed_output(repository)
		test_end(repository)
		test_commands()


if __name__ == "__main__":
	main()
