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
	encoded
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

@test "a stop during encoding says what is kept" {
	study_of_one
	for signal in INT TERM USR1; do
		"$fairvox" run plan.yaml encoder.name=functionals 2>"log.$signal" &
		pid=$!
		had=$(find cache -name '*.safetensors' 2>/dev/null | wc -l)
		for _ in $(seq 600); do
			[ "$(find cache -name '*.safetensors' 2>/dev/null | wc -l)" -gt "$((had + 3))" ] && break
			sleep 0.05
		done
		kill -$signal $pid
		code=0
		wait $pid || code=$?
		case $signal in INT) want=130 ;; TERM) want=143 ;; USR1) want=75 ;; esac
		[ "$code" -eq "$want" ]
		kept=$(find cache -name '*.safetensors' | wc -l)
		[ "$kept" -gt "$had" ]
		cat "log.$signal"
		grep -qx "fairvox: functionals: stopped: $kept of 250 recordings are encoded and kept in 'cache': the same command encodes the rest" "log.$signal"
		"$fairvox" explain plan.yaml encoder.name=functionals | grep -q "250 recordings, .* MiB, $((250 - kept)) to encode"
	done
	[ ! -e results ]
	"$fairvox" run plan.yaml encoder.name=functionals 2>log
	grep -q '1 of 1 run done, 1 computed now' log
}

@test "a stop of encode leaves nothing behind" {
	"$fairvox" encode --encoder functionals --out all.csv "$corpus"/*.flac 2>log &
	pid=$!
	for _ in $(seq 600); do # until its temporary file, which has no name, has something in it
		fd=$(find /proc/$pid/fd -lname "$PWD/*(deleted)" 2>/dev/null | head -1)
		[ -n "$fd" ] && [ -s "$fd" ] && break
		sleep 0.02
	done
	kill -INT $pid
	code=0
	wait $pid || code=$?
	[ "$code" -eq 130 ]
	cat log
	grep -qx "fairvox: stopped: nothing was written to 'all.csv'" log
	[ ! -e all.csv ]
	[ -z "$(find . -name '.all*' -o -name 'all*')" ]
}

@test "plugins that others hide are one line" {
	mkdir copy few
	cp "$FAIRVOX_BUILD"/plugins/*.so copy
	cp copy/erm.so copy/rw.so few
	n=$(ls copy | wc -l)
	"$fairvox" plugins --plugins copy >out
	[ "$(grep -c '^hidden' out)" -eq 1 ]
	grep -q "^hidden   $n files, by files of the same name in folders searched before, such as $FAIRVOX_BUILD/plugins/" out
	run ! grep -q '^refused' out
	"$fairvox" plugins --plugins copy --all >out
	[ "$(grep -c "^hidden   $FAIRVOX_BUILD/plugins/.*: by $PWD/copy/" out)" -eq "$n" ]
	rm few/rw.so
	"$fairvox" plugins --plugins few | grep -qx "hidden   $FAIRVOX_BUILD/plugins/erm.so: by $PWD/few/erm.so"
	"$fairvox" plugins --plugins few --json | python3 -c '
import json, sys
found = json.load(sys.stdin)
assert found["schema_version"] == 2 and found["refused"] == [], found
assert [(h["path"].split("/")[-1], h["by"]) for h in found["hidden"]] == [("erm.so", sys.argv[1])], found
' "$PWD/few/erm.so"
	run ! grep -q "^hidden" <("$fairvox" plugins)
}

@test "a plugin that is refused is told with its reason, though it hides another" {
	mkdir bad
	cp "$FAIRVOX_BUILD"/zoo/wrong_abi.so bad/rw.so
	fails 4 "bad/rw.so: built for ABI 999, this fairvox has ABI 2" "$fairvox" run --plugins bad plan.yaml
	fails 4 "bad/rw.so: refused: built for ABI 999, this fairvox has ABI 2" "$fairvox" describe --plugins bad rw
}

@test "a bias that is switched off is dropped in one line" {
	cp plan.yaml base.yaml
	echo 'bias: {attribute: gender, minority_ratio: 5, majority: {angry: Male, sad: Female}}' >>base.yaml
	printf 'defaults: base.yaml\nbias: none\n' >none.yaml
	"$fairvox" explain none.yaml >out
	run ! grep bias out
	grep -qx 'note: 1 key of replaced blocks dropped: see --full' out
	"$fairvox" explain --full none.yaml >out
	[ "$(grep -c bias out)" -eq 1 ]
	grep -qx 'note: base.yaml:11:7: dropped bias: {attribute: gender, minority_ratio: 5, majority: {angry: Male, sad: Female}}, bias is replaced (none.yaml:2:7)' out
}

@test "a fold that does not exist is told with those that do" {
	fails 2 "split: --fold 3 is not in corpus.folds, which has 1, 2" "$fairvox" split plan.yaml --fold 3
	fails 2 "groups: --fold 3 is not in corpus.folds, which has 1, 2" \
		"$fairvox" groups plan.yaml loss.name=rw --fold 3 --out g.csv
	[ ! -e g.csv ]
	study_of_one
	sed -i '/folds:/d; s/{fold}/1/' plan.yaml
	fails 2 "split: --fold 1: the corpus has no folds: leave --fold out" "$fairvox" split plan.yaml --fold 1
}
