#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# User errors give one clear line, the right exit code and no half-written file.
load helpers

setup() {
	plan
	encoded
}

@test "usage" {
	fails 2 "unknown subcommand 'rnu', did you mean 'run'?" "$fairvox" rnu
	fails 2 "no configuration file given" "$fairvox" run
	fails 2 "unknown option '--jbos'" "$fairvox" run --jbos 2 plan.yaml
	fails 2 "-j: 'two' is not a whole number" "$fairvox" run -j two plan.yaml
	fails 2 "unknown option '--force'" "$fairvox" explain --force plan.yaml
	for subcommand in audit cache check completion describe encode explain groups help inspect new plot plugins predict report run split status synth table verify; do
		"$fairvox" $subcommand --help | grep -q "^usage: fairvox $subcommand"
	done
}

@test "an instruction set that this machine does not have" {
	FAIRVOX_CPU=mmx fails 2 "FAIRVOX_CPU: there are no kernels named 'mmx': use one of " "$fairvox" plugins
	FAIRVOX_CPU=portable "$fairvox" --version | grep -qx "kernels portable"
	FAIRVOX_CPU= "$fairvox" plugins >/dev/null
}

@test "configuration" {
	fails 2 "nothere.yaml: No such file" "$fairvox" run nothere.yaml
	sed 's/epochs: 5/epoch: 5/' plan.yaml >bad.yaml
	fails 2 "bad.yaml:8:9: unknown key" "$fairvox" run bad.yaml
	fails 2 "did you mean 'epochs'" "$fairvox" run bad.yaml
	sed 's/epochs: 5/epochs: many/' plan.yaml >bad.yaml
	fails 2 "bad.yaml:8:17: " "$fairvox" run bad.yaml
	fails 2 "did you mean 'erm'" "$fairvox" run plan.yaml loss.name=ern
	fails 2 "no attribute 'accent'" "$fairvox" run plan.yaml 'eval.attributes=[accent]'
	[ ! -e results ]
}

@test "what an encoder refuses when it is opened has the place of its key" {
	sed 's/^encoder: .*/encoder: {name: functionals, output: voce}/' plan.yaml >bad.yaml
	fails 2 "bad.yaml:5:38: encoder functionals has no output 'voce', did you mean 'voice'?" "$fairvox" run bad.yaml
	fails 2 "argument 2: encoder functionals has no output 'f'" "$fairvox" run plan.yaml encoder.name=functionals encoder.output=f
	sed 's/^encoder: .*/encoder: {name: functionals, weights: plan.yaml}/' plan.yaml >bad.yaml
	fails 2 "bad.yaml:5:39: plugin functionals: takes no weights, but '" "$fairvox" run bad.yaml
	sed 's/^encoder: .*/encoder: {name: wavlm, weights: plan.yaml}/' plan.yaml >bad.yaml
	fails 4 "bad.yaml:5:33: " "$fairvox" run bad.yaml
	sed 's/^encoder: .*/encoder: {name: wavlm, weights: none.pt}/' plan.yaml >bad.yaml
	fails 4 "bad.yaml:5:33: " "$fairvox" run bad.yaml
	[[ $stderr == *"none.pt: No such file or directory"* ]]
	[ ! -e results ]
}

# Each line: the exit code, and a command line in which something named "nowhere" does not exist. What says what to do
# is 2 (configurations, folders of results, runs, plugins and caches, plugins, lists), data and weights are 4.
@test "what the command line names and is not there has one exit code in every subcommand" {
	mkdir empty
	echo text >a.wav
	local code line
	while read -r code line; do
		eval "fails $code nowhere '$fairvox' $line"
		[[ $stderr == *"No such file or directory"* || $stderr == *"Not a directory"* || $stderr == *"no such folder"* || $stderr == *"no plugin 'nowhere'"* ]] ||
			{ echo "$stderr" && return 1; }
	done <<-'END'
		2 run nowhere
		2 explain nowhere
		2 split nowhere
		2 groups nowhere
		2 status nowhere
		2 table nowhere
		2 report nowhere
		2 plot rates nowhere -o f.svg
		2 verify nowhere
		2 predict nowhere a.wav
		2 cache list --cache nowhere
		2 check nowhere
		2 check ./nowhere.so
		2 check plan.yaml/nowhere.so
		2 describe nowhere
		2 describe ./nowhere.so
		2 report empty --claims nowhere
		2 run plan.yaml --tasks nowhere --task 0
		2 fetch --list --catalogue nowhere
		2 run plan.yaml --plugins nowhere
		2 explain plan.yaml --plugins nowhere
		2 split plan.yaml --plugins nowhere
		2 groups plan.yaml --plugins nowhere
		2 status plan.yaml --plugins nowhere
		2 table plan.yaml --plugins nowhere
		2 report plan.yaml --plugins nowhere
		2 plot rates plan.yaml -o f.svg --plugins nowhere
		2 predict empty a.wav --plugins nowhere
		2 encode --encoder pitch --out o.csv a.wav --plugins nowhere
		2 inspect a.wav --plugins nowhere
		2 plugins --plugins nowhere
		2 plugins --plugins plan.yaml/nowhere
		2 describe pitch --plugins nowhere
		2 check pitch --plugins nowhere
		2 new plugin loss mine --plugins nowhere
		4 audit nowhere --group-columns gender
		4 inspect nowhere
		4 encode --encoder pitch --out o.csv nowhere.wav
		4 encode --encoder wavlm --weights nowhere --out o.csv a.wav
		4 synth made --labels nowhere
		4 synth made --demographics nowhere
		4 run plan.yaml 'corpus.labels=nowhere_{fold}.csv'
		4 run plan.yaml corpus.audio=nowhere
	END
}

@test "plugin files" {
	mkdir plugins
	cp "$FAIRVOX_BUILD"/zoo/wrong_abi.so plugins
	head -c 5000 "$FAIRVOX_BUILD"/zoo/good.so >plugins/good.so
	run "$fairvox" plugins --plugins plugins
	[ "$status" -eq 0 ]
	[[ $output == *"wrong_abi.so: built for ABI 999, this fairvox has ABI 2"* ]]
	[[ $output == *"good.so: truncated: a segment ends at byte"* ]]
	fails 4 "built for ABI 999" "$fairvox" run --plugins plugins plan.yaml loss.name=wrong_abi
	fails 4 "truncated" "$fairvox" describe --plugins plugins good
	fails 2 "nowhere: plugin folder" "$fairvox" plugins --plugins nowhere
}

@test "recordings" {
	mkdir audio
	cp "$corpus"/*.flac audio
	first=$(ls audio | head -1)
	second=$(ls audio | sed -n 2p)
	truncate -s 1000 "audio/$first"
	echo 'no audio' >"audio/$second"
	fails 4 "audio/$first" "$fairvox" run plan.yaml "corpus.audio=$PWD/audio"
	[[ $stderr == *"audio/$second"* ]]
	rm "audio/$first"
	fails 4 "${first%.flac}" "$fairvox" run plan.yaml "corpus.audio=$PWD/audio"
	cp "$corpus/$first" audio
	mkdir audio/more
	cp "$corpus/$first" audio/more/
	fails 4 "${first%.flac}" "$fairvox" run plan.yaml "corpus.audio=$PWD/audio"
}

@test "classes that leave out columns of classes" {
	sed 's/^  folds: .*/&\n  classes: [angry, sad]/' plan.yaml >bad.yaml
	fails 2 "bad.yaml:5:12: corpus.classes: the labels sum to " "$fairvox" run bad.yaml
	[[ $stderr == *", not 1, in $corpus/labels_consensus_1.csv:2; columns that are not named have the rest: "*"happy"*": name them too, or drop them: 'map: {NAME: null}'"* ]]
	[ "$(grep -c 'corpus.classes' <<<"$stderr")" -le 2 ] # a line for each fold
	"$fairvox" split bad.yaml --fold 1 corpus.map='{disgust: null, fear: null, happy: null, neutral: null}' >/dev/null
}

@test "probabilities that do not sum to 1 are counted, unless they are those of sigmoids" {
	local warning="pred.csv:3: the probabilities sum to 0.5, and in 2 of 4 rows not to 1"
	cat >pred.csv <<-END
		FileName,prob_a,prob_b,label_a,label_b,gender,SpkrID
		w,0.33,0.66,1,0,f,1
		x,0.25,0.25,1,0,m,2
		y,0.5,0.5,0,1,f,3
		z,0.9,0.9,0,1,m,4
	END
	run --separate-stderr "$fairvox" audit pred.csv --group-columns gender
	[ "$status" -eq 0 ]
	[[ $stderr == *"$warning: if each class has a sigmoid of its own, say --prediction-threshold 0.5"* ]]
	run --separate-stderr "$fairvox" audit pred.csv --group-columns gender --prediction-threshold 0.5
	[[ $status -eq 0 && $stderr != *"sum to"* ]]
}

@test "a speaker column that is taken for something else is named with its use" {
	fails 4 "no column 'SpkrID' or 'speaker' ('SpkrID' is taken as corpus.columns.gender): name it with" \
		"$fairvox" run plan.yaml 'corpus.columns={gender: SpkrID}'
}

@test "labels" {
	mkdir labels
	cp "$corpus"/labels_consensus_*.csv labels
	labels="corpus.labels=$PWD/labels/labels_consensus_{fold}.csv"
	sed -i '3s/,0\.[0-9]*,/,nan,/' labels/labels_consensus_1.csv
	fails 4 "labels_consensus_1.csv:3: " "$fairvox" run plan.yaml "$labels"
	cp "$corpus"/labels_consensus_1.csv labels
	sed -i 's/,Test$/,Train/' labels/labels_consensus_1.csv
	fails 4 "labels_consensus_1.csv" "$fairvox" run plan.yaml "$labels"
	cp "$corpus"/labels_consensus_1.csv labels
	speaker=$(awk -F, '$NF == "Test" { print $(NF - 2); exit }' labels/labels_consensus_1.csv)
	awk -F, -v OFS=, -v s="$speaker" '$(NF - 2) == s && !done { $NF = "Train"; done = 1 } 1' \
		"$corpus"/labels_consensus_1.csv >labels/labels_consensus_1.csv
	fails 4 "$speaker" "$fairvox" run plan.yaml "$labels"
	rm labels/labels_consensus_2.csv
	cp "$corpus"/labels_consensus_1.csv labels
	fails 4 "labels_consensus_2.csv: No such file" "$fairvox" run plan.yaml "$labels"
}

@test "a failed run does not affect the others, gives its reason, and succeeds once that is fixed" {
	fails 3 "step 2 (epoch 1): the logits are not finite" "$fairvox" run plan.yaml --keep-going loss.name=erm train.learning_rate=1.0e30,0.01
	run "$fairvox" status results
	[[ $output == *"2 done, 0 running, 2 failed"* ]]
	[[ $output == *"failed: step 2 (epoch 1): the logits are not finite"* ]]
	"$fairvox" table results --full | tr -s ' \n' ' ' >full
	[[ $(<full) == *"which failed: step 2 (epoch 1): the logits are not finite"* ]]
	run ! grep -iw nan full
	fails 3 "stage 1 (jtt), step 2 (epoch 1): the logits" "$fairvox" run plan.yaml --keep-going loss.name=jtt train.learning_rate=1.0e30 --results jtt
	[ -z "$(find results -name '.*.??????')" ]
}

@test "a file size limit stops the run cleanly, and a larger one lets it finish" {
	"$fairvox" run plan.yaml --quiet --results whole
	"$fairvox" table whole >whole.md
	run bash -c "ulimit -f 8; trap '' XFSZ; '$fairvox' run plan.yaml --cache cache"
	[ "$status" -eq 1 ]
	[[ $output == *"predictions.csv: cannot write: File too large"* ]]
	[ -z "$(find results cache -name '.*.??????')" ]
	"$fairvox" run plan.yaml --quiet
	"$fairvox" table results | cmp - whole.md
}

@test "tables without results" {
	fails 2 "results: No such file" "$fairvox" table results
	mkdir results
	fails 4 "no results of" "$fairvox" table results
	fails 2 "'tex2' is not" "$fairvox" table --format tex2 results
}

@test "a key for one of several losses, several values of a key, and a misspelt name say what to write" {
	plan
	fails 2 "unknown key 'alpha' in loss (erm): loss.alpha sets it for every loss: choose one with loss.name=NAME, or" \
		"$fairvox" explain plan.yaml matrix=none loss.name=erm,cvar_dro loss.alpha=0.25,0.5
	[[ $stderr == *"write them all: 'loss={name: erm},{name: NAME, alpha: VALUE}'"* ]]
	"$fairvox" explain plan.yaml matrix=none 'loss={name: erm},{name: cvar_dro, alpha: 0.25}' | grep -q '2 variants'
	fails 2 "'matrix: {loss.alpha: [A, B]}', or loss.alpha=A,B on the command line" \
		"$fairvox" explain plan.yaml matrix=none 'loss={name: cvar_dro, alpha: [0.25, 0.5]}'
	"$fairvox" explain plan.yaml matrix=none loss.name=cvar_dro loss.alpha=0.25,0.5 | grep -q '2 variants'
	fails 2 "unknown key 'nmae' in loss, did you mean 'name'?" "$fairvox" explain plan.yaml matrix=none 'loss={nmae: rw}'
	fails 2 "; --plugins FOLDER and FAIRVOX_PLUGIN_PATH add folders" "$fairvox" explain plan.yaml loss.name=class_cvar
}

# refuses CODE LINE YAML [ARGUMENT]...: a study of plan.yaml with other settings gives one line, which starts
# with LINE.
refuses() {
	local code=$1 line=$2
	printf "defaults: [plan.yaml]\nmatrix: none\n$3" >bad.yaml
	fails "$code" "fairvox: $line" "$fairvox" run bad.yaml "${@:4}"
	[ "$(grep -c . <<<"$stderr")" -eq 1 ]
	[ ! -e results ]
}

@test "what a key names and the corpus lacks is told with the place of the key" {
	local lacks="$corpus/labels_consensus_1.csv has no attribute 'gander', did you mean 'gender'?"
	sed -i '/^matrix/d' plan.yaml
	refuses 4 "bad.yaml:4:10: corpus.audio: nowhere: no such folder" 'corpus:\n  audio: nowhere\n'
	refuses 4 "command line: argument 1: corpus.audio: nowhere: no such folder" '' corpus.audio=nowhere
	refuses 4 "bad.yaml:4:14: corpus.folds: fold 9 has no label file: $corpus/labels_consensus_9.csv: No such file" \
		'corpus:\n  folds: [1, 9]\n'
	refuses 2 "bad.yaml:6:14: bias.majority: there is no class 'angr', did you mean 'angry'?" \
		'bias:\n  minority_ratio: 5\n  attribute: gender\n  majority: {angr: Male}\n'
	refuses 2 "bad.yaml:5:21: bias.majority.angry: no utterance has gender 'Mal', did you mean 'Male'?" \
		'bias:\n  minority_ratio: 5\n  majority: {angry: Mal}\n'
	refuses 2 "bad.yaml:4:24: eval.attributes: $lacks" 'eval:\n  attributes: [gender, gander]\n'
	refuses 2 "bad.yaml:4:16: eval.attributes: $lacks" 'eval:\n  attributes: [gender*gander]\n'
	refuses 2 "command line: argument 2: eval.attributes: $lacks" '' train.epochs=1 eval.attributes=gander
	refuses 2 "bad.yaml:4:17: eval.numeric: $lacks" 'eval:\n  attributes: [{gander: {numeric: true}}]\n'
	refuses 2 "bad.yaml:4:13: eval.numeric: 'gender' has the value 'Female', which is no number" \
		'eval:\n  numeric: [gender]\n'
	sed -i '/^eval/d' plan.yaml
	refuses 2 "bad.yaml:4:41: eval.compare.attribute: $lacks" \
		'eval:\n  compare: {metric: tpr_gap, attribute: gander}\n'
	refuses 2 "bad.yaml:4:11: grouper.column: $lacks" 'grouper:\n  column: gander\nloss: {name: rw}\n'
	refuses 2 "bad.yaml:5:18: train.select_groups: $lacks" \
		'train:\n  select: dev_worst_group\n  select_groups: gander\n'
	refuses 4 "bad.yaml:4:9: nowhere: No such file" 'train:\n  init: nowhere\n'
	refuses 4 "command line: argument 1: nowhere: No such file" '' train.order=nowhere
	refuses 4 "bad.yaml:3:29: nowhere: No such file" 'grouper: {name: file, file: nowhere}\nloss: {name: gdro}\n'
	refuses 2 "bad.yaml:4:13: attribute 'prob_a': predictions.csv has a column of that name: rename" \
		'corpus:\n  columns: {prob_a: Gender}\n'
}

@test "the bias of every variant is checked, not of the first alone" {
	plan
	fails 2 "bias.attribute: there is no attribute 'color'" "$fairvox" explain plan.yaml bias.attribute=gender,color bias.minority_ratio=5 \
		'bias.majority={angry: Male, disgust: Male, neutral: Male, fear: Female, happy: Female, sad: Female}'
}
