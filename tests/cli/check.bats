#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fairvox check: the words for faults of each kind, one for each cause, crashes in a debugger, calls that last.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# told CODE TEXT...: checks ./NAME.so, and expects the exit code and each text in what is printed.
told() {
	local name=$1 code=$2
	shift 2
	run "$fairvox" check "${options[@]}" "./$name.so"
	echo "$output"
	[ "$status" -eq "$code" ]
	for text in "$@"; do
		[[ $output == *"$text"* ]] || {
			echo "wanted: $text"
			return 1
		}
	done
}

@test "what to do belongs to the kind of fault" {
	build loss prints WEIGH 'printf("weigh\n")'
	told prints 4 "fault: weigh: the op prints to standard output" "  stdout: use fv_note(), or print to standard error"
	[[ $output != *"must be finite"* ]]
	build loss locale OPEN 'setenv("FAIRVOX_TEST", "1", 1)'
	told locale 4 "  environment: do not call setenv() or putenv()"
	build loss rounds WEIGH 'fesetround(FE_UPWARD)'
	told rounds 4 "  surroundings: put back what the op changes before it returns"
	[[ $output != *"must be finite"* ]]
	build loss short WEIGH '((char *)state)[64] = 1'
	told short 4 "past the end of the state" "  state_size: set .state_size to sizeof of the struct"
	build encoder writes ENCODE 'me->last++'
	told writes 4 "changes the state, which it may only read" "  state: an op whose state is const may not write to it"
	[[ $output != *"write every number of out"* ]]
}

@test "one cause is told once, with how often it came again" {
	build loss leaks FILE_SCOPE 'extern int open(const char *, int, ...);' WEIGH 'open("/dev/null", 0)'
	told leaks 4 "leaks: " "1 fault" " more like it: weigh: the op leaves file descriptor" "  open files: close in an op what it opens"
	[ "$(grep -c ^fault: <<<"$output")" -eq 1 ]
	build loss nans WEIGH '*value = v[0] = NAN'
	told nans 4 "fault: weigh: a plain batch gives a weight that is not finite" ", 1 fault"
	[ "$(grep -c ^fault: <<<"$output")" -eq 1 ]
}

@test "ops without and with those of an extension are listed without a stray comma" {
	"$fairvox" new plugin loss nets --extension networks >/dev/null
	cc -shared -fPIC -I"$FAIRVOX_SOURCE/core/include" -o nets.so nets/nets.c -L"$FAIRVOX_BUILD" -lfairvox -lm
	told nets 0 "  ops: those of fv.networks/1"
	[[ $output != *"note:"* ]]
	run "$fairvox" check disent
	[[ $output == *"  ops: open and those of fv.networks/1"* && $output != *"note:"* ]]
}

@test "an input that uses() forgets is named, whatever fit() says then" {
	build grouper forgets USES 0 FIT 'if (train->layers != 1) return fv_fail(ctx, FV_CONFIG, "the encoder gives %d layers: choose one", train->layers)'
	told forgets 4 "fault: uses: fit() needs FV_USE_FEATURES, which uses() does not return; without it fit() says: plugin forgets: the encoder gives 0 layers" \
		"forgets: " ", 1 fault"
	[[ $output != *"-p KEY=VALUE"* ]]
}

@test "durations are also NULL, and a crash there says why" {
	build grouper lengths USES 'FV_USE_FEATURES | FV_USE_DURATION' FIT '{ volatile double first = train->duration[0]; (void)first; }'
	told lengths 4 "op fit crashed (Segmentation fault) at a null pointer: NULL there: duration (the corpus has no recordings)"
	build loss lasts OPS 'FV_LOSS_OPS(.uses_duration = 1, .open = sound_open, .weigh = sound_weigh)' \
		OPEN '{ volatile double first = setup->train->duration[0]; (void)first; }'
	told lasts 4 "op open crashed (Segmentation fault) at a null pointer: NULL there: " "duration (the corpus has no recordings)"
	build grouper refuses USES 'FV_USE_FEATURES | FV_USE_DURATION' FIT 'if (!train->duration) return fv_fail(ctx, FV_DATA, "no duration is known")'
	told refuses 0 "note: fit without durations: refused: plugin refuses: no duration is known"
}

@test "a jump to a null pointer is not blamed on what the plugin is not shown" {
	build loss jumps FILE_SCOPE 'static void (*volatile go)(void);' WEIGH 'go()'
	told jumps 4 "crashed (Segmentation fault) by a jump to a null pointer: was an array on the stack overrun?"
	[[ $output != *"NULL there"* ]]
}

@test "memory that grows in every call, and memory that ends too early" {
	build loss grows WEIGH 'if (!fv_alloc(ctx, 64)) return FV_FAILED'
	told grows 4 "fault: weigh: the op gets memory with fv_alloc in every call" "  growth: use fv_scratch for what only this call needs"
	build loss once WEIGH 'if (!me->label && !(me->label = fv_alloc(ctx, 64))) return FV_FAILED'
	told once 0 "once: "
	build grouper brief FIT '{ const char **names = fv_scratch(ctx, 16); names[0] = "low", names[1] = "high"; out->name = names; }'
	told brief 4 "fault: fit: the op gives names in memory of fv_scratch, which ends when the op returns" "  lifetime: memory of fv_scratch ends when its op returns"
}

@test "a stage with memory of fv_scratch stops check and run" {
	plan
	encoded
	"$fairvox" new plugin loss again --extension stages >/dev/null
	sed -i 's/^\(\t*\)stage->row_weight = s->weight;/\1stage->row_weight = memcpy(fv_scratch(ctx, (size_t)s->train->n * sizeof *s->weight), s->weight, (size_t)s->train->n * sizeof *s->weight);/' again/again.c
	grep -q fv_scratch.*s-.weight again/again.c
	cc -shared -fPIC -I"$FAIRVOX_SOURCE/core/include" -o again.so again/again.c -L"$FAIRVOX_BUILD" -lfairvox -lm
	told again 4 "stage->row_weight is memory of fv_scratch, which ends when the op returns: get it in open() with fv_alloc" "  lifetime: "
	[[ $output != *"has fewer than"* ]]
	fails 1 "op next, stage 2: stage->row_weight is memory of fv_scratch" "$fairvox" run plan.yaml -k --plugins . loss.name=again matrix=none corpus.folds=[1]
}

@test "what a loss in stages says of the made-up rows is a remark" {
	"$fairvox" new plugin loss picky --extension stages >/dev/null
	sed -i '/^static fv_status ask_stage(/,/^{/ s/^{/{\n\tif (index == 1) return fv_fail(ctx, FV_DATA, "no row of a known group is held out");/' picky/picky.c
	grep -q "held out" picky/picky.c
	cc -shared -fPIC -I"$FAIRVOX_SOURCE/core/include" -o picky.so picky/picky.c -L"$FAIRVOX_BUILD" -lfairvox -lm
	told picky 0 "note: stages: next() refuses the rows that it is shown, so what follows is not checked: " \
		"no row of a known group is held out (64 rows of 4 classes, 0 groups, 8 speakers)" ", 0 faults"
}

@test "notes on one group for all, and on state by position" {
	build grouper same ID 0
	told same 0 "note: assign: all training rows with a group are in group 0 of 2"
	build loss places WEIGH '{ double *seen = fv_array(ctx, "seen", FV_F64, 1, 64); *value = 0; for (int32_t i = 0; i < batch->n; i++) { seen[i] = 0.5 * seen[i] + 0.5 * batch->loss[i]; v[i] = seen[i] / batch->n; *value += v[i] * batch->loss[i]; } }'
	told places 0 "note: weigh: a sample's weight depends on its position in the batch"
	sed -i 's/seen\[i\]/seen[batch->row[i]]/g' places.c
	cc -std=gnu11 -w -shared -fPIC -D_GNU_SOURCE -I"$FAIRVOX_SOURCE/core/include" -o places.so places.c -L"$FAIRVOX_BUILD" -lfairvox -lm
	told places 0 "places: "
	[[ $output != *"position in the batch"* ]]
}

@test "the command for gdb that check prints stops in the plugin" {
	command -v gdb || skip "no gdb"
	nm -D "$fairvox" | grep -q __asan && skip "the program has a sanitizer of its own"
	faults=('*(volatile int *)0 = 1' 'abort()')
	[ -z "${FAIRVOX_LONG-}" ] || faults+=('{ volatile char *p = (char *)0x123456789000; *p = 1; }' '*(int *)batch->label = 1'
		'{ volatile int *p = (int *)v; p[1000] = 1; }')
	for fault in "${faults[@]}"; do
		build loss dies WEIGH "$fault"
		told dies 4 "fault: crash: loss 'dies': op weigh (a plain batch)" "  in the debugger: gdb -ex run"
		command=$(sed -n 's/^  in the debugger: gdb //p' <<<"$output")
		run bash -c "timeout 60 gdb -q -batch $command </dev/null"
		echo "$output"
		[[ $output == *"sound_weigh ("* ]]
	done
}

@test "a call that lasts is told of, Ctrl-C names it, and the time limit speaks of loops" {
	build loss loops WEIGH 'for (;;) pause()'
	"$fairvox" check ./loops.so >out 2>err &
	pid=$!
	for _ in $(seq 300); do
		grep -q "is still at work after" err && break
		sleep 0.1
	done
	kill -INT $pid
	code=0
	wait $pid || code=$?
	cat out err
	[ "$code" -eq 130 ]
	grep -q "^fairvox: loss 'loops': op weigh (a plain batch) is still at work after [5-9] s: Ctrl-C or --op-timeout (600 s) ends it" err
	grep -q "^fairvox: loss 'loops': op weigh (a plain batch) was still at work and was ended" err
	options=(--op-timeout 2)
	told loops 4 "did not return for 2 s" "  hang: look for a loop whose condition is never met"
}

@test "a failure without a message is one fault" {
	cd "$BATS_TEST_TMPDIR"
	build loss silent_open OPEN "return FV_FAILED"
	build grouper silent_fit FIT "return FV_CONFIG"
	for name in silent_open silent_fit; do
		fails 4 "violates the contract" "$fairvox" check "./$name.so"
		[ "$(grep -c '^fault: .*without a message' <<<"$output")" -eq 1 ]
		[ "$(grep -c '^fault: ' <<<"$output")" -eq 1 ]
		[[ $output == *", 1 fault"* ]]
	done
}

@test "a failure that several checks meet is one fault, one at another place another" {
	cd "$BATS_TEST_TMPDIR"
	build loss gives_up WEIGH 'return fv_fail(ctx, FV_FAILED, "solver.c:%d:3: gave up at %lld", batch->n == 1 ? 12 : 345, (long long)batch->step)'
	fails 4 "violates the contract" "$fairvox" check ./gives_up.so
	[ "$(grep -c '^fault: .*: plugin gives_up: solver.c:' <<<"$output")" -eq 2 ]
	[ "$(grep -c '^fault: ' <<<"$output")" -eq 2 ]
	[ "$(grep -c 'more like it: .*solver.c:345:3: gave up' <<<"$output")" -eq 1 ]
}

@test "options that say nothing to a plugin of its kind are refused" {
	local kind option
	while read -r plugin kind option others; do
		fails 2 "$option has no effect on $kind $plugin: it is for $others: remove it" "$fairvox" check "$plugin" "$option" x
	done <<-'END'
		rw loss --weights encoders
		rw loss --stem encoders
		rw loss --columns groupers
		kmeans grouper --weights encoders
		kmeans grouper --stem encoders
		pitch encoder --columns groupers
	END
}
