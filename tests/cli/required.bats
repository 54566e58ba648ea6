#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Parameters of plugins without a default: what run, explain, check and describe say.
load helpers

# ./need.so: a real number, a whole one, a choice and a path that must be given, and a text that may be left out.
setup() {
	plan
	encoded
	sed -i 's/folds: .*/folds: [1]/; /^matrix:/d; /^loss:/d; s/epochs: 5/epochs: 2/' plan.yaml
	build loss need FILE_SCOPE 'typedef struct need { double alpha; int64_t k; int32_t mode; const char *file, *text; } need;' \
		PARAMS 'FV_PARAM_REAL(need, alpha, .name = "alpha", .min = 0.01, .max = 1, .def_official = "0.5", .doc = "share"), FV_PARAM_INT(need, k, .name = "k", .unit = "steps", .min = 1, .max = 9e15, .doc = "count"), FV_PARAM_CHOICE(need, mode, .name = "mode", .choices = "a|b", .doc = "how"), FV_PARAM_PATH(need, file, .name = "file", .doc = "a file", .required = 1), FV_PARAM_STRING(need, text, .name = "text", .doc = "a text")' \
		OPEN '{ need *s = state; if (!(s->alpha >= 0.01) || s->k < 1 || !s->file || s->text) return fv_fail(ctx, FV_FAILED, "a value is missing"); if (s->alpha > 0.8) return fv_fail(ctx, FV_CONFIG, "alpha above 0.8 needs a longer corpus"); }' \
		DESCRIPTOR '.state_size = sizeof(need)'
	given="k: 3, mode: b, file: plan.yaml"
	echo "loss: {name: need, alpha: 0.25, $given}" >>plan.yaml
}

@test "a value that is required and missing stops run and explain before anything starts" {
	sed -i '/^loss:/d' plan.yaml
	echo "loss: {name: need}" >>plan.yaml
	line=$(grep -n ^loss: plan.yaml | cut -d: -f1)
	for verb in run explain; do
		fails 2 "plan.yaml:$line:14: loss.alpha is missing, and need has no default for it: write 'alpha: VALUE', a number (from 0.01 to 1)" \
			"$fairvox" $verb plan.yaml --plugins .
		[[ $stderr == *"loss.k is missing, and need has no default for it: write 'k: VALUE', a whole number (at least 1 steps)"* ]]
		[[ $stderr == *"loss.mode is missing, and need has no default for it: write 'mode: VALUE', one of a, b"* ]]
		[[ $stderr == *"loss.file is missing, and need has no default for it: write 'file: VALUE', a path"* ]]
		[[ $stderr != *"loss.text"* ]]
		[ "$(wc -l <<<"$stderr")" -eq 4 ]
	done
	[ ! -e results ]
	# the profile gives alpha, and null takes the value away
	fails 2 "loss.k has no value, and no default either: write a whole number (at least 1 steps)" \
		"$fairvox" explain plan.yaml --plugins . loss.profile=official loss.k=null
	[[ $stderr != *"loss.alpha"* ]]
	fails 2 "loss.alpha has no value, and no default either: write a number (from 0.01 to 1)" \
		"$fairvox" explain plan.yaml --plugins . loss.alpha=null
}

@test "-k leaves out the variant without the value and goes on" {
	sed -i '/^loss:/d' plan.yaml
	echo "matrix: {loss: [{name: need}, {name: erm}]}" >>plan.yaml
	fails 3 "loss.alpha is missing" "$fairvox" run plan.yaml --plugins . -k
	[ -e results/erm*/fold1-seed1/done ]
	fails 3 "" "$fairvox" explain plan.yaml --plugins . -k
	[[ $output == *"loss.alpha is missing"* ]]
}

@test "a value from the file, an axis, a tuned axis or the command line is enough" {
	"$fairvox" run plan.yaml --plugins . --quiet
	grep -q "alpha: 0.25" results/need-*/fold1-seed1/config.yaml
	sed -i 's/alpha: 0.25, //' plan.yaml
	fails 2 "loss.alpha is missing" "$fairvox" run plan.yaml --plugins .
	"$fairvox" run plan.yaml --plugins . --quiet loss.alpha=0.125,0.5
	[ "$(ls -d results/*need*/ | wc -l)" -eq 3 ]
	echo "tune: {axes: {loss.alpha: [0.0625, 0.375]}}" >>plan.yaml
	"$fairvox" run plan.yaml --plugins . --quiet --results tuned
	[ "$(ls -d tuned/*need*/ | wc -l)" -eq 3 ]
}

@test "describe says what is required, and a default beside .required is refused" {
	run "$fairvox" describe ./need.so
	[[ $output == *"alpha: number, 0.01 to 1; required (profile paper), default 0.5 (profile official)"* ]]
	[[ $output == *"k: whole number [steps], at least 1; required"* ]]
	[[ $output == *"mode: a|b; required"* ]]
	[[ $output == *"file: path; required"* ]]
	[[ $output == *"text: text; default none"* ]]
	build loss both PARAMS 'FV_PARAM_REAL(self, a, .name = "a", .def_paper = "1", .doc = "a", .required = 1)'
	fails 4 "parameter 'a' is required and has a default: leave out .required, or the default" "$fairvox" check ./both.so
}

@test "check asks for what is required, and blames -p for a bad value" {
	fails 2 "fairvox: loss need has no default for 'alpha' (share): give it with -p alpha=VALUE, a number (from 0.01 to 1)" \
		"$fairvox" check ./need.so -p k=1 -p mode=a -p file=plan.yaml
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	[[ $output != *"faults"* ]]
	good=(-p alpha=0.5 -p k=1 -p mode=a -p file=plan.yaml)
	refuses() {
		fails 2 "fairvox: $1" "$fairvox" check ./need.so "${good[@]}" -p "$2"
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		[[ $output != *"fault"* && $output != *"what to do"* ]]
	}
	refuses "-p alpha: 0 is out of range, from 0.01 to 1" alpha=0
	refuses "-p alpha: 'x' is not a number" alpha=x
	refuses "-p alpha has no value, and no default either: write a number (from 0.01 to 1)" alpha=null
	refuses "-p alpha=: a value is missing: -p alpha=VALUE" alpha=
	refuses "-p mode: 'c' is not one of a, b" mode=c
	refuses "-p alhpa: loss need has no parameter 'alhpa', did you mean 'alpha'?" alhpa=1
	refuses "need refuses to start with -p alpha=0.9 -p k=1 -p mode=a -p file=plan.yaml: plugin need: alpha above 0.8 needs a longer corpus" \
		alpha=0.9
	run "$fairvox" check ./need.so "${good[@]}"
	[ "$status" -eq 0 ]
	[[ $output == *"need: "*" checks, 0 faults" ]]
}
