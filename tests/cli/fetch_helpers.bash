# SPDX-License-Identifier: Apache-2.0
# Shared by the tests of fetch: a web server on loopback (tests/http/server.c) and catalogues that point to it.

# serve [CERT KEY]: starts a server for ./www and sets port. It logs each request as a line of requests.log.
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
	export HOME=$PWD/home # only the caches of the test
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

# of FORM: writes a catalogue of one item with this form.
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

# catalogue WAY [SHA256]: writes a catalogue of $base/WAY/model.bin.
catalogue() {
	of "url: $base/$1/model.bin, bytes: 100000, sha256: ${2-$sum}"
}

fetch() {
	"$fairvox" fetch --catalogue catalogue.yaml --wait 0 "$@"
}

# The file is complete and has its receipt, and the folder holds nothing else.
is_fetched() {
	cmp www/model.bin weights/model.pt
	grep -q "\"sha256\": \"$sum\"" weights/model.pt.json
	[ "$(ls -A weights | tr '\n' ' ')" = "model.pt model.pt.json " ]
}

has_nothing() {
	[ -z "$(ls -A weights)" ]
}
