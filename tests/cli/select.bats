#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How the epoch is chosen: the rules, what they refuse, and what the tables say about them.
load helpers

setup() {
	plan
	encoded
}

@test "a rule that looks at groups refuses a development split that is too small" {
	fails 4 "train.select dev_tpr_gap: class " "$fairvox" run plan.yaml --quiet matrix=none train.select=dev_tpr_gap train.select_support=200
	[[ $stderr == *"positive development utterances, 200 required (train.select_support)"* ]]
	[[ $stderr == *"group Female: "* && $stderr == *"group Male: "* ]]
	fails 4 "200 required" "$fairvox" explain plan.yaml matrix=none train.select=dev_worst_group train.select_support=200
	fails 2 "train.select: 'dev_worst_group' uses inferred groups: a grouper is needed" \
		"$fairvox" run plan.yaml matrix=none grouper=none train.select=dev_worst_group
	fails 2 "command line: argument 3: train.select_groups: $corpus/labels_consensus_1.csv has no attribute 'rase'" \
		"$fairvox" run plan.yaml --quiet matrix=none train.select=oracle train.select_groups=rase
	"$fairvox" explain plan.yaml train.select=dev_loss train.select_support=3 | grep -q 'train.select_support has no effect with select dev_loss'
}

@test "every rule runs, and the table says what it looked at" {
	"$fairvox" run plan.yaml -j 2 --quiet train.select=dev_loss,dev_worst_group,dev_tpr_gap,oracle \
		train.select_support=1 train.select_groups=gender
	"$fairvox" verify results
	"$fairvox" table results --full --format md >table.md
	grep -q '^| rw-.*dev_worst_group | true labels | dev_worst_group (gender), uses group labels | development | 5 x 1 | train: labels, true groups; dev: labels, true groups |' table.md
	grep -q '^| erm-.*dev_tpr_gap | none | dev_tpr_gap (gender, F1 ≥ 0.95 of the best), uses group labels | development | 5 x 1 | train: labels; dev: labels, true groups |' table.md
	grep -q '^| erm-.*oracle ‡ | none | oracle .* | test | 5 x 1 | train: labels; dev: labels; test: labels, true groups |' table.md
	grep -q '^| rw-.*oracle ‡ - erm-.*oracle ‡ | chosen on test: not compared |' table.md
	run ! grep 'oracle ‡ |.*\*\*' table.md
	"$fairvox" table results --format csv | grep -q '^rw-.*oracle-.*,oracle,test,'
	grep -q '"dev_f1":[0-9.]*,"dev_tpr_gap":' results/rw-*dev_tpr_gap-*/fold1-seed1/metrics.jsonl
	grep -q '"test_f1":[0-9.]*,"test_tpr_gap":' results/rw-*oracle-*/fold1-seed1/metrics.jsonl
	rm -r results/*-dev_worst_group-* results/*-dev_tpr_gap-*
	"$fairvox" table results --layout paper1 --format md >paper.md
	grep -q 'Variants chosen on test are not shown in this layout: 2 left out' paper.md
	grep -q '^| RW | truth | ' paper.md
}

@test "inferred groups can choose the epoch, also for an objective without groups" {
	"$fairvox" run plan.yaml --quiet matrix=none train.select=dev_worst_group train.select_support=1 \
		'grouper={name: pseudo, encoder: {name: pitch, threshold_hz: 140, effort_slope: 0}}'
	"$fairvox" table results --full --format md >table.md
	grep -q '| none | dev_worst_group (groups inferred) | development | 5 x 1 | train: labels; dev: labels, inferred groups |' table.md
	[ -f results/*/fold1-seed1/groups.csv ]
}
