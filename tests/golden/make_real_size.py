#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the real sizes with drawn weights, as users have them: WavLM base-plus as Hugging Face,
s3prl and torchaudio write it, and wav2vec 2.0 large for age and gender (audEERING's form). Run by hand;
needs torch and safetensors. About 4 GB in a folder outside the tree.

  make_real_size.py FOLDER [--only wavlm,age_gender]
"""
import argparse, collections, json, os

import torch
from safetensors.torch import save_file

KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)


def tensors(width, layers, inner, heads, large):
    """Names of transformers before torch 2, and shapes."""
    t = collections.OrderedDict(masked_spec_embed=(width,))
    for i, k in enumerate(KERNELS):
        conv = f"feature_extractor.conv_layers.{i}."
        t[conv + "conv.weight"] = (512, 512 if i else 1, k)
        if large:
            t[conv + "conv.bias"] = (512,)
        if large or i == 0:
            t[conv + "layer_norm.weight"] = t[conv + "layer_norm.bias"] = (512,)
    pairs = {"feature_projection.layer_norm": (512,), "feature_projection.projection": (width, 512), "encoder.layer_norm": (width,)}
    for i in range(layers):
        layer = f"encoder.layers.{i}."
        for p in ("q_proj", "k_proj", "v_proj", "out_proj"):
            pairs[f"{layer}attention.{p}"] = (width, width)
        pairs[layer + "layer_norm"] = pairs[layer + "final_layer_norm"] = (width,)
        pairs[layer + "feed_forward.intermediate_dense"] = (inner, width)
        pairs[layer + "feed_forward.output_dense"] = (width, inner)
        if not large:
            pairs[layer + "attention.gru_rel_pos_linear"] = (8, width // heads)
            t[layer + "attention.gru_rel_pos_const"] = (1, heads, 1, 1)
    for name, shape in pairs.items():
        t[name + ".weight"], t[name + ".bias"] = shape, shape[:1]
    t["encoder.pos_conv_embed.conv.bias"] = (width,)
    t["encoder.pos_conv_embed.conv.weight_g"] = (1, 1, 128)
    t["encoder.pos_conv_embed.conv.weight_v"] = (width, width // 16, 128)
    if not large:
        t["encoder.layers.0.attention.rel_attn_embed.weight"] = (320, heads)
    return t


def draw(shapes):
    g, out = torch.Generator().manual_seed(1), collections.OrderedDict()
    for name, shape in shapes.items():
        x = torch.randn(shape, generator=g)
        if name.endswith("weight_g"):
            x = 0.1 * x.abs() + 0.05
        elif "const" in name or (len(shape) == 1 and name.endswith("weight")):
            x = 1 + 0.1 * x
        elif len(shape) == 1:
            x = 0.1 * x
        else:
            x = x / (torch.tensor(shape[1:]).prod() ** 0.5)
        out[name] = x.contiguous()
    return out


def to_s3prl(state):
    """Hugging Face's names to those of fairseq."""
    out = collections.OrderedDict()
    for k, v in state.items():
        for a, b in ((".0.layer_norm.", ".0.2."), (".conv.weight", ".0.weight")):
            k = k.replace(a, b) if k.startswith("feature_extractor") else k
        for a, b in (("feature_projection.layer_norm", "layer_norm"), ("feature_projection.projection", "post_extract_proj"),
                     ("masked_spec_embed", "mask_emb"), ("encoder.pos_conv_embed.conv", "encoder.pos_conv.0")):
            k = b + k[len(a):] if k.startswith(a) else k
        if ".layers." in k and k.startswith("encoder"):
            for a, b in ((".layer_norm.", ".self_attn_layer_norm."), (".feed_forward.intermediate_dense.", ".fc1."),
                         (".feed_forward.output_dense.", ".fc2."), ("gru_rel_pos_linear", "grep_linear"), ("gru_rel_pos_const", "grep_a"),
                         ("rel_attn_embed", "relative_attention_bias"), (".attention.", ".self_attn.")):
                k = k.replace(a, b)
        out[k] = v
    return out


def to_torchaudio(state):
    out = collections.OrderedDict()
    for k, v in state.items():
        if k == "masked_spec_embed" or ".q_proj." in k or ".v_proj." in k:
            continue
        if ".k_proj." in k:
            joined = torch.cat([state[k.replace("k_proj", p)] for p in ("q_proj", "k_proj", "v_proj")])
            k, v = k.replace("k_proj.", "attention.in_proj_"), joined
        k = k.replace(".attention.out_proj.", ".attention.attention.out_proj.")
        if k.startswith("feature_projection"):
            k = "encoder." + k
        elif k.startswith("encoder."):
            k = "encoder.transformer." + k[len("encoder."):]
        out[k] = v
    return out


def config(kind, width, layers, inner, heads, large):
    c = dict(model_type=kind, hidden_size=width, num_hidden_layers=layers, intermediate_size=inner, num_attention_heads=heads,
             conv_dim=[512] * 7, conv_kernel=KERNELS, conv_stride=STRIDES, conv_bias=large, feat_extract_norm="layer" if large else "group",
             do_stable_layer_norm=large, num_conv_pos_embeddings=128, num_conv_pos_embedding_groups=16, hidden_act="gelu",
             feat_extract_activation="gelu", layer_norm_eps=1e-5)
    return c if large else dict(c, num_buckets=320, max_bucket_distance=800)


def write(folder, name, content):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if name.endswith(".json"):
        json.dump(content, open(path, "w"), indent=1)
    elif name.endswith(".safetensors"):
        save_file(content, path, metadata={"format": "pt"})
    else:
        torch.save(content, path)
    print(f"{os.path.getsize(path):>13,} {path}", flush=True)


def wavlm(folder):
    size = 768, 12, 3072, 12, False
    state = draw(tensors(*size))
    assert len(state) == 248 and sum(v.numel() for v in state.values()) == 94_381_936
    write(folder, "wavlm/hf/config.json", config("wavlm", *size))
    write(folder, "wavlm/hf/preprocessor_config.json", {"do_normalize": False})
    write(folder, "wavlm/hf/pytorch_model.bin", state)
    write(folder, "wavlm/hf/model.safetensors", dict(state))
    write(folder, "wavlm/wavlm_base_plus.pth", to_torchaudio(state))
    cfg = dict(extractor_mode="default", encoder_layers=12, encoder_embed_dim=768, encoder_ffn_embed_dim=3072, encoder_attention_heads=12,
               activation_fn="gelu", layer_norm_first=False, conv_bias=False, conv_pos=128, conv_pos_groups=16, num_buckets=320,
               conv_feature_layers="[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2", max_distance=800, normalize=False)
    write(folder, "wavlm/wavlm_base_plus.pt", {"cfg": cfg, "model": to_s3prl(state)})


def age_gender(folder):
    size = 1024, 24, 4096, 16, True
    shapes = collections.OrderedDict(("wav2vec2." + k, v) for k, v in tensors(*size).items())
    for head, n in (("age", 1), ("gender", 3)):
        shapes |= {f"{head}.dense.weight": (1024, 1024), f"{head}.dense.bias": (1024,), f"{head}.out_proj.weight": (n, 1024), f"{head}.out_proj.bias": (n,)}
    state = draw(shapes)
    write(folder, "age_gender/config.json", config("wav2vec2", *size))
    write(folder, "age_gender/preprocessor_config.json", {"do_normalize": True})
    write(folder, "age_gender/model.safetensors", dict(state))
    write(folder, "age_gender/pytorch_model.bin", state)
    print(f"{len(state)} tensors, {sum(v.numel() for v in state.values()):,} numbers")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--only", default="wavlm,age_gender")
    a = p.parse_args()
    for name in a.only.split(","):
        {"wavlm": wavlm, "age_gender": age_gender}[name](a.folder)


if __name__ == "__main__":
    main()
