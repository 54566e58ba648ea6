#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options of head and base loss from the configuration to predictions of new recordings.
load helpers

setup() {
	plan
	encoded
	sed -i '/^matrix:/d; s/folds: .*/folds: [1]/' plan.yaml
}

# value FILE FILTER: a number of a JSON file
value() {
	python3 -c "import json, sys; print(eval('json.load(open(sys.argv[1]))' + sys.argv[2]))" "$1" "$2"
}

@test "base loss bce: sigmoids, and 0.5 wherever predictions are read" {
	awk -F, -v OFS=, 'NR == 1 { print $0, "race"; next } { print $0, $8 % 2 ? "A" : "B" }' \
		"$corpus/labels_consensus_1.csv" >own_1.csv
	sed -i "s#labels: .*#labels: own_{fold}.csv#; s#folds: .*#&\n  attributes: {columns: {race: race}}#" plan.yaml
	options=(train.base_loss=bce train.select=dev_tpr_gap train.select_groups=gender train.select_support=1)
	"$fairvox" run plan.yaml "${options[@]}" --quiet
	run_folder=$(echo results/*/fold1-seed1)
	for class in angry sad disgust fear neutral happy; do
		[ "$(value "$run_folder/metrics.json" "['prediction_threshold']['$class']")" = 0.5 ]
	done
	f1=$(value "$run_folder/metrics.json" "['f1']['value']")
	python3 - "$run_folder" "$f1" <<'END'
import csv, json, sys
from ctypes import c_float
def above(text, limit):
    return c_float(float(text)).value > c_float(limit).value
rows = list(csv.DictReader(open(sys.argv[1] + "/predictions.csv")))
names = [c for c in rows[0] if c.startswith("prob_")]
def score(split):
    chosen, f1 = [r for r in rows if r["split"] == split], []
    for name in names:
        p = [above(r[name], 0.5) for r in chosen]
        y = [above(r["label_" + name[5:]], 1 / 6) for r in chosen]
        f1.append(2 * sum(a and b for a, b in zip(p, y)) / max(sum(p) + sum(y), 1))
    return sum(f1) / len(f1)
assert abs(sum(float(rows[0][c]) for c in names) - 1) > 1e-3
assert abs(score("test") - float(sys.argv[2])) < 1e-12, (score("test"), sys.argv[2])
epochs = [json.loads(line) for line in open(sys.argv[1] + "/metrics.jsonl")]
kept = json.load(open(sys.argv[1] + "/metrics.json"))["selected_epoch"]
assert abs(score("dev") - epochs[kept - 1]["dev_f1"]) < 1e-12
END
	run "$fairvox" verify results
	[ "$status" -eq 0 ]
	[[ $output == "1 run, "*" 0 different" ]]
	"$fairvox" table results --format csv >table.csv
	"$fairvox" audit "$run_folder/predictions.csv" --group-columns gender --prediction-threshold 0.5 --json >audit.json
	[ "$(value audit.json "['f1']['value']")" = "$f1" ]
	[ "$(value audit.json "['attributes']['gender']['tpr_gap']['value']")" = \
		"$(value "$run_folder/metrics.json" "['attributes']['gender']['tpr_gap']['value']")" ]
	"$fairvox" audit "$run_folder/predictions.csv" --group-columns gender --json >other.json
	[ "$(value other.json "['f1']['value']")" != "$f1" ]
	fails 2 "--prediction-threshold: 'x' is not a number" \
		"$fairvox" audit "$run_folder/predictions.csv" --group-columns gender --prediction-threshold x
	grep -q '"probability":"sigmoid"' "$run_folder/model.safetensors"
	stem=$(tail -1 "$run_folder/predictions.csv" | cut -d, -f1)
	for folder in "$run_folder" "$(dirname "$run_folder")"; do
		"$fairvox" predict "$folder" "$corpus/$stem.flac" | tail -1 | cut -d, -f2-7 >again
		tail -1 "$run_folder/predictions.csv" | cut -d, -f2-7 | cmp - again
	done
	# A changed evaluation reads predictions.csv again.
	"$fairvox" run plan.yaml "${options[@]}" 'eval.attributes=[gender,race]' --quiet
	[ "$(value "$run_folder/metrics.json" "['attributes']['race']['tpr_gap']['value']")" != "" ]
	[ "$(value "$run_folder/metrics.json" "['f1']['value']")" = "$f1" ]
	[ "$(value "$run_folder/metrics.json" "['prediction_threshold']['sad']")" = 0.5 ]
	"$fairvox" verify results
}

@test "hidden layers with dropout: the same bytes from any worker, and in a saved model" {
	options=('head={projection: none, hidden: [16, 8], activation: gelu, dropout: 0.3}' loss.name=erm,rw,lff,afr,disent)
	"$fairvox" run plan.yaml "${options[@]}" -j 1 --quiet --results one
	"$fairvox" run plan.yaml "${options[@]}" -j 2 --quiet --results two
	for variant in erm rw lff afr disent; do
		for file in predictions.csv model.safetensors; do
			cmp one/$variant-*/fold1-seed1/$file two/$variant-*/fold1-seed1/$file
		done
		stem=$(tail -1 one/$variant-*/fold1-seed1/predictions.csv | cut -d, -f1)
		"$fairvox" predict one/$variant-*/fold1-seed1 "$corpus/$stem.flac" | tail -1 | cut -d, -f2-7 >again
		tail -1 one/$variant-*/fold1-seed1/predictions.csv | cut -d, -f2-7 | cmp - again
	done
	"$fairvox" inspect one/erm-*/fold1-seed1/model.safetensors >names
	grep -q 'hidden.1.weight' names
	! grep -q 'projection' names
	"$fairvox" verify one
	# Without dropout the model is another one.
	"$fairvox" run plan.yaml 'head={projection: none, hidden: [16, 8], activation: gelu}' --quiet --results three
	! cmp -s three/erm-*/fold1-seed1/predictions.csv one/erm-*/fold1-seed1/predictions.csv
}

@test "dropout goes on where an interrupted run stopped" {
	sed -i 's/epochs: 5/epochs: 1500/' plan.yaml
	options=('head={hidden: [16], dropout: 0.3}' loss.name=erm)
	"$fairvox" run plan.yaml "${options[@]}" --quiet --results whole
	"$fairvox" run plan.yaml "${options[@]}" --quiet &
	pid=$!
	at_work
	sleep 0.2
	kill -TERM $pid
	code=0
	wait $pid || code=$?
	[ "$code" -eq 143 ]
	[ "$(find results -name checkpoint.safetensors | wc -l)" -eq 1 ]
	"$fairvox" run plan.yaml "${options[@]}" --quiet
	cmp whole/*/fold1-seed1/model.safetensors results/*/fold1-seed1/model.safetensors
}

@test "start weights of another head are refused, the own ones are read" {
	"$fairvox" run plan.yaml 'head={hidden: [16]}' --quiet --results deep
	"$fairvox" run plan.yaml --quiet --results plain
	model=$(echo "$PWD"/deep/*/fold1-seed1/model.safetensors)
	"$fairvox" run plan.yaml 'head={hidden: [16]}' train.init="$model" --quiet --results again
	fails 4 "tensor 'output.weight' is not of shape [6,256]" "$fairvox" run plan.yaml train.init="$model" --quiet
	model=$(echo "$PWD"/plain/*/fold1-seed1/model.safetensors)
	fails 4 "no tensor 'hidden.0.weight'" "$fairvox" run plan.yaml 'head={hidden: [256]}' train.init="$model" --quiet
	fails 4 "tensor 'output.weight' is not of shape [6,4]" \
		"$fairvox" run plan.yaml 'head={projection: none}' train.init="$model" --quiet
}

@test "options that do not go with an objective are refused with line and reason" {
	for loss in lff disent random; do
		sed "s/0.01}/0.01, base_loss: bce}/; s/name: erm/name: $loss/" plan.yaml >own.yaml
		fails 2 "train.base_loss bce cannot be used with loss '$loss', which takes the logits" "$fairvox" run own.yaml
		[[ $stderr == *"own.yaml:8:"* ]]
		[ ! -e results ]
	done
	for loss in disent grl; do
		fails 2 "head.projection none without head.hidden cannot be used with loss '$loss'" \
			"$fairvox" run plan.yaml loss.name=$loss head.projection=none
		"$fairvox" explain --full plan.yaml loss.name=$loss 'head={projection: none, hidden: [8]}' >/dev/null
	done
	fails 2 "train.base_loss bce cannot be used with loss 'lff'" \
		"$fairvox" explain --full plan.yaml 'loss={name: eiil, then: {name: lff}}' train.base_loss=bce
	fails 2 "group_loss: excess subtracts the smallest possible base loss" \
		"$fairvox" run plan.yaml 'loss={name: gdro, group_loss: excess}' train.base_loss=focal --quiet
	for loss in erm rw ds gdro gadro cvar_dro mixup lisa jtt afr eiil grl fairbatch dfr cb_llr; do
		head=head.projection=none
		[ $loss != grl ] || head= # grl needs a projection
		"$fairvox" explain --full plan.yaml loss.name=$loss train.base_loss=bce $head >/dev/null
		"$fairvox" explain --full plan.yaml loss.name=$loss train.base_loss=focal train.class_weights=none >/dev/null
	done
}

@test "ranges, and keys without effect" {
	fails 2 "head.dropout: 1 is out of range, from 0 to below 1" "$fairvox" explain plan.yaml 'head={hidden: [8], dropout: 1}'
	fails 2 "head.hidden: 0 is out of range" "$fairvox" explain plan.yaml 'head={hidden: [8, 0]}'
	fails 2 "head.hidden: 9 layers, at most 8 are possible" "$fairvox" explain plan.yaml 'head={hidden: [1,1,1,1,1,1,1,1,1]}'
	fails 2 "head.activation: 'tanh' is not one of none, relu, gelu" "$fairvox" explain plan.yaml 'head={hidden: [8], activation: tanh}'
	fails 2 "train.class_weights: 'balanced' is not one of effective, inverse, none" \
		"$fairvox" explain --full plan.yaml train.class_weights=balanced
	"$fairvox" explain plan.yaml head.dropout=0.5 2>&1 | grep -q 'head.dropout has no effect with head.hidden \[\]'
	"$fairvox" explain plan.yaml train.focal_gamma=1 2>&1 | grep -q 'train.focal_gamma has no effect with base_loss soft_ce'
	"$fairvox" explain --full plan.yaml head.hidden=64,64 | grep -Eq 'head.hidden +\[64, 64\]'
	sed 's/^eval/matrix: {head.hidden: [[], [8, 4]]}\neval/' plan.yaml >axis.yaml
	"$fairvox" explain --full axis.yaml | grep -q '^variant .*hidden-none'
	# An empty list is the default, so that both are one variant.
	"$fairvox" run plan.yaml --quiet
	"$fairvox" run plan.yaml 'head={hidden: []}' --quiet
	[ "$(find results -name done | wc -l)" -eq 1 ]
}
