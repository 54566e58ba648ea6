#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of an encoder on real recordings beside other programs, all with the same number of single-threaded workers
(--jobs; each number is measured on its own), in turns, the best of some rounds: fairvox encode, Hugging Face's PyTorch
and ONNX Runtime (the same model, exported here), SpeechBrain for ECAPA, PyTorch's LSTM for GE2E (recordings as they
are), and, except for GE2E, the time that OpenBLAS's sgemm takes for the products alone. Weights are random, of the real
size. Run by hand, with torch, transformers, onnx, onnxscript, onnxruntime, speechbrain and soundfile:

    bench_encoder.py BUILD AUDIO [--model wavlm] [--files 24] [--rounds 3] [--jobs 1 2] [--param precision=bf16x3]

BUILD is fairvox's build folder, AUDIO a folder of 16 kHz recordings. Times of peers begin when the model is
read and has run once; fairvox's is the program's, less that of encoding a fifth of a
second with the same options. CPU time is that of all workers, and its x real time what idle cores would give.
Memory is the peak of all processes' proportional shares; a worker's is its own pages."""
import argparse
import glob
import logging
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import soundfile

FBANK = dict(n_mels=80)
GE2E = dict(frames=160, step=77, dims=256, bands=40)  # 1.3 windows a second
PARAMS = {"ge2e": ["level_dbfs=-120", "silence=keep"]}


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            direct = [int(p) for p in file.read().split()]
    except OSError:
        return []
    return direct + [p for d in direct for p in children(d)]


def memory(pid):
    """MB: proportional share, own pages"""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            text = file.read()
    except OSError:
        return 0, 0
    size = {k: int(v) / 1024 for k, v in re.findall(r"^(\w+): +(\d+) kB", text, re.M)}
    return size.get("Pss", 0), size.get("Private_Dirty", 0)


class Watch:
    """Peak memory of all processes below this one, and the largest own part of a worker's, who are so many
    generations below this one."""

    def __init__(self, generation):
        self.generation = generation

    def __enter__(self):
        self.total = self.worker = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while not self.stop.wait(0.1):
            sizes = {p: memory(p) for p in children(os.getpid())}
            self.total = max(self.total, sum(s[0] for s in sizes.values()))
            workers = [os.getpid()]
            for _ in range(self.generation):
                workers = [c for p in workers for c in children(p)]
            self.worker = max([self.worker] + [sizes[p][1] for p in workers if p in sizes])

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def make(name):
    """The network of the real size, with random weights, always the same"""
    import torch
    torch.version.cuda = None  # torchaudio compares it with its own, which is of no matter here
    torch.manual_seed(0)
    if name == "ecapa":
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
        return ECAPA_TDNN(80, channels=[1024] * 4 + [3072], kernel_sizes=[5, 3, 3, 3, 1],
                          dilations=[1, 2, 3, 4, 1], attention_channels=128, lin_neurons=192).eval()
    if name == "ge2e":
        return torch.nn.ModuleDict({"lstm": torch.nn.LSTM(GE2E["bands"], GE2E["dims"], 3, batch_first=True),
                                    "linear": torch.nn.Linear(GE2E["dims"], GE2E["dims"])}).eval()
    import transformers
    if name == "wavlm":
        return transformers.WavLMModel(transformers.WavLMConfig()).eval()
    config = transformers.Wav2Vec2Config(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
        feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
    return transformers.Wav2Vec2Model(config).eval()


def write(name, path):
    """What the programs read: the weights, and the same network for ONNX Runtime"""
    import torch
    model = make(name)
    if name in ("ecapa", "ge2e"):
        torch.save(model.state_dict(), os.path.join(path, "weights"))
        return
    model.save_pretrained(os.path.join(path, "weights"))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad():
        torch.onnx.export(
            pooled(model), (torch.randn(1, 40640),), os.path.join(path, "model.onnx"), dynamo=True,
            input_names=["x"], output_names=["y"], verbose=False,
            dynamic_shapes=({1: torch.export.Dim("n", min=4000, max=1000000)},))


def slaney_bands(bands, bins, rate):
    """[bands, bins] triangles of area 1 between points of Slaney's scale: linear to 1 kHz, then logarithmic"""
    def mel(hz):
        return hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)

    def hz(mel):
        return mel * 200 / 3 if mel < 15 else 1000 * np.exp(np.log(6.4) * (mel - 15) / 27)
    edge = np.array([hz(m) for m in np.linspace(0, mel(rate / 2), bands + 2)])
    at = np.arange(bins) * rate / 2 / (bins - 1)
    up = (at - edge[:-2, None]) / (edge[1:-1] - edge[:-2])[:, None]
    down = (edge[2:, None] - at) / (edge[2:] - edge[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down)) * (2 / (edge[2:] - edge[:-2]))[:, None]


def count_windows(samples):
    """Windows of 160 frames, the last one only if three quarters of it are covered"""
    frames, step = samples // 160 + 1, GE2E["step"]
    starts = list(range(0, max(1, frames - GE2E["frames"] + step + 1), step))
    covered = (samples - starts[-1] * 160) / (GE2E["frames"] * 160)
    return len(starts) - (covered < 0.75 and len(starts) > 1)


def embed_windows(model):
    import torch
    bands = torch.from_numpy(slaney_bands(GE2E["bands"], 201, 16000)).float()
    hann = torch.hann_window(400)

    def run(x):
        windows = count_windows(x.shape[1])
        need = ((windows - 1) * GE2E["step"] + GE2E["frames"]) * 160
        x = torch.nn.functional.pad(x, (0, max(0, need - x.shape[1])))
        power = torch.stft(x, 400, 160, window=hann, pad_mode="constant", return_complex=True).abs() ** 2
        mel = (bands @ power)[0].T
        parts = torch.stack([mel[i * GE2E["step"]:][:GE2E["frames"]] for i in range(windows)])
        last = torch.relu(model["linear"](model["lstm"](parts)[1][0][-1]))
        mean = (last / last.norm(dim=1, keepdim=True)).mean(0)
        return mean / mean.norm()
    return run


def pooled(model):
    import torch

    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            states = self.model(x, output_hidden_states=True).hidden_states
            return torch.stack([s.mean(1)[0] for s in states])
    return Pooled().eval()


def load_torch(name, folder):
    import torch
    model = make(name)
    torch.set_num_threads(1)
    if name == "ge2e":
        return_ = embed_windows(model)
    elif name != "ecapa":
        return_ = pooled(model)
    else:
        from speechbrain.lobes.features import Fbank
        from speechbrain.processing.features import InputNormalization
        fbank, norm = Fbank(**FBANK), InputNormalization(norm_type="sentence", std_norm=False)

        def return_(x):
            return model(norm(fbank(x), torch.ones(1)))

    def run(wave):
        with torch.inference_mode():
            return return_(torch.from_numpy(wave)[None]).numpy()
    return run


def load_onnx(name, folder):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"), options,
                                           providers=["CPUExecutionProvider"])
    return lambda wave: session.run(None, {"x": wave[None]})[0]


LOAD = {"PyTorch": load_torch, "SpeechBrain": load_torch, "ONNX Runtime": load_onnx}


def worker(peer, name, folder, waves, ready, begin, queue, cpu, first):
    run = LOAD[peer](name, folder)
    warm = run(waves[0][:16000])
    del warm
    ready.release()
    begin.wait()
    start = time.process_time()
    while True:
        with queue.get_lock():
            i = queue.value
            queue.value += 1
        if i >= len(waves):
            with cpu.get_lock():
                cpu.value += time.process_time() - start
            return
        y = run(waves[i])
        if i == 0:
            np.save(first, y)


def time_peer(peer, name, folder, waves, jobs):
    context = multiprocessing.get_context("spawn")
    ready, begin, queue = context.Semaphore(0), context.Event(), context.Value("i", 0)
    cpu = context.Value("d", 0)
    first = os.path.join(folder, "peer.npy")
    given = (peer, name, folder, waves, ready, begin, queue, cpu, first)
    processes = [context.Process(target=worker, args=given) for _ in range(jobs)]
    for p in processes:
        p.start()
    for _ in processes:
        ready.acquire()
    start = time.monotonic()
    begin.set()
    for p in processes:
        p.join()
    return time.monotonic() - start, cpu.value


def time_fairvox(args, jobs, weights, files, folder):
    command = [os.path.join(args.build, "fairvox"), "encode", "--encoder", args.model, "--weights", weights,
               "-j", str(jobs), "--no-progress", "-q", "--out", os.path.join(folder, "ours.safetensors")]
    for param in PARAMS.get(args.model, []) + args.param:
        command += ["-p", param]
    environment = dict(os.environ, FAIRVOX_PLUGIN_PATH=os.path.join(args.build, "plugins"))
    start, before = time.monotonic(), os.times()
    subprocess.run(command + files, check=True, env=environment)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - start, cpu


def time_bound(args, jobs, waves):
    out = subprocess.run([os.path.join(args.build, "tests", "bench_bound"), args.model, str(jobs)]
                         + [str(len(w)) for w in waves], check=True, capture_output=True, text=True)
    args.work = sum(float(x) for x in out.stderr.split())
    wall, cpu = out.stdout.split()
    return float(wall), float(cpu)


def compare(args, longest, folder):
    """Largest difference between ours and the last peer's first recording, over the largest number"""
    from safetensors.numpy import load_file
    ours = load_file(os.path.join(folder, "ours.safetensors"))
    stem = os.path.splitext(os.path.basename(longest))[0]
    want = np.load(os.path.join(folder, "peer.npy")).squeeze()
    return np.abs(ours[stem].squeeze() - want).max() / np.abs(want).max()


def read(args):
    files = sorted(glob.glob(os.path.join(args.audio, "**", "*.*"), recursive=True))
    files = [f for f in files if f.endswith((".wav", ".flac"))]
    files = files[::max(1, len(files) // args.files)][:args.files]
    pairs = sorted(((f, soundfile.read(f, dtype="float32")[0]) for f in files), key=lambda p: -len(p[1]))
    assert all(soundfile.info(f).samplerate == 16000 for f in files), "16 kHz recordings are wanted"
    return [p[0] for p in pairs], [p[1] for p in pairs]


def prepare(args, folder):
    """Weights, the second recording that start-up is measured with, the exported model; peers' names"""
    process = multiprocessing.get_context("spawn").Process(target=write, args=(args.model, folder))
    process.start()
    process.join()
    weights = os.path.join(folder, "weights")
    short = os.path.join(folder, "short.wav")
    soundfile.write(short, np.random.default_rng(0).normal(0, 0.1, 3200), 16000)
    if args.model in ("ecapa", "ge2e"):
        return weights, short, ["SpeechBrain" if args.model == "ecapa" else "PyTorch"]
    model = os.path.join(weights, "model.safetensors")
    return model, short, ["ONNX Runtime", "PyTorch"]


def measure(args, jobs, folder, files, waves, weights, short, peers):
    """Of each program: least seconds of wall and CPU, largest memory of all and of a worker"""
    least, most = {}, {}
    turns = [("start", lambda: time_fairvox(args, jobs, weights, [short], folder)),
             ("fairvox", lambda: time_fairvox(args, jobs, weights, files, folder))]
    if args.model == "ge2e":
        numbers = (GE2E["bands"] + 5 * GE2E["dims"]) * 4 * GE2E["dims"] * GE2E["frames"]
        args.work = 2e-9 * numbers * sum(count_windows(len(w)) for w in waves)
    else:
        turns.append(("sgemm bound", lambda: time_bound(args, jobs, waves)))
    for peer in peers:
        turns.append((peer, lambda peer=peer: time_peer(peer, args.model, folder, waves, jobs)))
    for _ in range(args.rounds):
        for name, function in turns:
            with Watch(1 if name in peers else 2) as watch:
                took = function()
            least[name] = np.minimum(least.get(name, 1e9), took)
            most[name] = np.maximum(most.get(name, 0), (watch.total, watch.worker))
            print(f"{name}: {took[0]:.2f} s, CPU {took[1]:.2f}", file=sys.stderr, flush=True)
    return least, most


def report(args, jobs, seconds, least, most, difference):
    start = least.pop("start")
    print(f"{args.model}: {args.count} recordings, {seconds:.1f} s, {jobs} worker{'s' * (jobs > 1)}, best of {args.rounds}; "
          f"{args.work:.0f} GFLOP; start-up of fairvox {start[0]:.2f} s, with it "
          f"{seconds / least['fairvox'][0]:.1f} x real time")
    print(f"largest difference of fairvox and the last, over the largest number: {difference:.1e}")
    least["fairvox"] -= start
    ours = least["fairvox"]
    for name, (wall, cpu) in least.items():
        print(f"{name:13} {wall:7.2f} s {seconds / wall:6.1f} x real time, CPU {cpu:7.2f} s "
              f"{jobs * seconds / cpu:6.1f} x; fairvox {wall / ours[0]:5.2f}, by CPU time "
              f"{cpu / ours[1]:5.2f} times as fast; {most[name][0]:6.0f} MB, a worker {most[name][1]:5.0f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("audio")
    parser.add_argument("--model", default="wavlm", choices=["wavlm", "wav2vec2", "ecapa", "ge2e"])
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, nargs="+", default=[2])
    parser.add_argument("--param", action="append", default=[])
    args = parser.parse_args()
    files, waves = read(args)
    args.count = len(files)
    seconds = sum(len(w) for w in waves) / 16000
    with tempfile.TemporaryDirectory() as folder:
        weights, short, peers = prepare(args, folder)
        for jobs in args.jobs:
            least, most = measure(args, jobs, folder, files, waves, weights, short, peers)
            report(args, jobs, seconds, least, most, compare(args, files[0], folder))


if __name__ == "__main__":
    main()
