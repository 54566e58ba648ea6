# SPDX-License-Identifier: Apache-2.0
"""What wheel.py runs with the wheel's own interpreter, in a folder with: corpus, study.yaml, peaks.c, encoder_interfaces.json,
python.md, a/same.wav, b/same.wav, c.wav, and expected/, which the program of the build wrote of these."""
import csv
import glob
import importlib.util
import inspect
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

import numpy

import fairvox

FILES = ["a/same.wav", "c.wav", "b/same.wav"]
FAIRVOX = os.path.join(os.path.dirname(sys.executable), "fairvox")  # the console script
FRAME = 320
with open("encoder_interfaces.json", encoding="utf-8") as file:
    INTERFACES = json.load(file)


def run_program(*arguments, **options):
    return subprocess.run([FAIRVOX, *arguments], capture_output=True, text=True, check=False, **options)


def measure_peaks(samples):
    """What the encoder peaks gives: [T, 2]."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return numpy.stack([frames[:, 0], numpy.abs(frames).max(axis=1)], axis=1)


def take_mean(frames):
    """Sums in double, in the order of the frames."""
    return (numpy.cumsum(frames.astype(numpy.float64), axis=0)[-1] / len(frames)).astype(numpy.float32)


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


class Program(unittest.TestCase):
    def test_version_and_plugins(self):
        self.assertEqual(run_program("--version").stdout.split()[:2], ["fairvox", fairvox.__version__])
        module = subprocess.run([sys.executable, "-m", "fairvox", "--version"], capture_output=True, text=True, check=True)
        self.assertEqual(module.stdout, run_program("--version").stdout)
        found = json.loads(run_program("plugins", "--json").stdout)
        self.assertGreaterEqual(len(found["plugins"]), 30)
        self.assertEqual(found["refused"], [])
        for plugin in found["plugins"]:
            self.assertEqual(os.path.dirname(plugin["path"]), f"{fairvox.PREFIX}/lib/fairvox")

    def test_libraries_are_those_of_the_wheel(self):
        system = re.compile(r"/(libc|libm|libdl|librt|libpthread|libresolv|ld-linux-x86-64|libgcc_s|libnss_\w+)\.so\.\d$")
        environment = {**os.environ, "LD_DEBUG": "files", "LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu"}
        commands = [["encode", "--encoder", "functionals", "--out", "libraries.csv", "c.wav"], ["fetch", "--list"],
                    ["plot", "effects", "expected/results", "-o", "effects.png"], ["run", "study.yaml", "--dry-run"]]
        for command in commands:
            done = subprocess.run([f"{fairvox.PREFIX}/bin/fairvox", *command], env=environment, capture_output=True,
                                  text=True, check=False)
            loaded = {os.path.normpath(path) for path in re.findall(r"calling init: (/\S+)", done.stderr)}
            self.assertEqual(done.returncode, 0, done.stderr[-500:])
            self.assertTrue(any(path.endswith("/libopenblas.so.0") for path in loaded))
            outside = [path for path in loaded if not path.startswith(fairvox.PREFIX + "/") and not system.search(path)]
            self.assertEqual(outside, [], command)
            if command[0] == "plot":
                self.assertIn(f"{fairvox.PREFIX}/lib/libcairo.so.2", loaded)
            if command[0] == "fetch":
                self.assertIn(f"{fairvox.PREFIX}/lib/libcurl.so.4", loaded)

    def test_templates_and_documentation(self):
        self.assertEqual(run_program("new", "plugin", "loss", "mine").returncode, 0)
        for name in ("python.md", "NEWS", "LICENSE", "examples/plugins/losses/gdro.c"):
            self.assertTrue(os.path.exists(f"{fairvox.PREFIX}/share/doc/fairvox/{name}"), name)


class Encode(unittest.TestCase):
    def test_values_are_those_of_the_program(self):
        for encoder in ("functionals", "pitch"):
            got = fairvox.encode(FILES, encoder)
            want = numpy.stack([numpy.load(f"expected/{encoder}-{i}.npy")[0] for i in range(3)])
            self.assertEqual(got.dtype, numpy.float32)
            numpy.testing.assert_array_equal(got, want)
        for i, file in enumerate(FILES):
            row = read_rows(f"expected/pitch-{i}.csv")[0]
            self.assertEqual([numpy.float32(x) for x in list(row.values())[1:]], list(fairvox.encode([file], "pitch")[0]))

    def test_parameters_and_workers(self):
        cut = fairvox.encode(FILES, "functionals", max_seconds=0.5, jobs=2)
        numpy.testing.assert_array_equal(cut[1], numpy.load("expected/cut.npy")[0])
        self.assertFalse(numpy.array_equal(cut[1], fairvox.encode(["c.wav"], "functionals")[0]))

    def test_no_files(self):
        with self.assertRaisesRegex(ValueError, "files: there are none"):
            fairvox.encode([], "pitch")
        self.assertEqual(fairvox.encode_frames([], "pitch"), [])

    def test_frames(self):
        waves = numpy.load("expected/waves.npz")
        frames = fairvox.encode_frames(FILES, "peaks", plugins=["build"])
        for file, x in zip(FILES, frames):
            numpy.testing.assert_array_equal(x, measure_peaks(waves[file])[None])
        both = fairvox.encode(FILES, "peaks", plugins=["build"], output="both")
        self.assertEqual(both.shape, (3, 4))
        for file, row in zip(FILES, both):
            mean = take_mean(measure_peaks(waves[file]))
            numpy.testing.assert_array_equal(row, [*mean, *-mean])
        one = fairvox.encode(FILES, "peaks", plugins=["build"], output="both", layer=1)
        numpy.testing.assert_array_equal(one, both[:, 2:])

    def test_errors_are_the_program_s(self):
        cases = [(2, FILES, "pitchy"), (4, ["missing.wav"], "pitch"), (4, ["study.yaml"], "pitch")]
        for code, files, encoder in cases:
            with self.assertRaises(fairvox.FairvoxError) as raised:
                fairvox.encode(files, encoder)
            told = run_program("encode", "--encoder", encoder, "--out", "x.npy", *map(os.path.abspath, files[:2]))
            self.assertEqual((raised.exception.exit_code, told.returncode), (code, code))
            self.assertEqual(raised.exception.stderr, told.stderr)
            self.assertEqual(str(raised.exception), told.stderr.strip())
            again = pickle.loads(pickle.dumps(raised.exception))
            self.assertEqual((again.exit_code, again.stderr), (code, told.stderr))
        self.assertTrue(issubclass(fairvox.FairvoxError, RuntimeError))
        self.assertIn("did you mean 'pitch'?", str(self.fail_with("pitchy")))

    def fail_with(self, encoder):
        with self.assertRaises(fairvox.FairvoxError) as raised:
            fairvox.encode(FILES, encoder)
        return raised.exception


@unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
class Run(unittest.TestCase):
    def test_table_is_that_of_the_program(self):
        import pandas

        table = fairvox.run("study.yaml", "train.epochs=3", jobs=2, quiet=True)
        told = run_program("table", "study.yaml", "train.epochs=3", "--format", "csv")
        with open("told.csv", "w", encoding="utf-8") as file:
            file.write(told.stdout)
        self.check_table(pandas, table, read_rows("told.csv"), [])
        # the build's program: its plugins are other files, and so its variants have other hashes
        self.check_table(pandas, table, read_rows("expected/table.csv"), ["variant"])
        times = {path: os.stat(path).st_mtime_ns for path in glob.glob("results/*/*/model.safetensors")}
        self.assertEqual(len(times), 4)
        self.assertTrue(fairvox.run("study.yaml", "train.epochs=3", quiet=True).equals(table))
        self.assertEqual(times, {path: os.stat(path).st_mtime_ns for path in times})

    def check_table(self, pandas, table, rows, left_out):
        self.assertEqual(list(table.columns), list(rows[0]))
        self.assertEqual(len(table), len(rows))
        self.assertGreater(len(rows), 100)
        for (_, got), want in zip(table.iterrows(), rows):
            for name, value in want.items():
                if name in left_out:
                    continue
                if value in ("", "nan"):
                    self.assertTrue(pandas.isna(got[name]), name)
                elif isinstance(got[name], str):
                    self.assertEqual(got[name], value)
                else:
                    self.assertEqual(float(got[name]), float(value), name)

    def test_error(self):
        with self.assertRaises(fairvox.FairvoxError) as raised:
            fairvox.run("study.yaml", "train.epoch=3", quiet=True)
        told = run_program("run", "study.yaml", "train.epoch=3", "--quiet")
        self.assertEqual((raised.exception.exit_code, raised.exception.stderr), (2, told.stderr))
        self.assertIn("did you mean 'epochs'?", told.stderr)

    def test_interrupt(self):
        """Ctrl-C reaches Python alone, as in a notebook: the program ends as well, and the study goes on later."""
        def interrupt():
            while not glob.glob("slow/*/*/.begun"):
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with self.assertRaises(KeyboardInterrupt):
            fairvox.run("study.yaml", "train.epochs=20000", results="slow", quiet=True)
        left = [path for path in glob.glob("/proc/[0-9]*/cmdline") if b"epochs=20000" in self.read_command(path)]
        self.assertEqual(left, [])

    @staticmethod
    def read_command(path):
        try:
            with open(path, "rb") as command:
                return command.read()
        except OSError:  # it ended
            return b""

    def test_blocks_of_the_page(self):
        with open("python.md", encoding="utf-8") as page:
            blocks = re.findall(r"```python\n(.*?)```", page.read(), re.S)
        ours = [block for block in blocks if "import fairvox" in block and "AudioEncoder" not in block]
        self.assertEqual(len(ours), 2)
        for block in ours:
            exec(block, {})  # pylint: disable=exec-used


class Interfaces(unittest.TestCase):
    """AudioEncoder against what the benchmarks' sources say (encoder_interfaces.json)."""

    @classmethod
    def setUpClass(cls):
        cls.encoder = fairvox.AudioEncoder("fairvox/peaks", plugins=["build"])
        cls.audio = numpy.random.default_rng(1).uniform(-0.5, 0.5, INTERFACES["xares"]["audio_shape"]).astype("f4")

    def test_signatures(self):
        for name, interface in INTERFACES.items():
            for attribute in interface["attributes"]:
                self.assertTrue(hasattr(fairvox.AudioEncoder, attribute) or attribute in vars(self.encoder), attribute)
            for method, wanted in interface["methods"].items():
                ours = dict(inspect.signature(getattr(fairvox.AudioEncoder, method)).parameters)
                ours.pop("self")
                open_ended = any(p.kind is p.VAR_KEYWORD for p in ours.values())
                for parameter, kind in wanted:
                    if kind == "VAR_KEYWORD":
                        self.assertTrue(open_ended, f"{name}: {method}")
                    else:
                        self.assertEqual(ours.pop(parameter).kind.name, kind, f"{name}: {method}({parameter})")
                for parameter in ours.values():  # ours beside theirs can be left out
                    self.assertTrue(parameter.kind is parameter.VAR_KEYWORD or parameter.default is not parameter.empty)
        self.assertTrue(fairvox.AudioEncoder.__name__.endswith(INTERFACES["xares"]["class_name_ends_in"]))

    def test_forward(self):
        encoded = self.encoder(self.audio)
        self.assertEqual(encoded.shape, (2, 156, 2))
        self.assertEqual((self.encoder.sampling_rate, self.encoder.output_dim), (16000, 2))
        self.assertEqual(self.encoder.hop_size_in_ms, 20.0)
        for wave, frames in zip(self.audio, encoded):
            numpy.testing.assert_array_equal(frames, measure_peaks(wave))
        numpy.testing.assert_array_equal(self.encoder(self.audio[0]), encoded[:1])

    def test_one_frame_a_recording(self):
        with self.assertRaisesRegex(fairvox.FairvoxError, "output 'classes' of encoder pitch has no frames"):
            fairvox.AudioEncoder("pitch")
        pooled = fairvox.AudioEncoder("peaks", plugins=["build"], frames=False)
        self.assertIsNone(pooled.hop_size_in_ms)
        encoded = pooled.forward(self.audio)
        self.assertEqual(encoded.shape, (2, 1, 2))
        for wave, frames in zip(self.audio, encoded):
            numpy.testing.assert_array_equal(frames[0], take_mean(measure_peaks(wave)))

    def test_layers_and_device(self):
        with self.assertRaisesRegex(ValueError, "gives 2 layers: choose one, such as layer=1"):
            fairvox.AudioEncoder("peaks", plugins=["build"], output="both")
        second = fairvox.AudioEncoder("peaks", plugins=["build"], output="both", layer=1)
        numpy.testing.assert_array_equal(second(self.audio), -self.encoder(self.audio))
        self.assertNotEqual(second.revision, self.encoder.revision)
        self.assertEqual(fairvox.AudioEncoder("peaks", plugins=["build"]).revision, self.encoder.revision)
        with self.assertRaisesRegex(ValueError, "computes on the CPU, not on 'cuda'"):
            fairvox.AudioEncoder("peaks", plugins=["build"], device="cuda")

    def test_encode_and_similarity(self):
        stereo = numpy.stack([self.audio[1], self.audio[1]])
        batches = [{"audio": [{"array": self.audio[0], "sampling_rate": 16000}]},
                   {"audio": [{"array": stereo, "sampling_rate": 16000}, {"array": self.audio[0], "sampling_rate": 16000}]}]
        x = self.encoder.encode(batches, task_metadata=None, hf_split="test", hf_subset="default", batch_size=2)
        want = [take_mean(measure_peaks(self.audio[i])) for i in (0, 1, 0)]
        numpy.testing.assert_array_equal(x, want)
        a, b = numpy.array([[3.0, 4.0], [0.0, 0.0]]), numpy.array([[4.0, 3.0], [1.0, 0.0]])
        numpy.testing.assert_allclose(numpy.asarray(self.encoder.similarity(a, b)), [[0.96, 0.6], [0, 0]], rtol=1e-15)
        numpy.testing.assert_allclose(numpy.asarray(self.encoder.similarity_pairwise(a, b)), [0.96, 0], rtol=1e-15)

    @unittest.skipUnless(importlib.util.find_spec("xares"), "xares is not installed")
    def test_xares_itself(self):
        import torch
        from xares.audio_encoder_checker import check_audio_encoder

        self.assertTrue(check_audio_encoder(self.encoder))
        frames = self.encoder(torch.from_numpy(self.audio))
        numpy.testing.assert_array_equal(frames.numpy(), self.encoder(self.audio))

    @unittest.skipUnless(importlib.util.find_spec("mteb"), "mteb is not installed")
    def test_mteb_itself(self):
        from mteb.models import EncoderProtocol

        self.assertIsInstance(self.encoder, EncoderProtocol)
        meta = self.encoder.mteb_model_meta
        self.assertEqual((meta.name, meta.revision), ("fairvox/peaks", self.encoder.revision))
        self.assertEqual((meta.modalities, meta.embed_dim), (["audio"], 2))
        for method, recorded in INTERFACES["mteb"]["methods"].items():
            theirs = inspect.signature(getattr(EncoderProtocol, method)).parameters
            self.assertEqual([[p.name, p.kind.name] for p in theirs.values() if p.name != "self"], recorded)


if __name__ == "__main__":
    unittest.main(verbosity=2)
