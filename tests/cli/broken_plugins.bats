#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Plugins that crash, hang, throw, panic or print: what is said, and that nothing else is harmed. Every kind of
# mistake is in tests/mistakes.
load helpers

setup() {
	plan
	encoded
	sed -i 's/folds: .*/folds: [1]/; /^matrix:/d; s/epochs: 5/epochs: 2/' plan.yaml
}

@test "a C++ exception is named with its type" {
	sed '1i #include <stdexcept>
		s/value = 0;/& throw std::runtime_error("no such luck");/' \
		"$FAIRVOX_SOURCE/tests/oot/in_cpp.cc" >in_cpp.cc
	grep -q runtime_error in_cpp.cc
	g++ -std=c++20 -w -shared -fPIC -I"$FAIRVOX_SOURCE/core/include" -o in_cpp.so in_cpp.cc -L"$FAIRVOX_BUILD" -lfairvox
	fails 1 "loss 'in_cpp': op weigh at step 1 threw a C++ exception of type std::runtime_error" \
		"$fairvox" run plan.yaml --plugins . loss.name=in_cpp
	[[ $stderr == *"no such luck"* ]]
	"$fairvox" status results | grep -q "threw a C++ exception of type std::runtime_error"
	run "$fairvox" check ./in_cpp.so
	[ "$status" -eq 4 ]
	[[ $output == *"fault: crash: loss 'in_cpp': op weigh (a plain batch) threw a C++ exception of type std::runtime_error"* ]]
}

@test "a panic in Rust is named" {
	command -v rustc || skip "no rustc"
	build loss panics FILE_SCOPE "extern void panic_now(void);" WEIGH "if (batch->step == 2) panic_now()"
	cat >panic.rs <<-'RUST'
		#[no_mangle]
		pub extern "C" fn panic_now() {
		    let empty: Vec<i32> = Vec::new();
		    println!("{}", empty[std::env::args().count()]);
		}
	RUST
	rustc --crate-type staticlib -C relocation-model=pic -o libpanic.a panic.rs
	cc -std=gnu11 -w -shared -fPIC -D_GNU_SOURCE -I"$FAIRVOX_SOURCE/core/include" -o panics.so panics.c libpanic.a \
		-L"$FAIRVOX_BUILD" -lfairvox -lm -lpthread -ldl -lgcc_s
	fails 1 "loss 'panics': op weigh at step 2 aborted, as a panic in Rust does" \
		"$fairvox" run plan.yaml --plugins . loss.name=panics
	[[ $stderr == *"index out of bounds"* ]]
}

@test "--op-timeout ends a hang in run, encode, groups, predict and check" {
	build loss hangs WEIGH "for (;;) pause()"
	build grouper g_hangs FIT "for (;;) pause()"
	build encoder e_hangs ENCODE "for (;;) pause()"
	build encoder e_hangs_open OPEN "for (;;) pause()"
	limit=(--plugins . --op-timeout 0.5)
	SECONDS=0
	fails 1 "loss 'hangs': op weigh at step 1 did not return for 0.5 s: --op-timeout allows more" \
		"$fairvox" run plan.yaml "${limit[@]}" loss.name=hangs
	[[ $stderr == *"op weigh at step 1 is still at work after"*"Ctrl-C or --op-timeout (0.5 s) ends it"* ]]
	"$fairvox" status results | grep -q "op weigh at step 1 did not return for 0.5 s"
	fails 1 "encoder 'e_hangs': op encode did not return for 0.5 s" \
		"$fairvox" run plan.yaml "${limit[@]}" encoder.name=e_hangs
	file=$(ls "$corpus"/*.flac | head -1)
	fails 1 "encoder 'e_hangs': op encode did not return for 0.5 s" \
		"$fairvox" encode "${limit[@]}" --encoder e_hangs --out x.csv "$file"
	[ ! -e x.csv ]
	fails 1 "encoder 'e_hangs_open': op open has not returned for 0.5 s: see --op-timeout" \
		"$fairvox" encode "${limit[@]}" --encoder e_hangs_open --out x.csv "$file"
	fails 1 "grouper 'g_hangs': op fit has not returned for 0.5 s: see --op-timeout" \
		"$fairvox" groups plan.yaml "${limit[@]}" loss.name=gdro 'grouper={name: g_hangs}' --out g.csv
	[ ! -e g.csv ]
	fails 4 "violates the contract" "$fairvox" check "${limit[@]}" hangs
	[[ $output == *"fault: crash: loss 'hangs': op weigh (a plain batch) did not return for 0.5 s"* ]]
	# predict: a run of an encoder that hangs later
	build encoder e_later ENCODE 'if (getenv("HANG")) for (;;) pause()'
	"$fairvox" run plan.yaml --plugins . 'encoder={name: e_later}' --results later --quiet
	HANG=1 fails 1 "encoder 'e_later': op encode has not returned for 0.5 s: see --op-timeout" \
		"$fairvox" predict "${limit[@]}" later/*/fold1-seed1 "$file"
	[ -z "$output" ]
	[ "$SECONDS" -lt 60 ]
	fails 2 "--op-timeout: '-1' is not a number of seconds" "$fairvox" run plan.yaml --op-timeout -1
}

@test "Ctrl-C ends a hang at once" {
	build loss hangs WEIGH "for (;;) pause()"
	"$fairvox" run plan.yaml --plugins . loss.name=hangs 2>err &
	pid=$!
	at_work
	sleep 1
	SECONDS=0
	kill -INT "$pid"
	run wait "$pid"
	code=0
	wait "$pid" || code=$?
	[ "$code" -eq 130 ]
	[ "$SECONDS" -lt 5 ]
	grep -q "loss 'hangs': op weigh at step 1 was still at work and was ended" err
}

@test "a crash in the program itself names the op" {
	build encoder e_open OPEN "abort()"
	build grouper g_uses USES "(abort(), 0)"
	file=$(ls "$corpus"/*.flac | head -1)
	fails 1 "fairvox: encoder 'e_open': op open crashed (Aborted)" \
		"$fairvox" encode --plugins . --encoder e_open --out x.csv "$file"
	fails 1 "fairvox: grouper 'g_uses': op uses crashed (Aborted)" \
		"$fairvox" run plan.yaml --plugins . loss.name=gdro 'grouper={name: g_uses}'
}

@test "a plugin's file that is overwritten during a run is named, and finished runs stay" {
	build loss slow WEIGH 'if (access("go", F_OK)) { creat("begun", 0600); while (access("go", F_OK)) usleep(10000); }'
	echo 'matrix: {loss.name: [erm, slow]}' >>plan.yaml
	"$fairvox" run plan.yaml --plugins . loss.name=erm matrix=none --quiet
	finished=$(echo results/erm-*/fold1-seed1)
	cp "$finished/done" done
	cp slow.so slow.old
	meanwhile() { # COMMAND...: during a run
		rm -f go begun
		"$fairvox" run plan.yaml -j 1 --plugins . >out 2>err &
		pid=$!
		for _ in $(seq 300); do [ -e begun ] && break; sleep 0.1; done
		[ -e begun ]
		"$@"
		touch go
		code=0
		wait "$pid" || code=$?
		cat err
		echo "exit code $code"
	}
	wanted="plugin file $PWD/slow.so was overwritten while it was in use: replace it with mv (or install), then run again"
	# cp shortens the file first, which ends in a crash; bytes behind its code do not
	{ cat slow.old; echo more; } >longer
	for way in "cp longer slow.so" "dd if=longer of=slow.so conv=notrunc"; do
		meanwhile $way
		[ "$code" -eq 3 ]
		[ "$(grep -cF "$wanted" err)" -eq 1 ]
		cmp "$finished/done" done
		! ls results/slow-*/*/done
		cp slow.old slow.so
	done
	# The same content with another time, or another file at the place, changes nothing.
	meanwhile touch slow.so
	[ "$code" -eq 0 ]
	rm -r results/slow-*
	meanwhile mv longer slow.so
	[ "$code" -eq 0 ]
}

@test "what plugins print does not mix with results" {
	build encoder e_prints ENCODE 'printf("noise\n")' OPEN 'puts("opened")'
	"$fairvox" run plan.yaml --plugins . 'encoder={name: e_prints}' --results later 2>err >out
	[ ! -s out ]
	grep -q "warning: encoder 'e_prints': op open printed to standard output, which was dropped: \"opened\": use fv_note" err
	file=$(ls "$corpus"/*.flac | head -1)
	"$fairvox" predict --plugins . later/*/fold1-seed1 "$file" 2>err >out
	head -1 out | grep -q '^FileName,prob_'
	! grep -q "noise\|opened" out
	grep -q "op encode printed to standard output" err
}

@test "a plugin of another kind that hides one of fairvox's own is named" {
	build encoder rw
	fails 2 "'rw' is of kind encoder, not loss: rename $PWD/rw.so to use $FAIRVOX_BUILD/plugins/rw.so" \
		"$fairvox" run plan.yaml --plugins . loss.name=rw
}

@test "a plugin that replaces one of fairvox's own is named at every run" {
	build loss erm
	for round in 1 2; do
		"$fairvox" run plan.yaml --plugins . 2>err
		grep -q "warning: loss 'erm' is $PWD/erm.so, which replaces fairvox's own $FAIRVOX_BUILD/plugins/erm.so" err
	done
	"$fairvox" run plan.yaml --plugins . loss.name=rw 2>err
	! grep -q replaces err
}

@test "a plugin that hides another of its name is named in run and explain, if it is used" {
	mkdir first second third
	build loss twice
	build grouper unused
	for folder in first second third; do cp twice.so unused.so $folder; done
	rm twice.so unused.so
	export FAIRVOX_PLUGIN_PATH=$PWD/second:$PWD/third:$FAIRVOX_PLUGIN_PATH
	hides() {
		"$@" 2>err >out
		grep -qx "fairvox: warning: loss 'twice' is $used/twice.so, which hides $hidden/twice.so of the same name" err
		[ "$(grep -c "$hidden/twice.so" err)" -eq 1 ]
		! grep -q "unused\|replaces" err
	}
	used=$PWD/second hidden=$PWD/third
	hides "$fairvox" run plan.yaml loss.name=twice,erm
	used=$PWD/first
	for hidden in "$PWD/second" "$PWD/third"; do
		hides "$fairvox" run plan.yaml --plugins first loss.name=twice,erm
		hides "$fairvox" run plan.yaml --plugins first loss.name=twice,erm --dry-run
		hides "$fairvox" explain plan.yaml --plugins first 'loss={name: eiil, then: twice}'
	done
	"$fairvox" explain plan.yaml --plugins first loss.name=erm 2>err
	! grep -q hides err
	# one of fairvox's own that hides one of the user's
	mkdir own
	build loss rw
	mv rw.so own
	"$fairvox" explain plan.yaml --plugins "$FAIRVOX_BUILD/plugins" --plugins own loss.name=rw 2>err
	grep -q "loss 'rw' is $FAIRVOX_BUILD/plugins/rw.so, which hides $PWD/own/rw.so of the same name" err
	"$fairvox" explain plan.yaml --plugins own loss.name=rw 2>err
	grep -q "which replaces fairvox's own $FAIRVOX_BUILD/plugins/rw.so" err
	! grep -q hides err
}

@test "the reason of a refused file is told, also when it hides another" {
	mkdir cut
	head -c 9000 "$FAIRVOX_BUILD/plugins/gdro.so" >cut/gdro.so
	fails 4 "loss 'gdro' cannot be used: $PWD/cut/gdro.so: truncated: " "$fairvox" run plan.yaml --plugins cut loss.name=gdro
	[[ $stderr == *"; remove it to use $FAIRVOX_BUILD/plugins/gdro.so"* ]]
	fails 4 "$PWD/cut/gdro.so: refused: truncated: " "$fairvox" describe --plugins cut gdro
	build loss other
	mv other.so cut/libx.so
	fails 4 "cut/libx.so: its name is 'other', the name of its file 'libx'" "$fairvox" run plan.yaml --plugins cut loss.name=x
	fails 4 "cut/libx.so: its name is 'other', the name of its file 'libx'" "$fairvox" run plan.yaml --plugins cut loss.name=other
	# -k goes on with the others
	echo 'matrix: {loss.name: [gdro, erm]}' >>plan.yaml
	fails 3 "cut/gdro.so: truncated: " "$fairvox" run plan.yaml -k --plugins cut
	[[ $stderr == *"1 of 1 run done, 1 computed now; some failed"* ]]
}

@test "check and describe take a name, a kind and a name, or a path" {
	run "$fairvox" check truth -p column=gender
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"  parameter column: gender (given)"* ]]
	[[ $output == *"shown: 64 rows, 32 of them to fit; an attribute of 4 values, one of them new after fit"* ]]
	fails 2 "grouper truth has no default for 'column' (Attribute whose values are the groups): give it with -p column=VALUE, a text" \
		"$fairvox" check grouper/truth
	run "$fairvox" check "$FAIRVOX_BUILD/plugins/gdro.so"
	[ "$status" -eq 0 ]
	[[ $output == *"ops: open order weigh evaluate"* ]]
	[[ $output == *"parameter mode: batch_max; also tried: batch_max|eg|smoothed"* ]]
	"$fairvox" describe "$FAIRVOX_BUILD/plugins/gdro.so" | grep -q '^loss/gdro '
	"$fairvox" describe loss/gdro | grep -q '^loss/gdro '
	for verb in check describe; do
		fails 2 "nothing.so: No such file" "$fairvox" $verb ./nothing.so
		fails 4 "is a folder: name a file in it" "$fairvox" $verb ./
		fails 4 "plan.yaml: is no plugin: a plugin is a shared object called NAME.so" "$fairvox" $verb ./plan.yaml
		fails 4 "plan.yaml: is no plugin" "$fairvox" $verb plan.yaml
		fails 2 "no plugin 'gdr', did you mean 'gdro'?" "$fairvox" $verb gdr
	done
}

@test "check shows a grouper the columns that it asks for" {
	build grouper named FIT '{ int found = 0; for (int d = 0; d < train->dims; d++) found |= !strcmp(train->columns[d], "age") && train->roles[d] == FV_COL_VALUE; if (!found) return fv_fail(ctx, FV_DATA, "no column age"); }'
	fails 4 "violates" "$fairvox" check ./named.so
	[[ $output == *"fault: fit: plugin named: no column age"* ]]
	run "$fairvox" check ./named.so --columns p:probability,q:probability,age:value
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"columns p (probability), q (probability), age (value)"* ]]
}

@test "table remarks on variants with the same predictions" {
	build loss nothing
	"$fairvox" run plan.yaml --plugins . loss.name=erm,nothing,rw --quiet
	for table in "results" "results --full"; do
		"$fairvox" table $table --draws 2000 --format md >out
		cat out
		grep -qi "^- \(erm, nothing\|nothing, erm\): exactly the same predictions, so what they differ in had no effect" out
		[ "$(grep -c "exactly the same" out)" -eq 1 ]
	done
}

@test "a batch may hold more samples than there are training rows" {
	build loss repeats MORE 'static fv_status choose(void *s, fv_ctx *c, int32_t *row, int64_t cap, int64_t *n) { for (int64_t i = 0; i < cap; i++) row[i] = (int32_t)(i / 2); *n = cap; return FV_OK; }' \
		OPS 'FV_LOSS_OPS(.subsample = choose, .weigh = sound_weigh, .evaluate = sound_evaluate)'
	"$fairvox" run plan.yaml --plugins . loss.name=repeats train.batch=100000 --quiet
	[ -e results/repeats-*/fold1-seed1/done ]
	[ "$(wc -l <results/repeats-*/fold1-seed1/metrics.jsonl)" -eq 2 ]
}

@test "metrics.jsonl has the arrays of an objective as validated leaves them, beside its own keys" {
	build loss counts MORE 'static fv_status count(void *s, fv_ctx *c, const fv_batch *dev) { double *seen = fv_array(c, "seen", FV_F64, 1, 2), *value = fv_array(c, "value", FV_F64, 1, 1); (void)s, (void)dev; seen[0]++; seen[1] = value[0] = -3; return FV_OK; }' \
		OPEN 'fv_array(ctx, "seen", FV_F64, 1, 2), fv_array(ctx, "value", FV_F64, 1, 1), fv_array(ctx, "seconds", FV_F64, 1, 1), fv_array(ctx, "hidden", FV_F64, 2, 1)' \
		OPS 'FV_LOSS_OPS(.open = sound_open, .weigh = sound_weigh, .evaluate = sound_evaluate, .validated = count)'
	"$fairvox" run plan.yaml --plugins . loss.name=counts --quiet
	python3 - results/counts-*/fold1-seed1/metrics.jsonl <<-'END'
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		assert [line['seen'] for line in lines] == [[1, -3], [2, -3]], lines
		for line in lines:
		    assert isinstance(line['value'], float) and line['array.value'] == [-3]
		    assert isinstance(line['seconds'], float) and line['array.seconds'] == [0]
		    assert not any('hidden' in key for key in line)
	END
}

@test "what check advises after a crash finds a write beside the plugin's own memory" {
	nm -D "$fairvox" | grep -q __asan && skip "the program has a sanitizer of its own"
	cd "$BATS_TEST_TMPDIR"
	"$fairvox" new plugin loss beside
	sed -i '1i #include <stdlib.h>
	/^static fv_status weigh_batch(/,/^{/ s/^{/{ double *own = malloc(8); own[batch->n + 100] = 1; free(own);/' beside/beside.c
	gcc -shared -fPIC -g -fsanitize=address -I"$FAIRVOX_SOURCE/core/include" -o beside.so beside/beside.c -lm
	LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
		run "$fairvox" check "$PWD/beside.so"
	[ "$status" -eq 4 ]
	[[ $output == *"heap-buffer-overflow"*"in weigh_batch "*"beside/beside.c:"* ]]
	[[ $output == *'LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0:handle_segv=2'* ]]
}
