# SPDX-License-Identifier: Apache-2.0
"""Features of recordings as NumPy arrays."""
import os
import tempfile

import numpy

from fairvox import _program

BYTES_MAX = 1 << 20  # of the names in one call: a command line holds 2 MiB


def write_value(value):
    """A parameter as the command line spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def list_options(encoder, weights, output, jobs, plugins, params):
    options = ["--encoder", encoder, "--jobs", str(jobs), "--quiet"]
    if weights is not None:
        options += ["--weights", weights]
    if output is not None:
        options += ["--output", output]
    for folder in plugins:
        options += ["--plugins", folder]
    for key, value in params.items():
        options += ["-p", f"{key}={write_value(value)}"]
    return options


def split_calls(files):
    """Positions in `files`, one list for each call: the program wants another stem for each file."""
    calls = []
    seen = {}
    for i, file in enumerate(files):
        stem = os.path.splitext(os.path.basename(os.fspath(file)))[0]
        nth = seen[stem] = seen.get(stem, -1) + 1
        if nth == len(calls):
            calls.append([])
        calls[nth].append(i)
    for call in calls:
        size, start = 0, 0
        for k, i in enumerate(call):
            size += len(os.fsencode(files[i])) + 1
            if size > BYTES_MAX:
                yield call[start:k]
                size, start = len(os.fsencode(files[i])) + 1, k
        yield call[start:]


def call_encode(files, options, name, read):
    """What `read` makes of the output file and the paths of each call, a value for each file, in the order of `files`."""
    files = [os.fspath(file) for file in files]
    result = [None] * len(files)
    with tempfile.TemporaryDirectory(prefix="fairvox-") as folder:
        out = os.path.join(folder, name)
        for call in split_calls(files):
            # absolute: a name that starts with '-' is no option
            paths = [os.path.abspath(files[i]) for i in call]
            _program.call(["encode", *options, "--out", out, *paths])
            for i, value in zip(call, read(out, paths)):
                result[i] = value
    return result


def read_rows(out, _paths):
    return numpy.load(out)  # in the order of the paths


def encode(files, encoder, *, weights=None, output=None, jobs=1, plugins=(), **params):
    """Features of recordings: float32 [n, width], a row for each of `files`, in their order.

    encoder, weights, output, jobs, plugins: as of `fairvox encode`; params: the parameters of the encoder, layer,
    max_seconds and normalize. Of an output with several layers (all hidden states, say) a row holds layer 0, layer 1
    and so on, as in its CSV; `layer=9` is one of them.
    Raises FairvoxError.
    """
    options = list_options(encoder, weights, output, jobs, plugins, params)
    rows = call_encode(files, options, "features.npy", read_rows)
    if not rows:
        raise ValueError("files: there are none")
    return numpy.stack(rows).reshape(len(rows), -1)


def read_frames(out, paths):
    """The arrays by the stems of the files: their names without extension, if that is one of audio."""
    with numpy.load(out) as arrays:
        names = [os.path.basename(path) for path in paths]
        return [arrays[name if name in arrays.files else os.path.splitext(name)[0]] for name in names]


def encode_frames(files, encoder, *, weights=None, output=None, jobs=1, plugins=(), **params):
    """Frames of recordings: an array float32 [layers, frames, width] for each of `files`, in their order.

    Arguments and errors as of `encode`; encoders that give one vector a recording are refused.
    """
    options = list_options(encoder, weights, output, jobs, plugins, params)
    return call_encode(files, [*options, "--frames"], "frames.npz", read_frames)
