#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run --launcher slurm with the daemons of SLURM, started here: slurmctld, slurmd and munged. Skipped where they are not
# installed or do not start.
load helpers
load slurm_helpers

setup_file() {
	local reason folder
	folder=$(mktemp -d /tmp/fairvox-slurm-XXXXXX) # paths of sockets are short
	export SLURM_FOLDER=$folder SLURM_CONF=$folder/slurm.conf
	reason=$(slurm_missing)
	if [ -z "$reason" ]; then
		reason=$(slurm_start "$folder") && reason=
	fi
	export SLURM_REASON=$reason
}

teardown_file() {
	[ -e "$SLURM_FOLDER/slurm.conf" ] && slurm_stop "$SLURM_FOLDER"
	rm -rf "$SLURM_FOLDER"
}

setup() {
	[ -z "$SLURM_REASON" ] || skip "$SLURM_REASON"
	slurm=$SLURM_FOLDER
	plan
}

teardown() {
	[ -n "$SLURM_REASON" ] || scancel --user="$(id -un)"
	cat results/.slurm/*/logs/* 2>/dev/null || true
}

launch() {
	"$fairvox" run plan.yaml --launcher slurm slurm.chunk_minutes=0.0001 "$@"
}

# same: what the cluster computed equals what one process computes here.
same() {
	"$fairvox" run plan.yaml --quiet --results alone
	for run in alone/*/fold*; do
		for file in predictions.csv model.safetensors metrics.json done config.yaml; do
			cmp "$run/$file" "results/${run#alone/}/$file"
		done
	done
	"$fairvox" table alone | cmp - <("$fairvox" table results)
}

@test "a study of 10 runs: an encode job, two arrays, then nothing to submit" {
	sed -i 's/folds: .*/folds: [1, 2, 3, 4, 5]/' plan.yaml
	launch slurm.throttle=2 slurm.time=10 >jobs
	[ "$(sed 's/job [0-9]*: //' jobs | tr '\n' ,)" = "encodes,8 tasks,2 tasks," ]
	settled 120
	"$fairvox" status plan.yaml | grep -q '^10 runs: 10 done$'
	[ "$(cat results/.slurm/*/logs/* | grep -c '1 of 1 run done, 1 computed now')" -eq 10 ]
	run --separate-stderr launch
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr == *"10 of 10 runs done: nothing to submit"* ]]
	[ -z "$(squeue -h)" ]
	same
}

@test "a second submission while the first waits computes nothing twice" {
	scontrol update partition=main state=down
	launch >/dev/null
	launch >/dev/null
	scontrol update partition=main state=up
	settled 200
	"$fairvox" status plan.yaml | grep -q '^4 runs: 4 done$'
	[ "$(cat results/.slurm/*/logs/* | grep -c '1 of 1 run done, 1 computed now')" -eq 4 ]
}

@test "a failed run is told, and only that is submitted again" {
	"$fairvox" run plan.yaml --quiet
	run=$(echo results/erm-*/fold2-seed1)
	rm "$run/done"
	echo "the disk was full" >"$run/failed"
	[ "$(launch | sed 's/job [0-9]*: //')" = "1 task" ]
	settled 60
	[ ! -e "$run/failed" ]
	"$fairvox" status plan.yaml | grep -q '^4 runs: 4 done$'
}

@test "a partition that does not exist: the words of sbatch" {
	fails 1 "error: invalid partition specified: nope" launch slurm.partition=nope
	fails 1 "error: Batch job submission failed: Invalid partition name specified" launch slurm.partition=nope
	[ -z "$(squeue -h)" ]
}

@test "a task over its time is saved, requeued and resumed: the same bytes" {
	long
	sed -i 's/epochs: 5/epochs: 150000/; s/folds: .*/folds: [1]/; s/^matrix.*/matrix: {loss.name: [grl]}/' plan.yaml
	launch slurm.time=2 slurm.sbatch=--signal=B:USR1@100 >/dev/null
	settled 900
	grep -q 'DUE TO JOB REQUEUE' results/.slurm/*/logs/*
	grep -q '^info: goes on after step' results/*/*/log
	"$fairvox" status plan.yaml | grep -q '^1 run: 1 done$'
	same
}

@test "a node whose daemon and tasks are killed: the job is requeued and finishes: the same bytes" {
	long
	sed -i 's/epochs: 5/epochs: 30000/; s/folds: .*/folds: [1]/; s/^matrix.*/matrix: {loss.name: [grl]}/' plan.yaml
	launch --save-every 1 >/dev/null
	at_work
	sleep 4
	crash_node
	for _ in $(seq 60); do
		sinfo -h -o %T | grep -q down && break
		sleep 1
	done
	sinfo -h -o %T | grep -q down
	start_slurmd
	settled 400
	grep -q '^info: goes on after step' results/*/*/log
	"$fairvox" status plan.yaml | grep -q '^1 run: 1 done$'
	same
}
