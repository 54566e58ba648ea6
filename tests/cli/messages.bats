#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the program says of counts, of a stop during encoding, of plugins that others hide and of keys that
# are dropped.
load helpers

setup() {
	plan
}

# study_of_one: a plan with one run.
study_of_one() {
	sed -i 's/folds: .*/folds: [1]/; s/epochs: 5/epochs: 2/; /^matrix/d; /^grouper/d' plan.yaml
}

@test "one of a kind is counted in the singular" {
	study_of_one
	"$fairvox" explain --full plan.yaml >out
	grep -qx 'plan.yaml: 1 variant (1 combination, 0 excluded, 0 included, 0 merged)' out
	grep -qx '1 run, 1 to compute, about [0-9]* s on 1 worker' out
	"$fairvox" run plan.yaml 2>log
	grep -qx 'fairvox: 1 of 1 run done, 1 computed now' log
	"$fairvox" status results >>out
	grep -qx '1 variant: 1 done, 0 running, 0 failed, 0 interrupted' out
	"$fairvox" verify results >>out
	grep -q '^1 run, [0-9]* values recomputed, 0 different$' out
	"$fairvox" table results >>out
	"$fairvox" encode --encoder pitch --out one.csv "$(find "$corpus" -name '*.flac' | head -1)"
	cat log >>out
	run ! grep -wE '1 (runs|variants|combinations|recordings|rows|folds|seeds|values|trials|draws|entries)' out
	printf '%s\n' FileName,Emotion,SpkrID,Gender,Split_Set r1,a,s1,F,Train r2,b,s2,F,Train r3,a,s3,F,Development \
		r4,b,s4,F,Test r5,,s5,F,Test >l.csv
	echo 'corpus: {labels: l.csv, label_column: Emotion}' >labels.yaml
	fails 0 'l.csv: 1 of 5 rows is left out: 1 without a class' "$fairvox" split labels.yaml
	[[ $output == *'- 1 of 5 rows is left out: without a class.'* ]]
	key=$(ls cache | head -1)
	find "cache/$key" -name '*.safetensors' | tail -n +2 | xargs rm
	"$fairvox" cache list | grep -q "^$key .* 1 entry  "
	"$fairvox" cache prune "$key" | grep -qx "$key: 1 entry removed"
}

@test "several of a kind are counted in the plural" {
	"$fairvox" explain plan.yaml >out
	grep -qx 'plan.yaml: 2 variants (2 combinations, 0 excluded, 0 included, 0 merged)' out
	grep -qx '4 runs, 4 to compute, about [0-9]* s on 1 worker' out
	grep -q '250 recordings, ' out
}
