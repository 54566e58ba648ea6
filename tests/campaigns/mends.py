#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes back what protects from accidents and attacks, one mend after the other, in a copy of the sources: a test must fail.
Prints `campaign mends: FIGURE (TARGET)`."""
import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Mend:
	words: str  # what it promises
	test: str  # of ctest, which fails without it
	path: str
	there: str  # text of the source, which occurs once
	without: str


MENDS = (
	Mend("nothing is written once memory is out", "core/test_memory", "core/src/base/file.c",
	     "if (core_memory_is_out()) { /*", "if (0) { /*"),
	Mend("no table is printed once memory is out", "campaigns/memory", "core/src/base/memory.c",
	     "return core_memory_lack() != 0;", "return false;"),
	Mend("memory that ran out is no damaged data", "core/test_memory", "core/src/base/message.c",
	     "if (core_memory_is_out() && core_is_failure(status))\n\t\tstatus = FV_FAILED;", ""),
	Mend("one thread of OpenBLAS", "cli/accidents", "core/cli/restart.c", "\texecve(path, argv, passed);", ""),
	Mend("control characters are escaped in tables", "core/test_visible", "core/src/base/visible.c", "if (!n || is_harmful(point)) {", "if (!n) {"),
	Mend("control characters are escaped in messages", "cli/accidents", "core/src/base/visible.c",
	     "bool shown = n && !is_harmful(decode_character(c, n));", "bool shown = n && *c >= 0x20;"),
	Mend("invalid UTF-8 is escaped in messages", "core/test_visible", "core/src/base/visible.c",
	     "*skipped = shown ? 0 : n ? n : 1;\n\treturn shown ? n : 0;",
	     "*skipped = shown || !n ? 0 : n;\n\treturn shown ? n : !n;"),
	Mend("a limit on the size of files is an error", "cli/accidents", "core/cli/main.c", "\tsignal(SIGXFSZ, SIG_IGN);", ""),
	Mend("a file that is cut while it is mapped is named", "cli/accidents", "core/src/plugin/call.c",
	     "if (number == SIGBUS && core_mapping_find(info->si_addr, call->cut))\n\t\tend_for_cut(call);", "(void)end_for_cut;"),
	Mend("the reason of a refused plugin that hides another", "cli/accidents", "core/src/config/plugin_block.c",
	     "if (!refused)\n\t\treturn false;", "if (refused || !refused)\n\t\treturn false;"),
	Mend("no plugin of another user", "cli/accidents", "core/src/plugin/trust.c", "if (st->st_uid != 0 && st->st_uid != geteuid())", "if (0)"),
	Mend("no plugin that everyone can write", "cli/accidents", "core/src/plugin/trust.c", "if (!sticky && (st->st_mode & S_IWOTH))", "if (0)"),
	Mend("no plugin that its group can write", "cli/accidents", "core/src/plugin/trust.c",
	     "if (!sticky && (st->st_mode & S_IWGRP) && !is_own_group(st->st_gid))", "if ((void)is_own_group, 0)"),
	Mend("folders above a plugin are looked at", "cli/accidents", "core/src/plugin/trust.c",
	     "slash[slash == at] = '\\0'; /*", "return FV_OK; /*"),
	Mend("no program with other rights than its user", "cli/accidents", "core/cli/main.c", "if (getauxval(AT_SECURE)) {", "if (0) {"),
	Mend("an interrupted read goes on", "core/test_io", "core/src/base/io.c", "\twhile (n < 0 && errno == EINTR);", "\twhile (0);"),
	Mend("a read in parts goes on", "campaigns/interrupt", "core/src/base/io.c",
	     "done += (size_t)n;\n\t}\n\treturn (ssize_t)done;\n}\n\nssize_t core_pread_fully", "return n;\n\t}\n\treturn (ssize_t)done;\n}\n\nssize_t core_pread_fully"),
	Mend("an interrupted fsync is repeated", "campaigns/interrupt", "core/src/base/io.c",
	     "result = fsync(fd);\n\twhile (result && errno == EINTR);", "result = fsync(fd);\n\twhile (0);"),
	Mend("a pipe in place of a file is refused", "cli/accidents", "core/src/base/io.c", "S_ISREG(own.st_mode) ? 0\n", "S_ISREG(own.st_mode) || S_ISFIFO(own.st_mode) ? 0\n"),
	Mend("nothing waits for the writer of a pipe", "cli/accidents", "core/src/base/io.c", "O_CLOEXEC | O_NONBLOCK | O_NOCTTY", "O_CLOEXEC | O_NOCTTY"),
	Mend("a disk with errors is told", "cli/accidents", "core/src/base/message.c",
	     "status = blame_disk(status, raw_place, &raw);", "(void)blame_disk;"),
	Mend("a backquote reaches LaTeX's page", "core/test_table_text", "core/src/report/tex_text.c", "{\"`\", \"\\\\textasciigrave{}\"},", ""),
	Mend("markup in names is text", "core/test_visible", "core/src/base/markup.c", "return \"&lt;\";", "return NULL;"),
	Mend("a folder in place of a cache entry is removed", "cli/accidents", "core/src/run/cache.c", "(void)rmdir(path);", ";"),
	Mend("saved training gives way to results", "cli/accidents", "core/src/run/runner.c",
	     "return status && core_folder_make_room(ctx, folder) ?", "return status && false ?"),
	Mend("SIGHUP saves", "cli/resume", "core/src/run/pool.c", "numbers[i] != SIGHUP || before[i].sa_handler != SIG_IGN", "numbers[i] != SIGHUP"),
	Mend("saving takes 2% of the time", "core/test_run_checkpoint", "core/src/train/run_checkpoint.c", "#define TIMES_ITS_COST 49", "#define TIMES_ITS_COST 0"),
)


def copy_sources(folder):
	"""Copies the files of the tree that changed since the last copy, so that little is compiled."""
	listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
	for name in filter(None, listed.split("\0")):
		source, target = ROOT / name, folder / name
		if not source.is_file() or target.is_file() and target.read_bytes() == source.read_bytes():
			continue
		target.parent.mkdir(parents=True, exist_ok=True)
		shutil.copy(source, target)


def configure(folder):
	command = ["cmake", "-G", "Ninja", "-B", "build", "-DFAIRVOX_TESTS=ON", "-DFAIRVOX_CUDA=OFF", "-DCMAKE_C_COMPILER=gcc"]
	subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def build(folder):
	return subprocess.run(["ninja", "-C", "build", "--quiet"], cwd=folder, capture_output=True).returncode == 0


def find_failures(folder, tests):
	"""Names the tests that fail in the form that every change is tested with."""
	env = {k: v for k, v in os.environ.items() if k != "FAIRVOX_LONG"}
	names = "|".join(f"^{test}$" for test in sorted(tests))
	command = ["ctest", "--test-dir", "build", "-R", names, "--timeout", "300", "-j", str(os.cpu_count())]
	done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env)
	if "No tests were found" in done.stdout + done.stderr:
		raise SystemExit(f"no test {names}")
	failed = re.findall(r"^\s*\d+ - (\S+) \((.*)\)$", done.stdout, re.M)
	return [f"{name} ({how})" for name, how in failed] or ["ctest"] * (done.returncode != 0)


def try_mend(folder, mend):
	"""What is wrong with a mend; empty: its test fails without it."""
	path = folder / mend.path
	text = path.read_text()
	if text.count(mend.there) != 1:
		return f"its text occurs {text.count(mend.there)} times"
	path.write_text(text.replace(mend.there, mend.without))
	try:
		if not build(folder):
			return "does not compile without it"
		return "" if find_failures(folder, [mend.test]) else f"{mend.test} passes without it"
	finally:
		path.write_text(text)


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True, help="folder of the build; the copy is kept beside its long tests")
	parser.add_argument("words", nargs="*", help="only mends whose words contain one of these")
	options = parser.parse_args()
	folder = pathlib.Path(options.build).resolve() / "long" / "mends"
	chosen = [m for m in MENDS if not options.words or any(word in m.words for word in options.words)]
	copy_sources(folder)
	configure(folder)
	if not build(folder):
		raise SystemExit("the copy does not compile")
	failed = find_failures(folder, {m.test for m in chosen})
	if failed:
		raise SystemExit(f"nothing was taken back, but {', '.join(failed)}")
	faults = 0
	for mend in chosen:
		wrong = try_mend(folder, mend)
		faults += bool(wrong)
		print(f"{mend.path}: {mend.words}: {wrong or mend.test + ' fails without it'}", flush=True)
	print(f"campaign mends: {len(chosen) - faults} of {len(chosen)} fail a test when they are taken back (all)")
	return bool(faults) or not chosen


if __name__ == "__main__":
	sys.exit(main())
