#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Objectives that train in stages, and all label-free ones, from a configuration to tables.
load helpers

setup() {
	corpus
	cd "$BATS_TEST_TMPDIR"
	config=$FAIRVOX_SOURCE/configs/label-free-demo.yaml
	# A tenth of the demonstration's corpus, without the bias, which would leave one or two rows in some subgroups.
	small=("corpus.audio=$corpus" "corpus.labels=$corpus/labels_consensus_{fold}.csv" bias=none train.epochs=4
		train.learning_rate=0.01)
	cache=(--cache "$BATS_FILE_TMPDIR/cache") # of all cases
}

@test "every label-free objective runs on the demonstration, on one worker as on two" {
	runs=32 folds=[1] share=1/3 shared=11 # of the runs that two workers compute
	[ -z "${FAIRVOX_LONG-}" ] || runs=64 folds=[1,2] share=1/1 shared=64
	"$fairvox" run "$config" "${cache[@]}" "${small[@]}" corpus.folds=$folds -j 1 --quiet --results one
	"$fairvox" run "$config" "${cache[@]}" "${small[@]}" corpus.folds=$folds -j 2 --quiet --results two --shard $share
	[ "$(ls one | wc -l)" -eq 32 ]
	[ "$(ls -d two/*/fold* | wc -l)" -eq $shared ]
	for run_folder in two/*/fold*; do
		for file in predictions.csv model.safetensors metrics.json config.yaml log done; do
			cmp "$run_folder/$file" "one${run_folder#two}/$file"
		done
	done
	for run_folder in one/*/fold*; do
		grep -q '"uses_group_labels": false' "$run_folder/env.json"
	done
	"$fairvox" table one --full --format md >one.md
	[ $shared -ne $runs ] || "$fairvox" table two --full --format md | cmp - one.md
	grep -q '^| eiil-gdro-eg-class_x_group | ' one.md
	run "$fairvox" verify one
	[[ $output == "$runs runs, "*" values recomputed, 0 different" ]]
}

@test "a run in stages records every epoch of every stage, and the resolved and hashed delegate" {
	"$fairvox" run "$config" "${cache[@]}" "${small[@]}" corpus.folds=[1] --quiet matrix=none \
		'loss={name: eiil, reference_epochs: 3, then: {name: gadro, lambda: 2}}'
	run_folder=$(echo results/*/fold1-seed1)
	[ "$(grep -c '"stage":1,' "$run_folder/metrics.jsonl")" -eq 3 ]
	[ "$(grep -c '"stage":2,' "$run_folder/metrics.jsonl")" -eq 4 ]
	[ "$(grep -c '"best":true' "$run_folder/metrics.jsonl")" -ge 2 ]
	sed -n 3p "$run_folder/metrics.jsonl" | grep -q '"best":true' # of a stage that takes the last epoch
	[ "$(grep -c '"wins":' "$run_folder/metrics.jsonl")" -eq 4 ]
	grep -q 'stage 1 (eiil): .* rows, epoch 3 of 3 kept, the last' "$run_folder/log"
	grep -q 'stage 2 (gadro): .* rows, epoch [1-4] of 4 kept' "$run_folder/log"
	grep -A4 '^  then:' "$run_folder/config.yaml" | grep -q 'name: gadro'
	grep -A4 '^  then:' "$run_folder/config.yaml" | grep -q 'lambda: 2'
	[ "$(grep -c '"sha256"' "$run_folder/done")" -eq 2 ]
	! [ -e "$run_folder/groups.csv" ]
	# the resolved configuration gives the same variant
	"$fairvox" explain --full "$run_folder/config.yaml" | grep -q "^  .*fold1-seed1: done"
	stem=$(tail -1 "$run_folder/predictions.csv" | cut -d, -f1)
	"$fairvox" predict "$run_folder" "$corpus/${stem%.*}.flac" | tail -1 | cut -d, -f2-7 >again
	tail -1 "$run_folder/predictions.csv" | cut -d, -f2-7 | cmp - again
}

@test "explain prints stages and their rows before training" {
	"$fairvox" explain --full "$config" "${small[@]}" corpus.folds=[1] matrix=none 'loss={name: afr, refit_epochs: 7}' >afr
	all=$(sed -n 's/.*rows \([0-9]*\) train.*/\1/p' afr)
	first=$(sed -n 's/^    stage 1: afr, about \([0-9]*\) rows, 4 epochs$/\1/p' afr)
	second=$(sed -n 's/^    stage 2: afr, about \([0-9]*\) rows, 7 epochs$/\1/p' afr)
	[ $((first + second)) -eq "$all" ]
	[ "$second" -ge $((all / 5)) ]
	"$fairvox" explain --full "$config" "${small[@]}" corpus.folds=[1] matrix=none loss.name=eiil loss.then.name=rw |
		grep -q '^    stage 2: rw, about '
	"$fairvox" explain --full "$config" "${small[@]}" corpus.folds=[1] matrix=none \
		'grouper={name: truth, column: gender}' 'loss={name: dfr, refits: 3}' >dfr
	grep -q '^    stage 4: dfr, about [0-9]* rows, 4 epochs$' dfr
	grep -q '^    stage 5: dfr, the mean of 3 models$' dfr
	# a delegate on groups that are inferred from features
	"$fairvox" describe eiil | grep -q 'trains:  in stages'
}

@test "a loss inside another: invalid ones are reported with their position" {
	fails 2 "loss.then: loss 'jtt' trains in stages itself" "$fairvox" run "$config" matrix=none \
		'loss={name: eiil, then: jtt}'
	fails 2 "argument 2: there is no loss 'gdor', did you mean 'gdro'?" "$fairvox" run "$config" matrix=none \
		'loss={name: eiil, then: gdor}'
	fails 2 "unknown key 'lamda' in loss.then (gadro), did you mean 'lambda'?" "$fairvox" run "$config" matrix=none \
		'loss={name: eiil, then: {name: gadro, lamda: 2}}'
	fails 2 "needs memberships" "$fairvox" run "$config" "${cache[@]}" "${small[@]}" corpus.folds=[1] matrix=none \
		'loss={name: eiil, then: pgdro}'
	fails 2 "train.order cannot be used: loss 'jtt' trains in stages" "$fairvox" explain "$config" matrix=none \
		loss.name=jtt train.order=order.safetensors
}
