#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --device with the module's own kernels and host code, compiled for the processor (tests/cuda): what the program does
# from end to end on a GPU, except for CUDA itself.
load helpers

module=$FAIRVOX_BUILD/emulated
weights=$FAIRVOX_SOURCE/tests/golden/encoders/wavlm_tiny/hf

setup() {
	[ -e "$module/libfairvox-cuda.so" ] || skip "no C++ compiler"
	cd "$BATS_TEST_TMPDIR"
	mkdir w
	python3 - <<'END'
import array, random, wave
for i, n in enumerate([8000, 400, 3001, 16000, 700]):
    stream = random.Random(i)
    with wave.open(f'w/r{i}.wav', 'wb') as f:
        f.setparams((1, 2, 16000, 0, 'NONE', ''))
        f.writeframes(array.array('h', [int(stream.gauss(0, 3000)) for _ in range(n)]).tobytes())
END
	encode=(encode --encoder wavlm --weights "$weights" -j 2)
}

# gpu WORDS COMMAND...: runs on the GPU that WORDS describe (tests/cuda/emulated_module.c), with memory for few rows,
# which is faster to emulate.
gpu() {
	local words=$1
	shift
	FAIRVOX_EMULATED=$words,free_bytes=300000000 LD_LIBRARY_PATH=$module "$fairvox" "$@"
}

@test "an encoder on a GPU: the CPU's numbers, in any company" {
	"$fairvox" "${encode[@]}" --out cpu.csv w/*.wav
	gpu "" "${encode[@]}" --device cuda --out gpu.csv w/*.wav
	gpu "" "${encode[@]}" --device cuda --out turned.csv $(ls -r w/*.wav)
	gpu "" "${encode[@]}" --device cuda --out one.csv w/r2.wav
	grep '^r2' one.csv >want && grep '^r2' gpu.csv >got && cmp want got
	sort gpu.csv >want && sort turned.csv >got && cmp want got
	python3 - <<'END'
import csv
def read(name):
    return {r[0]: [float(v) for v in r[1:]] for r in list(csv.reader(open(name)))[1:]}
cpu, gpu = read('cpu.csv'), read('gpu.csv')
assert cpu.keys() == gpu.keys() and len(cpu) == 5
worst = max(abs(a - b) for k in cpu for a, b in zip(cpu[k], gpu[k]))
largest = max(abs(a) for k in cpu for a in cpu[k])
print(worst / largest)
assert 0 < worst < 2e-6 * largest
END
}

@test "tf32 on a GPU: rounded, and never by accident" {
	for p in fp32 tf32; do
		gpu "" "${encode[@]}" -p precision=$p --device cuda --out $p.csv w/r0.wav w/r2.wav
	done
	python3 - <<'END'
import csv
def read(name):
    return [float(v) for r in list(csv.reader(open(name)))[1:] for v in r[1:]]
exact, rounded = read('fp32.csv'), read('tf32.csv')
error = (sum((a - b) ** 2 for a, b in zip(exact, rounded)) / sum(a * a for a in exact)) ** 0.5
print(error)
assert 1e-4 < error < 2e-3
END
	export NVIDIA_TF32_OVERRIDE
	refused() {
		NVIDIA_TF32_OVERRIDE=$1
		run --separate-stderr gpu "" "${encode[@]}" -p precision="$2" --device cuda --out x.csv w/r0.wav
		printf '%s\n' "$stderr"
		[ "$status" -eq "$3" ]
		[ "$stderr" = "fairvox: $4" ]
		[ ! -e x.csv ]
	}
	refused 1 fp32 1 "--device cuda: NVIDIA_TF32_OVERRIDE=1 lets products round their numbers: unset it"
	refused 0 tf32 2 "plugin wavlm: precision: NVIDIA_TF32_OVERRIDE=0 forbids TensorFloat-32: unset it, or choose fp32, on cuda-emulated"
}

@test "a GPU with less memory takes smaller packs, and auto says what it took" {
	run --separate-stderr gpu "" "${encode[@]}" --device auto --out small.csv w/*.wav
	[ "$status" -eq 0 ]
	[[ $stderr == "fairvox: --device auto: encoding on cuda-emulated sm_90 132 "*" rows 1024" ]]
	FAIRVOX_EMULATED=free_bytes=1000000000 LD_LIBRARY_PATH=$module "$fairvox" "${encode[@]}" --device cuda --out large.csv w/*.wav
	cmp small.csv large.csv
}

@test "one line for a GPU that cannot be used, runs out of memory, or faults" {
	fails() {
		run --separate-stderr gpu "$1" "${encode[@]}" --device cuda --out x.csv w/*.wav
		[ "$status" -eq 1 ]
		printf '%s\n' "$stderr"
		[[ $stderr == "fairvox: "$2 ]]
		[ ! -e x.csv ]
	}
	fails devices=0 "--device cuda: no GPU"
	fails error=35 "--device cuda: the NVIDIA driver is too old: "*
	fails major=6 "--device cuda: GPU 0 is of architecture sm_60; "*
	fails fail_at=12 "plugin wavlm: the network's weights: out of memory on the GPU, on cuda-emulated"
	fails fault_at=40 "plugin wavlm: an operation of this pack failed on the GPU "*": an illegal memory access was encountered, on cuda-emulated, in a pack of "*
}

@test "a study on a GPU, and the same one continued" {
	plan
	thin
	sed -i "s|{name: pitch, standardize: train}|{name: wavlm, weights: $weights, max_seconds: 0.2}|; s/epochs: 5/epochs: 1/; /^matrix/d" plan.yaml
	gpu "" run plan.yaml -j 2 --quiet --device cuda
	grep -h '"device"' results/*/*/env.json | grep -q 'cuda-emulated sm_90'
	run -0 gpu "" status plan.yaml --device cuda
	[[ $output != *pending* ]]
}
