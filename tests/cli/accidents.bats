#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Files that are none, limits of the system, and signals: one clear line, and nothing half-written.
load helpers

# finishes CODE TEXT COMMAND...: as `fails`, within 20 s.
finishes() {
	local code=$1 text=$2
	shift 2
	fails "$code" "$text" timeout -k 1 20 "$@"
}

# results: a finished study in ./results.
results() {
	plan
	"$fairvox" run plan.yaml --quiet
}

@test "a pipe in place of a file is refused, and nothing waits for its writer" {
	results
	run_folder=$(echo results/erm-*/fold1-*)
	mkfifo pipe.csv pipe.yaml pipe.wav pipe.safetensors
	not="not a regular file"
	finishes 4 "pipe.csv: $not" "$fairvox" audit pipe.csv --group-columns gender
	finishes 2 "pipe.yaml: $not" "$fairvox" run pipe.yaml
	finishes 4 "pipe.safetensors: $not" "$fairvox" inspect pipe.safetensors
	finishes 4 "pipe.wav: $not" "$fairvox" encode --encoder pitch --out o.csv pipe.wav
	sed "s|labels: .*|labels: pipe.csv|; /folds:/d" plan.yaml >labels.yaml
	finishes 4 "pipe.csv: $not" "$fairvox" split labels.yaml
	sed "s|encoder: .*|encoder: {name: precomputed, file: pipe.csv}|" plan.yaml >features.yaml
	finishes 4 "pipe.csv: $not" "$fairvox" run features.yaml
	rm "$run_folder/predictions.csv"
	mkfifo "$run_folder/predictions.csv"
	finishes 4 "predictions.csv: $not" "$fairvox" verify results
	finishes 4 "predictions.csv: $not" "$fairvox" table results
}

@test "a pipe named done is no finished run" {
	results
	run_folder=$(echo results/erm-*/fold1-*)
	rm "$run_folder/done"
	mkfifo "$run_folder/done"
	run timeout -k 1 20 "$fairvox" status plan.yaml
	[[ $output == *"3 of 4"* || $output == *"done"*3* ]]
	run timeout -k 1 60 "$fairvox" run plan.yaml
	[ "$status" -eq 0 ]
	[[ $output == *"1 computed now"* ]]
	[ -f "$run_folder/done" ]
}
