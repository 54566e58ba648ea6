#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Training on a device: the module's kernels and host code, compiled for the processor (tests/cuda). Runs go in lockstep in one
# process, with the numbers of the CPU's trainer to rounding; company, signals, failures and processes change no bit.
load helpers

module=$FAIRVOX_BUILD/emulated

# 2 folds x 2 seeds x 2 learning rates of erm and rw, which the device trains, and of ds, which it does not.
setup() {
	[ -e "$module/libfairvox-cuda.so" ] || skip "no C++ compiler"
	plan
	encoded
	sed -i 's|train: .*|train: {epochs: 3, batch: 16, seed: [1, 2], select: dev_objective}\nhead: {projection: 8}|; /^matrix/d' plan.yaml
	echo 'matrix: {loss.name: [erm, rw, ds], train.learning_rate: [0.01, 0.03]}' >>plan.yaml
}

# gpu WORDS COMMAND...: runs on the GPU that WORDS describe (tests/cuda/emulated_module.c).
gpu() {
	local words=$1
	shift
	FAIRVOX_EMULATED=$words,free_bytes=300000000 LD_LIBRARY_PATH=$module "$fairvox" "$@"
}

# same A B N: the N runs of A have the same bytes in B, except for times.
same() {
	local n=0
	for run in "$1"/*/*/; do
		own=$2/${run#"$1/"}
		same_run "$run" "$own"
		n=$((n + 1))
	done
	[ "$n" -eq "$3" ]
}

@test "runs on a device have the numbers of the CPU, and say where they were trained" {
	run --separate-stderr gpu "" run plan.yaml -j 2 --device cuda
	[ "$status" -eq 0 ]
	[[ $stderr == *"8 of 24 runs train on the CPU: a device trains heads without hidden layers by Adam"* ]]
	run -0 "$fairvox" table results --plain
	[[ $(tr -s ' \n' ' ' <<<"$output") =~ models.were.trained.on.different.devices.*"cuda-emulated sm_90 132 loops 1 rows 1024: 16 runs" ]]
	"$fairvox" run plan.yaml -j 2 --quiet --results cpu
	run -0 "$fairvox" table cpu --plain
	[[ $output != *"different devices"* ]]
	python3 - <<'END'
import glob, json
trained = 0
for path in glob.glob('results/*/*/env.json'):
    env, cpu = json.load(open(path)), json.load(open(path.replace('results', 'cpu', 1)))
    on_device = env['variant']['loss'] != 'ds'
    text = 'cuda-emulated sm_90 132 loops 1 rows 1024' if on_device else None
    assert env['host'].get('trained_on') == text == env['fingerprint'].get('trained_on'), env['host']
    assert 'trained_on' not in cpu['host'] and env['host']['device'] == 'cpu'
    curves = [[json.loads(line) for line in open(p.replace('env.json', 'metrics.jsonl'))]
              for p in (path, path.replace('results', 'cpu', 1))]
    assert len(curves[0]) == len(curves[1]) == 3
    differ = False
    for a, b in zip(*curves):
        for key in ('value', 'dev_loss', 'dev_objective', 'grad_norm'):
            assert abs(a[key] - b[key]) <= 1e-5 * abs(b[key]), (path, key, a[key], b[key])
            differ |= a[key] != b[key]
    assert differ == on_device, path
    trained += on_device
assert trained == 16
END
}

@test "a study trained on the CPU is trained anew on a device, and not twice" {
	"$fairvox" run plan.yaml -j 2 --quiet
	run -0 gpu "" status plan.yaml --device cuda
	[[ $output == *"8 done"* ]]
	gpu "" run plan.yaml -j 1 --quiet --device cuda
	touch before
	gpu "" run plan.yaml -j 1 --quiet --device cuda
	[ -z "$(find results -name done -newer before)" ]
}

@test "alone in a process each, in any number of workers: the same bytes" {
	long
	gpu "" run plan.yaml -j 1 --quiet --device cuda
	gpu "" run plan.yaml -j 3 --quiet --device cuda --results three
	gpu "" run plan.yaml -j 2 --quiet --device cuda --isolate --results isolated loss.name=[erm,rw] matrix=none train.learning_rate=[0.01,0.03] corpus.folds=[1]
	same results three 24
	for run in isolated/*/*/; do
		variant=$(basename "$(dirname "$run")")
		cmp "$run/model.safetensors" results/*"-${variant##*-}/$(basename "$run")/model.safetensors"
	done
	[ "$(find isolated -name done | wc -l)" -eq 8 ]
}

@test "where a GPU takes no CUDA graphs, the same bytes, with one remark" {
	long
	sed -i 's/, ds\]/]/' plan.yaml
	run --separate-stderr gpu "" run plan.yaml -j 1 --device cuda
	[ "$status" -eq 0 ]
	[[ $stderr != *graphs* ]]
	run --separate-stderr gpu graph_fault=3 run plan.yaml -j 1 --device cuda --results plain
	[ "$status" -eq 0 ]
	[ "$(grep -c 'the GPU takes no CUDA graphs (out of memory): steps of training are launched one by one' <<<"$stderr")" -eq 1 ]
	for run in results/*/*/; do
		cmp "$run/model.safetensors" "plain/${run#results/}/model.safetensors"
		cmp "$run/predictions.csv" "plain/${run#results/}/predictions.csv"
	done
	[ "$(find plain -name done | wc -l)" -eq 16 ]
}

@test "a signal saves all runs on a device, and they go on with the same bytes" {
	sed -i 's/epochs: 3/epochs: 9/; s/, ds\]/]/; s/, 0.03\]/]/' plan.yaml
	gpu "" run plan.yaml -j 1 --quiet --device cuda --results whole
	code=0
	FAIRVOX_EMULATED=free_bytes=300000000 LD_LIBRARY_PATH=$module "$fairvox" run plan.yaml -j 1 --quiet --device cuda &
	pid=$!
	at_work 8
	sleep 0.5
	kill -USR1 $pid
	wait $pid || code=$?
	[ "$code" -eq 75 ]
	[ "$(find results -name checkpoint.safetensors | wc -l)" -eq 8 ]
	gpu "" run plan.yaml -j 1 --quiet --device cuda
	[ "$(grep -l 'goes on after step' results/*/*/log | wc -l)" -eq 8 ]
	same whole results 8
}

@test "a run that fails on a device disturbs no other; a fault of the device fails all in one line each" {
	sed -i 's/, ds\]/]/; s/0.03\]/1.0e+30]/' plan.yaml
	run --separate-stderr gpu "" run plan.yaml -j 1 --keep-going --device cuda
	[ "$status" -eq 3 ]
	[ "$(find results -name done | wc -l)" -eq 8 ]
	[ "$(grep -l 'lower train.learning_rate (1e+30)' results/*/*/failed | wc -l)" -eq 8 ]
	rm -rf results
	sed -i 's/1.0e+30/0.03/' plan.yaml
	run --separate-stderr gpu fault_at=40 run plan.yaml -j 1 --keep-going --device cuda
	[ "$status" -eq 3 ]
	[ "$(find results -name failed | wc -l)" -eq 16 ]
	[ "$(grep -l '^training on cuda-emulated: an illegal memory access was encountered$' results/*/*/failed | wc -l)" -eq 16 ]
}
