#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fairvox fetch: caches of other programs, hashes from other sources, archives, many files, and the list.
load helpers
load fetch_helpers

@test "--offline makes no request and uses the caches" {
	catalogue plain
	fails 4 "not in a cache: run without --offline to download it" fetch --offline model
	[ ! -s requests.log ]
	mkdir -p home/.cache/s3prl/download
	cp www/model.bin home/.cache/s3prl/download/0123abcd.whatever.pt # found by size, identified by content
	head -c 100000 /dev/zero >home/.cache/s3prl/download/other.pt
	run --separate-stderr fetch --offline model
	[ "$status" -eq 0 ]
	[[ $stderr == *"found in the cache of s3prl: $HOME/.cache/s3prl/download/0123abcd.whatever.pt"* ]]
	is_fetched
	[ ! -s requests.log ]
	grep -q '"source": ".*/s3prl/download/0123abcd.whatever.pt"' weights/model.pt.json
}

@test "the cache of torch, in TORCH_HOME" {
	catalogue plain
	export TORCH_HOME=$PWD/torch
	mkdir -p torch/hub/checkpoints
	cp www/model.bin torch/hub/checkpoints/model.bin
	fetch model 2>&1 | grep 'found in the cache of torch'
	is_fetched
	[ ! -s requests.log ]
	rm weights/*
	echo different >torch/hub/checkpoints/model.bin # right name, wrong content
	fetch model
	is_fetched
	[ -s requests.log ]
}

# hub REST: a form with a Hugging Face URL, requested from the mirror.
hub() {
	mkdir -p www/huggingface.co/org/model/{resolve,raw}/main
	cp www/model.bin www/huggingface.co/org/model/resolve/main/model.bin
	of "url: https://huggingface.co/org/model/resolve/main/model.bin$1"
	export FAIRVOX_MIRROR=$base/plain
}

pointer() {
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n' "$1" "$2" \
		>www/huggingface.co/org/model/raw/main/model.bin
}

# in_hub FOLDER: stores the file like Hugging Face's cache does.
in_hub() {
	local folder=$1/models--org--model
	mkdir -p "$folder"/{blobs,snapshots/abc}
	cp www/model.bin "$folder/blobs/$sum"
	ln -s "../../blobs/$sum" "$folder/snapshots/abc/model.bin"
}

@test "the cache of Hugging Face, in the folder of each variable" {
	hub ", bytes: 100000, sha256: $sum"
	in_hub home/.cache/huggingface/hub
	fetch --offline model 2>&1 | grep 'found in the cache of Hugging Face'
	is_fetched
	rm -r weights home/.cache
	in_hub elsewhere/hub
	HF_HOME=elsewhere fetch --offline model
	is_fetched
	rm -r weights
	HF_HUB_CACHE=elsewhere/hub fetch --offline model
	is_fetched
	rm -r weights
	XDG_CACHE_HOME=$PWD/none fetch model # from the mirror
	is_fetched
	[ "$(cat requests.log)" = "/plain/huggingface.co/org/model/resolve/main/model.bin -1" ]
	rm -r weights
	FAIRVOX_MIRROR= HF_ENDPOINT=$base/plain/huggingface.co/ XDG_CACHE_HOME=$PWD/none fetch model
	is_fetched
}

@test "no pinned hash: the repository's pointer or the cache's record gives it" {
	hub ""
	pointer "$sum" 100000
	fetch model
	is_fetched
	grep -q '"proof": "pointer"' weights/model.pt.json
	fetch --offline model # as recorded
	: >weights/model.pt.json
	fetch model # by the pointer
	fails 4 "is not a known one of 'model'" fetch --offline model
	rm -r weights
	pointer "$(printf 0%.0s {1..64})" 100000
	fails 4 "SHA-256 is $sum, expected 0000" fetch model
	has_nothing
	echo '<html>' >www/huggingface.co/org/model/raw/main/model.bin
	fails 4 "raw/main/model.bin: not a git LFS pointer" fetch model
	has_nothing
	in_hub home/.cache/huggingface/hub
	fetch --offline model
	is_fetched
	grep -q '"proof": "cache"' weights/model.pt.json
	rm -r weights
	echo broken >>"home/.cache/huggingface/hub/models--org--model/blobs/$sum"
	fails 4 "not in a cache" fetch --offline model
}

@test "no hash is published: the log says so and the one found is recorded" {
	of "url: $base/cutonce/30000/model.bin"
	mkdir weights
	head -c 1000 /dev/zero >weights/model.pt.part # nothing could tell that it belongs to another file
	run --separate-stderr fetch model
	[ "$status" -eq 0 ]
	[[ $stderr == *"no hash is published; the receipt records the SHA-256 found: $sum"* ]]
	is_fetched
	grep -q '"proof": "none"' weights/model.pt.json
}

@test "the second source is tried when the first no longer has the file" {
	catalogue status/410
	echo "    - {from: elsewhere, url: \"$base/plain/model.bin\", bytes: 100000, sha256: $sum}" >>catalogue.yaml
	run --separate-stderr fetch model
	[ "$status" -eq 0 ]
	[[ $stderr == *"status 410"* ]]
	is_fetched
	grep -q '"from": "elsewhere"' weights/model.pt.json
}

@test "many files: several at a time, checked, existing files kept" {
	mkdir www/audio
	for i in 1 2 3 4 5 6 7 8 9; do head -c "${i}0000" /dev/urandom >"www/audio/a$i.wav"; done
	for i in 1 2 3 4 5 6 7 8; do
		echo "https://data.test/wav/a$i.wav $(stat -c %s "www/audio/a$i.wav") $(sha256sum <"www/audio/a$i.wav" | cut -d' ' -f1)"
	done >www/list.txt
	echo 'https://data.test/other.csv 12 0000' >>www/list.txt
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 90000\n' \
		"$(sha256sum <www/audio/a9.wav | cut -d' ' -f1)" >www/a9.wav.pointer
	cat >catalogue.yaml <<END
corpus:
  what: recordings of the test
  home: $base/
  save: data/wav
  licence: {name: CC0, url: "https://creativecommons.org/publicdomain/zero/1.0/", commercial: true}
  files:
    list: {from: the test, url: "$base/plain/list.txt", bytes: $(stat -c %s www/list.txt), sha256: $(sha256sum <www/list.txt | cut -d' ' -f1)}
    prefix: https://data.test/wav/
    urls: ["$base/status/404/{file}", "$base/cut/30000/audio/{file}"]
    pointer: "$base/plain/{file}.pointer"
    also: [a9.wav]
END
	run --separate-stderr fetch corpus
	[ "$status" -eq 0 ]
	[ "$output" = data/wav ]
	[[ $stderr == *"data/wav: 9 files, 450000 bytes"*"9 downloaded now"* ]]
	diff -r www/audio data/wav
	grep -q '"proof": "pointer"' data/wav.json
	[ "$(grep -c status requests.log)" -le 4 ] # once per worker: then the URL that answers is tried first
	: >requests.log
	rm data/wav/a3.wav
	run --separate-stderr fetch corpus
	[[ $stderr == *"1 downloaded now"* ]]
	diff -r www/audio data/wav
	fetch --offline corpus
	rm data/wav/a9.wav
	fails 4 "data/wav/a9.wav: is missing: run without --offline" fetch --offline corpus
	echo more >>data/wav/a1.wav
	fails 4 "corpus: 1 of 9 files is missing from data/wav" fetch corpus
	[[ $stderr == *"data/wav/a1.wav: exists, but its SHA-256"* ]]
	fetch --force -j 1 corpus
	diff -r www/audio data/wav
	sed -i 's,a1.wav 10000,../a1.wav 10000,' www/list.txt # a list that leads out of the folder
	sed -i "s/bytes: .*/bytes: $(stat -c %s www/list.txt), sha256: $(sha256sum <www/list.txt | cut -d' ' -f1)}/" catalogue.yaml
	rm data/wav.list
	fails 4 "data/wav.list:1: expected a URL, a size and a SHA-256" fetch corpus
}

@test "a member of an archive has its own hash" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 -c 'import zipfile; z = zipfile.ZipFile("www/a.zip", "w", zipfile.ZIP_DEFLATED); z.write("www/model.bin", "in/model.bin")'
	archive="bytes: $(stat -c %s www/a.zip), sha256: $(sha256sum <www/a.zip | cut -d' ' -f1)"
	of "url: $base/cut/40000/a.zip, $archive, member: {name: in/model.bin, bytes: 100000, sha256: $sum}"
	fetch model
	is_fetched
	rm weights/*
	cp catalogue.yaml good.yaml
	sed -i "s,sha256: $sum,sha256: $(printf 0%.0s {1..64})," catalogue.yaml
	fails 4 "SHA-256 is $sum, expected 0000" fetch model
	has_nothing
	sed 's,in/model,in/modell,' good.yaml >catalogue.yaml
	fails 4 "the archive has no member 'in/modell.bin'" fetch model
	has_nothing
	sed 's,bytes: 100000,bytes: 99999,' good.yaml >catalogue.yaml
	fails 4 "in/model.bin: does not have the expected 99999 bytes" fetch model
	has_nothing
	cp good.yaml catalogue.yaml
	mkdir -p home/.cache/torch/hub/checkpoints
	cp www/model.bin home/.cache/torch/hub/checkpoints/some.pt # the member itself, from a cache
	fetch --offline model
	is_fetched
}

@test "GE2E's real weights, from the package on PyPI" {
	"$FAIRVOX_SOURCE/tests/support/fetch_ge2e.sh" "$FAIRVOX_BUILD/ge2e" || skip "the package resemblyzer could not be downloaded"
	local at=www/files.pythonhosted.org/packages/d9/b5/d897d5de5b2123a1ad5d32e8e007d83f76582f5c32c60992577263bd7c7e
	mkdir -p "$at"
	cp "$FAIRVOX_BUILD/ge2e/resemblyzer.whl" "$at/Resemblyzer-0.1.4-py3-none-any.whl"
	"$fairvox" fetch ge2e --mirror "$base/cut/9000000" --wait 0
	cmp weights/ge2e/pretrained.pt "$FAIRVOX_BUILD/ge2e/pretrained.pt"
	"$fairvox" inspect weights/ge2e/pretrained.pt | grep 'encoder:   ge2e'
}

@test "the list, and JSON" {
	"$fairvox" fetch --list >list.txt
	grep -q '^ecapa  *83 MB  Apache-2.0 ' list.txt
	grep -q '^wav2vec2-age-gender .*(non-commercial use only)$' list.txt
	command -v python3 >/dev/null || skip "python3 is not installed"
	"$fairvox" fetch --list --json >list.json
	catalogue plain
	fetch --json model >fetched.json
	python3 - <<END
import json
items = {i["name"]: i for i in json.load(open("list.json"))["items"]}
assert items["wavlm-base-plus"]["bytes"] == 377617425 and items["cremad"]["bytes"] is None
assert items["wav2vec2-age-gender"]["licence"]["commercial"] is False
one, = json.load(open("fetched.json"))["fetched"]
assert one["path"] == "weights/model.pt" and one["receipt"]["sha256"] == "$sum"
END
}
