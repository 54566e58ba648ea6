#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hostile names, files, disks and concurrent programs: correct results, or one clear line.
load helpers

# A corpus of links in $BATS_TEST_TMPDIR, so that names can be changed; one variant, one fold.
setup() {
	corpus
	cd "$BATS_TEST_TMPDIR"
	encoded
	mkdir audio
	ln -s "$corpus"/*.flac audio/
	cp "$corpus"/labels_consensus_1.csv labels.csv
	cat >plan.yaml <<-END
		corpus: {audio: audio, labels: labels.csv}
		encoder: {name: pitch}
		grouper: {name: truth, column: gender}
		loss: {name: erm}
		train: {epochs: 2, learning_rate: 0.01}
		eval: {attributes: [gender]}
	END
	first=$(awk -F, '$NF == "Test" { print $1; exit }' labels.csv)
	stem=${first%.*}
}

# probabilities RESULTS: the numbers of the only run there, whatever the names of the recordings.
probabilities() {
	tail -q -n +2 "$1"/*/*/predictions.csv | sed 's/^\("[^"]*\("".*""\)*[^"]*"\|[^,]*\),//' | cut -d, -f1-6 | sort
}

# as_before COMMAND...: runs into results `other`, whose numbers must be those of `plain`.
as_before() {
	[ -d plain ] || "$fairvox" run plan.yaml --quiet --results plain --cache cache
	"$@" --quiet --results other --cache cache
	"$fairvox" verify other >/dev/null
	diff <(probabilities plain) <(probabilities other)
	rm -r other
}

# renamed NAME: renames the first test recording to NAME, here and in the labels (CSV-quoted).
renamed() {
	mv "audio/$stem.flac" "audio/$1.flac"
	local quoted
	quoted=$(printf '%s' "$1" | sed 's/"/""/g; s/[&|\\]/\\&/g')
	sed "s|^$first,|\"$quoted.wav\",|" labels.csv >other.csv
}

@test "recordings with long, spaced, quoted and foreign names" {
	"$fairvox" run plan.yaml --quiet --results plain --cache cache
	for name in "$(printf 'x%.0s' $(seq 250))" 'a b,  c' 'say "hi"' '-rf' '$(touch oops)' $'tab\there' '日本語 ñ'; do
		renamed "$name"
		as_before "$fairvox" run plan.yaml corpus.labels=other.csv
		mv "audio/$name.flac" "audio/$stem.flac"
	done
	[ ! -e oops ]
}

@test "names that are not UTF-8 are refused with their line" {
	renamed $'n\xff'
	fails 4 "other.csv:" "$fairvox" run plan.yaml corpus.labels=other.csv
	[[ $stderr == *"FileName is not UTF-8"* ]]
	LC_ALL=C sed '3s/,Male,\|,Female,/,M\xe4nnlich,/' labels.csv >other.csv
	fails 4 "other.csv:3: Gender is not UTF-8" "$fairvox" run plan.yaml corpus.labels=other.csv
	mkdir $'d\xff'
	cp plan.yaml $'d\xff'
	fails 2 "the name is not UTF-8" "$fairvox" run $'d\xff/plan.yaml'
	[ ! -e results ]
}

@test "byte order mark, CRLF, spaces around numbers, another order of rows" {
	sed '1s/^/\xef\xbb\xbf/; s/$/\r/; s/,0\./, 0./' labels.csv >other.csv
	as_before "$fairvox" run plan.yaml corpus.labels=other.csv
	{ head -1 labels.csv; tail -n +2 labels.csv | tac; } >other.csv
	as_before "$fairvox" run plan.yaml corpus.labels=other.csv # one epoch's dev_loss needs no order
}

@test "another locale changes no number" {
	locale -a | grep -qi '^de_DE.utf-\?8' || skip "the locale de_DE.UTF-8 is not installed"
	as_before env LC_ALL=de_DE.UTF-8 "$fairvox" run plan.yaml
}

@test "a name with .. in it reaches no file outside the audio folder" {
	mkdir outside
	mv "audio/$stem.flac" outside
	sed "s|^$first,|../outside/$first,|" labels.csv >other.csv
	fails 4 "$stem" "$fairvox" run plan.yaml corpus.labels=other.csv
}

@test "loops of links in the audio folder" {
	mkdir -p audio/deep
	ln -s .. audio/deep/loop
	ln -s self audio/self
	as_before "$fairvox" run plan.yaml
	ln -s nothing audio/dangling.wav
	fails 4 "audio/dangling.wav: is a link to a missing file" "$fairvox" run plan.yaml
}

@test "a file or a device where a folder or a file should be" {
	echo x >file
	fails 1 "file" "$fairvox" run plan.yaml --results file
	fails 1 "file" "$fairvox" run plan.yaml --cache file
	fails 2 "file:1:1: a map of blocks is needed" "$fairvox" table file
	fails 4 "not a regular file" "$fairvox" run plan.yaml corpus.labels=/dev/zero
	fails 2 "" "$fairvox" run audio
	fails 1 "standard output" bash -c "'$fairvox' plugins >/dev/full"
	fails 1 "standard output" bash -c "'$fairvox' --version >/dev/full"
	fails 1 "standard output" bash -c "'$fairvox' help >/dev/full"
	mkdir -p results/erm-00000000/fold0-seed1
	: >results/erm-00000000/fold0-seed1/done
	fails 4 "metrics.json: No such file" "$fairvox" status results
}

@test "control characters in a file's name do not reach the terminal" {
	fails 2 'x1b[31mred' "$fairvox" table $'\e[31mred'
	[[ $stderr != *$'\e[31m'* ]]
}

@test "a full disk: one line, and more space lets the run finish" {
	unshare -m true 2>/dev/null || skip "no private mounts here"
	"$fairvox" run plan.yaml --quiet --results plain --cache cache
	"$fairvox" table plain >plain.md
	mkdir small
	run unshare -m bash -c "
		mount -t tmpfs -o size=28k none small || exit 77
		'$fairvox' run plan.yaml --results small/results --cache cache
		code=\$?
		find small -name '.*.??????' | grep . && exit 78
		[ \$code -eq 1 ] || exit 79
		mount -o remount,size=20m small
		'$fairvox' run plan.yaml --quiet --results small/results --cache cache || exit 80
		'$fairvox' table small/results | cmp - plain.md"
	[ "$status" -ne 77 ] || skip "tmpfs cannot be mounted here"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"cannot write: No space left on device"* ]]
	run unshare -m bash -c "
		mount -t tmpfs -o size=40k none small
		'$fairvox' run plan.yaml --results results --cache small/cache
		[ \$? -eq 1 ] || exit 79
		mount -o remount,size=20m small
		'$fairvox' run plan.yaml --quiet --results results --cache small/cache
		'$fairvox' table results | cmp - plain.md"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "eight programs on one results folder: every run is computed once, all succeed" {
	sed -i 's/epochs: 2/epochs: 40, seed: [1, 2, 3, 4, 5, 6]/' plan.yaml
	for i in 1 2 3 4 5 6 7 8; do
		"$fairvox" run plan.yaml --wait 2>log$i &
		pids[i]=$!
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait "${pids[i]}"
	done
	now=$(cat log? | sed -n 's/.*runs done, \([0-9]*\) computed now.*/\1/p' | awk '{ n += $1 } END { print n }')
	cat log?
	[ "$now" -eq 6 ]
	[ "$(ls results/*/*/done | wc -l)" -eq 6 ]
	run --separate-stderr "$fairvox" run plan.yaml
	[[ $stderr == *"6 of 6 runs done, 0 computed now"* ]]
	[ -z "$(find results cache -name '.*.??????')" ]
	"$fairvox" run plan.yaml --quiet --results alone
	diff <(probabilities alone) <(probabilities results)
}

@test "an interrupt ends the program and its workers with 130" {
	set -m # background jobs get SIGINT in a group of their own
	"$fairvox" run plan.yaml train.epochs=100000 -j 2 train.seed=[1,2] --quiet &
	pid=$!
	at_work 2
	kill -INT -- -$pid
	code=0
	wait $pid || code=$?
	[ "$code" -eq 130 ]
	run "$fairvox" status results
	[[ $output == *"0 done, 0 running, 0 failed, 2 interrupted"* ]]
}
