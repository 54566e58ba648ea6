#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Weights of the encoders' real sizes, drawn at random (seed 0), as their authors' programs write them.
For measuring time and memory; needs torch, transformers and speechbrain. Run by hand:

    real_size.py wavlm|wav2vec2|ecapa OUT      OUT: a folder for the first two, a file for ecapa
"""
import sys

import torch

torch.version.cuda = None  # torchaudio compares it with its own, which is of no matter here


def make(name):
    torch.manual_seed(0)
    if name == "ecapa":
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
        return ECAPA_TDNN(80, channels=[1024, 1024, 1024, 1024, 3072], kernel_sizes=[5, 3, 3, 3, 1],
                          dilations=[1, 2, 3, 4, 1], attention_channels=128, lin_neurons=192).eval()
    import transformers
    if name == "wavlm":
        return transformers.WavLMModel(transformers.WavLMConfig()).eval()
    config = transformers.Wav2Vec2Config(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
        feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
    return transformers.Wav2Vec2Model(config).eval()


def main():
    name, out = sys.argv[1:]
    model = make(name)
    if name == "ecapa":
        torch.save(model.state_dict(), out)
    else:
        model.save_pretrained(out)


if __name__ == "__main__":
    main()
