#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fairvox inspect: what a checkpoint contains.
load helpers

containers=$FAIRVOX_SOURCE/tests/golden/containers

@test "each container" {
	run "$fairvox" inspect "$containers/zip_nested.pt"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "container: torch zip" ]
	[ "${lines[2]}" = "sha256:    $(sha256sum <"$containers/zip_nested.pt" | cut -d' ' -f1)" ]
	[ "${lines[3]}" = "tensors:   3 (10 numbers)" ]
	[ "${lines[4]}" = "encoder:   no plugin found can load this file" ]
	[ "${lines[5]}" = "metadata:  cfg.big = 1099511627776" ]
	[ "${lines[11]}" = "metadata:  cfg.normalize = false" ]
	[ "${lines[13]}" = "metadata:  step = 7" ]
	[ "${lines[14]}" = "F32  model.a.bias [2]" ]
	[ "${lines[15]}" = "F32  model.a.weight [2,3]" ]
	[ "${lines[16]}" = "F32  optimizer_state.state.140123456789012.exp_avg [2]" ]
	"$fairvox" inspect "$containers/legacy_all.pt" | grep -qx 'container: torch legacy'
	"$fairvox" inspect "$containers/st_order.safetensors" | grep -qx 'metadata:  note = tab\\x09here'
}

@test "JSON" {
	"$fairvox" inspect --json "$containers/st_all.safetensors" >out.json
	python3 - <<-END
		import json
		d = json.load(open("out.json"))
		assert d["schema_version"] == 1 and d["container"] == "safetensors" and d["bytes"] == 632
		assert {"name": "scalar", "dtype": "F32", "shape": []} in d["tensors"] and len(d["tensors"]) == 8
		assert d["elements"] == 25 and d["encoders"] == [] and d["metadata"] == {"format": "pt"}
	END
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "which encoder loads a file" {
	"$FAIRVOX_SOURCE/tests/support/fetch_ge2e.sh" "$FAIRVOX_BUILD/ge2e" || skip "the package resemblyzer could not be downloaded"
	weights=$FAIRVOX_BUILD/ge2e/pretrained.pt
	run "$fairvox" inspect "$weights"
	[ "${lines[4]}" = "encoder:   ge2e (GE2E speaker encoder of resemblyzer 0.1.4, three LSTM layers of 256)" ]
	[ "${lines[5]}" = "licence:   Apache-2.0" ]
	cp "$weights" other.pt # a weight changed: the same network, of unknown origin
	printf '\001' | dd of=other.pt bs=1 seek=17090000 conv=notrunc status=none
	run "$fairvox" inspect other.pt
	[ "${lines[4]}" = "encoder:   ge2e (GE2E speaker encoder, three LSTM layers of 256)" ]
	[[ ${lines[5]} = "licence:   not known"* ]]
	head -c 17000000 "$weights" >cut.pt
	fails 4 "cut.pt: byte 17000000: end: the file ends inside storage" "$fairvox" inspect cut.pt
	fails 4 "cut.pt: byte 17000000: end: " "$fairvox" encode --encoder ge2e --weights cut.pt --out x.csv x.wav
}

@test "malformed files are refused" {
	fails 4 "bad_zip_pickle_os_system.pt: byte 66: global: 'os.system'" "$fairvox" inspect "$containers/bad_zip_pickle_os_system.pt"
	fails 4 "byte 0: unknown content: not a file of tensors but a Git LFS pointer" "$fairvox" inspect "$containers/bad_lfs_pointer.bin"
	fails 4 "nothere: No such file" "$fairvox" inspect nothere
	fails 2 "name one file" "$fairvox" inspect
	fails 2 "needs weights: give resemblyzer/pretrained.pt" "$fairvox" encode --encoder ge2e --out x.csv x.wav
}

@test "which encoder loads a transformer" {
	models=$FAIRVOX_SOURCE/tests/golden/encoders
	run "$fairvox" inspect "$models/wavlm_tiny/s3prl/wavlm_tiny.pt"
	[ "${lines[4]}" = "encoder:   wavlm (WavLM)" ]
	[[ ${lines[5]} = "licence:   not known"* ]]
	[ "${lines[9]}" = "metadata:  cfg.conv_pos = 128" ]
	"$fairvox" inspect "$models/wavlm_tiny/torchaudio/wavlm_tiny.pth" | grep -qx 'encoder:   wavlm (WavLM)'
	"$fairvox" inspect "$models/variants/hubert_large/model.safetensors" | grep -qx 'encoder:   wav2vec2 (wav2vec 2.0 or HuBERT)'
	"$fairvox" inspect "$models/w2v2_age_gender_tiny/pytorch_model.bin" | grep 'encoder:   wav2vec2_age_gender' | grep -q 'CC BY-NC-SA 4.0: not for commercial use'
	[ "$("$fairvox" inspect "$models/w2v2_age_gender_tiny/pytorch_model.bin" | grep -c '^encoder')" -eq 1 ]
	fails 4 "inputs: the folder has neither model.safetensors nor pytorch_model.bin" \
		"$fairvox" encode --encoder wavlm --weights "$models/inputs" --out x.csv x.wav
	fails 2 "needs weights: give wavlm_base_plus.pt of s3prl" "$fairvox" encode --encoder wavlm --out x.csv x.wav
}

@test "a recording shorter than the encoder's window is refused, with frames too" {
	models=$FAIRVOX_SOURCE/tests/golden/encoders
	command -v python3 >/dev/null || skip "python3 is not here"
	python3 -c "import wave
for name, n in (('short', 50), ('long', 16000)):
    w = wave.open(name + '.wav', 'wb'); w.setparams((1, 2, 16000, n, 'NONE', '')); w.writeframes(bytes(2 * n))"
	for frames in "" --frames; do
		fails 4 "short.wav: 50 samples at 16000 Hz, encoder wavlm needs 400" "$fairvox" encode --encoder wavlm \
			--weights "$models/wavlm_tiny/s3prl/wavlm_tiny.pt" $frames --out short.safetensors short.wav
		"$fairvox" encode --encoder wavlm --weights "$models/wavlm_tiny/s3prl/wavlm_tiny.pt" $frames \
			--out long.safetensors long.wav
	done
}
