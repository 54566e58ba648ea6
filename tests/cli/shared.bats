#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several processes and machines over one results folder: exit code 75, --wait, owners that die, clocks that differ,
# attributes that are seen late.
load helpers

setup() {
	plan
	encoded
	export FAIRVOX_HEARTBEAT=0.5
	log=$PWD/done.log
	echo 11111111-2222-3333-4444-555555555555 >boot
}

# other NAME=VALUE... COMMAND...: runs the command as on another machine.
other() {
	LD_PRELOAD=$FAIRVOX_BUILD/preload/shared.so SHARED_BOOT=$PWD/boot SHARED_LOG=$log exec env "$@"
}

here() {
	LD_PRELOAD=$FAIRVOX_BUILD/preload/shared.so SHARED_LOG=$log env "$@"
}

# beside COMMAND...: starts it on this machine in the background; its number is in $pid.
beside() {
	LD_PRELOAD=$FAIRVOX_BUILD/preload/shared.so SHARED_LOG=$log "$@" &
	pid=$!
}

# one_long_run [EPOCHS]: the study is a run of a second or two.
one_long_run() {
	sed -i "s/epochs: 5/epochs: ${1-5000}/; s/folds: .*/folds: [1]/; s/^matrix.*/matrix: {loss.name: [grl]}/" plan.yaml
	"$fairvox" run plan.yaml --encode-only --quiet
}

# once N: N runs are done, each by one process.
once() {
	[ "$(wc -l <"$log")" -eq "$1" ]
	[ -z "$(sed 's|.*/\([^/]*/[^/]*/done\)$|\1|' "$log" | sort | uniq -d)" ]
}

# same: the results equal those of one process, which computes each plan once for all tests.
same() {
	local alone
	alone=$BATS_FILE_TMPDIR/alone-$(sha256sum <plan.yaml | cut -c 1-16)
	[ -d "$alone" ] || "$fairvox" run plan.yaml --quiet --results "$alone"
	for run in "$alone"/*/fold*; do
		for file in predictions.csv model.safetensors metrics.json done; do
			cmp "$run/$file" "results/${run#"$alone"/}/$file"
		done
	done
	"$fairvox" table "$alone" >alone.txt
	"$fairvox" table results | cmp - alone.txt
}

@test "while another process computes: exit code 75, or --wait" {
	one_long_run
	beside "$fairvox" run plan.yaml --quiet
	at_work
	fails 75 "other processes are computing the rest: --wait waits for them" "$fairvox" run plan.yaml
	"$fairvox" status plan.yaml | grep -q '1 running'
	run --separate-stderr here "$fairvox" run plan.yaml --wait
	[ "$status" -eq 0 ]
	[[ $stderr == *"waiting for 1 run of other processes"* ]]
	[[ $stderr == *"1 of 1 run done, 0 computed now"* ]]
	wait $pid
	once 1
	same
}

@test "a process of this machine that was killed is taken over at once" {
	one_long_run
	beside "$fairvox" run plan.yaml --quiet
	at_work
	sleep 0.5
	kill -9 $pid
	wait $pid || true
	FAIRVOX_HEARTBEAT=100 here "$fairvox" run plan.yaml --quiet
	once 1
	same
}

@test "a process of another machine that was killed is taken over when its count stands still" {
	one_long_run
	(other SHARED_SKEW=600 "$fairvox" run plan.yaml --quiet) &
	pid=$!
	at_work
	sleep 0.6
	kill -9 $pid
	wait $pid || true
	begin=$(date +%s%N)
	here SHARED_SKEW=-600 SHARED_DELAY=0.5 "$fairvox" run plan.yaml 2>words
	[ $(($(date +%s%N) - begin)) -gt 1400000000 ]
	grep -q '1 of 1 run done, 1 computed now' words
	once 1
	same
}

@test "a process of another machine that lives is left alone, whatever the clocks say" {
	one_long_run 60000
	(other SHARED_SKEW=600 "$fairvox" run plan.yaml --quiet) &
	pid=$!
	at_work
	fails 75 "other processes are computing the rest" here SHARED_SKEW=-600 SHARED_DELAY=0.5 "$fairvox" run plan.yaml
	"$fairvox" status plan.yaml | grep -q '1 running'
	kill -9 $pid
	wait $pid || true
}

@test "answers of the file server that are lost change nothing" {
	"$fairvox" run plan.yaml --encode-only --quiet
	here SHARED_LOST=1 "$fairvox" run plan.yaml -j 2 2>words
	grep -q '4 of 4 runs done, 4 computed now' words
	once 4
	same
}

@test "a process that stood still finds its run taken over, and spoils nothing" {
	one_long_run
	(other "$fairvox" run plan.yaml) 2>words &
	pid=$!
	at_work
	sleep 0.5
	tree=$(pgrep -P $pid)
	kill -STOP $pid $tree
	here "$fairvox" run plan.yaml --quiet
	kill -CONT $pid $tree
	wait $pid
	grep -q '1 of 1 run done, 0 computed now' words
	once 1
	same
}

@test "a run at which another process fails is not computed again" {
	one_long_run 20000
	beside "$fairvox" run plan.yaml --quiet
	at_work
	"$fairvox" run plan.yaml --wait -k 2>words &
	waiter=$!
	sleep 1.5
	kill -STOP "$waiter" # it looks again when the failure is written
	kill -9 "$(pgrep -P $pid)"
	wait $pid || true
	kill -CONT "$waiter"
	code=0
	wait "$waiter" || code=$?
	cat words
	[ "$code" -eq 1 ]
	grep -q 'crashed (Killed)' words
	[ ! -e "$log" ]
}

# crowd N KILLS: N processes, on two machines with clocks twenty minutes apart, of which one after the other is killed and
# replaced, KILLS times; then one more that finishes.
crowd() {
	local n=$1 kills=$2 i=0 killed=0 pids=()
	while [ "$i" -lt "$n" ]; do
		join_crowd "$i"
		i=$((i + 1))
	done
	while [ "$killed" -lt "$kills" ]; do
		sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
		victim=$((RANDOM % n))
		kill -9 "${pids[victim]}" 2>/dev/null && killed=$((killed + 1))
		wait "${pids[victim]}" 2>/dev/null || true
		join_crowd "$((i += 1))" "$victim"
		[ "$(find results -name done | wc -l)" -lt "$runs" ] || break
	done
	echo "$killed kills, then $(find results -name done | wc -l) runs done"
	for i in "${pids[@]}"; do wait "$i" || true; done
	here SHARED_DELAY=0.5 "$fairvox" run plan.yaml --wait --quiet
	[ "$killed" -ge "$kills" ]
}

# join_crowd NUMBER [PLACE]: starts a process; every second one on the other machine, through the other view.
join_crowd() {
	local at=${2-${#pids[@]}} work=(run plan.yaml --quiet --save-every 0.2)
	if [ $(($1 % 2)) -eq 0 ]; then
		(other SHARED_SKEW=600 SHARED_DELAY=0.5 "$fairvox" "${work[@]}" --results "$view") 2>>crowd.log &
	else
		(other SHARED_BOOT= SHARED_SKEW=-600 SHARED_DELAY=0.5 "$fairvox" "${work[@]}") 2>>crowd.log &
	fi
	pids[at]=$!
}

# one_folder_twice: ./view shows ./results, by a mount where that is permitted, else by a link.
one_folder_twice() {
	mkdir -p results view
	view=view
	mount --bind results view 2>/dev/null && return
	rmdir view
	ln -s results view
}

teardown() {
	! mountpoint -q view 2>/dev/null || umount view
}

@test "16 processes, killed at random moments, two views, delayed attributes: each run once, the same table" {
	runs=10 kills=3 epochs=1000
	[ -z "${FAIRVOX_LONG-}" ] || runs=40 kills=100 epochs=6000
	sed -i "s/epochs: 5/epochs: $epochs, seed: [$(seq -s, $((runs / 10)))]/; s/folds: .*/folds: [1, 2, 3, 4, 5]/" plan.yaml
	"$fairvox" run plan.yaml --encode-only --quiet
	one_folder_twice
	crowd 16 $kills
	cat crowd.log
	once $runs
	same
	[ -z "$(find results -name checkpoint.safetensors -o -name '.leasing*')" ]
	[ "$(find results -name '.lease-*' | wc -l)" -eq $runs ]
}
