# SPDX-License-Identifier: Apache-2.0
"""What the campaigns share: a small study, every subcommand on it, and what a call of one left behind."""
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import small_corpus  # in tests/support

HANG_S = 60


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
			words = [self.places.get(word, word).replace("OUT", pathlib.Path(out).name) for word in VERBS[verb]]
			env = dict(os.environ, LD_PRELOAD=str(preload), OPENBLAS_NUM_THREADS="1", COLUMNS="100", **variables)
			try:
				done = subprocess.run([self.program, *words], cwd=self.folder, env=env, capture_output=True,
						      timeout=HANG_S, stdin=subprocess.DEVNULL)
			except subprocess.TimeoutExpired:
				return "hang", b"", "", {}
			place = pathlib.Path(out).name.encode()
			return (done.returncode, normalize(done.stdout.replace(place, b"OUT")),
				done.stderr.decode(errors="replace"), hash_folder(pathlib.Path(out)))


def list_changes(whole, call):
	"""The names of files that differ between two calls, or "standard output"."""
	files = sorted(name for name in {*call[3], *whole[3]} if call[3].get(name) != whole[3].get(name))
	return files if files or call[1] == whole[1] else ["standard output"]
