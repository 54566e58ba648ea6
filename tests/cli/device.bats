#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --device: the encode pipeline, on a device that stands in for a graphics card and computes as the CPU does, and
# what is said when a device cannot be used.
load helpers

standin=$FAIRVOX_BUILD/standin
packed=$FAIRVOX_BUILD/packed

setup_file() {
	cmake --install "$FAIRVOX_BUILD" --prefix "$BATS_FILE_TMPDIR/prefix" >/dev/null
	find "$BATS_FILE_TMPDIR/prefix" -name libfairvox-cuda.so -delete
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	version=$("$fairvox" --version | sed -n '1s/fairvox \([0-9.]*\).*/\1/p')
}

# on DEVICE WORDS COMMAND...: runs with a stand-in that does what WORDS say (tests/modules/standin.c).
on() {
	local device=$1 words=$2
	shift 2
	FAIRVOX_STANDIN=$words LD_LIBRARY_PATH=$standin-$version "$fairvox" "$@" --device "$device"
}

# none COMMAND...: runs an installed program without the module.
none() {
	"$BATS_FILE_TMPDIR/prefix/bin/fairvox" "$@"
}

# recordings FOLDER SAMPLES...: noise, one recording for each number of samples.
recordings() {
	mkdir -p "$1"
	python3 - "$@" <<'END'
import array, random, sys, wave
for i, n in enumerate(sys.argv[2:]):
    stream = random.Random(i)
    samples = array.array('h', [int(stream.gauss(0, 3000)) for _ in range(int(n))])
    with wave.open(f'{sys.argv[1]}/r{i:03}.wav', 'wb') as f:
        f.setparams((1, 2, 16000, 0, 'NONE', ''))
        f.writeframes(samples.tobytes())
END
}

# encode ARG...: the arguments that encode w/*.wav by the encoder that computes on packs.
encode() {
	arguments=(encode --plugins "$packed" --encoder packed -j 2 --quiet "$@" w/*.wav)
}

# study: plan.yaml with that encoder.
study() {
	plan
	sed -i 's/pitch, standardize: train/packed/; s/epochs: 5/epochs: 2/; /^matrix/d' plan.yaml
	study=(run plan.yaml --plugins "$packed" -j 2 --quiet)
}

# failed_with TEXT: the last command failed with exactly this line, and wrote no ./out.npz.
failed_with() {
	printf '%s\n' "$stderr"
	[ "$status" -eq 1 ]
	[ "$stderr" = "fairvox: $1" ]
	[ ! -e out.npz ]
}

@test "results on a device are those of the CPU, recording by recording" {
	recordings w 48000 160 5000 16000 700 161 319 320 24000 8000 4000 160 100000
	for frames in "" --frames; do
		encode --out cpu.npz $frames
		"$fairvox" "${arguments[@]}"
		for words in rows=1 rows=100 rows=16384; do
			encode --out out.npz $frames
			on cuda "$words" "${arguments[@]}"
			cmp cpu.npz out.npz
		done
	done
}

@test "a study on a device: same predictions, keys of its own, and env.json says where" {
	study
	"$fairvox" "${study[@]}" --results cpu
	on cuda "" "${study[@]}" --results device
	for run in cpu/*/fold*; do
		cmp "$run/predictions.csv" "device/${run#cpu/}/predictions.csv"
		[ "$(jq -r .host.device "$run/env.json")" = cpu ]
		[ "$(jq -r .host.device "device/${run#cpu/}/env.json")" = "stand-in 0 rows 1024" ]
	done
	[ "$(ls cache | wc -l)" -eq 2 ]
	run --separate-stderr on cuda "" run plan.yaml --plugins "$packed" --results device
	[[ $stderr == *"2 of 2 runs done, 0 computed now"* ]]
	run --separate-stderr on cuda "" status plan.yaml --plugins "$packed" --results device
	[[ $output == *"2 done"* ]]
	on auto refuse "${study[@]}" --results auto
	[ "$(jq -r .host.device auto/*/fold1-seed1/env.json)" = cpu ]
	[ "$(jq -r .host.device_asked auto/*/fold1-seed1/env.json)" = auto ]
	[[ $(jq -r .host.device_refused auto/*/fold1-seed1/env.json) == "no driver: "* ]]
	[ "$(ls cache | wc -l)" -eq 2 ]
}

@test "predict and groups on a device" {
	study
	"$fairvox" "${study[@]}"
	files=("$corpus"/*.flac)
	"$fairvox" predict results/*/fold1-seed1 "${files[@]:0:9}" --plugins "$packed" >cpu.csv
	on cuda "" predict results/*/fold1-seed1 "${files[@]:0:9}" --plugins "$packed" >device.csv
	cmp cpu.csv device.csv
	sed -i 's/^loss:.*/grouper: {name: kmeans, k: 2}\nloss: {name: rw}/; /name: truth/d; s/{name: packed}/{name: packed, layer: 0}/' plan.yaml
	"$fairvox" groups plan.yaml --plugins "$packed" --out cpu.csv >cpu.txt
	on cuda "" groups plan.yaml --plugins "$packed" --out device.csv >device.txt
	cmp cpu.csv device.csv
	cmp cpu.txt device.txt
}

@test "a map of features that a device encoded, for a grouper alone" {
	study
	encoded
	cp -rl cache cache-cpu
	sed -i '/name: truth/d; s/{name: packed}/{name: pitch}/' plan.yaml
	sed -i 's/^loss:.*/grouper: {name: kmeans, k: 2, encoder: {name: packed, layer: 0}}\nloss: {name: rw}/' plan.yaml
	"$fairvox" "${study[@]}" --results cpu --cache cache-cpu
	on cuda "" "${study[@]}" 2>messages
	grep -q "encoder 'pitch' has no op batch" messages
	[ "$(jq -r .host.device results/*/fold1-seed1/env.json)" = "stand-in 0 rows 1024" ]
	"$fairvox" plot tsne cpu --cache cache-cpu --plugins "$packed" -o cpu.svg
	none plot tsne results --cache cache --plugins "$packed" -o device.svg
	cmp cpu.svg device.svg
	fails 4 "have no features of packed in this cache" "$fairvox" plot tsne results --cache cache-cpu \
		--plugins "$packed" -o device.svg
}

@test "a device that cannot be used: one line, exit 1, and nothing is written" {
	recordings w 8000
	encode --out out.npz
	run --separate-stderr none "${arguments[@]}" --device cuda
	failed_with "--device cuda: cannot load libfairvox-cuda.so: libfairvox-cuda.so: cannot open shared object file: No such file or directory: install the package fairvox-cuda, or build fairvox where nvcc is"
	LD_LIBRARY_PATH=$standin-0.0.0 run --separate-stderr "$fairvox" "${arguments[@]}" --device cuda
	failed_with "--device cuda: libfairvox-cuda.so does not belong to this version of fairvox ($version)"
	run --separate-stderr on cuda refuse "${arguments[@]}"
	failed_with "--device cuda: no driver: CUDA 13.0 needs one of at least version 580 (error 35)"
	run --separate-stderr on cuda exit "${arguments[@]}"
	failed_with "--device cuda: the process that opened it ended (exit code 9)"
	run --separate-stderr on cuda other "${arguments[@]}"
	[[ $stderr =~ ^"fairvox: the device is 'stand-in "[0-9]+" rows 1024', and was 'stand-in "[0-9]+" rows 1024' when the command began, opening stand-in"$ ]]
	fails 2 "--device: 'gpu' is none of cpu, cuda and auto" "$fairvox" "${arguments[@]}" --device gpu
}

@test "auto takes the CPU and says why" {
	recordings w 8000 9000
	arguments=(encode --plugins "$packed" --encoder packed w/*.wav)
	"$fairvox" "${arguments[@]}" --out cpu.npz
	run --separate-stderr none "${arguments[@]}" --out out.npz --device auto
	[ "$status" -eq 0 ]
	[[ $stderr == "fairvox: --device auto: encoding on the CPU: cannot load libfairvox-cuda.so: "* ]]
	cmp cpu.npz out.npz
	run --separate-stderr on auto "" "${arguments[@]}" --out out.npz
	[ "$stderr" = "fairvox: --device auto: encoding on stand-in 0 rows 1024" ]
	cmp cpu.npz out.npz
}

@test "an encoder that cannot compute on a device stays on the CPU, which is said once" {
	plan
	encoded
	"$fairvox" run plan.yaml --quiet --results cpu
	run --separate-stderr on cuda "" run plan.yaml --quiet --results device
	[ "$status" -eq 0 ]
	[ "$stderr" = "fairvox: warning: encoder 'pitch' has no op batch: it computes on the CPU, not on stand-in" ]
	[ "$(ls cache | wc -l)" -eq 1 ]
}

@test "explain says what a device saves, and encodes nothing" {
	study
	run --separate-stderr on cuda "" explain plan.yaml --plugins "$packed" -j 2
	[ "$status" -eq 0 ]
	[[ $output =~ "packed states [2,24]: 250 recordings, 0.0 MiB, 250 to encode, about "[0-9]+" s on stand-in ("[0-9]+" s on 2 workers of the CPU)" ]]
	[ ! -e cache ]
	run "$fairvox" explain plan.yaml --plugins "$packed" -j 2
	[[ $output == *"250 to encode"$'\n'* ]]
	on cuda "" "${study[@]}"
	run on cuda "" explain plan.yaml --plugins "$packed"
	[[ $output == *"0 to encode"$'\n'"2 runs, 0 to compute"* ]]
	run "$fairvox" explain plan.yaml --plugins "$packed"
	[[ $output == *"250 to encode"*"2 runs, 2 to compute"* ]]
}

@test "jobs on a cluster get the device, which need not be here" {
	study
	run none run plan.yaml --plugins "$packed" --launcher slurm --dry-run --device cuda
	[ "$status" -eq 0 ]
	[[ $output == *" --device cuda "* ]]
	run none run plan.yaml --plugins "$packed" --launcher slurm --dry-run
	[[ $output != *--device* ]]
	fails 2 "--device auto cannot be used with --launcher slurm: " none run plan.yaml --plugins "$packed" \
		--launcher slurm --dry-run --device auto
}

@test "a recording at fault costs itself alone, and is told as on the CPU" {
	recordings w 8000 5000 9000 10000
	for trouble in prepare_fails refuses fails nan prepare_crashes; do
		arguments=(encode --plugins "$packed" --encoder packed --quiet -p trouble=$trouble w/*.wav)
		run --separate-stderr "$fairvox" "${arguments[@]}" --out out.npz
		cpu="$status $stderr"
		run --separate-stderr on cuda "" "${arguments[@]}" --out out.npz
		printf '%s\n%s %s\n' "$cpu" "$status" "$stderr"
		[ "$cpu" = "$status $stderr" ] || [ $trouble = prepare_crashes ]
		[[ $stderr == "fairvox: w/r001.wav: "* ]]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
	done
	[ "$stderr" = "fairvox: w/r001.wav: encoder 'packed': op prepare crashed (Segmentation fault)" ]
}

@test "a recording at fault in a study: the others are kept" {
	study
	recordings w 5000
	cp w/r000.wav "$BATS_TEST_TMPDIR"
	sed -i 's/{name: packed}/{name: packed, trouble: refuses}/; s/folds: .*/folds: [1]/' plan.yaml
	mkdir own
	cp "$corpus"/*.flac "$corpus"/*.csv own
	first=$(basename "$(ls own/*.flac | head -1)" .flac)
	rm "own/$first.flac"
	cp w/r000.wav "own/$first.wav"
	sed -i "s|$corpus|own|" plan.yaml
	run --separate-stderr on cuda "" "${study[@]}"
	printf '%s\n' "$stderr"
	[ "$status" -eq 4 ]
	[ "$stderr" = "fairvox: own/$first.wav: plugin packed: it has 31 rows" ]
	[ "$(ls cache/*/*.safetensors | wc -l)" -eq "$(($(ls own/*.flac | wc -l)))" ]
}

@test "a fault on the device ends the command with one line, and what is encoded stays" {
	study
	for words in fault=3 crash=3 hang=3 full=12; do
		rm -rf cache results
		run --separate-stderr on cuda "$words,rows=1000" "${study[@]}" --op-timeout 2
		printf '%s\n' "$stderr"
		[ "$status" -eq 1 ]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		kept=$(ls cache/*/*.safetensors | wc -l)
		[ "$kept" -gt 0 ]
		[ "$kept" -lt 250 ]
		case $words in
		fault*) [[ $stderr == "fairvox: plugin packed: attend: an illegal memory access was encountered, on stand-in, in a pack of "*" recordings, the first of them "*.flac ]] ;;
		crash*) [[ $stderr == "fairvox: encoder 'packed': op batch crashed (Segmentation fault), on stand-in, in a pack of "* ]] ;;
		hang*) [[ $stderr == "fairvox: encoder 'packed': op batch did not return for 2 s, on stand-in, in a pack of "*": --op-timeout allows more" ]] ;;
		full*) [[ $stderr == "fairvox: plugin packed: out of the device's memory, on stand-in, in a pack of "* ]] ;;
		esac
	done
	on cuda rows=1000 "${study[@]}"
	"$fairvox" "${study[@]}" --results cpu
	cmp cpu/*/fold1-seed1/predictions.csv results/*/fold1-seed1/predictions.csv
}

@test "every allocation that fails gives one line or a result" {
	recordings w 8000 700 9000
	encode --out cpu.npz
	"$fairvox" "${arguments[@]}"
	encode --out out.npz -j 1
	for n in $(seq 40); do
		rm -f out.npz
		run --separate-stderr on cuda "full=$n" "${arguments[@]}"
		if [ "$status" -eq 0 ]; then
			cmp cpu.npz out.npz
			[ "$n" -gt 5 ]
			return
		fi
		failed_with "plugin packed: out of the device's memory, on stand-in, in a pack of 3 recordings, the first of them w/r002.wav"
	done
	false
}

@test "a recording that is longer than a pack is a pack of its own, or fails alone" {
	recordings w 8000 160000 900
	encode --out cpu.npz
	"$fairvox" "${arguments[@]}"
	encode --out out.npz -j 1 # the longest first
	on cuda rows=100 "${arguments[@]}"
	cmp cpu.npz out.npz
	rm out.npz
	run --separate-stderr on cuda full=3,rows=100 "${arguments[@]}"
	failed_with "w/r001.wav: plugin packed: out of the device's memory"
}

@test "small corpora: one file, one frame, silence" {
	recordings w 160
	for more in "" silence; do
		[ -z "$more" ] || python3 -c "
import wave
with wave.open('w/silence.wav', 'wb') as f:
    f.setparams((1, 2, 16000, 0, 'NONE', ''))
    f.writeframes(bytes(2 * 16000))"
		arguments=(encode --plugins "$packed" --encoder packed w/*.wav)
		run --separate-stderr "$fairvox" "${arguments[@]}" --out cpu.npz
		cpu=$stderr
		run --separate-stderr on cuda "" "${arguments[@]}" --out out.npz
		[ "$status" -eq 0 ]
		[ "$cpu" = "$stderr" ]
		cmp cpu.npz out.npz
	done
	[[ $stderr == *"1 of 2 recordings is silent: w/silence.wav"* ]]
}

@test "killed at any moment: the same command goes on, to the same results" {
	study
	"$fairvox" "${study[@]}" --results cpu
	mv cache cache-cpu
	moments=(0.03:KILL 0.08:INT 0.14:TERM)
	[ -z "${FAIRVOX_LONG-}" ] || moments=({0.03,0.08,0.14,0.2}:{KILL,INT,TERM})
	for moment in "${moments[@]}"; do
		rm -rf cache results
		LD_LIBRARY_PATH=$standin-$version "$fairvox" "${study[@]}" --device cuda &
		sleep "${moment%:*}"
		kill -"${moment#*:}" $! 2>/dev/null || true
		wait $! || true
		on cuda "" "${study[@]}"
		cmp cpu/*/fold1-seed1/predictions.csv results/*/fold1-seed1/predictions.csv
		[ -z "$(find cache -name '.*.unsync')" ]
	done
}

@test "tf32 is refused on the processor, before anything is encoded" {
	plan
	weights=$FAIRVOX_SOURCE/tests/golden/encoders/wavlm_tiny/hf
	tf32="{name: wavlm, weights: $weights, precision: tf32}"
	sed -i "s|^matrix.*|matrix: {encoder: [{name: pitch}, $tf32]}|" plan.yaml
	line="fairvox: plugin wavlm: precision: tf32 is computed on GPUs only: add --device cuda, or choose fp32, bf16x3 or bf16"
	for device in cpu auto; do
		run --separate-stderr none run plan.yaml --quiet --device $device --cache cache
		[ "$status" -eq 2 ]
		printf '%s\n' "$stderr"
		[ "${stderr##*$'\n'}" = "$line" ]
		[ ! -e results ]
		[ -z "$(find cache -name '*.safetensors')" ]
	done
	recordings w 8000
	run --separate-stderr "$fairvox" encode --encoder wavlm --weights "$weights" -p precision=tf32 --out x.csv w/*.wav
	[ "$status" -eq 2 ]
	[ "$stderr" = "$line" ]
	[ ! -e x.csv ]
}

@test "a table of runs whose recordings were encoded on different devices says so" {
	study
	sed 's/name: erm/name: rw/' plan.yaml >rw.yaml
	"$fairvox" "${study[@]}"
	run -0 "$fairvox" table results
	[[ $output != *"different devices"* ]]
	FAIRVOX_STANDIN= LD_LIBRARY_PATH=$standin-$version "$fairvox" run rw.yaml --plugins "$packed" -j 2 --quiet --device cuda
	note="packed was encoded on different devices (cpu: 2 runs, stand-in 0 rows 1024: 2 runs): its features differ in the last digits"
	for options in "" "--layout pairs"; do
		run -0 "$fairvox" table results $options
		printf '%s\n' "$output"
		[[ $(tr -s ' \n' ' ' <<<"$output") == *"$note"* ]]
	done
	"$fairvox" report results -o report.html
	tr -s ' \n' ' ' <report.html | grep -qF "$note"
}

@test "processes of the pipeline that are killed" {
	study
	"$fairvox" "${study[@]}" --results cpu
	[ -z "${FAIRVOX_LONG-}" ] || more="0.06 0.15"
	for t in 0.02 0.1 0.2 ${more-}; do
		rm -rf cache results
		FAIRVOX_STANDIN=rows=200 LD_LIBRARY_PATH=$standin-$version \
			"$fairvox" "${study[@]}" --device cuda 2>messages &
		program=$!
		sleep "$t"
		child=$(pgrep -P "$program" | tail -1 || true)
		[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true
		wait "$program" || true
		[ "$(wc -l <messages)" -le 1 ]
		on cuda "" "${study[@]}"
		cmp cpu/*/fold1-seed1/predictions.csv results/*/fold1-seed1/predictions.csv
	done
}

@test "a full disk: what is encoded stays, and more space lets the study finish" {
	study
	run unshare --map-root-user --mount bash -c "
		mkdir small
		mount -t tmpfs -o size=400k none small || exit 77
		FAIRVOX_STANDIN= LD_LIBRARY_PATH=$standin-$version '$fairvox' ${study[*]} --device cuda --cache small
		[ \$? -eq 1 ] || exit 79
		[ \$(find small -name '*.safetensors' | wc -l) -gt 20 ] || exit 78
		mount -o remount,size=20m small
		LD_LIBRARY_PATH=$standin-$version '$fairvox' ${study[*]} --device cuda --cache small"
	[ "$status" -ne 77 ] || skip "tmpfs cannot be mounted here"
	printf '%s\n' "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"cannot write: No space left on device"* ]]
}
