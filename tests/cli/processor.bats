#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which kernels are used: OpenBLAS's, for which the program restarts itself, and fairvox's own.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	unset OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS FAIRVOX_CPU
	export BLAS_LOG=$PWD/log
	has() { grep -qw "$1" /proc/cpuinfo; }
	suits=
	if has avx512bw; then
		suits=SkylakeX
	elif has avx2; then
		suits=$(grep -q AuthenticAMD /proc/cpuinfo && echo Zen || echo Haswell)
	fi
	sanitized=$(ldd "$fairvox" | grep asan || true)
}

# For tests that call `other`
preloads() {
	[ -z "$sanitized" ] || skip "sanitizers want to be loaded first"
}

# other COMMAND...: with an OpenBLAS that logs how it is loaded and obeys BLAS_*.
other() {
	rm -f log
	LD_PRELOAD=$FAIRVOX_BUILD/preload/blas.so "$@"
}

# logged LINE...: these lines, and no others, were logged.
logged() {
	printf '%s\n' "$@" | diff - log
}

@test "--version names OpenBLAS's kernels, which fit the processor" {
	[ -n "$suits" ] || skip "no AVX2 here"
	"$fairvox" --version | grep -qx "blas_kernel $suits"
	"$fairvox" --version | grep -q "^kernels "
}

@test "the program is loaded with one thread, and leaves the environment as it was" {
	preloads
	other "$fairvox" --version
	logged "loaded - 1" "left - -"
}

@test "an OpenBLAS that does not know the processor" {
	preloads
	[ -n "$suits" ] || skip "no AVX2 here"
	BLAS_TAKES=Prescott other "$fairvox" --version | grep -qx "blas_kernel $suits"
	logged "loaded - 1" "loaded $suits 1" "left - -"
}

@test "the user's settings are kept" {
	preloads
	OPENBLAS_CORETYPE=Nehalem other "$fairvox" --version | grep -qx "blas_kernel Nehalem"
	logged "loaded Nehalem 1" "left Nehalem -"
	OPENBLAS_NUM_THREADS=2 other "$fairvox" --version
	[ -z "$suits" ] || [ "$(tail -n 1 log)" = "left - 2" ]
	OPENBLAS_CORETYPE=Nehalem OPENBLAS_NUM_THREADS=2 other "$fairvox" --version |
		grep -qx "blas_kernel Nehalem"
	logged "loaded Nehalem 2" "left Nehalem 2"
	OPENBLAS_CORETYPE= OPENBLAS_NUM_THREADS= "$fairvox" --version | grep -qx "blas_kernel ${suits:-.*}"
}

@test "at most two restarts, whatever the environment says" {
	preloads
	for passed in 0 1 2 x '' 1kt 999; do
		FAIRVOX_RESTART=$passed other "$fairvox" --version
		[ "$(grep -c loaded log)" -le 3 ]
	done
	FAIRVOX_RESTART=2 other "$fairvox" --version
	logged "loaded - 1" "left - -"
}

@test "arguments, folder, name and standard input are kept" {
	ln -s "$fairvox" "a name"
	fails 2 "'no such'" "./a name" describe "no such"
	PATH=$PWD:$PATH "a name" --version
	fails 2 "unknown subcommand 'two words'" "./a name" "two words"
	(cd "$FAIRVOX_BUILD" && ./fairvox --version)
	echo line | { "$fairvox" --version >/dev/null; read -r line; [ "$line" = line ]; }
}

@test "a program whose file is gone runs without a restart" {
	python3 - "$fairvox" >out <<'END'
import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)  # closed with the execution: its name is then none
os.execve(file, ["fairvox", "--version"], os.environ)
END
	grep -q "^blas_kernel " out
}

@test "wrong kernels are replaced by Haswell's; if those are wrong too, the program refuses to run" {
	preloads
	[ "$suits" = SkylakeX ] || skip "no AVX-512 here"
	BLAS_WRONG=SkylakeX other "$fairvox" --version | grep -qx "blas_kernel Haswell"
	logged "loaded - 1" "loaded Haswell 1" "left - -"
	BLAS_WRONG=SkylakeX,Haswell fails 1 \
		"OpenBLAS's kernels for Haswell give wrong results on this processor: no other kernels work either" \
		other "$fairvox" plugins
	OPENBLAS_CORETYPE=SkylakeX BLAS_WRONG=SkylakeX fails 1 \
		"OpenBLAS's kernels for SkylakeX give wrong results on this processor: unset OPENBLAS_CORETYPE" \
		other "$fairvox" plugins
}

@test "with little memory, subcommands without matrix products work and others report it" {
	[ -z "$sanitized" ] || skip "sanitizers want all address space"
	(ulimit -v 100000 && timeout 20 "$fairvox" plugins >/dev/null)
	plan
	(
		ulimit -v 100000
		fails 1 "OpenBLAS needs 129 MiB of address space" timeout 60 "$fairvox" run plan.yaml -j 1 -q
	)
}

@test "FAIRVOX_CPU selects the kernels of training, and env.json records them" {
	plan
	sed -i 's/folds: .*/folds: [1]/; s/, rw\]/]/' plan.yaml
	has avx2 || skip "no AVX2 here"
	for cpu in avx2 portable; do
		FAIRVOX_CPU=$cpu "$fairvox" run plan.yaml -q --results $cpu
		grep -q "\"kernels\": \"$cpu\"" $cpu/*/*/env.json
		grep -q "\"blas_kernel\": \"$suits\"" $cpu/*/*/env.json
	done
	run ! cmp -s avx2/*/*/model.safetensors portable/*/*/model.safetensors
	FAIRVOX_CPU=avx2 "$fairvox" run plan.yaml -q --results again
	cmp avx2/*/*/model.safetensors again/*/*/model.safetensors
}
