# SPDX-License-Identifier: Apache-2.0
# What the commands say of recordings that are silent, missing or no recordings.

setup() {
	load helpers
	plan
}

# two_seconds FILE COMMAND...: a WAVE file of two seconds whose samples are what the command prints.
two_seconds() {
	printf 'RIFF\x24\xfa\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\xfa\0\0' >"$1"
	"${@:2}" | head -c 64000 >>"$1"
}

@test "silent recordings are told" {
	two_seconds zero.wav cat /dev/zero
	two_seconds constant.wav sh -c 'yes AAA | tr -d "\n"'
	first=$(ls "$corpus"/*.flac | head -1)
	run --separate-stderr "$fairvox" encode --encoder pitch --out x.csv zero.wav "$first" constant.wav
	[ "$status" -eq 0 ]
	[[ $stderr == *"2 of 3 recordings are silent: zero.wav, constant.wav: "* ]]
	[[ $(cat x.csv) != *nan* ]]
	"$fairvox" run plan.yaml --quiet loss.name=erm corpus.folds=[1]
	run --separate-stderr "$fairvox" predict results/* zero.wav "$first" constant.wav
	[ "$status" -eq 0 ]
	[[ $stderr == *"zero.wav is silent: "* && $stderr == *"constant.wav is silent: "* ]]
	[[ $stderr != *"$first"* ]]
	[ "$(grep -c silent <<<"$stderr")" -eq 2 ]
	[ "${#lines[@]}" -eq 4 ]
}

@test "test and development recordings that are copies of training recordings are told for each fold" {
	mkdir audio
	cp "$corpus"/*.flac audio
	names() { awk -F, -v set="$2" '$NF == set { print $1 }' "$corpus/labels_consensus_$1.csv" | head -"$3"; }
	for pair in "Test 4" "Development 1"; do
		paste <(names 1 $pair) <(names 1 Train ${pair#* }) | while read -r copy from; do
			cp "audio/${from%.*}.flac" "audio/${copy%.*}.flac"
		done
	done
	all=$(names 1 Test 999 | wc -l)
	for command in explain "run --quiet"; do
		run --separate-stderr "$fairvox" $command plan.yaml loss.name=erm corpus.folds=[1] "corpus.audio=$PWD/audio"
		[ "$status" -eq 0 ]
		[[ $stderr == *"labels_consensus_1.csv: fold 1: 1 of "*" dev and 4 of $all test recordings have the same bytes as training recordings: "*", ...: "* ]]
	done
	run --separate-stderr "$fairvox" run plan.yaml loss.name=erm corpus.folds=[1] --results other
	[[ $stderr != *"same bytes"* ]]
}

@test "a video is no recording until it is converted" {
	mkdir audio
	cp "$corpus"/*.flac audio
	first=$(ls audio | head -1)
	mv "audio/$first" "audio/${first%.flac}.mp4"
	fails 4 "no recording '${first%.flac}' below $PWD/audio: $PWD/audio/${first%.flac}.mp4 is there, but mp4 is not read: convert it" \
		"$fairvox" run plan.yaml "corpus.audio=$PWD/audio"
	cp "$corpus/$first" audio
	"$fairvox" run plan.yaml --quiet loss.name=erm corpus.folds=[1] "corpus.audio=$PWD/audio"
}

@test "a pointer to a file is no recording" {
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n' 0 >x.wav
	fails 4 "x.wav: a Git LFS pointer, whose file was not downloaded: run git lfs pull" \
		"$fairvox" encode --encoder pitch --out x.csv x.wav
	[ ! -e x.csv ]
}
