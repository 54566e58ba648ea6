#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks with drawn weights, as SpeechBrain writes and computes them. Run by hand, with speechbrain 1.1.2, torch and numpy:

    make_golden.py --reference FOLDER   copies what is here of a folder ecapa_tiny and its inputs, but for recordings
    make_golden.py --other              other.ckpt, other.npz: other sizes, kernels and scale; output in float64
    make_golden.py --real FILE.ckpt     a network of the published size, for tests/bench/ecapa_speechbrain.py
"""
import argparse
import json
import pathlib
import shutil

import numpy as np
import torch
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

HERE = pathlib.Path(__file__).parent
WAVES = ["n400", "n719", "n720", "s1", "silence", "noise"]
OTHER = dict(channels=[24, 24, 24, 24, 40], kernel_sizes=[3, 5, 1, 3, 1], attention_channels=6, se_channels=5, res2net_scale=3,
             lin_neurons=10)
REAL = dict(channels=[1024, 1024, 1024, 1024, 3072], kernel_sizes=[5, 3, 3, 3, 1], attention_channels=128, se_channels=128,
            res2net_scale=8, lin_neurons=192)


def network(sizes, seed):
    """Weights that keep the signal's size, and norms that are far from their start."""
    random = np.random.Generator(np.random.PCG64(seed))
    net = ECAPA_TDNN(80, dilations=[1, 2, 3, 4, 1], **sizes).eval()
    for name, value in net.state_dict().items():
        shape, leaf = tuple(value.shape), name.split(".")[-1]
        drawn = random.standard_normal(shape)
        if leaf == "num_batches_tracked":
            drawn = np.array(1000)
        elif leaf == "running_var":
            drawn = random.uniform(0.3, 2, shape)
        elif leaf == "running_mean":
            drawn *= 0.3
        elif leaf == "bias":
            drawn *= 0.15
        elif len(shape) == 1:
            drawn = 1 + 0.25 * drawn
        else:
            drawn *= 1.3 / np.sqrt(np.prod(shape[1:]))
        if name == "blocks.0.conv.conv.weight":
            drawn *= 0.08  # decibels are tens of units
        value.copy_(torch.from_numpy(np.array(drawn)))
    return net


def fbank(wave):
    """Decibels less their mean, in double."""
    mel = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 82)
    hz = 700 * (10 ** (mel / 2595) - 1)
    slope = (np.linspace(0, 8000, 201)[:, None] - hz[1:-1]) / (hz[1:-1] - hz[:-2])
    matrix = np.maximum(0, np.minimum(slope + 1, 1 - slope))
    wave = np.pad(wave.astype(np.float64), 200)
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.stack([wave[i:i + 400] * window for i in range(0, len(wave) - 399, 160)])
    db = 10 * np.log10(np.maximum(np.abs(np.fft.rfft(frames)) ** 2 @ matrix, 1e-10))
    db = np.maximum(db, db.max() - 80)
    return db - db.mean(0)


def embed(net, features, dtype):
    features = torch.from_numpy(features).to(dtype)[None]
    return net.to(dtype)(features, lengths=torch.ones(1, dtype=dtype))[0, 0].double().numpy()


def make_other():
    net = network(OTHER, 7)
    torch.save(net.state_dict(), HERE / "other.ckpt")
    arrays = {}
    for name in ["n720", "s1", "noise"]:
        features = fbank(np.load(HERE / f"{name}.npy"))
        single = embed(net, features.astype(np.float32), torch.float32)
        arrays[f"{name}__embedding"] = embed(net, features, torch.float64).astype(np.float32)
        arrays[f"{name}__own_error"] = np.array([np.abs(single - arrays[f"{name}__embedding"]).max()])
        print(name, arrays[f"{name}__own_error"], np.abs(single).max())
        net = net.float()
    np.savez(HERE / "other.npz", **arrays)


def copy_reference(folder):
    kept = {k: v for k, v in np.load(folder / "outputs.npz").items() if k.split("__")[0] in WAVES}
    np.savez(HERE / "outputs.npz", **kept)
    figures = json.loads((folder / "float32_tolerance.json").read_text())["outputs"]
    figures = {k: v for k, v in figures.items() if k.split("/")[0] in WAVES}
    (HERE / "float32_tolerance.json").write_text(json.dumps({"outputs": figures}, indent=1) + "\n")
    for name in ["embedding_model.ckpt", "fbank_matrix.npy"]:
        shutil.copyfile(folder / name, HERE / name)
    for name in WAVES:
        shutil.copyfile(folder.parent / "inputs" / f"{name}.npy", HERE / f"{name}.npy")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference", type=pathlib.Path)
    parser.add_argument("--other", action="store_true")
    parser.add_argument("--real")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    if options.reference:
        copy_reference(options.reference)
    if options.other:
        make_other()
    if options.real:
        torch.save(network(REAL, 11).state_dict(), options.real)


if __name__ == "__main__":
    main()
