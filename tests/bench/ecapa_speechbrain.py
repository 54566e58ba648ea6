#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the encoder `ecapa` with SpeechBrain on the same recordings and weights, both with two workers.

The recordings are cut into shares; for each share the programs take turns, so that a busy machine slows all of them. fairvox runs as
`fairvox encode -j 2`, less the time of a run on one short recording (start and weights). SpeechBrain runs in this process, as
its encode_batch does (Fbank, mean over the sentence, ECAPA_TDNN), one recording at a time: on two threads, and as two
processes of one thread each; the faster counts. Reading the files is part of all times.

Prints how often real time each one runs, by the clock and by the processor time that a core spent on it (which tells more on a busy
machine), the ratio to SpeechBrain's better one, the difference of the embeddings, and the peak of the memory that
fairvox's processes hold together (proportional set size) on recordings of 10 s.

Run by hand: pip install torch speechbrain soundfile, then
    tests/golden/ecapa/make_golden.py --real real.ckpt       (or the published embedding_model.ckpt)
    ecapa_speechbrain.py --fairvox build/fairvox --plugins build/plugins --weights real.ckpt FOLDER_WITH_RECORDINGS
"""
import argparse
import csv
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import soundfile
import torch
from speechbrain.lobes.features import Fbank
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.processing.features import InputNormalization

SHARES = 4


def used():
    """Seconds by the clock; processor seconds of this process and of those that it waited for."""
    return np.array([time.perf_counter(), sum(os.times()[:4])])


class SpeechBrain:
    def __init__(self, weights):
        state = torch.load(weights, weights_only=True)
        channels, merged = state["blocks.0.conv.conv.weight"].shape[0], state["mfa.conv.conv.weight"].shape[0]
        self.net = ECAPA_TDNN(80, channels=[channels] * 4 + [merged], kernel_sizes=[5, 3, 3, 3, 1], dilations=[1, 2, 3, 4, 1],
                              attention_channels=state["asp.tdnn.conv.conv.weight"].shape[0],
                              se_channels=state["blocks.1.se_block.conv1.conv.weight"].shape[0],
                              lin_neurons=state["fc.conv.weight"].shape[0]).eval()
        self.net.load_state_dict(state)
        self.fbank, self.normalize = Fbank(n_mels=80), InputNormalization(norm_type="sentence", std_norm=False)

    def embed(self, path):
        wave, rate = soundfile.read(path, dtype="float32")
        assert rate == 16000 and wave.ndim == 1, path
        with torch.inference_mode():
            features = self.normalize(self.fbank(torch.from_numpy(wave)[None]), torch.ones(1))
            return self.net(features, lengths=torch.ones(1))[0, 0].numpy()

    def two_threads(self, files):
        torch.set_num_threads(2)
        start = used()
        embeddings = [self.embed(f) for f in files]
        return used() - start, embeddings

    def two_processes(self, files):
        torch.set_num_threads(1)
        start = used()
        children = []
        for part in (files[::2], files[1::2]):
            child = os.fork()
            if child == 0:
                for f in part:
                    self.embed(f)
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        return used() - start


def held(pid):
    """Bytes that a process and its children hold, shared pages divided among those that share them."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return 1024 * own + sum(held(int(c)) for c in children)


class Fairvox:
    def __init__(self, options, folder):
        self.command = [options.fairvox, "encode", "--plugins", options.plugins, "--encoder", "ecapa", "--weights", options.weights]
        self.out = os.path.join(folder, "out.csv")

    def run(self, files, precision, jobs=2):
        start = used()
        subprocess.run([*self.command, "-j", str(jobs), "-p", f"precision={precision}", "--out", self.out, *map(str, files)], check=True)
        return used() - start

    def embeddings(self):
        with open(self.out) as file:
            return {row[0].split(".")[0]: np.array(row[-self.width:], float) for row in list(csv.reader(file))[1:]}

    def memory(self, files, jobs):
        """MiB held at most, and at most in the second half of the time, when the weights have been read."""
        command = [*self.command, "-j", str(jobs), "--out", self.out, *map(str, files)]
        process, samples = subprocess.Popen(command), []
        while process.poll() is None:
            samples.append(held(process.pid) / 2**20)
            time.sleep(0.005)
        assert process.returncode == 0
        return max(samples), max(samples[len(samples) // 2:])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fairvox", required=True)
    parser.add_argument("--plugins", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--precision", default="fp32", help="comma-separated")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("folder", type=pathlib.Path)
    return parser.parse_args()


def main():
    options = arguments()
    files = sorted(f for f in options.folder.rglob("*") if f.suffix in (".flac", ".wav"))
    files = files[::max(1, len(files) // options.count)][:options.count]
    seconds = sum(soundfile.info(f).duration for f in files)
    print(f"{len(files)} recordings, {seconds:.1f} s")
    precisions = options.precision.split(",")
    spent = {name: np.zeros(2) for name in ["SpeechBrain, two threads", "SpeechBrain, two processes", *precisions]}
    theirs, ours = {}, {p: {} for p in precisions}
    with tempfile.TemporaryDirectory() as folder:
        program, brain = Fairvox(options, folder), SpeechBrain(options.weights)
        program.width = brain.embed(files[0]).size
        short = os.path.join(folder, "short.wav")
        soundfile.write(short, np.zeros(1600, np.float32), 16000)
        brain.two_threads(files[:2])
        start_up = np.min([program.run([short], "fp32") for _ in range(3)], axis=0)
        for s in range(SHARES):
            share = files[s::SHARES]
            for p in precisions:
                spent[p] += program.run(share, p)
                ours[p].update(program.embeddings())
                spent[p] -= np.min([program.run([short], p) for _ in range(2)], axis=0)
            took, embeddings = brain.two_threads(share)
            theirs.update({f.stem: e for f, e in zip(share, embeddings)})
            spent["SpeechBrain, two threads"] += took
            spent["SpeechBrain, two processes"] += brain.two_processes(share)
        peer = np.min([v for k, v in spent.items() if k.startswith("SpeechBrain")], axis=0)
        print(f"{'':28s}   times real time: clock, a core; times SpeechBrain: clock, a core")
        for name, took in spent.items():
            speed, ratio = seconds / took, peer / took
            print(f"{name:28s} {speed[0]:23.1f} {speed[1]:7.1f} {ratio[0]:25.2f} {ratio[1]:7.2f}")
        for p in precisions:
            worst = max(np.abs(ours[p][k] - e).max() / np.sqrt(np.mean(e**2)) for k, e in theirs.items())
            print(f"{p}: embeddings differ from SpeechBrain's by {worst:.2g} of their rms at most")
        print(f"start and weights: {start_up[0]:.2f} s, {start_up[1]:.2f} s of processor time")
        wave = np.concatenate([soundfile.read(f, dtype="float32")[0] for f in files])[:160000]
        long = [os.path.join(folder, f"long{i}.wav") for i in range(12)]
        for path in long:
            soundfile.write(path, wave, 16000)
        for jobs in 1, 2:
            most, later = program.memory(long, jobs)
            print(f"memory, 10 s at a time, {jobs} workers: {later:.0f} MiB; {most:.0f} MiB while the weights "
                  f"({os.path.getsize(options.weights) / 2**20:.0f} MiB) are read")


if __name__ == "__main__":
    main()
