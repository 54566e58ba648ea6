#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs each libFuzzer target of a build with FAIRVOX_FUZZ, starting from files of the repository: the same 2,000 inputs
each time, so that a change decides and not luck or speed; with --seconds, or FAIRVOX_LONG (60), new ones. What a target finds stays in BUILD/fuzz/TARGET/. Prints `campaign fuzz: FIGURE (TARGET)`."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW_S, MEMORY_MIB, LONGEST, FIXED = 5, 2048, 32768, 2000

# Start files beside those in tests/fuzz/TARGET.
SEEDS = {
	"yaml": ["configs/*.yaml", "tests/fuzz/*.yaml"],
	"config": ["configs/*.yaml", "tests/fuzz/*.yaml"],
	"claims": ["configs/paper/claims.yaml"],
	"csv": ["configs/corpora/*/*.csv", "tests/golden/statistics/audit/*/*.csv", "tests/fuzz/tables/*"],
	"predictions": ["tests/golden/statistics/audit/*/PRED_A.csv", "tests/fuzz/tables/*"],
	"safetensors": ["tests/golden/containers/*.safetensors"],
	"torch": ["tests/golden/containers/*.pt"],
	"npy": ["tests/golden/encoders/inputs/*.npy", "tests/golden/ecapa/*.npz"],
	"content": ["tests/fuzz/audio/*", "tests/golden/containers/*"],
}


def read_seed(path):
	"""The first 16 KiB; of tables whole lines of these."""
	data = path.read_bytes()[:16384]
	return b"".join(data.splitlines(keepends=True)[:40]) if path.suffix == ".csv" else data


def write_seeds(target, folder):
	shutil.rmtree(folder, ignore_errors=True)
	folder.mkdir(parents=True)
	for pattern in [f"tests/fuzz/{target}/*", *SEEDS.get(target, [])]:
		for path in sorted(ROOT.glob(pattern)):
			(folder / f"{path.parent.name}-{path.name}").write_bytes(read_seed(path))
	if target == "npy":  # two arrays of an archive
		array = (ROOT / "tests/golden/encoders/inputs/n400.npy").read_bytes()
		(folder / "two").write_bytes(b"\x80" + array + array)


def run_target(build, target, seconds):
	"""The inputs that a target saw, and the end of its log if it found something."""
	work = build / "fuzz" / target
	write_seeds(target, work / "seeds")
	limits = [f"-max_total_time={seconds}"]
	if not seconds:
		shutil.rmtree(work / "corpus", ignore_errors=True)
		limits = [f"-runs={FIXED}", "-seed=1"]
	(work / "corpus").mkdir(exist_ok=True)
	words = [build / "tests" / f"fuzz_{target}", *limits, f"-max_len={LONGEST}",
		 f"-timeout={SLOW_S}", f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={work}/",
		 "-print_final_stats=1", work / "corpus", work / "seeds"]
	env = dict(os.environ, FAIRVOX_PLUGIN_PATH=str(build / "plugins"), OPENBLAS_NUM_THREADS="1",
		   ASAN_OPTIONS="allocator_may_return_null=1",
		   LSAN_OPTIONS=f"suppressions={ROOT / 'tests/support/leaks.txt'}:print_suppressions=0")
	done = subprocess.run(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
	log = done.stderr.decode(errors="replace")
	(work / "log").write_text(log)
	inputs = re.search(r"^stat::number_of_executed_units: *(\d+)", log, re.M)
	lines = [line for line in log.splitlines() if not line.startswith("#")]
	return int(inputs[1]) if inputs else 0, "\n".join(lines[-40:]) if done.returncode else ""


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("--seconds", type=int, default=60 if os.environ.get("FAIRVOX_LONG") else 0)
	parser.add_argument("target", nargs="*", help="these targets; all without")
	options = parser.parse_args()
	build = pathlib.Path(options.build).resolve()
	targets = options.target or sorted(path.stem[len("fuzz_"):] for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
	findings = total = 0
	with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
		for target, (inputs, found) in zip(targets, pool.map(lambda t: run_target(build, t, options.seconds), targets)):
			print(f"fuzz {target}: {inputs} inputs, {'a finding' if found else 'no finding'}", flush=True)
			findings += bool(found)
			total += inputs
			if found:
				print(found)
	extent = f"{options.seconds} s" if options.seconds else f"{FIXED} inputs"
	print(f"campaign fuzz: {findings} crashes, inputs slower than {SLOW_S} s or over {MEMORY_MIB // 1024} GiB, "
	      f"of {total} in {len(targets)} targets of {extent} each (0)")
	return bool(findings)


if __name__ == "__main__":
	sys.exit(main())
