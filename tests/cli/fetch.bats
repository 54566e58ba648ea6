#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fairvox fetch against a web server on loopback that cuts, redirects, ignores ranges and lies (tests/http/server.c).
load helpers

# serve [CERT KEY]: a server for ./www; sets port. Requests are lines in requests.log.
serve() {
	local name=server-${#servers[@]}
	: >"$name"
	"$FAIRVOX_BUILD/tests/http-server" www "${log=requests.log}" "$@" >"$name" 2>"$name.err" 3>&- &
	servers+=($!)
	for _ in $(seq 100); do
		port=$(cat "$name")
		[ -n "$port" ] && return 0
		sleep 0.05
	done
	cat "$name.err"
	return 1
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	servers=()
	export HOME=$PWD/home # no caches but those of the test
	unset XDG_CACHE_HOME HF_HOME HF_HUB_CACHE HF_ENDPOINT TORCH_HOME FAIRVOX_MIRROR \
		http_proxy https_proxy HTTPS_PROXY ALL_PROXY
	mkdir www home
	head -c 100000 /dev/urandom >www/model.bin
	sum=$(sha256sum <www/model.bin | cut -d' ' -f1)
	serve
	base=http://127.0.0.1:$port
}

teardown() {
	[ ${#servers[@]} -eq 0 ] || kill "${servers[@]}"
}

# of FORM: a catalogue of one thing with this form.
of() {
	cat >catalogue.yaml <<END
model:
  what: a model of the test
  home: $base/
  save: weights/model.pt
  licence: {name: CC-BY-NC-4.0, url: "https://creativecommons.org/licenses/by-nc/4.0/", commercial: false}
  forms:
    - {from: the test, $1}
END
}

# catalogue WAY [SHA256]: from $base/WAY/model.bin.
catalogue() {
	of "url: $base/$1/model.bin, bytes: 100000, sha256: ${2-$sum}"
}

fetch() {
	"$fairvox" fetch --catalogue catalogue.yaml --wait 0 "$@"
}

# The file is there, whole, with its receipt, and nothing else beside it.
is_fetched() {
	cmp www/model.bin weights/model.pt
	grep -q "\"sha256\": \"$sum\"" weights/model.pt.json
	[ "$(ls -A weights | tr '\n' ' ')" = "model.pt model.pt.json " ]
}

has_nothing() {
	[ -z "$(ls -A weights)" ]
}

@test "a plain download: path on stdout, licence before it, receipt beside it" {
	catalogue plain
	run --separate-stderr fetch model
	[ "$status" -eq 0 ]
	[ "$output" = weights/model.pt ]
	[[ $stderr == *"model: licence: CC-BY-NC-4.0, https://creativecommons.org/licenses/by-nc/4.0/"* ]]
	[[ $stderr == *"warning: model: NON-COMMERCIAL use only"* ]]
	is_fetched
	grep -q '"commercial": false' weights/model.pt.json
	grep -q '"proof": "pinned"' weights/model.pt.json
	grep -q "\"url\": \"$base/plain/model.bin\"" weights/model.pt.json
	grep -q '"date": "20[0-9-]*T[0-9:]*Z"' weights/model.pt.json
	: >requests.log
	run --separate-stderr fetch --offline model # there already
	[ "$status" -eq 0 ]
	[[ $stderr == *"weights/model.pt: was there already"* ]]
	fetch model --quiet --dir elsewhere | grep -qx elsewhere/weights/model.pt
	cmp www/model.bin elsewhere/weights/model.pt
	[ "$(wc -l <requests.log)" -eq 1 ]
}

@test "cut connections: every part is asked for once" {
	catalogue cut/30000
	fetch model
	is_fetched
	[ "$(cut -d' ' -f2 requests.log | tr '\n' ' ')" = "-1 30000 60000 90000 " ]
}

@test "a download that was given up goes on in the next call" {
	catalogue dies/30000
	fails 4 "Empty reply from server" fetch --retries 1 model
	[ "$(cut -d' ' -f2 requests.log | tr '\n' ' ')" = "-1 30000 30000 " ]
	cmp <(head -c 30000 www/model.bin) weights/model.pt.part
	[ ! -e weights/model.pt ]
	sed -i s,dies/30000,plain, catalogue.yaml
	fetch model
	is_fetched
	[ "$(tail -1 requests.log)" = "/plain/model.bin 30000" ]
}

@test "killed in the middle: what came is kept" {
	catalogue stall
	"$fairvox" fetch --catalogue catalogue.yaml model 3>&- &
	local pid=$!
	for _ in $(seq 100); do
		[ "$(stat -c %s weights/model.pt.part 2>/dev/null)" = 50000 ] && break
		sleep 0.05
	done
	kill -9 $pid
	wait $pid || true
	sed -i s,stall,plain, catalogue.yaml
	fetch model
	is_fetched
	[ "$(tail -1 requests.log)" = "/plain/model.bin 50000" ]
}

@test "a silent server is given up, and taken up again" {
	catalogue stall
	fails 4 "Operation too slow" fetch --timeout 1 --retries 0 model
	[ "$(stat -c %s weights/model.pt.part)" = 50000 ]
}

@test "a server that ignores ranges: from the start, no byte twice" {
	catalogue norangecut/30000
	fetch model
	is_fetched
	[ "$(cut -d' ' -f2 requests.log | tr '\n' ' ')" = "-1 30000 " ]
}

@test "a server that answers with another part than was asked for: the whole file instead" {
	catalogue otherpart
	mkdir weights
	head -c 30000 www/model.bin >weights/model.pt.part
	fetch model
	is_fetched
	[ "$(cut -d' ' -f2 requests.log | tr '\n' ' ')" = "30000 -1 " ]
}

@test "no length said: an early end is a cut" {
	catalogue unsized/30000
	fetch model
	is_fetched
}

@test "a part left by another file, shorter or longer, is thrown away" {
	catalogue plain
	mkdir weights
	head -c 40000 /dev/zero >weights/model.pt.part
	run --separate-stderr fetch model
	[ "$status" -eq 0 ]
	[[ $stderr == *"does not belong to it; from the start"* ]]
	is_fetched
	rm weights/*
	head -c 140000 /dev/zero >weights/model.pt.part
	fetch model
	is_fetched
	rm weights/*
	head -c 100000 /dev/zero >weights/model.pt.part
	fetch model
	is_fetched
}

@test "wrong content is refused and nothing stays" {
	catalogue plain "$(printf 0%.0s {1..64})"
	fails 4 "SHA-256 is $sum and should be 000000" fetch model
	has_nothing
	catalogue long
	fails 4 "it is" fetch model
	[ ! -e weights/model.pt ]
	rm -f weights/*
	catalogue short
	fails 4 "it ends after 50000 of 100000 bytes" fetch model
	[ ! -e weights/model.pt ]
}

@test "other content under the name stays, unless --force says so" {
	catalogue plain
	mkdir weights
	echo mine >weights/model.pt
	fails 4 "weights/model.pt: is there, but its SHA-256" fetch model
	[ "$(cat weights/model.pt)" = mine ]
	fetch --force model
	is_fetched
}

@test "passing faults are tried again, others are not" {
	catalogue flaky/2
	fetch model
	is_fetched
	[ "$(wc -l <requests.log)" -eq 3 ]
	rm weights/*
	catalogue flaky/9
	: >requests.log
	fails 4 "the server answered with status 503" fetch --retries 2 model
	has_nothing
	[ "$(wc -l <requests.log)" -eq 3 ]
	catalogue status/404
	: >requests.log
	fails 4 "$base/status/404/model.bin: the server answered with status 404" fetch model
	has_nothing
	[ "$(wc -l <requests.log)" -eq 1 ]
	catalogue status/304
	fails 4 "the server answered with status 304" fetch model
	has_nothing
	sed -i "s,$base,http://127.0.0.1:1," catalogue.yaml
	fails 4 "Failed to connect" fetch --retries 1 model
	has_nothing
}

@test "redirects are followed, ten of them" {
	catalogue redirect/3
	fetch model
	is_fetched
	grep -q "\"source\": \"$base/plain/model.bin\"" weights/model.pt.json
	rm weights/*
	catalogue redirect/11
	fails 4 "more than 10 redirects" fetch model
	has_nothing
}

@test "https never becomes http by a redirect" {
	command -v openssl >/dev/null || skip "openssl is not here"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1 \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	plain_port=$port
	log=requests-tls.log serve cert.pem key.pem
	base=https://127.0.0.1:$port
	export SSL_CERT_FILE=$PWD/cert.pem
	catalogue plain
	fetch model
	is_fetched
	rm weights/*
	catalogue "to/http/127.0.0.1:$plain_port/plain"
	fails 4 "a redirect away from https was refused" fetch model
	has_nothing
	[ ! -s requests.log ]
	unset SSL_CERT_FILE # a certificate that nobody vouches for
	catalogue plain
	fails 4 "certificate" fetch model
	has_nothing
}

@test "--offline never asks, and takes what the caches hold" {
	catalogue plain
	fails 4 "in no cache, and --offline forbids to ask for it" fetch --offline model
	[ ! -s requests.log ]
	mkdir -p home/.cache/s3prl/download
	cp www/model.bin home/.cache/s3prl/download/0123abcd.whatever.pt # found by its size, known by its content
	head -c 100000 /dev/zero >home/.cache/s3prl/download/other.pt
	run --separate-stderr fetch --offline model
	[ "$status" -eq 0 ]
	[[ $stderr == *"found in the cache of s3prl: $HOME/.cache/s3prl/download/0123abcd.whatever.pt"* ]]
	is_fetched
	[ ! -s requests.log ]
	grep -q '"source": ".*/s3prl/download/0123abcd.whatever.pt"' weights/model.pt.json
}

@test "the cache of torch, where TORCH_HOME says" {
	catalogue plain
	export TORCH_HOME=$PWD/torch
	mkdir -p torch/hub/checkpoints
	cp www/model.bin torch/hub/checkpoints/model.bin
	fetch model 2>&1 | grep 'found in the cache of torch'
	is_fetched
	[ ! -s requests.log ]
	rm weights/*
	echo different >torch/hub/checkpoints/model.bin # of that name, not of that content
	fetch model
	is_fetched
	[ -s requests.log ]
}

# hub REST: a form at Hugging Face's address, asked for at the mirror.
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

# in_hub FOLDER: the file as Hugging Face's cache keeps it.
in_hub() {
	local folder=$1/models--org--model
	mkdir -p "$folder"/{blobs,snapshots/abc}
	cp www/model.bin "$folder/blobs/$sum"
	ln -s "../../blobs/$sum" "$folder/snapshots/abc/model.bin"
}

@test "the cache of Hugging Face, where each variable says" {
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

@test "no pinned hash: the repository's pointer, or the cache's own record, says it" {
	hub ""
	pointer "$sum" 100000
	fetch model
	is_fetched
	grep -q '"proof": "pointer"' weights/model.pt.json
	fetch --offline model # as recorded
	: >weights/model.pt.json
	fetch model # by the pointer
	fails 4 "is none that 'model' is known to have" fetch --offline model
	rm -r weights
	pointer "$(printf 0%.0s {1..64})" 100000
	fails 4 "SHA-256 is $sum and should be 0000" fetch model
	has_nothing
	echo '<html>' >www/huggingface.co/org/model/raw/main/model.bin
	fails 4 "raw/main/model.bin: no git LFS pointer" fetch model
	has_nothing
	in_hub home/.cache/huggingface/hub
	fetch --offline model
	is_fetched
	grep -q '"proof": "cache"' weights/model.pt.json
	rm -r weights
	echo broken >>"home/.cache/huggingface/hub/models--org--model/blobs/$sum"
	fails 4 "in no cache" fetch --offline model
}

@test "no hash is published at all: said, and the one found is recorded" {
	of "url: $base/cutonce/30000/model.bin"
	mkdir weights
	head -c 1000 /dev/zero >weights/model.pt.part # nothing would tell that it is of another file
	run --separate-stderr fetch model
	[ "$status" -eq 0 ]
	[[ $stderr == *"no hash is published for it; this one's SHA-256 is $sum, recorded"* ]]
	is_fetched
	grep -q '"proof": "none"' weights/model.pt.json
}

@test "the second place is asked when the first has it no more" {
	catalogue status/410
	echo "    - {from: elsewhere, url: \"$base/plain/model.bin\", bytes: 100000, sha256: $sum}" >>catalogue.yaml
	run --separate-stderr fetch model
	[ "$status" -eq 0 ]
	[[ $stderr == *"status 410"* ]]
	is_fetched
	grep -q '"from": "elsewhere"' weights/model.pt.json
}

@test "two at once: one brings it, the other waits" {
	catalogue plain
	fetch model 3>&- &
	local pid=$!
	fetch model
	wait $pid
	is_fetched
}

@test "what cannot be written" {
	catalogue plain
	mkdir weights
	(ulimit -f 40 && trap '' XFSZ && fails 1 "cannot write: File too large" fetch model)
	[ ! -e weights/model.pt ]
	fetch model # goes on from there
	is_fetched
	of "url: $base/plain/model.bin, bytes: 1000000000000000, sha256: $sum"
	fails 1 "MiB are free on its disk" fetch --force model
	cmp www/model.bin weights/model.pt # still there
	catalogue plain
	echo file >file
	fails 1 "cannot make folder" fetch --dir file model
}

@test "many files: several at a time, checked, those that are there left alone" {
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
	[[ $stderr == *"data/wav: 9 files, 450000 bytes"*"9 were brought now"* ]]
	diff -r www/audio data/wav
	grep -q '"proof": "pointer"' data/wav.json
	[ "$(grep -c status requests.log)" -le 4 ] # once a worker: then the place that answers comes first
	: >requests.log
	rm data/wav/a3.wav
	run --separate-stderr fetch corpus
	[[ $stderr == *"1 were brought now"* ]]
	diff -r www/audio data/wav
	fetch --offline corpus
	rm data/wav/a9.wav
	fails 4 "data/wav/a9.wav: is missing, and --offline" fetch --offline corpus
	echo more >>data/wav/a1.wav
	fails 4 "corpus: 1 of 9 files are not in data/wav" fetch corpus
	[[ $stderr == *"data/wav/a1.wav: is there, but its SHA-256"* ]]
	fetch --force -j 1 corpus
	diff -r www/audio data/wav
	sed -i 's,a1.wav 10000,../a1.wav 10000,' www/list.txt # a list that leads out of the folder
	sed -i "s/bytes: .*/bytes: $(stat -c %s www/list.txt), sha256: $(sha256sum <www/list.txt | cut -d' ' -f1)}/" catalogue.yaml
	rm data/wav.list
	fails 4 "data/wav.list:1: not a name, a size and a SHA-256" fetch corpus
}

@test "a member of an archive, checked by itself" {
	command -v python3 >/dev/null || skip "python3 is not here"
	python3 -c 'import zipfile; z = zipfile.ZipFile("www/a.zip", "w", zipfile.ZIP_DEFLATED); z.write("www/model.bin", "in/model.bin")'
	archive="bytes: $(stat -c %s www/a.zip), sha256: $(sha256sum <www/a.zip | cut -d' ' -f1)"
	of "url: $base/cut/40000/a.zip, $archive, member: {name: in/model.bin, bytes: 100000, sha256: $sum}"
	fetch model
	is_fetched
	rm weights/*
	cp catalogue.yaml good.yaml
	sed -i "s,sha256: $sum,sha256: $(printf 0%.0s {1..64})," catalogue.yaml
	fails 4 "SHA-256 is $sum and should be 0000" fetch model
	has_nothing
	sed 's,in/model,in/modell,' good.yaml >catalogue.yaml
	fails 4 "there is no 'in/modell.bin' in it" fetch model
	has_nothing
	sed 's,bytes: 100000,bytes: 99999,' good.yaml >catalogue.yaml
	fails 4 "in/model.bin: not the 99999 bytes" fetch model
	has_nothing
	cp good.yaml catalogue.yaml
	mkdir -p home/.cache/torch/hub/checkpoints
	cp www/model.bin home/.cache/torch/hub/checkpoints/some.pt # the member itself, from a cache
	fetch --offline model
	is_fetched
}

@test "GE2E's real weights, from the package as PyPI has it" {
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
	command -v python3 >/dev/null || skip "python3 is not here"
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

@test "what is refused" {
	fails 2 "at least one name is needed" "$fairvox" fetch
	fails 2 "nothing called 'ecpa' can be fetched, did you mean 'ecapa'?" "$fairvox" fetch ecpa
	fails 2 "--mirror: 'ftp://x' begins neither" "$fairvox" fetch --mirror ftp://x ecapa
	fails 2 "--wait: '-1' is no number" "$fairvox" fetch --wait=-1 ecapa
	fails 2 "--list takes no names" "$fairvox" fetch --list ecapa
	catalogue plain
	sed -i 's,save: weights,save: ../weights,; s/sha256: ./sha256: X/; s/commercial: false/commercial: no/; s/what:/waht:/' catalogue.yaml
	fails 2 "catalogue.yaml:4:9: save: a relative path without '..' is needed" fetch model
	[[ $stderr == *"catalogue.yaml:2:3: 'what' is missing"* ]]
	[[ $stderr == *"catalogue.yaml:2:3: unknown key 'waht'"* ]]
	[[ $stderr == *"sha256: 64 digits"* ]]
	[[ $stderr == *"commercial: true or false is needed"* ]]
}
