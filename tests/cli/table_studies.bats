#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Tables of a results folder that several studies wrote to.
load helpers

setup() {
	plan
	encoded
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

# tilted LEVEL: builds the plugin tilted in p.
tilted() {
	mkdir -p p
	gcc -shared -fPIC -O"$1" -o p/tilted.so "$FAIRVOX_SOURCE/tests/oot/tilted.c" -I"$FAIRVOX_SOURCE/core/include" -lm
}

@test "builds of a plugin are told apart, and the newest of a variant counts" {
	echo 'matrix: {loss: [{name: erm}, {name: tilted, tilt: 2}, {name: tilted, tilt: 3}]}' >>plan.yaml
	tilted 0
	"$fairvox" run plan.yaml --quiet --plugins p
	old=$(sha256sum p/tilted.so | cut -c1-7)
	cp -r results copied # keeps what is newer
	tilted 2
	new=$(sha256sum p/tilted.so | cut -c1-7)
	sleep 1.1
	"$fairvox" run plan.yaml --quiet --plugins p --results copied
	cp -r copied/. results
	COLUMNS=120 "$fairvox" table results >table.txt
	[ "$(sed -n 's/^\(tilted@[^ ]* tilt=[23]\) .*/\1/p' table.txt | sort)" = "$(printf "tilted@%s tilt=%d\n" \
		"$new" 2 "$new" 3 "$old" 2 "$old" 3 | sort)" ]
	# the older below the line, without p
	sed '/^---/,$d' table.txt | grep -q "^tilted@$new"
	! sed '/^---/,$d' table.txt | grep -q "^tilted@$old"
	[ "$(grep -c "^tilted@$old .* —  *—  *—\$" table.txt)" = 2 ]
	grep -q '2 comparisons' table.txt
	grep -q "^- rows of 2 builds of plugin tilted (newest first: @$new, @$old), the older" table.txt
	"$fairvox" table results --format csv | cut -d, -f11,12,13 | sort -u >builds
	diff builds <(printf '%s\n' build,older_build,loss.name ,0,erm "$new,0,tilted" "$old,1,tilted" | sort)
	# a selection of one build makes it the newest
	COLUMNS=120 "$fairvox" table results --rows "variant=erm,variant=*@$old" | sed '/^---/,$d' | grep -q "^tilted@$old"
	"$fairvox" table results --full --reference tilted2 >/dev/null
	"$fairvox" table results --layout pairs | grep -q 'older build'
	"$fairvox" report results -o report.html
	"$fairvox" plot effects results -o effects.svg
	for file in report.html effects.svg; do grep -q "tilted@$old" $file; done
	# of a configuration, the build in use
	"$fairvox" describe --plugins p tilted | grep -q "^  build:   @$new\$"
	COLUMNS=120 "$fairvox" table plan.yaml --plugins p >own.txt
	[ "$(grep -c '^tilted tilt=' own.txt)" = 2 ]
	! grep -q 'builds of plugin' own.txt
	diff <(grep '^tilted' own.txt | tr -s ' ' | cut -d' ' -f3-) \
		<(grep "^tilted@$new" table.txt | tr -s ' ' | cut -d' ' -f3-)
}

@test "of a configuration, variants whose runs another build made are named, with what to do" {
	sed '$!b; a loss: {name: tilted, tilt: 2}' <(grep -v '^loss' plan.yaml) >one.yaml
	echo 'matrix: {loss: [{name: erm}, {name: tilted, tilt: 2}, {name: tilted, tilt: 3}]}' >>plan.yaml
	tilted 0
	"$fairvox" run plan.yaml --quiet --plugins p
	tilted 2
	for full in '' --full; do
		"$fairvox" table plan.yaml --plugins p $full >table.txt
		tr '\n' ' ' <table.txt | tr -s ' ' | grep -q -- "- no finished run: tilted2, tilted3, since plugin tilted was built anew: 'fairvox run' of this configuration computes them, 'fairvox table RESULTS' shows those of another build"
	done
	# one that no build has run
	"$fairvox" table plan.yaml --plugins p 'loss=[{name: erm}, {name: rw}]' >table.txt
	grep -q '^- no finished run: rw$' table.txt
	! grep -q 'built anew' table.txt
	# a study of this plugin alone
	fails 4 "results: no finished run of this configuration since plugin tilted was built anew: 'fairvox run' computes them" \
		"$fairvox" table one.yaml --plugins p
	fails 4 "built anew" "$fairvox" plot rates one.yaml --plugins p -o rates.svg
	fails 4 "no run of this configuration" "$fairvox" table one.yaml --plugins p loss.tilt=4
	"$fairvox" run one.yaml --quiet --plugins p
	"$fairvox" table one.yaml --plugins p >table.txt
	! grep -q 'no finished run' table.txt
}
