#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Runs that are interrupted during training resume from there and give the same bytes.
load helpers

setup() {
	plan
	encoded
	sed -i 's/epochs: 5/epochs: 5000/; s/loss.name: .*/loss.name: [grl, disent]}/; s/folds: .*/folds: [1]/' plan.yaml
}

# whole: the runs without interruption, computed once per build. Takes some seconds.
whole() {
	whole=$FAIRVOX_BUILD/test-whole
	(
		flock 9
		[ -e "$whole/finished" ] && cmp -s plan.yaml "$whole/plan.yaml" &&
			[ "$whole/finished" -nt "$FAIRVOX_BUILD/libfairvox.so" ] && exit 0
		rm -rf "$whole"
		mkdir "$whole"
		cp plan.yaml "$whole"
		"$fairvox" run plan.yaml -j 2 --quiet --results "$whole/results"
		"$fairvox" table "$whole/results" >"$whole/table.md"
		touch "$whole/finished"
	) 9>"$whole.lock"
}

# same: ./results equals that of `whole`, except for times and logs; no checkpoint is left.
same() {
	"$fairvox" table results | cmp - "$whole/table.md"
	for run in "$whole"/results/*/*/; do
		own=results/${run#"$whole/results/"}
		same_run "$run" "$own"
		cmp "$run/env.json" "$own/env.json"
	done
	[ -z "$(find results -name 'checkpoint*')" ]
}

# same_alone LOSS: the run of ./results equals that of this loss in `whole`; no checkpoint is left.
same_alone() {
	local run
	run=$(echo "$whole"/results/"$1"-*/*/)
	same_run "$run" results/*"-${run#*"/$1-"}"
	[ -z "$(find results -name 'checkpoint*')" ]
}

# one_loss NAME: leaves the plan one of its two runs.
one_loss() {
	sed -i "s/loss.name: .*/loss.name: [$1]}/" plan.yaml
}

# stopped CODE SIGNAL [RUNS]: runs the plan of RUNS (2) for a moment, sends the signal, and expects the exit code.
stopped() {
	local want=$1 signal=$2 code=0
	touch before
	env --default-signal=HUP "$fairvox" run plan.yaml -j 2 --quiet & # also under nohup
	local pid=$!
	at_work "${3-2}" before
	sleep 0.1
	kill -"$signal" $pid
	wait $pid || code=$?
	[ "$code" -eq "$want" ]
}

# checkpoints [FIND-OPTION...]: how many there are.
checkpoints() {
	find results -name checkpoint.safetensors "$@" | wc -l
}

@test "stopped by each signal in turn and resumed: the same bytes" {
	whole
	stopped 143 TERM
	[ "$(checkpoints -newer before)" -eq 2 ]
	[ -z "$(find results -name failed)" ]
	stopped 143 HUP
	[ "$(checkpoints -newer before)" -eq 2 ]
	stopped 75 USR1
	[ "$(checkpoints -newer before)" -eq 2 ]
	stopped 130 INT
	"$fairvox" status results | grep -q "2 interrupted"
	run --separate-stderr "$fairvox" run plan.yaml -j 1
	[ "$status" -eq 0 ]
	same
	[ "$(grep -h '^info: goes on after step' results/*/*/log | wc -l)" -ge 6 ]
}

@test "a stopped program reports it" {
	"$fairvox" run plan.yaml -j 2 2>words &
	pid=$!
	at_work 2
	sleep 0.2
	kill -TERM $pid
	wait $pid || true
	grep -q '2 runs were stopped: the same command resumes them' words
	grep -q '0 of 2 runs done' words
}

@test "kill -9 with a checkpoint every 20 ms: the same bytes" {
	whole
	one_loss disent
	times=1
	[ -n "${FAIRVOX_LONG-}" ] && times=10
	for _ in $(seq $times); do
		"$fairvox" run plan.yaml -j 2 --quiet --save-every 0.02 &
		pid=$!
		at_work
		sleep "0.$((RANDOM % 9))$((RANDOM % 9))"
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
	done
	[ "$(checkpoints)" -ge 1 ]
	"$fairvox" run plan.yaml --quiet
	grep -q '^info: goes on after step' results/*/*/log
	same_alone disent
}

@test "a damaged checkpoint is reported, and the bytes are the same" {
	whole
	one_loss grl
	stopped 75 USR1 1
	for file in $(find results -name checkpoint.safetensors); do
		printf x | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc status=none
	done
	run --separate-stderr "$fairvox" run plan.yaml -j 2
	[ "$status" -eq 0 ]
	[[ $stderr == *"checkpoint.safetensors: not the checkpoint of a run, or damaged: the run starts over"* ]]
	same_alone grl
}

@test "a checkpoint of other kernels is reported, and the bytes are those of the new ones" {
	long
	sed -i 's/5000/3000/' plan.yaml
	stopped 75 USR1
	FAIRVOX_CPU=portable run --separate-stderr "$fairvox" run plan.yaml -j 2
	[ "$status" -eq 0 ]
	[[ $stderr == *"left by a run of other data, weights, plugins, settings or kernels: the run starts over"* ]]
	mv results portable
	FAIRVOX_CPU=portable "$fairvox" run plan.yaml -j 2 -q
	for model in portable/*/*/model.safetensors; do cmp "$model" "results${model#portable}"; done
}

@test "a checkpoint of other data is reported, and the bytes are those of the new data" {
	mkdir labels
	cp "$corpus"/labels_consensus_{1,2}.csv labels # the first of them says what the variant is
	sed -i "s|labels: .*|labels: labels/labels_consensus_{fold}.csv|; s/folds: .*/folds: [2]/; s/5000/3000/" plan.yaml
	one_loss grl
	stopped 75 USR1 1
	sed -i 2d labels/labels_consensus_2.csv
	run --separate-stderr "$fairvox" run plan.yaml -j 2
	[ "$status" -eq 0 ]
	[[ $stderr == *"left by a run of other data, weights, plugins, settings or kernels: the run starts over"* ]]
	"$fairvox" run plan.yaml -j 2 --quiet --results fresh
	for model in results/*/*/model.safetensors; do
		cmp "$model" "fresh/${model#results/}"
	done
}

@test "--force starts over" {
	sed -i 's/5000/3000/' plan.yaml
	one_loss grl
	stopped 75 USR1 1
	"$fairvox" run plan.yaml -j 2 --quiet --force
	! grep -q 'goes on after' results/*/*/log
}

@test "--save-every needs a number of seconds" {
	fails 2 "--save-every: 'soon' is not a number of seconds" "$fairvox" run plan.yaml --save-every soon
	fails 2 "--save-every: '-1' is not a number of seconds" "$fairvox" run plan.yaml --save-every -1
}
