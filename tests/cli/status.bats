#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How far a study is, and how long it takes.
load helpers

setup() {
	plan
	encoded
}

@test "status of a configuration counts every run, also those without a folder" {
	run "$fairvox" status plan.yaml
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "4 runs: 0 done, 4 pending" ]
	"$fairvox" run plan.yaml --quiet loss.name=erm
	run "$fairvox" status plan.yaml
	[[ ${lines[0]} =~ ^loss.name\ +done\ +running\ +failed\ +interrupted\ +pending$ ]]
	[[ ${lines[1]} =~ ^erm\ +2\ +0\ +0\ +0\ +0$ ]]
	[[ ${lines[2]} =~ ^rw\ +0\ +0\ +0\ +0\ +2$ ]]
	[[ ${lines[-1]} =~ ^4\ runs:\ 2\ done,\ 2\ pending\;\ about\ [0-9]+\ s\ of\ work\ on\ one\ worker$ ]]
	# another study in the folder does not count
	run "$fairvox" status plan.yaml matrix=none loss.name=ds
	[ "${lines[-1]}" = "2 runs: 0 done, 2 pending" ]
	"$fairvox" status plan.yaml --json >status.json
	python3 - <<-'END'
		import json
		s = json.load(open('status.json'))
		assert s['counts'] == {'done': 2, 'running': 0, 'failed': 0, 'interrupted': 0, 'pending': 2}, s
		assert s['left_s'] > 0
		assert [(r['axes']['loss.name'], r['fold'], r['seed'], r['state']) for r in s['runs']] == [
		    ('erm', 1, 1, 'done'), ('erm', 2, 1, 'done'), ('rw', 1, 1, 'pending'), ('rw', 2, 1, 'pending')], s
	END
}

@test "status tells running, interrupted and failed runs apart" {
	"$fairvox" run plan.yaml --quiet --cache cache # fills the cache
	rm -r results
	"$fairvox" run plan.yaml --quiet matrix=none train.epochs=100000 &
	local pid=$!
	at_work
	run "$fairvox" status plan.yaml matrix=none train.epochs=100000
	kill -INT "$pid"
	wait "$pid" || true
	[ "${lines[-1]}" = "2 runs: 0 done, 1 running, 1 pending" ]
	run "$fairvox" status plan.yaml matrix=none train.epochs=100000
	[ "${lines[-1]}" = "2 runs: 0 done, 1 interrupted, 1 pending" ]
	"$fairvox" run plan.yaml -k --quiet matrix=none train.learning_rate=1e30 || true
	run "$fairvox" status plan.yaml matrix=none train.learning_rate=1e30
	[[ ${lines[0]} == "results/"*"/fold1-seed1 failed: "*"not finite"* ]]
	[ "${lines[-1]}" = "2 runs: 0 done, 2 failed" ]
}

@test "status --follow waits for the last run and tells failures by its exit code" {
	"$fairvox" run plan.yaml --quiet &
	local pid=$!
	run "$fairvox" status plan.yaml --follow --quiet
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "4 runs: 4 done" ]
	wait "$pid"
	"$fairvox" run plan.yaml -k --quiet matrix=none train.learning_rate=1e30 || true
	run "$fairvox" status plan.yaml --follow matrix=none train.learning_rate=1e30
	[ "$status" -eq 3 ]
	fails 2 "--follow needs the configuration" "$fairvox" status --follow results
	fails 2 "no configuration file or results folder given" "$fairvox" status
}

@test "explain is short, and --full shows every value" {
	"$fairvox" explain plan.yaml >short
	"$fairvox" explain --full plan.yaml >full
	[ "$(wc -l <short)" -lt 12 ]
	grep -q '^  loss.name: erm, rw$' short
	grep -Eq '^4 runs, 4 to compute, about .* on 1 worker$' short
	run -1 grep -q train.batch short
	grep -Eq '^train.batch +32 +default$' full
	grep -Eq 'rw-[0-9a-f]{8}/fold2-seed1: to compute, rows [0-9]+ train' full
	"$fairvox" run --dry-run plan.yaml >dry
	[ ! -e results ]
	grep -q '^4 runs, 4 to compute' dry
	"$fairvox" run plan.yaml --quiet
	"$fairvox" explain plan.yaml | grep -q '^4 runs, 0 to compute$'
}

@test "progress is a bar on a terminal, and at most a line a minute elsewhere" {
	command -v script >/dev/null || skip "no script(1) to make a terminal"
	script -qec "$fairvox run plan.yaml train.epochs=1500" typescript >/dev/null
	tr '\r' '\n' <typescript >lines
	grep -Eq '^.{0,4}\[[#-]{24}\] run: [0-9]+ of 4 runs, [0-9.]+ runs/(s|min), .* left' lines
	"$fairvox" run plan.yaml train.epochs=500 2>log
	run -1 grep -q 'runs/' log
	[ "$(wc -l <log)" -le 3 ]
}

@test "status counts done runs with warnings" {
	{ echo FileName,group; cut -d, -f1 "$corpus/labels_consensus_1.csv" | tail -n +2 | sed 's/$/,all/'; } >one.csv
	"$fairvox" run plan.yaml --quiet loss.name=erm
	run "$fairvox" status plan.yaml loss.name=erm
	[ "${lines[-1]}" = "2 runs: 2 done" ]
	"$fairvox" run plan.yaml --quiet corpus.folds=[1] loss.name=rw 'grouper={name: file, file: one.csv}'
	run "$fairvox" status plan.yaml loss.name=rw 'grouper={name: file, file: one.csv}'
	[[ ${lines[-1]} == "2 runs: 1 done, 1 pending; 1 done run has warnings: results/"*"/fold1-seed1/log; about "* ]]
	log=${lines[-1]#*warnings: }
	grep -q "^warning: grouper file: all " "${log%%; *}"
	run "$fairvox" status results
	[[ ${lines[-1]} == "2 variants: 3 done, 0 running, 0 failed, 0 interrupted; 1 done run has warnings: results/"*"/fold1-seed1/log" ]]
	"$fairvox" status results --json >status.json
	python3 -c 'import json; s = json.load(open("status.json")); assert sorted(r["warnings"] for r in s["runs"]) == [0, 0, 1], s'
}
