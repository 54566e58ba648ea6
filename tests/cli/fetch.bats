#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fairvox fetch of one file, from a web server on loopback that cuts connections, redirects, ignores ranges and sends wrong sizes.
load helpers
load fetch_helpers

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
	[[ $stderr == *"weights/model.pt: already present"* ]]
	mv weights/model.pt.json receipt
	mkfifo weights/model.pt.json # nothing waits for a receipt that nobody writes
	fails 4 "weights/model.pt.json: not a regular file" timeout 20 "$fairvox" fetch --catalogue catalogue.yaml --offline model
	rm weights/model.pt.json
	mv receipt weights/model.pt.json
	fetch model --quiet --dir elsewhere | grep -qx elsewhere/weights/model.pt
	cmp www/model.bin elsewhere/weights/model.pt
	[ "$(wc -l <requests.log)" -eq 1 ]
}

@test "cut connections: every part is requested once" {
	catalogue cut/30000
	fetch model
	is_fetched
	[ "$(cut -d' ' -f2 requests.log | tr '\n' ' ')" = "-1 30000 60000 90000 " ]
}

@test "an abandoned download resumes in the next call" {
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

@test "killed during a download: the part is kept" {
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

@test "a silent server is given up and its part is kept" {
	catalogue stall
	fails 4 "Operation too slow" fetch --timeout 1 --retries 0 model
	[ "$(stat -c %s weights/model.pt.part)" = 50000 ]
}

@test "a server that ignores ranges: starts over, no byte twice" {
	catalogue norangecut/30000
	fetch model
	is_fetched
	[ "$(cut -d' ' -f2 requests.log | tr '\n' ' ')" = "-1 30000 " ]
}

@test "a server that sends a different range: the whole file is requested" {
	catalogue otherpart
	mkdir weights
	head -c 30000 www/model.bin >weights/model.pt.part
	fetch model
	is_fetched
	[ "$(cut -d' ' -f2 requests.log | tr '\n' ' ')" = "30000 -1 " ]
}

@test "no length stated: an early end counts as a cut" {
	catalogue unsized/30000
	fetch model
	is_fetched
}

@test "a part of another file, shorter or longer, is discarded" {
	catalogue plain
	mkdir weights
	head -c 40000 /dev/zero >weights/model.pt.part
	run --separate-stderr fetch model
	[ "$status" -eq 0 ]
	[[ $stderr == *"belongs to another file; starting over"* ]]
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

@test "wrong content is rejected and removed" {
	catalogue plain "$(printf 0%.0s {1..64})"
	fails 4 "SHA-256 is $sum, expected 000000" fetch model
	has_nothing
	catalogue long
	fails 4 "the answer is longer than 100000 bytes" fetch model
	[ ! -e weights/model.pt ]
	rm -f weights/*
	catalogue short
	fails 4 "the answer ends after 50000 of 100000 bytes" fetch model
	[ ! -e weights/model.pt ]
}

@test "other content under the name stays unless --force is given" {
	catalogue plain
	mkdir weights
	echo mine >weights/model.pt
	fails 4 "weights/model.pt: exists, but its SHA-256" fetch model
	[ "$(cat weights/model.pt)" = mine ]
	fetch --force model
	is_fetched
}

@test "temporary errors are retried, others are not" {
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

@test "a busy server is retried when it asks for it" {
	catalogue busy
	run --separate-stderr fetch model # its own pause is 0
	[[ $stderr == *"status 503: have 0 bytes, trying again in 2 s"* ]]
	is_fetched
}

@test "a file that changes on the server during a download: the new one, not a mixture" {
	head -c 120000 /dev/urandom >www/model.bin.new
	of "url: $base/changes/30000/model.bin"
	fetch model
	cmp www/model.bin.new weights/model.pt
	grep -q '"bytes": 120000' weights/model.pt.json
}

@test "at most ten redirects are followed" {
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
	command -v openssl >/dev/null || skip "openssl is not installed"
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
	unset SSL_CERT_FILE # a certificate without a known authority
	catalogue plain
	fails 4 "certificate" fetch model
	has_nothing
}

@test "two at once: one downloads, the other waits" {
	catalogue plain
	fetch model 3>&- &
	local pid=$!
	fetch model
	wait $pid
	is_fetched
}

@test "errors when writing" {
	catalogue plain
	mkdir weights
	(ulimit -f 40 && trap '' XFSZ && fails 1 "cannot write: File too large" fetch model)
	[ ! -e weights/model.pt ]
	fetch model # resumes
	is_fetched
	of "url: $base/plain/model.bin, bytes: 1000000000000000, sha256: $sum"
	fails 1 "MiB are free on the disk" fetch --force model
	cmp www/model.bin weights/model.pt # unchanged
	catalogue plain
	echo file >file
	fails 1 "cannot make folder" fetch --dir file model
}

@test "bad arguments and catalogues are rejected" {
	fails 2 "no name given" "$fairvox" fetch
	fails 2 "unknown name 'ecpa', did you mean 'ecapa'?" "$fairvox" fetch ecpa
	fails 2 "--mirror: 'ftp://x' starts with neither" "$fairvox" fetch --mirror ftp://x ecapa
	fails 2 "--wait: '-1' is not a number" "$fairvox" fetch --wait=-1 ecapa
	fails 2 "--list takes no names" "$fairvox" fetch --list ecapa
	catalogue plain
	sed -i 's,save: weights,save: ../weights,; s/sha256: ./sha256: X/; s/commercial: false/commercial: no/; s/what:/waht:/' catalogue.yaml
	fails 2 "catalogue.yaml:4:9: save: must be a relative path without '..'" fetch model
	[[ $stderr == *"catalogue.yaml:2:3: 'what' is missing"* ]]
	[[ $stderr == *"catalogue.yaml:2:3: unknown key 'waht'"* ]]
	[[ $stderr == *"sha256: must be 64 digits"* ]]
	[[ $stderr == *"commercial: must be true or false"* ]]
}
