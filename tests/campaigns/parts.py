# SPDX-License-Identifier: Apache-2.0
"""The parts of `./bootstrap test --long`, in the order they run: quick ones first."""
import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class Part:
	name: str
	words: str  # what it shows, for --list
	command: tuple
	builds: tuple = ("build",)  # folders that `./bootstrap test-build` makes


def describe_campaign(name, words, *more):
	return Part(name, words, (f"tests/campaigns/{name}.py", "--build", "build", *more))


JOBS = str(os.cpu_count())
# Tests of what starts threads or is called by several: teams, leases, fetch, and what they share.
THREADED = "^(core/test_(team|tsne|tsne_inputs|lease|cache|io|mapping|pool|call|base)|cli/fetch)$"
PARTS = (
	describe_campaign("rules", "deleting any rule of a file format fails a test"),
	describe_campaign("mends", "what protects from accidents and attacks is taken back, and a test fails"),
	describe_campaign("memory", "each allocation fails in turn"),
	describe_campaign("interrupt", "system calls are interrupted, and read and write in parts"),
	describe_campaign("errors", "system calls fail with ENOSPC, EIO and EMFILE"),
	describe_campaign("disk", "full disks, limits on the size of files, folders that cannot be written"),
	describe_campaign("kill", "kill -9 at random moments of a sweep"),
	describe_campaign("signals", "SIGTERM, SIGHUP and SIGUSR1 at random moments, then resumed"),
	describe_campaign("crowd", "16 processes on one results folder, and two identical sweeps"),
	describe_campaign("plugins", "plugins with each kind of mistake, and files that are no plugins"),
	describe_campaign("numerics", "NaN, silence, empty groups, missing classes, huge learning rates"),
	describe_campaign("threads", "1, 2, 3, 4 and 8 workers and threads give the same bytes"),
	describe_campaign("steps", "resuming at each of 200 steps gives the same bytes"),
	describe_campaign("names", "hostile paths and tables, other locales"),
	describe_campaign("headers", "a million mutated headers of each format", "--count", "1000000"),
	Part("fuzz", "fuzzers under sanitizers, one minute each",
	     ("tests/campaigns/fuzz.py", "--build", "build-asan", "--seconds", "60"), ("build-asan",)),
	# Tests in their short form: the long one repeats the same code, and the fuzzers have these sanitizers as well.
	Part("asan", "unit tests under AddressSanitizer and UndefinedBehaviorSanitizer",
	     ("tests/campaigns/ctest.py", "--short", "asan", "build-asan", "-j", JOBS, "-L", "core|plugins|contract|emulated",
	      "-E", "emulated/(ge2e|speech|packs)"), ("build-asan",)),
	Part("asan-cli", "the program under AddressSanitizer and UndefinedBehaviorSanitizer",
	     ("tests/campaigns/ctest.py", "--short", "asan-cli", "build-asan", "-j", JOBS, "-L", "cli", "-E",
	      "cli/(install|new|docs)"), ("build-asan",)),
	Part("tsan", "what uses threads, under ThreadSanitizer",
	     ("tests/campaigns/ctest.py", "tsan", "build-tsan", "-j", JOBS, "-R", THREADED), ("build-tsan",)),
	Part("tests", "every test, in its long form", ("tests/campaigns/ctest.py", "tests", "build", "-j", JOBS, "-LE", "campaigns")),
	Part("cuda", "kernels for GPUs under sanitizers, and with planted faults",
	     ("tests/cuda/sanitize.py", "--build", "build", "--faults")),
	Part("analyzers", "clang's analyzer and gcc -fanalyzer", ("tests/checks/analyze.py", "--build", "build")),
	Part("package", "the Debian package in lintian and in a bare Debian 12", ("tests/package/package.sh",), ()),
	Part("wheel", "the Python wheel in auditwheel, the benchmarks' packages and a bare Debian 12",
	     ("tests/package/wheel.sh",), ()),
	Part("race", "gaps by chance on synthetic speech: eleven corpora",
	     ("tests/bench/race_acceptance.py", "--fairvox", "build/fairvox", "--work", "build/race", "--jobs", JOBS)),
)
