# SPDX-License-Identifier: Apache-2.0
"""Debiasing speech emotion recognition: what the program `fairvox` computes, as arrays and tables.

The program itself lies in this package, with its plugins and libraries. See python.md in its documentation.
"""
from importlib import metadata

from fairvox._features import encode, encode_frames
from fairvox._program import PREFIX, FairvoxError
from fairvox._study import run

__all__ = ["PREFIX", "AudioEncoder", "FairvoxError", "encode", "encode_frames", "run"]
__version__ = metadata.version("fairvox")


def __getattr__(name):
    if name != "AudioEncoder":
        raise AttributeError(f"module 'fairvox' has no attribute '{name}'")
    from fairvox._audio_encoder import AudioEncoder  # imports torch, which takes seconds

    return AudioEncoder
