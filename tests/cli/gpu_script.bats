#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tests/gpu/run, the script that tries a GPU, on an emulated one: it runs to its end, and goes on behind a step that fails.
load helpers

run_script() {
	"$FAIRVOX_SOURCE/tests/gpu/run" --emulated --short --fixtures "$BATS_FILE_TMPDIR/fixtures" --out out --work "$BATS_FILE_TMPDIR/work" "$@"
}

setup_file() {
	[ -z "${FAIRVOX_LONG-}" ] || "$FAIRVOX_SOURCE/tests/gpu/fixtures" --small --build "$FAIRVOX_BUILD" "$BATS_FILE_TMPDIR/fixtures"
}

setup() {
	long # the kernels themselves have quick tests, emulated/*
	command -v c++ >/dev/null || skip "no C++ compiler"
	cd "$BATS_TEST_TMPDIR"
}

@test "all steps, and one alone with a fixture that is wrong" {
	run run_script
	printf '%s\n' "$output"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.steps[] | [.step, .state]]' out/results.json)" = '[["build","passed"],["card","passed"],["ops","passed"],["places","passed"],["sanitizer","left out"],["base-plus","passed"],["large","passed"],["ecapa","passed"],["ge2e","passed"],["speed","passed"],["memory","passed"],["grid","passed"]]' ]
	jq -e '.emulated and (.steps[1].notes[0] | startswith("cuda-emulated sm_90"))' out/results.json
	jq -e '[.steps[] | .rows[] | select(.limit != null)] | length > 60 and all(.value <= .limit)' out/results.json
	jq -e '[.steps[] | select(.step == "base-plus").rows[].value | select(. > 0)] | min > 1e-8 and max < 0.1' out/results.json
	jq -e '[.steps[] | select(.step == "speed").rows[] | select(.what == "tf32, attention, 2 calls")] | length == 1' out/results.json
	[ "$(ls out)" = 'log
results.json
table' ]

	printf '\0\0\200\277' | dd of="$BATS_FILE_TMPDIR/fixtures/ecapa.fixture" bs=1 seek=47 conv=notrunc status=none
	rm "$BATS_FILE_TMPDIR/fixtures/ge2e.fixture"
	run run_script ge2e ecapa memory
	printf '%s\n' "$output"
	[ "$status" -eq 1 ]
	[ "$(jq -c '[.steps[] | [.step, .state]]' out/results.json)" = '[["ecapa","failed"],["ge2e","failed"],["memory","passed"]]' ]
	[[ $(jq -r '.steps[0].faults[0]' out/results.json) == "ecapa fp32, rms of the worst state (0): "* ]]
	[ "$(jq -r '.steps[1].faults[0]' out/results.json)" = "ge2e: no fixture" ]

	run run_script nothing
	[ "$status" -eq 2 ]
	[[ $output == *"tests/gpu/run: no step is called nothing"* ]]
}
