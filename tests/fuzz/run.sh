#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD SECONDS [TARGET]: runs each target of a build with FAIRVOX_FUZZ for SECONDS, starting from files of the repository.
# Findings stay in BUILD/fuzz/<target>/crash-*; the exit code is then 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
seconds=$2

# seeds TARGET: copies the start files of a target, cut to 16 KiB, into its seed folder.
seeds() {
	local folder=$build/fuzz/$1/seeds file n=0
	mkdir -p "$folder"
	case $1 in
	yaml | config) set -- configs/*.yaml tests/fuzz/*.yaml ;;
	csv) set -- configs/corpora/*/*.csv tests/golden/statistics/audit/*/*.csv tests/fuzz/tables/* ;;
	predictions) set -- tests/golden/statistics/audit/*/PRED_A.csv tests/fuzz/tables/* ;;
	safetensors) set -- tests/golden/containers/*.safetensors ;;
	torch) set -- tests/golden/containers/*.pt ;;
	npy) set -- tests/golden/encoders/inputs/*.npy tests/golden/ecapa/*.npz ;;
	forms) set -- tests/fuzz/forms/* ;;
	esac
	for file in "$@"; do
		n=$((n + 1))
		if [ "${file##*.}" = csv ]; then # whole lines only
			head -c 16384 "$file" | sed -n 1,40p >"$folder/$n"
		else
			head -c 16384 "$file" >"$folder/$n"
		fi
	done
	if [ "${folder%/npy/seeds}" != "$folder" ]; then # two arrays of an archive
		{ printf '\200' && cat tests/golden/encoders/inputs/n400.npy tests/golden/encoders/inputs/n400.npy; } >"$folder/two"
	fi
}

failed=0
for target in ${3:-yaml config csv predictions safetensors torch npy forms}; do
	seeds $target
	work=$build/fuzz/$target
	mkdir -p "$work/corpus"
	if "$build/tests/fuzz_$target" -max_total_time="$seconds" -max_len=32768 -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$work/" -print_final_stats=1 "$work/corpus" "$work/seeds" >"$work/log" 2>&1; then
		echo "fuzz $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") inputs, no finding"
	else
		failed=1
		echo "fuzz $target: a finding" >&2
		grep -v '^#' "$work/log" | tail -30 >&2
	fi
done
exit $failed
