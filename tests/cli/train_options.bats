#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Optimizer, schedule, patience and sampler in a study: what they refuse, what runs record.
load helpers

setup() {
	plan
	encoded
}

@test "options without an effect are noted, and sgd decays nothing by default" {
	"$fairvox" explain --full plan.yaml train.momentum=0.9 train.weight_decay=0.1 train.plateau_factor=0.5 >out.txt
	grep -q 'train.momentum has no effect with optimizer adam' out.txt
	grep -q 'train.weight_decay has no effect with optimizer adam' out.txt
	grep -q 'train.plateau_factor has no effect with schedule none' out.txt
	"$fairvox" explain --full plan.yaml train.optimizer=sgd >out.txt
	grep -q '^train.weight_decay  *0  *default with optimizer sgd' out.txt
	grep -q '^train.momentum  *0  *default' out.txt
	"$fairvox" explain --full plan.yaml train.optimizer=sgd train.weight_decay=0.2 train.momentum=0.9 >out.txt
	grep -q '^train.weight_decay  *0.2  *command line' out.txt
	fails 2 "train.plateau_factor: 1 is out of range" "$fairvox" explain plan.yaml train.schedule=plateau train.plateau_factor=1
	fails 2 "train.patience: 0 is out of range, at least 1, or none" "$fairvox" explain plan.yaml train.patience=0
	fails 2 "train.schedule: 'cosinus' is not one of none, cosine, plateau, did you mean 'cosine'?" \
		"$fairvox" explain --full plan.yaml train.schedule=cosinus
}

@test "samplers refuse what they cannot be combined with" {
	fails 2 "train.sampler: group draws from groups: a grouper is needed" \
		"$fairvox" explain --full plan.yaml matrix=none grouper=none train.sampler=group
	fails 2 "train.sampler: class_group cannot be used: loss 'eiil' makes groups of its own" \
		"$fairvox" explain --full plan.yaml matrix=none loss.name=eiil train.sampler=class_group
	fails 2 "train.sampler: class has no effect with train.order, which gives the rows of every epoch" \
		"$fairvox" explain --full plan.yaml train.sampler=class train.order=order.safetensors
	fails 2 "train.sampler: class cannot be used: loss gdro chooses the rows of an epoch itself" \
		"$fairvox" run plan.yaml --quiet matrix=none loss.name=gdro loss.sampler=balanced train.sampler=class
	# an objective without groups keeps the grouper for the sampler
	"$fairvox" run plan.yaml --quiet matrix=none train.sampler=class_group
	[ -f results/*/fold1-seed1/groups.csv ]
}

@test "the schedule is in metrics.jsonl, and patience shortens the run" {
	"$fairvox" run plan.yaml --quiet matrix=none corpus.folds=1 train.schedule=cosine train.epochs=4 train.optimizer=sgd
	grep -o '"learning_rate":[0-9.e-]*' results/*/fold1-seed1/metrics.jsonl |
		awk -F: '{printf "%s %.12g\n", NR, $2}' >rates.txt
	printf '%s\n' '1 0.01' '2 0.00853553390593' '3 0.005' '4 0.00146446609407' | diff - rates.txt
	# a rate this high is best at first
	"$fairvox" run plan.yaml --quiet matrix=none corpus.folds=1 train.learning_rate=5 train.patience=2 train.epochs=50 --results short
	"$fairvox" run plan.yaml --quiet matrix=none corpus.folds=1 train.learning_rate=5 train.epochs=50 --results long
	short=$(echo short/*/fold1-seed1) long=$(echo long/*/fold1-seed1)
	lines=$(wc -l <$short/metrics.jsonl)
	[ "$lines" -lt 50 ]
	sed 's/"seconds".*//' $short/metrics.jsonl >own
	head -n "$lines" $long/metrics.jsonl | sed 's/"seconds".*//' | cmp - own
	python3 - $short $lines <<-'END'
		import json, sys
		m = json.load(open(sys.argv[1] + '/metrics.json'))
		assert m['epochs'] == int(sys.argv[2]) == m['selected_epoch'] + 2, m
	END
	"$fairvox" verify short
}

@test "a kept epoch at either end is remarked on in the log" {
	"$fairvox" run plan.yaml --quiet matrix=none corpus.folds=1 train.learning_rate=1e-5
	grep -q '^info: the last epoch (5) is kept: longer training may do better$' results/*/fold1-seed1/log
	"$fairvox" run plan.yaml --quiet matrix=none corpus.folds=1 train.learning_rate=0.3 train.epochs=2 --results high
	grep -q '^info: the first of 2 epochs is kept: a lower learning rate may do better$' high/*/fold1-seed1/log
}
