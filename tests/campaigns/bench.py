# SPDX-License-Identifier: Apache-2.0
"""What the campaigns share: a small study, every subcommand on it, and what a call of one left behind."""
import hashlib
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import small_corpus  # in tests/support

HANG_S = 60
LONG = bool(os.environ.get("FAIRVOX_LONG"))  # the whole campaign, not the sample of it that every change is tested with


def write_study(folder):
	"""A small corpus and two studies of it."""
	small_corpus.write_corpus(folder)
	head = ["corpus: {audio: audio, labels: labels.csv}", "train: {epochs: 2, batch: 8, learning_rate: 0.01, seed: [1, 2]}",
		"eval: {attributes: [gender]}", "grouper: {name: truth, column: gender}"]
	table = head + ["encoder: {name: precomputed, file: features.csv, standardize: train}",
			"matrix: {loss.name: [erm, rw]}"]
	sound = head + ["encoder: {name: pitch, standardize: train}", "loss: {name: rw}"]
	(folder / "study.yaml").write_text("\n".join(table) + "\n")
	(folder / "sound.yaml").write_text("\n".join(sound).replace("seed: [1, 2]", "seed: 1") + "\n")


# Each subcommand: its words; OUT is an empty folder, which what it writes goes to.
VERBS = {
	"version": ["--version"],
	"plugins": ["plugins"],
	"describe": ["describe", "rw"],
	"check": ["check", "rw"],
	"inspect": ["inspect", "MODEL"],
	"audit": ["audit", "PREDICTIONS", "--group-columns", "gender"],
	"audit json": ["audit", "PREDICTIONS", "--group-columns", "gender", "--json"],
	"split": ["split", "study.yaml"],
	"explain": ["explain", "study.yaml", "--results", "results"],
	"encode": ["encode", "--encoder", "pitch", "--out", "OUT/features.csv", "audio/r00.wav", "audio/r01.wav"],
	"encode npz": ["encode", "--encoder", "functionals", "--out", "OUT/features.npz", "audio/r00.wav"],
	"run": ["run", "study.yaml", "train.seed=1", "--results", "OUT/results", "--cache", "OUT/cache"],
	"run sound": ["run", "sound.yaml", "--results", "OUT/results", "--cache", "OUT/cache"],
	"run again": ["run", "study.yaml", "--results", "results"],
	"table": ["table", "results"],
	"table full": ["table", "results", "--full"],
	"table csv": ["table", "results", "--format", "csv"],
	"table json": ["table", "results", "--format", "json"],
	"table tex": ["table", "results", "--format", "tex"],
	"table md": ["table", "results", "--format", "md"],
	"table sqlite": ["table", "results", "--format", "sqlite", "-o", "OUT/table.sqlite"],
	"table tensorboard": ["table", "results", "--format", "tensorboard", "-o", "OUT/events"],
	"report": ["report", "results", "-o", "OUT/report.html"],
	"plot": ["plot", "effects", "results", "-o", "OUT/effects.svg"],
	"plot pdf": ["plot", "rates", "results", "-o", "OUT/rates.pdf"],
	"plot confusion": ["plot", "confusion", "results", "-o", "OUT/confusion.png"],
	"status": ["status", "study.yaml", "--results", "results"],
	"status json": ["status", "results", "--json"],
	"verify": ["verify", "results"],
	"groups": ["groups", "study.yaml", "loss.name=rw", "train.seed=1", "--out", "OUT/groups.csv"],
	"predict": ["predict", "SOUND", "audio/r00.wav", "audio/r01.wav"],
	"cache": ["cache", "list"],
}

def choose_sites(counts, n):
	"""At least one in each subcommand; where a subcommand has few, all of them."""
	share = random.Random(15)
	chosen = []
	each = n // len(counts)
	left = {verb: list(range(1, count + 1)) for verb, count in counts.items()}
	while sum(map(len, left.values())) and len(chosen) < n:
		each = max(1, (n - len(chosen)) // max(1, sum(1 for sites in left.values() if sites)))
		for verb, sites in left.items():
			some = share.sample(sites, min(each, len(sites), n - len(chosen)))
			chosen += [(verb, site) for site in some]
			left[verb] = sorted(set(sites) - set(some))
	return chosen


def report(name, figure, target, good):
	"""Prints a figure of a campaign; the exit code."""
	print(f"campaign {name}: {figure} ({target})", flush=True)
	return 0 if good else 1


# Files that tell of the time and the process.
CHANGING = re.compile(r"/(env\.json|metrics\.jsonl|\.begun|\.lease-[0-9]+)$")


def hash_folder(folder):
	found = {}
	for path in sorted(folder.rglob("*")):
		name = str(path.relative_to(folder))
		if path.is_file() and not CHANGING.search(name):
			found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
		elif path.is_file():
			found[name] = "there"
	return found


def normalize(data):
	"""Without the durations that differ from call to call."""
	return re.sub(rb"\b[0-9.]+ (s|ms|min)\b", b"T", data)


class Bench:
	"""A folder with finished runs of two studies, in which subcommands are called."""

	def __init__(self, build, folder):
		self.program, self.folder = build / "fairvox", folder
		write_study(folder)
		self.set_up("run", "study.yaml")
		self.set_up("run", "sound.yaml", "--results", "sound")
		self.places = {
			"MODEL": self.find("results", "model.safetensors"),
			"PREDICTIONS": self.find("results", "predictions.csv"),
			"SOUND": str(pathlib.Path(self.find("sound", "model.safetensors")).parent),
		}

	def find(self, results, name):
		return str(sorted((self.folder / results).rglob(name))[0].relative_to(self.folder))

	def set_up(self, *words):
		subprocess.run([self.program, *words, "--quiet"], cwd=self.folder, check=True, stdin=subprocess.DEVNULL)

	def call(self, verb, preload, **variables):
		"""Exit code or "hang", standard output, messages, and the hashes of what was written."""
		with tempfile.TemporaryDirectory(dir=self.folder, prefix="out-") as out:
			return self.call_in(pathlib.Path(out), verb, preload, **variables)

	def call_in(self, out, verb, preload, **variables):
		"""The same, with the folder that OUT stands for."""
		words = [self.places.get(word, word).replace("OUT", out.name) for word in VERBS[verb]]
		code, text, err = run_program(self.program, self.folder, *words, LD_PRELOAD=str(preload),
					      OPENBLAS_NUM_THREADS="1", **variables)
		return code, normalize(text.replace(out.name.encode(), b"OUT")), err, hash_folder(out)


def list_changes(whole, call):
	"""The names of files that differ between two calls, or "standard output"."""
	files = sorted(name for name in {*call[3], *whole[3]}
		       if call[3].get(name) != whole[3].get(name) and not re.search(r"/\.lease-\d+$", name))
	return files if files or call[1] == whole[1] else ["standard output"]


def run_program(program, folder, *words, **variables):
	"""Calls the program, which must end within HANG_S; exit code or "hang", standard output, messages."""
	try:
		done = subprocess.run([program, *words], cwd=folder, env=dict(os.environ, COLUMNS="100", **variables),
				      capture_output=True, timeout=HANG_S, stdin=subprocess.DEVNULL)
	except subprocess.TimeoutExpired as late:
		return "hang", b"", (late.stderr or b"").decode(errors="replace")
	return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def hash_runs(results):
	"""What every run of a results folder holds, without the time it took and how often it was resumed."""
	found = {}
	for done in sorted(results.glob("*/*/done")):
		run = str(done.parent.relative_to(results))
		for name in ("done", "model.safetensors", "predictions.csv", "groups.csv", "metrics.json", "env.json"):
			file = done.parent / name
			found[f"{run}/{name}"] = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "none"
		lines = re.sub(rb'"seconds":[^,}]*', b"", (done.parent / "metrics.jsonl").read_bytes())
		found[f"{run}/metrics.jsonl"] = hashlib.sha256(lines).hexdigest()
	return found


def hash_table(program, folder, results):
	"""SHA-256 of every number of the table."""
	code, out, err = run_program(program, folder, "table", str(results), "--full")
	return hashlib.sha256(out).hexdigest() if code == 0 else f"exit code {code}: {err}"


# Names of files that are only there while the program writes.
TEMPORARY = re.compile(r"/(\.[^/]*\.[A-Za-z0-9]{6}|\.leasing[^/]*|\.fairvox-[^/]*|checkpoint[^/]*)$")


def list_stale(*folders):
	"""Temporary files and checkpoints in folders in which nothing is running."""
	return sorted(str(path) for folder in folders if folder.exists() for path in folder.rglob("*")
		      if TEMPORARY.search(str(path)))
