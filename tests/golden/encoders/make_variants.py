#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small models with drawn weights for what the other golden models do not have: layer norms without
convolution bias under a position bias (WavLM large), group norm without position bias (wav2vec 2.0 base),
HuBERT large, and sizes that no published model has. Weights are float16. The reference is the same model run
in float64. Needs torch and transformers; made with torch 2.15.0, transformers 5.23.0.

  make_variants.py      writes variants/ beside this file
"""
import importlib.machinery, json, os, sys, types

import numpy as np

stub = types.ModuleType("torchaudio")  # transformers looks for it, and needs nothing of it here
stub.__spec__, stub.__version__ = importlib.machinery.ModuleSpec("torchaudio", None), "0"
sys.modules["torchaudio"] = stub
import torch
from safetensors.torch import save_file
from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

torch.set_num_threads(1)
torch.set_grad_enabled(False)
HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = dict(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=32, conv_dim=[8] * 7)
VARIANTS = {
    "wavlm_large": (WavLMModel, WavLMConfig(**SMALL, feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=False), True),
    "wav2vec2_base": (Wav2Vec2Model, Wav2Vec2Config(**SMALL, feat_extract_norm="group", conv_bias=False), False),
    "hubert_large": (HubertModel, HubertConfig(**SMALL, feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True), True),
    "odd": (HubertModel, HubertConfig(**SMALL | dict(num_attention_heads=3, conv_dim=[8, 12, 6]), conv_kernel=[16, 7, 5], conv_stride=[8, 5, 4],
                                      feat_extract_norm="group", do_stable_layer_norm=True, conv_bias=True, num_conv_pos_embeddings=19,
                                      num_conv_pos_embedding_groups=4, layer_norm_eps=1e-3), False),
}


def fill(model):
    g = torch.Generator().manual_seed(20250514)
    for name, v in model.state_dict().items():
        x = torch.randn(v.shape, generator=g)
        if name.endswith("original0"):
            x = 0.3 + 0.2 * x.abs()
        elif "const" in name or (v.dim() == 1 and name.endswith("weight")):
            x = 1 + 0.25 * x
        elif v.dim() == 1:
            x = 0.15 * x
        elif "rel_attn_embed" in name:
            x = 0.8 * x
        else:
            x = 1.3 * x / v[0].numel() ** 0.5
        v.copy_(x.half().float())
    return model.eval()


def states(model, x):
    out = model(x[None], output_hidden_states=True)
    return torch.stack(list(out.hidden_states[:-1]) + [out.last_hidden_state])[:, 0]


def main():
    inputs = [e["name"] for e in json.load(open(os.path.join(HERE, "inputs.json")))]
    for name, (kind, config, scaled) in VARIANTS.items():
        folder = os.path.join(HERE, "variants", name)
        os.makedirs(folder, exist_ok=True)
        model = fill(kind(config))
        config.architectures = [kind.__name__]
        config.to_json_file(os.path.join(folder, "config.json"), use_diff=False)
        json.dump({"do_normalize": scaled}, open(os.path.join(folder, "preprocessor_config.json"), "w"))
        save_file({k: v.half() for k, v in model.state_dict().items()}, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        outputs, tolerances = {}, {}
        for i in inputs:
            x = torch.from_numpy(np.load(os.path.join(HERE, "inputs", i + ".npy"))).double()
            if scaled:
                x = (x - x.mean()) / (x.var(unbiased=False) + 1e-7).sqrt()
            single, double = states(model.float(), x.float()).double(), states(model.double(), x)
            outputs[i + "__states"], outputs[i + "__mean"] = double.float().numpy(), double.mean(1).float().numpy()
            items = {f"state{k}": (double[k], single[k]) for k in range(len(double))} | {"mean": (double.mean(1), single.mean(1))}
            for item, (d, s) in items.items():
                tolerances[f"{i}/{item}"] = dict(max_abs_diff=float((d - s).abs().max()), rms_of_reference=float(d.square().mean().sqrt()))
        np.savez(os.path.join(folder, "outputs.npz"), **outputs)
        json.dump({"outputs": tolerances}, open(os.path.join(folder, "float32_tolerance.json"), "w"), indent=1)


if __name__ == "__main__":
    main()
