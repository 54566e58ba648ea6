#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The encoder ecapa from the command line, with a small network of random weights.
load helpers

weights=$FAIRVOX_SOURCE/tests/golden/ecapa/embedding_model.ckpt

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "inspect names the encoder that loads the file" {
	run "$fairvox" inspect "$weights"
	[ "${lines[0]}" = "container: torch zip" ]
	[ "${lines[3]}" = "tensors:   231 (46155 numbers)" ]
	[ "${lines[4]}" = "encoder:   ecapa (ECAPA-TDNN speaker encoder)" ]
	[[ ${lines[5]} = "licence:   not known"* ]]
}

@test "bad weights are refused" {
	fails 2 "needs weights: give embedding_model.ckpt" "$fairvox" encode --encoder ecapa --out x.csv x.wav
	fails 4 "not an ECAPA-TDNN: there is no tensor 'blocks.0.conv.conv.weight'" \
		"$fairvox" encode --encoder ecapa --weights "$FAIRVOX_SOURCE/tests/golden/containers/zip_nested.pt" --out x.csv x.wav
	python3 - <<-END
		import wave
		for n in 639, 640:
		    with wave.open(f"{n}.wav", "wb") as out:
		        out.setparams((1, 2, 16000, 0, "NONE", ""))
		        out.writeframes(bytes(2 * n))
	END
	fails 4 "639.wav: 639 samples at 16000 Hz, encoder ecapa needs 640" \
		"$fairvox" encode --encoder ecapa --weights "$weights" --out x.csv 639.wav
	"$fairvox" encode --encoder ecapa --weights "$weights" --out x.csv 640.wav
	[ "$(tail -1 x.csv | tr , '\n' | wc -l)" -eq 25 ]
}

@test "clusters of its embeddings as groups" {
	plan
	sed -i "s|^grouper: .*|grouper: {name: kmeans, k: 4, encoder: {name: ecapa, weights: $weights}}|; s|erm, rw|rw, gdro|" plan.yaml
	"$fairvox" run plan.yaml
	[ "$(find results -name done | wc -l)" -eq 4 ]
	"$fairvox" verify results
	for run in results/*/fold1-seed1; do
		[ "$(tail -n +2 "$run/groups.csv" | cut -d, -f2 | sort -u | wc -l)" -eq 4 ]
	done
}

@test "weights count by their content: moved, nothing is computed and no byte is another" {
	plan
	sed -i "s|^encoder: .*|encoder: {name: ecapa, weights: here.ckpt}|; s|folds: .*|folds: [1]|; /^matrix/d" plan.yaml
	cp "$weights" here.ckpt
	"$fairvox" run plan.yaml --quiet
	mkdir there
	mv here.ckpt there/moved.ckpt
	run --separate-stderr "$fairvox" run plan.yaml encoder.weights=there/moved.ckpt
	[[ $stderr == *"1 of 1 run done, 0 computed now" ]]
	"$fairvox" run plan.yaml --quiet encoder.weights=there/moved.ckpt --results anew
	model=$(echo results/*/fold1-seed1/model.safetensors)
	cmp "$model" "anew/${model#results/}"
	run ! grep -q ckpt "$model"
	wave=$(find "$corpus" -name '*.flac' | sort | head -1)
	fails 4 "here.ckpt: name them by --weights" "$fairvox" predict "$(dirname "$model")" "$wave"
	"$fairvox" predict --weights there/moved.ckpt "$(dirname "$model")" "$wave" >told.csv
	"$fairvox" predict "$(dirname "anew/${model#results/}")" "$wave" | cmp - told.csv
}
