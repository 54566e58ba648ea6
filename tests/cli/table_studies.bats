#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Tables of a results folder that several studies wrote to.
load helpers

setup() {
	plan
	sed -i '/^matrix/d; s/epochs: 5/epochs: 1/' plan.yaml
	sed 's/^/ /; 1i matrix:' <<<'loss: [{name: erm}, {name: cvar_dro, alpha: 0.1}, {name: cvar_dro, alpha: 0.5}]' >blocks
	sed 's/^/ /; 1i matrix:' <<<'{loss.name: [cvar_dro], loss.alpha: [0.1]}' >keys
	cat plan.yaml blocks >blocks.yaml
	cat plan.yaml keys >keys.yaml
}

# rows COLUMNS COMMAND...: the first COLUMNS words of the rows of variants, sorted.
rows() {
	local columns=$1
	shift
	"$fairvox" "$@" | grep -E '^(erm|cvar_dro|tilted) ' | tr -s ' ' | cut -d' ' -f"1-$columns" | sort
}

@test "a study's table has the axes of that study, whichever computed its runs" {
	"$fairvox" run blocks.yaml --quiet --results alone
	"$fairvox" run keys.yaml --quiet
	"$fairvox" run blocks.yaml --quiet
	diff <("$fairvox" table blocks.yaml --results alone) <("$fairvox" table blocks.yaml)
	"$fairvox" table keys.yaml | grep -q '^cvar_dro  *0\.'
	! "$fairvox" table keys.yaml | grep -q 'alpha='
}

@test "where one study has a block as an axis and another its keys, each value has its column" {
	"$fairvox" run keys.yaml --quiet
	"$fairvox" run blocks.yaml --quiet
	[ "$("$fairvox" table results | grep -c '^loss  *alpha  *UAR')" = 1 ]
	[ "$(rows 2 table results)" = "cvar_dro 0.1
cvar_dro 0.5
erm —" ]
}

@test "a configuration without a run, in a folder with runs of others: it says so, and how many they are" {
	fails 4 "results: No such file or directory" "$fairvox" table plan.yaml
	"$fairvox" run plan.yaml --quiet
	fails 4 "results: no run of this configuration, with these overrides, is in this folder; it has 1 other variant: " \
		"$fairvox" table plan.yaml train.epochs=77
	mkdir empty
	fails 4 "empty: no results of 'fairvox run' in this folder" "$fairvox" table plan.yaml --results empty
}

@test "variants that no axis tells apart show the parameters in which they differ" {
	"$fairvox" run plan.yaml --quiet loss.name=cvar_dro loss.alpha=0.1
	"$fairvox" run plan.yaml --quiet loss.name=cvar_dro loss.alpha=0.9
	[ "$(rows 2 table results)" = "cvar_dro alpha=0.1
cvar_dro alpha=0.9" ]
}

@test "rows of several builds of a plugin are noted" {
	mkdir p
	for level in 0 2; do
		gcc -shared -fPIC -O$level -o p/tilted.so "$FAIRVOX_SOURCE/tests/oot/tilted.c" -I"$FAIRVOX_SOURCE/core/include" -lm
		"$fairvox" run plan.yaml --quiet --plugins p loss.name=tilted loss.tilt=2
	done
	[ "$(rows 1 table results | wc -l)" = 2 ]
	"$fairvox" table results >table.txt
	grep -q '^- rows of 2 builds of plugin tilted: ' table.txt
	"$fairvox" table plan.yaml --plugins p loss.name=tilted loss.tilt=2 >own.txt
	[ "$(grep -c '^tilted ' own.txt)" = 1 ]
	! grep -q 'builds of plugin' own.txt
}
