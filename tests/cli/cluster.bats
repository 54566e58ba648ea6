#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A study on several machines without SLURM: what run --launcher slurm writes and what it refuses, tasks and shards.
load helpers

setup() {
	plan
	encoded
	mkdir bin
	cluster
}

# cluster [SIZE]: programs in ./bin that stand for those of SLURM. sbatch takes every script, keeps its arguments in
# ./sbatch.log and counts jobs from 101.
cluster() {
	cat >bin/scontrol <<-END
		#!/bin/sh
		echo "MaxArraySize            = ${1-1001}"
	END
	cat >bin/sbatch <<-'END'
		#!/bin/sh
		echo "$@" >>sbatch.log
		echo $((100 + $(wc -l <sbatch.log)))
	END
	cat >bin/scancel <<-'END'
		#!/bin/sh
		echo "$@" >>scancel.log
	END
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
}

# refuses WORDS [FROM]: sbatch refuses with these words, the script number FROM (default 1) and later ones.
refuses() {
	cat >bin/sbatch <<-END
		#!/bin/sh
		echo "\$@" >>sbatch.log
		[ "\$(wc -l <sbatch.log)" -lt "${2-1}" ] && echo 500 && exit
		echo "sbatch: error: $1" >&2
		exit 1
	END
}

launch() {
	"$fairvox" run plan.yaml --launcher slurm "$@"
}

@test "--dry-run prints a script that runs without SLURM, and writes nothing" {
	launch --dry-run slurm.chunk_minutes=0.0001 >script.sh
	[ ! -e results ]
	[ ! -e sbatch.log ]
	mkdir elsewhere
	(cd elsewhere && bash ../script.sh encode)
	for task in 0 1 2; do bash script.sh $task; done
	"$fairvox" status plan.yaml | grep -q '^4 runs: 3 done, 1 pending'
	bash script.sh 3 2>words
	grep -q '1 of 1 run done, 1 computed now' words
	"$fairvox" run plan.yaml --quiet --results alone
	for run in alone/*/fold*; do
		cmp "$run/predictions.csv" "results/${run#alone/}/predictions.csv"
		cmp "$run/done" "results/${run#alone/}/done"
		cmp "$run/config.yaml" "results/${run#alone/}/config.yaml"
	done
	fails 2 "usage: bash script.sh TASK|encode" bash script.sh
	fails 2 "--task 4: standard input has 4 tasks, numbered from 0" bash script.sh 4
}

@test "a script asks for what the configuration says" {
	cat >>plan.yaml <<-END
		slurm: {partition: gpu, account: "my lab", time: 1-02:30, memory: 8G, gpus: 1, constraint: a100&ib, throttle: 7,
		  chunk_minutes: 0.0001, sbatch: ["#SBATCH --mail-type=END", --qos=long, "-N 1"]}
	END
	launch --dry-run -j 3 --results "a dir" >script.sh
	sed -n '/^#SBATCH/p' script.sh >lines
	diff lines - <<-END
		#SBATCH --job-name=fairvox-plan
		#SBATCH --array=0-3%7
		#SBATCH --output="$PWD/a dir/.slurm/$(sed -n 's/^fairvox-tasks 1 \(........\).*/\1/p' script.sh)/logs/%A_%a.log"
		#SBATCH --open-mode=append
		#SBATCH --requeue
		#SBATCH --signal=B:USR1@120
		#SBATCH --ntasks=1
		#SBATCH --cpus-per-task=3
		#SBATCH --partition=gpu
		#SBATCH --account="my lab"
		#SBATCH --time=1-02:30
		#SBATCH --mem=8G
		#SBATCH --gpus=1
		#SBATCH --constraint=a100&ib
		#SBATCH --mail-type=END
		#SBATCH --qos=long
		#SBATCH -N 1
	END
	bash -n script.sh
	launch --dry-run --op-timeout 33 --save-every 7 --isolate --plugins bin |
		grep -q -- '--results results --cache cache --plugins bin --save-every 7 --op-timeout 33 --isolate -- plan.yaml'
	launch --dry-run --results "100%" | grep -q -- "^#SBATCH --output=$PWD/100%%/.slurm/"
	fails 2 "sbatch cannot write logs to a folder with quotes" launch --dry-run --results 'a"b'
	bash script.sh 0 # a folder with a blank
	[ "$(find "a dir" -name done | wc -l)" -eq 1 ]
}

@test "runs are submitted once: encoding first, then the tasks, then what is missing, then nothing" {
	rm -r cache
	launch slurm.chunk_minutes=0.0001 >jobs
	diff jobs - <<-END
		job 101: encodes
		job 102: 4 tasks
	END
	script=$(echo "$PWD"/results/.slurm/*/run.sh)
	[ -d "${script%/*}/logs" ]
	diff sbatch.log - <<-END
		--parsable --array=0 $script encode
		--parsable --dependency=afterok:101 --kill-on-invalid-dep=yes $script
	END
	bash "$script" encode
	bash "$script" 1
	bash "$script" 2
	rm sbatch.log
	[ "$(launch slurm.chunk_minutes=0.0001)" = "job 101: 2 tasks" ]
	rest=$(sed 's/.* //' sbatch.log)
	for task in 0 1; do bash "$rest" $task; done
	rm sbatch.log
	run --separate-stderr launch
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr == *"4 of 4 runs done: nothing to submit"* ]]
	[ ! -e sbatch.log ]
}

@test "short runs share a task, and arrays are as large as the cluster allows" {
	rm -r cache
	sed -i 's/folds: .*/folds: [1, 2, 3, 4, 5]/; s/epochs: 5/epochs: 5, seed: [1, 2, 3]/' plan.yaml
	launch --dry-run | grep -q -- '--array=0-0$'
	cluster 13
	launch slurm.chunk_minutes=0.0001 | grep -v encodes >jobs
	diff jobs - <<-END
		job 102: 13 tasks
		job 103: 13 tasks
		job 104: 4 tasks
	END
	grep -h -- '^#SBATCH --array' results/.slurm/*/run-?.sh | diff - <(printf '#SBATCH --array=0-%s\n' 12 12 3)
	grep -hE '^[0-9]+ [0-9a-f]{16} [0-9] [0-9]$' results/.slurm/*/run-?.sh | sort -u -k2 >runs
	[ "$(wc -l <runs)" -eq 30 ]
	cluster 0
	fails 1 "this cluster allows no job arrays (MaxArraySize is 0)" launch
	rm bin/scontrol
	PATH=$PWD/bin:/usr/bin:/bin
	command -v scontrol || launch --dry-run slurm.chunk_minutes=0.0001 | grep -q -- '--array=0-29$'
}

@test "sbatch refuses: its words, and no job is left" {
	rm -r cache
	refuses "invalid partition specified: nope"
	fails 1 "run.sh: error: invalid partition specified: nope" launch slurm.partition=nope
	[ ! -e scancel.log ]
	rm sbatch.log
	cluster 1
	refuses "Job violates accounting/QOS policy (job submit limit)" 3
	fails 1 "run-2.sh: error: Job violates accounting/QOS policy (job submit limit)" launch slurm.chunk_minutes=0.0001
	[ "$(sort -u scancel.log)" = 500 ]
	[ "$(wc -l <scancel.log)" -eq 2 ]
	rm bin/sbatch
	PATH=$PWD/bin:/usr/bin:/bin
	command -v sbatch || fails 1 "sbatch was not found: this machine has no SLURM" launch
}

@test "a wall time that is too short is refused, or told" {
	fails 2 "slurm.time: 3 leaves no time to compute" launch slurm.time=3
	fails 2 "slurm.time: '1 hour' is no time: minutes, H:M:S, D-H or D-H:M:S" launch slurm.time="1 hour"
	sed -i 's/epochs: 5/epochs: 1000000/' plan.yaml
	run --separate-stderr launch --dry-run slurm.time=4
	[ "$status" -eq 0 ]
	[[ $stderr == *"longer than a task of slurm.time 4: it is stopped, saved and requeued until it is done"* ]]
	launch --dry-run slurm.time=3 slurm.sbatch=--signal=B:USR1@20 >script.sh
}

@test "a task list of another plan, or a changed one, is refused" {
	launch --dry-run slurm.chunk_minutes=0.0001 >script.sh
	sed -i 's/epochs: 5/epochs: 6/' plan.yaml
	fails 2 "the configuration or its data changed since the tasks were planned: submit the study again" bash script.sh 2
	sed 's/^2 \(.*\)/2 \1/; s/^3 \(.* 2\) 1$/3 \1 2/' script.sh >changed.sh
	fails 4 "the list was changed or belongs to another plan: submit the study again" bash changed.sh 2
	echo "no list" >list
	fails 4 "list: no list of tasks" "$fairvox" run plan.yaml --tasks list --task 0
	fails 2 "--task and --tasks are given together" "$fairvox" run plan.yaml --task 0
	fails 2 "missing: No such file" "$fairvox" run plan.yaml --tasks missing --task 0
}

@test "a node that does not see the results says so" {
	launch slurm.chunk_minutes=0.0001 >jobs
	cp results/.slurm/*/run.sh .
	mv results unseen
	SLURM_JOB_ID=7 SLURM_ARRAY_TASK_ID=0 fails 4 "the results must be in a folder that all nodes share" bash run.sh
	[ ! -e results ]
}

@test "slurm is no part of a variant, and no axis" {
	"$fairvox" run plan.yaml --quiet
	"$fairvox" explain plan.yaml slurm.partition=a | grep -q '4 runs, 0 to compute'
	sed 's/^matrix: {/&slurm.time: [5, 6], /' plan.yaml >axis.yaml
	fails 2 "slurm.time cannot be an axis of the matrix: it says where runs are computed" "$fairvox" explain axis.yaml
	fails 2 "slurm.sbatch: --array is written by the launcher itself" launch slurm.sbatch=--array=1-3
	fails 2 "slurm.sbatch: 'mail' is no option of sbatch" launch slurm.sbatch=mail
	fails 2 "slurm.throttle: 0 is out of range" launch slurm.throttle=0
	fails 2 "unknown key 'tme' in slurm, did you mean 'time'?" launch slurm.tme=5
}

@test "options that the launcher cannot use are refused" {
	fails 2 "--shard cannot be used with --launcher slurm: the tasks are the shards" launch --shard 1/2
	fails 2 "--wait cannot be used with --launcher slurm" launch --wait
	fails 2 "--max-hours cannot be used with --launcher slurm: give slurm.time" launch --max-hours 2
	fails 2 "--force cannot be used with --launcher slurm" launch --force
	fails 2 "--launcher: 'pbs' is neither local nor slurm" "$fairvox" run plan.yaml --launcher pbs
}

@test "a stopped task saves its state, exits with 75 and is requeued" {
	sed -i 's/epochs: 5/epochs: 20000/; s/folds: .*/folds: [1]/; s/^matrix.*/matrix: {loss.name: [grl]}/' plan.yaml
	launch --dry-run >script.sh
	cat >bin/scontrol <<-'END'
		#!/bin/sh
		echo "$@" >>scontrol.log
	END
	mkdir -p "$(sed -n 's/^plan=//p' script.sh)"
	SLURM_JOB_ID=12 SLURM_ARRAY_JOB_ID=11 SLURM_ARRAY_TASK_ID=0 bash script.sh &
	pid=$!
	at_work
	sleep 0.5
	kill -USR1 $pid
	code=0
	wait $pid || code=$?
	[ "$code" -eq 75 ]
	[ "$(cat scontrol.log)" = "requeue 11_0" ]
	[ "$(find results -name checkpoint.safetensors | wc -l)" -eq 1 ]
	SLURM_JOB_ID=12 SLURM_ARRAY_JOB_ID=11 SLURM_ARRAY_TASK_ID=0 SLURM_RESTART_COUNT=100 bash script.sh &
	pid=$!
	at_work
	sleep 1
	kill -USR1 $pid
	code=0
	wait $pid || code=$?
	[ "$code" -eq 75 ]
	[ "$(wc -l <scontrol.log)" -eq 1 ]
}

@test "shards: each run in one of them, whatever is done" {
	sed -i 's/folds: .*/folds: [1, 2, 3, 4, 5]/' plan.yaml
	"$fairvox" run plan.yaml --shard 3/3 2>words
	grep -q '3 of 3 runs done, 3 computed now' words
	"$fairvox" run plan.yaml --shard 1/3 2>words
	grep -q '4 of 4 runs done, 4 computed now' words
	"$fairvox" run plan.yaml --shard 2/3 --dry-run >words
	grep -q '^3 runs, 3 to compute' words
	"$fairvox" run plan.yaml --shard 2/3 2>words
	grep -q '3 of 3 runs done, 3 computed now' words
	"$fairvox" run plan.yaml 2>words
	grep -q '10 of 10 runs done, 0 computed now' words
	for bad in 0/3 4/3 3 a/b 1/ /2 -1/2; do
		fails 2 "--shard: '$bad' is no share of the runs: give I/N, from 1/N to N/N" "$fairvox" run plan.yaml --shard $bad
	done
}

@test "--encode-only fills the cache and trains nothing" {
	"$fairvox" run plan.yaml --encode-only 2>words
	grep -q 'all recordings are encoded; nothing was trained' words
	[ ! -e results ]
	"$fairvox" explain plan.yaml | grep -q '250 recordings, .*, 0 to encode'
}

@test "--retry-failed computes what failed before, and nothing else" {
	"$fairvox" run plan.yaml --quiet corpus.folds=1 loss.name=erm
	run=$(echo results/erm-*/fold1-seed1)
	rm "$run/done"
	echo "the disk was full" >"$run/failed"
	"$fairvox" run plan.yaml --retry-failed 2>words
	grep -q '1 of 1 run done, 1 computed now' words
	[ ! -e "$run/failed" ]
	"$fairvox" status plan.yaml | grep -q '^4 runs: 1 done, 3 pending'
	"$fairvox" run plan.yaml --retry-failed 2>words
	grep -q '0 of 0 runs done' words
	fails 2 "--retry-failed and --force cannot be given together" "$fairvox" run plan.yaml --retry-failed --force
}

@test "--max-hours stops in time and is resumed" {
	sed -i 's/epochs: 5/epochs: 6000/; s/folds: .*/folds: [1]/; s/^matrix.*/matrix: {loss.name: [grl]}/' plan.yaml
	"$fairvox" run plan.yaml --encode-only
	fails 75 "1 run was stopped: the same command resumes it" "$fairvox" run plan.yaml --max-hours 0.0002
	[ "$(find results -name checkpoint.safetensors | wc -l)" -eq 1 ]
	fails 2 "--max-hours: '0' is not a number of hours above 0" "$fairvox" run plan.yaml --max-hours 0
	"$fairvox" run plan.yaml --max-hours 1 --quiet
	grep -q '^info: goes on after step' results/*/*/log
}
