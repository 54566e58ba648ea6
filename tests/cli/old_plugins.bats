#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Plugins that were built from the headers of the ABI's first version load and compute what they did.
load helpers

setup() {
	plan
	encoded
	export FAIRVOX_PLUGIN_PATH=$FAIRVOX_BUILD/old-plugins:$FAIRVOX_PLUGIN_PATH
	small=(matrix=none corpus.folds=[1] train.epochs=3 --quiet)
}

# compare_predictions A B LIMIT: the same recordings, and probabilities that differ by at most LIMIT.
compare_predictions() {
	python3 - "$1"/*/fold1-seed1/predictions.csv "$2"/*/fold1-seed1/predictions.csv "$3" <<'END'
import csv, sys
one, two = (list(csv.DictReader(open(path))) for path in sys.argv[1:3])
assert [a["FileName"] for a in one] == [b["FileName"] for b in two]
worst = max(abs(float(a[key]) - float(b[key])) for a, b in zip(one, two) for key in a if key.startswith("prob_"))
assert worst <= float(sys.argv[3]), worst
END
}

@test "plugins of the first version keep the contract" {
	for plugin in old_loss old_stages old_networks old_grouper old_encoder; do
		run "$fairvox" check "$FAIRVOX_BUILD/old-plugins/$plugin.so"
		echo "$output"
		[ "$status" -eq 0 ]
		[[ $output == *", 0 faults"* ]]
	done
}

@test "their results are those of the plugins of today" {
	"$fairvox" run plan.yaml "${small[@]}" loss.name=erm --results erm
	"$fairvox" run plan.yaml "${small[@]}" loss.name=old_loss --results old
	compare_predictions erm old 0
	grep -q '"passes":\[3.0,' old/*/fold1-seed1/metrics.jsonl
	"$fairvox" run plan.yaml "${small[@]}" loss.name=old_networks --results networks
	compare_predictions erm networks 1e-5
}

@test "stages, groups by duration and features of old plugins in one study" {
	"$fairvox" run plan.yaml "${small[@]}" 'encoder={name: old_encoder, standardize: train}' \
		'grouper={name: old_grouper, seconds: 2}' loss.name=old_stages
	run_folder=$(echo results/*/fold1-seed1)
	grep -q 'stage 4 (old_stages): the mean of 2 models' "$run_folder/log"
	grep -q '"stage":5,' "$run_folder/metrics.jsonl"
	grep '"stage":4,' "$run_folder/metrics.jsonl" | grep -q '"value":null'
	"$fairvox" run plan.yaml "${small[@]}" 'grouper={name: old_grouper, seconds: 2}' loss.name=rw --results rw
	cut -d, -f2 rw/*/fold1-seed1/groups.csv | sort -u | tr '\n' ' ' | grep -q '^group long short $'
	file=$(grep ',short,' rw/*/fold1-seed1/groups.csv | head -1 | cut -d, -f1)
	[ -n "$file" ]
	"$fairvox" verify results | grep -q ', 0 different$'
}
