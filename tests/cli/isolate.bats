#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A loss that damages its process: its own run fails with one line, and other runs are not affected.
load helpers

setup() {
	plan
	encoded
	careless=$FAIRVOX_BUILD/careless
	sed -i 's/folds: .*/folds: [1]/; /^matrix:/d' plan.yaml
}

# beside WHAT [AT]: careless does WHAT in op AT (default weigh), before erm in the same study.
beside() {
	sed -i '/^matrix:/d' plan.yaml
	echo "matrix: {loss: [{name: careless, does: $1, at: ${2-weigh}}, {name: erm}]}" >>plan.yaml
}

# alone: erm by itself.
alone() {
	[ -d alone ] || "$fairvox" run plan.yaml matrix=none --quiet --results alone
}

# both: runs the study on one worker; erm must be the one of ./alone, byte for byte.
both() {
	alone
	rm -rf results
	run --separate-stderr "$fairvox" run plan.yaml --plugins "$careless" -j 1 --keep-going 3>&-
	printf '%s\n' "$stderr"
	for file in model.safetensors predictions.csv metrics.json done; do
		cmp results/*erm*/fold1-seed1/$file alone/*/fold1-seed1/$file
	done
}

# spoils TEXT: careless failed with this one line, and erm is done.
spoils() {
	both
	[ "$status" -eq 3 ]
	[ "$(grep -c 'fold1-seed1: ' <<<"$stderr")" -eq 1 ]
	[[ $stderr$'\n' == *"/fold1-seed1: loss 'careless': $1"$'\n'* ]]
	[[ $stderr == *"1 of 2 runs done, 1 computed now; some failed"* ]]
	[ "$(cat results/*careless*/fold1-seed1/failed)" = "loss 'careless': $1" ]
}

@test "what a loss changes in weigh is restored and fails its own run, not the next" {
	for pair in "folder:the working folder" "rounding:the rounding mode" "flush:the floating-point settings" \
		"locale:the locale"; do
		beside "${pair%%:*}"
		spoils "op weigh at step 2 changed ${pair#*:}"
	done
	[ ! -e /results ] && [ ! -e /erm-* ]
	for pair in "handler:the handler of SIGTERM" "blocked:which signals are blocked" "umask:the mask of file modes (umask)"; do
		beside "${pair%%:*}"
		spoils "op weigh at step 2 or later changed ${pair#*:}"
	done
}

@test "several changes at once are named together, in every op" {
	all="the working folder, the rounding mode, the locale, the handler of SIGTERM, which signals are blocked and \
the mask of file modes (umask)"
	beside all open
	spoils "op open changed $all"
	beside all close
	spoils "op close changed $all"
}

@test "a child that weigh forks ends with the op: each run is computed once" {
	beside fork
	both
	[ "$status" -eq 0 ]
	[[ $stderr == *"2 of 2 runs done, 2 computed now"* ]]
	[[ $stderr == *"loss 'careless' or a grouper called fork() in an op"* ]]
	[ "$(wc -l <results/*careless*/fold1-seed1/metrics.jsonl)" -eq 5 ]
	cmp results/*careless*/fold1-seed1/model.safetensors alone/*/fold1-seed1/model.safetensors
}

@test "a leftover process does not block the program" {
	beside linger
	alone
	SECONDS=0
	both
	[ "$status" -eq 0 ]
	[ "$SECONDS" -lt 30 ]
	[[ $stderr == *"2 of 2 runs done, 2 computed now"* ]]
}

@test "a crash fails only its own run" {
	beside crash
	both
	[ "$status" -eq 3 ]
	[[ $stderr == *"/fold1-seed1: loss 'careless': op weigh at step 2 crashed (Aborted)"* ]]
	[ "$(cat results/*careless*/fold1-seed1/failed)" = "loss 'careless': op weigh at step 2 crashed (Aborted)" ]
	"$fairvox" status results | grep -q "loss 'careless': op weigh at step 2 crashed (Aborted)"
	[[ $stderr == *"1 of 2 runs done, 1 computed now; some failed"* ]]
}

@test "--isolate: one process per run gives the same bytes" {
	sed -i 's/folds: .*/folds: [1, 2]/' plan.yaml
	"$fairvox" run plan.yaml loss.name=erm,rw --quiet --results shared
	"$fairvox" run plan.yaml loss.name=erm,rw --quiet --results own --isolate -j 2
	for run in shared/*/*; do
		for file in model.safetensors predictions.csv metrics.json done; do
			cmp "$run/$file" "own/${run#shared/}/$file"
		done
	done
	"$fairvox" run --help | grep -q -- '--isolate'
	fails 2 "" "$fairvox" table results --isolate
}

@test "check finds the same changes" {
	for pair in "folder:the working folder" "rounding:the rounding mode" "locale:the locale" "handler:the handler of SIGTERM"; do
		run "$fairvox" check "$careless/careless.so" -p "does=${pair%%:*}" -p at=open
		echo "$output"
		[ "$status" -eq 4 ]
		[[ $output == *"fault: open: the op changed ${pair#*:}"* ]]
		[ "$(grep -c 'the op changed' <<<"$output")" -eq 1 ]
	done
	run "$fairvox" check "$careless/careless.so" -p does=fork -p at=close
	echo "$output"
	[ "$status" -eq 4 ]
	[ "$(grep -c 'checks, 1 fault$' <<<"$output")" -eq 1 ]
	[[ $output == *"fault: processes: a copy made by fork() came back from an op"* ]]
}
