# SPDX-License-Identifier: Apache-2.0
"""An encoder of fairvox as the benchmarks X-ARES and MTEB (MAEB) call one."""
import hashlib
import json
import os
import struct
import tempfile

import numpy

from fairvox import _features, _program

try:
    import torch
except ImportError:  # arrays of NumPy go in and come out
    torch = None

PROBE_S = (1, 9)  # seconds of noise: the difference of their frames tells the hop


class Callable:
    """What is used of torch.nn.Module, where there is no torch."""

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)


def write_wave(path, samples, rate):
    """Writes samples [n] or [channels, n] as a WAVE file of float32."""
    samples = numpy.atleast_2d(numpy.asarray(samples, dtype="<f4"))
    channels, frame = len(samples), 4 * len(samples)
    data = numpy.ascontiguousarray(samples.T).tobytes()
    header = struct.pack("<4sI4s4sIHHIIHH4sII4sI", b"RIFF", 48 + len(data), b"WAVE", b"fmt ", 16, 3, channels, rate,
                         rate * frame, frame, 32, b"fact", 4, samples.shape[1], b"data", len(data))
    with open(path, "wb") as file:
        file.write(header + data)


def read_header(path):
    """The header of a safetensors file."""
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))


def to_numpy(x):
    return x if isinstance(x, numpy.ndarray) else x.detach().cpu().numpy()


def to_unit_rows(x):
    x = numpy.atleast_2d(to_numpy(x)).astype(numpy.float64)
    return x / numpy.maximum(numpy.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def to_tensor(x):
    return torch.from_numpy(x) if torch else x


class AudioEncoder(torch.nn.Module if torch else Callable):
    """An encoder plugin for X-ARES (`forward`) and MTEB (`encode`).

    model_name: the plugin, such as "wavlm" or "fairvox/wavlm". revision: what MTEB files results under; by default a
    hash of the plugin, its weights and settings. weights, output, jobs, plugins, params: as of `fairvox.encode`; of
    several layers one must be chosen (layer=12). sampling_rate: of the audio that X-ARES hands over; the program
    resamples it to what the encoder needs.
    frames: False for encoders that give one vector a recording: `forward` then returns one frame, and hop_size_in_ms
    is None, so that X-ARES's tasks on whole recordings work and those on frames fail.
    """

    def __init__(self, model_name, revision=None, *, device=None, weights=None, output=None, sampling_rate=16000,
                 frames=True, jobs=1, plugins=(), **params):
        super().__init__()
        if device not in (None, "cpu"):
            raise ValueError(f"device: this package computes on the CPU, not on '{device}'")
        self.model_name = model_name
        self.sampling_rate = sampling_rate
        self.frames = frames
        self._options = _features.list_options(model_name.rsplit("/", 1)[-1], weights, output, jobs, plugins, params)
        layers, self.output_dim, self.hop_size_in_ms, key = self._probe()
        if layers > 1:
            raise ValueError(f"{model_name} gives {layers} layers: choose one, such as layer={layers - 1}")
        settings = json.dumps([key, output, sorted((k, str(v)) for k, v in params.items())])
        self.revision = revision or hashlib.sha256(settings.encode()).hexdigest()[:40]

    def _probe(self):
        """Layers, width, hop in ms (None without frames) and what identifies the encoder, from encoding noise."""
        noise = numpy.random.default_rng(0).uniform(-0.1, 0.1, max(PROBE_S) * self.sampling_rate)
        with tempfile.TemporaryDirectory(prefix="fairvox-") as folder:
            paths = [os.path.join(folder, f"{s}.wav") for s in PROBE_S]
            for path, seconds in zip(paths, PROBE_S):
                write_wave(path, noise[: seconds * self.sampling_rate], self.sampling_rate)
            out = os.path.join(folder, "probe.safetensors")
            flag = ["--frames"] if self.frames else []
            _program.call(["encode", *self._options, *flag, "--out", out, *paths])
            header = read_header(out)
        shapes = [header[str(s)]["shape"] for s in PROBE_S]
        hop = 1000 * (PROBE_S[1] - PROBE_S[0]) / (shapes[1][1] - shapes[0][1]) if self.frames else None
        return shapes[0][0], shapes[0][-1], hop, header["__metadata__"]["key"]

    def _encode_waves(self, waves, frames):
        """waves: (samples, rate) of each recording. A vector [D] or frames [T, D] of each."""
        with tempfile.TemporaryDirectory(prefix="fairvox-") as folder:
            files = [os.path.join(folder, f"{i}.wav") for i in range(len(waves))]
            for file, (samples, rate) in zip(files, waves):
                write_wave(file, samples, int(rate))
            if frames:
                options = [*self._options, "--frames"]
                return [x[0] for x in _features.call_encode(files, options, "frames.npz", _features.read_frames)]
            return [x.reshape(-1) for x in _features.call_encode(files, self._options, "features.npy", _features.read_rows)]

    def forward(self, audio):
        """audio [B, n] or [n] at sampling_rate -> [B, T, D], a tensor where audio is one (T is 1 without frames)."""
        waves = numpy.atleast_2d(to_numpy(audio))
        rows = self._encode_waves([(wave, self.sampling_rate) for wave in waves], self.frames)
        encoded = numpy.stack([row.reshape(-1, self.output_dim) for row in rows])
        return encoded if isinstance(audio, numpy.ndarray) else torch.from_numpy(encoded).to(audio.device)

    def encode(self, inputs, *, task_metadata, hf_split, hf_subset, prompt_type=None, **kwargs):
        """Vectors [N, D] of batches whose "audio" is a list of {"array": [n], "sampling_rate": Hz}: means over frames.

        The other arguments are MTEB's and change nothing: an encoder of audio has no prompts.
        """
        rows = []
        for batch in inputs:
            rows += self._encode_waves([(x["array"], x["sampling_rate"]) for x in batch["audio"]], False)
        return numpy.stack(rows)

    def similarity(self, embeddings1, embeddings2):
        """Cosines of every row of the one with every row of the other."""
        return to_tensor(to_unit_rows(embeddings1) @ to_unit_rows(embeddings2).T)

    def similarity_pairwise(self, embeddings1, embeddings2):
        """Cosines of the rows at the same place."""
        return to_tensor((to_unit_rows(embeddings1) * to_unit_rows(embeddings2)).sum(axis=1))

    @property
    def mteb_model_meta(self):
        """What MTEB files results under. Needs mteb."""
        from mteb.models.model_meta import ModelMeta

        name = self.model_name if "/" in self.model_name else f"fairvox/{self.model_name}"
        return ModelMeta.create_empty(
            {"name": name, "revision": self.revision, "modalities": ["audio"], "embed_dim": self.output_dim})
