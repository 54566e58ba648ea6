#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options: a wrong one is named as it was written, with the one that was meant, and right ones go on working.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf 'FileName,prob_a,prob_b,label_a,label_b,gender,SpkrID\n' >p.csv
	for i in 1 2 3 4; do
		printf 'r%s,0.%s,0.%s,1,0,%s,s%s\n' $i $i $((10 - i)) "$([ $i -gt 2 ] && echo Male || echo Female)" $i
	done >>p.csv
}

# refused TEXT ARGUMENT...: expects exactly the message TEXT of fairvox ARGUMENT..., and an end within seconds.
refused() {
	local text=$1
	shift
	fails 2 "$text" timeout 20 "$fairvox" "$@"
	if [ "$stderr" != "fairvox: $text" ]; then
		printf '%s\n' "$stderr"
		return 1
	fi
}

@test "a long option behind one dash, in every subcommand" {
	for words in 'audit group-columns' 'cache cache' 'check weights' 'describe plugins' 'encode encoder' 'explain results' \
		'fetch mirror' 'groups fold' 'inspect json' 'plugins json' 'predict weights' 'run keep-going' 'run jobs' \
		'split fold' 'status json' 'synth out' 'synth jobs' 'table format'; do
		read -r subcommand option <<<"$words"
		refused "$subcommand: unknown option '-$option', did you mean '--$option'?" "$subcommand" "-$option" x
		refused "$subcommand: unknown option '-$option', did you mean '--$option'?" "$subcommand" x y "-$option" z
		refused "$subcommand: unknown option '-$option', did you mean '--$option'?" "$subcommand" x "-$option=z"
	done
	refused "verify: unknown option '-json': see 'fairvox verify --help'" verify results -json
}

@test "a misspelt option" {
	refused "audit: unknown option '-group-columns', did you mean '--group-columns'?" audit p.csv -group-columns gender
	refused "audit: unknown option '--group_columns', did you mean '--group-columns'?" audit p.csv --group_columns gender
	refused "audit: unknown option '--groupcolumns', did you mean '--group-columns'?" audit p.csv --groupcolumns=gender
	refused "audit: unknown option '--Json', did you mean '--json'?" audit p.csv --Json
	refused "audit: '—group-columns' starts with a dash that is no '-': did you mean '--group-columns'?" \
		audit p.csv —group-columns gender
	refused "audit: '––json' starts with a dash that is no '-': did you mean '--json'?" audit p.csv ––json
	refused "run: '−jobs' starts with a dash that is no '-': did you mean '--jobs'?" run x.yaml −jobs 2
	refused "audit: unknown option '-group', did you mean '--group-columns'?" audit p.csv -group gender
	refused "run: unknown option '--jbos', did you mean '--jobs'?" run --jbos 2 x.yaml
	refused "run: unknown option '--verbos', did you mean '--verbose'?" run x.yaml --verbos
	refused "run: unknown option '-kz': see 'fairvox run --help'" run x.yaml -kz
	refused "run: unknown option '-x': see 'fairvox run --help'" run x.yaml -x
	refused "option '-v' stands before a subcommand: write fairvox SUBCOMMAND -v: see 'fairvox help'" -v run x.yaml
}

@test "an option for what needs none" {
	for option in -cfg -c --config --config-name; do
		refused "run: unknown option '$option': a configuration is given without an option: see 'fairvox run --help'" \
			run $option x.yaml
	done
	refused "run: unknown option '--config': a configuration is given without an option: see 'fairvox run --help'" \
		run --config=x.yaml
	refused "run: unknown option '--train.epochs': settings are given as KEY=VALUE, without dashes: see 'fairvox run --help'" \
		run x.yaml --train.epochs=5
}

@test "a value that is missing or too much" {
	refused "audit: option '--group-columns' needs a value" audit p.csv --group-columns
	refused "run: option '-j' needs a value" run x.yaml -j
	refused "audit: option '--group-columns' needs a value, and '--json' is an option itself" \
		audit p.csv --group-columns --json
	refused "audit: option '--json=1' takes no value" audit p.csv --json=1
}

@test "a value that begins with a dash" {
	refused "--threshold: '-1' is not above 0 and below 1: probabilities are compared with it" \
		audit p.csv --group-columns gender --threshold -1
	refused "--threshold: '-0.5' is not above 0 and below 1: probabilities are compared with it" \
		audit --threshold=-0.5 p.csv --group-columns gender
	refused "-j: '-2' is not a whole number from 1 to 256" run x.yaml -j -2
	refused "-j: '-2' is not a whole number from 1 to 256" run x.yaml -j-2
}

@test "an argument behind -- is no option" {
	cp p.csv -- -group-columns
	"$fairvox" audit --group-columns gender --json -- p.csv >named.json
	"$fairvox" audit --group-columns gender --json -- -group-columns >dashed.json
	cmp named.json dashed.json
	fails 4 "-q: No such file or directory" "$fairvox" audit --group-columns gender -- -q
}

@test "short options, alone, with their value and together" {
	plan
	"$fairvox" run plan.yaml -qk -j2 corpus.folds=1 2>told
	[ ! -s told ]
	"$fairvox" run -kq -j 2 plan.yaml corpus.folds=1 2>told
	[ ! -s told ]
	run --separate-stderr "$fairvox" run plan.yaml --job 2 --keep -k corpus.folds=1
	[ "$status" -eq 0 ]
	[[ $stderr == *"2 of 2 runs done, 0 computed now"* ]]
	run --separate-stderr "$fairvox" run plan.yaml -qf corpus.folds=1
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	"$fairvox" encode -p ceiling_hz=400 -pfloor_hz=70 --encoder pitch --out f.csv "$(find "$corpus" -name '*.flac' | head -1)"
	[ "$(wc -l <f.csv)" -eq 2 ]
}
