#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Files that are none, limits of the system, and signals: one clear line, and nothing half-written.
load helpers

# finishes CODE TEXT COMMAND...: as `fails`, within 20 s.
finishes() {
	local code=$1 text=$2
	shift 2
	fails "$code" "$text" timeout -k 1 20 "$@"
}

setup_file() {
	run_study
}

@test "a pipe in place of a file is refused, and nothing waits for its writer" {
	copy_study
	run_folder=$(echo results/erm-*/fold1-*)
	mkfifo pipe.csv pipe.yaml pipe.wav pipe.safetensors
	not="not a regular file"
	finishes 4 "pipe.csv: $not" "$fairvox" audit pipe.csv --group-columns gender
	finishes 2 "pipe.yaml: $not" "$fairvox" run pipe.yaml
	finishes 4 "pipe.safetensors: $not" "$fairvox" inspect pipe.safetensors
	finishes 4 "pipe.wav: $not" "$fairvox" encode --encoder pitch --out o.csv pipe.wav
	sed "s|labels: .*|labels: pipe.csv|; /folds:/d" plan.yaml >labels.yaml
	finishes 4 "pipe.csv: $not" "$fairvox" split labels.yaml
	sed "s|encoder: .*|encoder: {name: precomputed, file: pipe.csv}|" plan.yaml >features.yaml
	finishes 4 "pipe.csv: $not" "$fairvox" run features.yaml
	rm "$run_folder/predictions.csv"
	mkfifo "$run_folder/predictions.csv"
	finishes 4 "predictions.csv: $not" "$fairvox" verify results
	finishes 4 "predictions.csv: $not" "$fairvox" table results
}

@test "a pipe named done is no finished run" {
	copy_study
	run_folder=$(echo results/erm-*/fold1-*)
	rm "$run_folder/done"
	mkfifo "$run_folder/done"
	run timeout -k 1 20 "$fairvox" status plan.yaml
	[[ $output == *"3 of 4"* || $output == *"done"*3* ]]
	run timeout -k 1 60 "$fairvox" run plan.yaml
	[ "$status" -eq 0 ]
	[[ $output == *"1 computed now"* ]]
	[ -f "$run_folder/done" ]
}

@test "a limit on the size of files is told with the file, and leaves no half of one" {
	copy_study
	for command in "groups plan.yaml loss.name=rw --fold 1 --out g.csv" "run plan.yaml --results limited" \
		"encode --encoder pitch --out o.csv $(echo "$corpus"/*.flac | cut -d' ' -f1)"; do
		# messages go through a pipe, which has no limit
		run bash -c "ulimit -f 0; exec '$fairvox' $command 2>&1 | cat"
		[[ $output == *"File too large"* ]]
		run bash -c "ulimit -f 0; '$fairvox' $command >/dev/null 2>&1"
		[ "$status" -eq 1 ]
	done
	[ -z "$(find . -maxdepth 1 -name '.g.csv*' -o -maxdepth 1 -name '.o.csv*')" ]
	[ -z "$(find limited -name '.*.??????' ! -name '.lease-*')" ]
}

@test "no thread is needed, and no memory for one" {
	cd "$BATS_TEST_TMPDIR"
	LD_PRELOAD=$FAIRVOX_BUILD/preload/threads.so run env -u OPENBLAS_NUM_THREADS "$fairvox" plugins
	[ "$status" -eq 0 ]
	[[ $output == *"loss     erm"* ]]
	for kib in 60000 100000 150000; do
		run bash -c "ulimit -v $kib; timeout -k 1 20 env -u OPENBLAS_NUM_THREADS '$fairvox' plugins"
		[ "$status" -eq 0 ] || [[ $status -eq 1 && $output == *"memory"* ]] || [ "$status" -eq 127 ]
	done
}

@test "the variables that restart the program stay its own" {
	cd "$BATS_TEST_TMPDIR"
	cat >show.c <<-END
		#include <stdio.h>
		#include <stdlib.h>
		__attribute__((destructor)) static void show(void)
		{
			const char *threads = getenv("OPENBLAS_NUM_THREADS"), *mark = getenv("FAIRVOX_ONE_THREAD");
			fprintf(stderr, "threads %s, mark %s\n", threads ? threads : "-", mark ? mark : "-");
		}
	END
	cc -shared -fPIC -o show.so show.c
	run env -u OPENBLAS_NUM_THREADS LD_PRELOAD="$PWD/show.so" "$fairvox" --version
	[[ $output == *"threads -, mark -"* ]]
	run env OPENBLAS_NUM_THREADS=2 LD_PRELOAD="$PWD/show.so" "$fairvox" --version
	[[ $output == *"threads 2, mark -"* ]]
}

@test "a disk that is nearly full takes the results of a training that was saved" {
	[ "$(id -u)" = 0 ] || skip "only root can mount a small disk"
	plan
	encoded
	sed -i 's/folds: .*/folds: [1]/; s/epochs: 5/epochs: 200/; /matrix/d' plan.yaml
	echo 'head: {hidden: [256]}' >>plan.yaml
	"$fairvox" run plan.yaml --quiet --results whole
	mkdir disk
	mount -t tmpfs -o size=64m none disk || skip "no disk can be mounted here"
	"$fairvox" run plan.yaml --quiet --results disk/r --save-every 0.01 &
	pid=$!
	for _ in $(seq 600); do
		[ -n "$(find disk -name checkpoint.safetensors)" ] && break
		sleep 0.02
	done
	kill -TERM $pid
	wait $pid || true
	left=$(find disk -name checkpoint.safetensors)
	if [ -n "$left" ]; then
		# room for less than the results, but for them without the checkpoint
		free=$(df --output=avail -B1024 disk | tail -1)
		head -c $(((free - 40) * 1024)) /dev/zero >disk/filler
	fi
	code=0
	"$fairvox" run plan.yaml --quiet --results disk/r || code=$?
	same=$(cmp whole/*/*/model.safetensors disk/r/*/*/model.safetensors && echo yes)
	umount disk
	[ -n "$left" ]
	[ "$code" -eq 0 ]
	[ "$same" = yes ]
}

# distrusted TEXT: the plugin erm in folder p is refused with this text.
distrusted() {
	run "$fairvox" plugins --plugins p
	[ "$status" -eq 0 ]
	grep -q "^refused .*p/erm.so: .*$1: only files of root and of the user" <<<"$output"
}

@test "plugins that others could have put there are not loaded" {
	[ "$(id -u)" = 0 ] || skip "only root can give files away"
	cd "$BATS_TEST_TMPDIR"
	mkdir -p above/p
	ln -s above/p p
	cp "$FAIRVOX_BUILD/plugins/erm.so" p/
	run "$fairvox" plugins --plugins p
	! grep -q '^refused' <<<"$output"
	chown 65534 above/p
	distrusted "above/p belongs to another user"
	chown 0 above/p
	chmod 775 above/p
	distrusted "above/p can be written by its group"
	chmod 757 above/p
	distrusted "above/p can be written by every user"
	chmod 755 above/p
	chmod 666 p/erm.so
	distrusted "erm.so can be written by every user"
	chmod 644 p/erm.so
	chown 65534 p/erm.so
	distrusted "erm.so belongs to another user"
	chown 0 p/erm.so
	chmod 777 above
	distrusted "above can be written by every user"
	chmod 1777 above
	run "$fairvox" plugins --plugins p
	! grep -q '^refused' <<<"$output"
}

@test "a program with other rights than its user refuses to run" {
	[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || skip "needs root"
	bin=$(mktemp -d)
	cp "$fairvox" "$bin/fairvox"
	chmod 755 "$bin"
	chmod 4755 "$bin/fairvox"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/fairvox" plugins
	rm -r "$bin"
	[ "$status" -eq 2 ]
	[[ $output == "fairvox: has other rights than its user"* ]]
}

# harmless FILE: it holds no command to a terminal: no C0 but newlines, no C1, no mark of direction.
harmless() {
	python3 - "$1" <<'END'
import sys, unicodedata
text = open(sys.argv[1], "rb").read().decode("utf-8")  # fails for bytes that are no UTF-8
bad = [hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
sys.exit(f"{sys.argv[1]}: {bad}" if bad else 0)
END
}

@test "names and reasons of others cannot command a terminal" {
	copy_study
	evil=$'Ma\e[31mle\xc2\x9b\xe2\x80\xae\x9b'
	run_folder=$(echo results/erm-*/fold1-*)
	sed -i "s/Female/${evil%?}/g" "$run_folder"/../*/predictions.csv
	"$fairvox" audit "$run_folder/predictions.csv" --group-columns gender >out 2>err
	grep -qF 'Ma\x1b[31mle\xc2\x9b\xe2\x80\xae' out
	harmless out
	harmless err
	rm "$run_folder/done"
	printf 'why %s\n' "$evil" >"$run_folder/failed"
	"$fairvox" status results >out 2>err
	grep -qF 'why Ma\x1b[31mle\xc2\x9b\xe2\x80\xae\x9b' out
	harmless out
	"$fairvox" status plan.yaml >out 2>err
	grep -qF 'why Ma\x1b[31mle\xc2\x9b\xe2\x80\xae\x9b' out
	harmless out
	for name in $'c1\xc2\x9b31m.wav' $'raw\x9b31m.wav' $'e\e[31m.wav'; do
		! "$fairvox" encode --encoder pitch --out o.csv "$name" 2>err
		harmless err
		[ "$(grep -o 'wav:' err | wc -l)" -eq 1 ]
	done
}

@test "a file that is cut while it is read is named" {
	plan
	python3 - <<'END'
import json, struct
head, size = {}, 1600
for i in range(3000):
    head[f"r{i}"] = {"dtype": "F32", "shape": [1, 400], "data_offsets": [size * i, size * (i + 1)]}
head = json.dumps(head).encode()
open("kept", "wb").write(struct.pack("<Q", len(head)) + head + bytes(3000 * size))
END
	sed "s|encoder: .*|encoder: {name: precomputed, file: big.safetensors}|; /matrix/d" plan.yaml >features.yaml
	for bytes in 0 4096 8192 100000 1000000 4000000; do
		cp kept big.safetensors
		fails 4 "big.safetensors: became shorter while it was read" env LD_PRELOAD="$FAIRVOX_BUILD/preload/cut.so" \
			CUT_FILE=big.safetensors CUT_TO=$bytes "$fairvox" run features.yaml --results cut
	done
}

@test "a file that the system does not give is told, and its run is not left out of a table" {
	copy_study
	export OPENBLAS_NUM_THREADS=1
	"$fairvox" table results --draws 2000 >whole
	for kind in io files; do
		reason="Input/output error"
		[ $kind = io ] || reason="Too many open files"
		told=0
		for n in $(seq 24); do
			code=0
			LD_PRELOAD=$FAIRVOX_BUILD/preload/errors.so ERRORS_KIND=$kind ERRORS_FAIL=$n \
				"$fairvox" table results --draws 2000 >part 2>words || code=$?
			if [ $code -eq 0 ]; then
				cmp whole part
			else
				[ $code -eq 1 ]
				grep -q "$reason" words
				! grep -q "remove their folders" words
				told=$((told + 1))
			fi
		done
		[ $told -ge 12 ] # three files of each run
	done
}

@test "text that the disk does not give is told, and taken for no other kind of file" {
	corpus
	cd "$BATS_TEST_TMPDIR"
	wave=$(find "$corpus" -name '*.flac' | sort | head -1)
	error="Input/output error" # at the beginning of this file, for no process has memory at 0
	ln -s /proc/self/mem features.csv
	fails 1 "features.csv: $error" "$fairvox" encode --encoder precomputed -p file=features.csv --out f.csv "$wave"
	python3 - <<'END'
import json, struct
head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}\n"
open("array.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(24))
head = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
open("w.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + bytes(4))
END
	ln -s /proc/self/mem array.txt
	fails 1 "array.txt: $error" "$fairvox" encode --encoder precomputed -p file=array.npy --out f.csv "$wave"
	ln -s /proc/self/mem config.json
	fails 4 "config.json: $error" "$fairvox" encode --encoder wavlm --weights w.safetensors --out f.csv "$wave"
}

@test "a folder in place of a cache entry is removed, or told if it holds something" {
	copy_study
	entry=$(find cache -name '*.safetensors' | head -1)
	[ -n "$entry" ]
	rm "$entry"
	mkdir "$entry"
	"$fairvox" run plan.yaml --quiet --force
	[ -f "$entry" ]
	rm "$entry"
	mkdir -p "$entry/held"
	fails 1 "$entry: cannot write: Is a directory" "$fairvox" run plan.yaml --force
}

@test "a refused plugin that hides another says why it is refused" {
	copy_study
	mkdir p
	head -c 9000 "$FAIRVOX_BUILD/plugins/gdro.so" >p/gdro.so
	fails 4 "loss 'gdro' cannot be used: $PWD/p/gdro.so: truncated" "$fairvox" run plan.yaml loss.name=gdro --plugins p
}
