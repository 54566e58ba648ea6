#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The paper's objectives from a configuration to predictions of new recordings.
load helpers

setup() {
	plan
	encoded whole
	sed -i '/^matrix:/d' plan.yaml
	sed -i 's/^grouper:.*/grouper: {name: pseudo, encoder: {name: pitch}}/' plan.yaml
	objectives=loss.name=gadro,pgdro,lff,disent,random
}

@test "objectives with and without networks of their own: run, table, verify" {
	"$fairvox" run plan.yaml "$objectives" -j 1 --quiet --results one
	"$fairvox" run plan.yaml "$objectives" -j 2 --quiet --results two
	"$fairvox" table one --full --format md >one.md
	"$fairvox" table two --full --format md | cmp - one.md
	for variant in gadro pgdro lff disent random; do
		grep -q "^| $variant | " one.md
		for file in predictions.csv model.safetensors done; do
			cmp one/$variant-*/fold2-seed1/$file two/$variant-*/fold2-seed1/$file
		done
		[ "$(wc -l <one/$variant-*/fold1-seed1/metrics.jsonl)" -eq 5 ]
	done
	run "$fairvox" verify one
	[ "$status" -eq 0 ]
	[[ $output == "10 runs, "*" values recomputed, 0 different" ]]
}

@test "a saved model predicts what the run predicted, whatever its networks" {
	"$fairvox" run plan.yaml "$objectives" --quiet
	for variant in gadro pgdro lff disent random; do
		run_folder=$(echo results/$variant-*/fold1-seed1)
		stem=$(tail -1 "$run_folder/predictions.csv" | cut -d, -f1)
		"$fairvox" predict "$run_folder" "$corpus/${stem%.*}.flac" | tail -1 | cut -d, -f2-7 >again
		tail -1 "$run_folder/predictions.csv" | cut -d, -f2-7 | cmp - again
	done
	grep -q 'biased.output.weight' results/disent-*/fold1-seed1/model.safetensors
	! grep -q 'biased' results/gadro-*/fold1-seed1/model.safetensors
}

@test "random predictions differ between seeds, folds and recordings" {
	"$fairvox" run plan.yaml loss.name=random train.seed=[1,2] --quiet
	cut -d, -f2-7 results/random-*/fold1-seed1/predictions.csv >one
	cut -d, -f2-7 results/random-*/fold1-seed2/predictions.csv >two
	! cmp -s one two
	[ "$(sort one | uniq -d | wc -l)" -eq 0 ]
	"$fairvox" run plan.yaml loss.name=random train.epochs=1 --quiet --results short
	cmp short/random-*/fold2-seed1/predictions.csv results/random-*/fold2-seed1/predictions.csv
}

@test "profiles: clipping, selection and the objective's own values" {
	"$fairvox" explain --full plan.yaml loss.name=disent loss.profile=official >official
	grep -Eq 'train.clip +none +preset of disent, profile official' official
	grep -Eq 'train.select +dev_loss ' official
	grep -Eq 'loss.gce +lff_official ' official
	grep -Eq 'loss.swap_start +0.2 ' official
	"$fairvox" explain --full plan.yaml loss.name=lff loss.profile=official train.clip=1 | grep -Eq 'train.clip +1 '
	"$fairvox" explain --full plan.yaml loss.name=lff >paper
	grep -Eq 'train.clip +1 ' paper
	grep -Eq 'train.select +dev_objective ' paper
	"$fairvox" run plan.yaml loss.name=pgdro,lff,disent loss.profile=official --quiet
	! cmp -s results/lff-*/fold1-seed1/predictions.csv results/disent-*/fold1-seed1/predictions.csv
}

@test "an objective with its own model starts from train.init" {
	"$fairvox" run plan.yaml loss.name=disent --quiet
	model=$(echo "$PWD"/results/disent-*/fold1-seed1/model.safetensors)
	"$fairvox" run plan.yaml loss.name=disent "train.init=$model" train.learning_rate=1.0e-30 corpus.folds=[1] \
		--quiet --results again
	cmp again/disent-*/fold1-seed1/predictions.csv results/disent-*/fold1-seed1/predictions.csv
	"$fairvox" run plan.yaml loss.name=erm corpus.folds=[1] --quiet
	plain=$(echo "$PWD"/results/erm-*/fold1-seed1/model.safetensors)
	fails 4 "no tensor 'biased.layer_mix'" "$fairvox" run plan.yaml loss.name=lff "train.init=$plain" \
		corpus.folds=[1]
}

@test "pgdro reports missing memberships" {
	fails 2 "pgdro: needs memberships" "$fairvox" run plan.yaml loss.name=pgdro corpus.folds=[1] \
		'grouper={name: truth, column: gender}'
}
