#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run --keep-going: whatever fails, the other runs are those of a study without it, and the reason is told
# in the output, in the folder, by status and by table.
load helpers

setup() {
	plan
	encoded
	sed -i '/^matrix:/d; s/epochs: 5/epochs: 2/' plan.yaml
	fragile=$FAIRVOX_BUILD/fragile
	zoo=$PWD/zoo # with one of them: another hangs for as long as it may
	mkdir "$zoo"
	cp "$FAIRVOX_BUILD/zoo/wrong_abi.so" "$zoo"
}

# matrix AXES: writes bad.yaml, the study with this matrix.
matrix() {
	{
		cat plan.yaml
		echo "matrix: {$1}"
	} >bad.yaml
}

# alone ARG...: the variants that must survive, by themselves, in ./alone; computed once for all cases.
alone() {
	local plan=${good-plan.yaml} kept
	kept=$BATS_FILE_TMPDIR/alone-$( (cat "$plan" && echo "$@") | sha256sum | cut -c 1-16)
	[ -d "$kept" ] || "$fairvox" run "$plan" --quiet --results "$kept" "$@"
	rm -rf alone
	cp -r "$kept" alone
}

# survives TEXT ARG...: bad.yaml with -k exits 3, gives the reason in one line, and has every run of ./alone,
# byte for byte.
survives() {
	local text=$1 run variant own file table
	shift
	rm -rf results
	run --separate-stderr "$fairvox" run bad.yaml -k --plugins "$fragile" --plugins "$zoo" "$@"
	printf '%s\n' "$stderr"
	[ "$status" -eq 3 ]
	[ "$(grep -cF -- "$text" <<<"$stderr")" -eq 1 ]
	[[ $stderr == *"; some failed"* ]]
	for run in alone/*/fold*; do
		variant=$(basename "$(dirname "$run")")
		own=$(echo results/*"-${variant##*-}/${run##*/}") # another label, the same hash
		for file in predictions.csv model.safetensors metrics.json done; do
			cmp "$own/$file" "$run/$file"
		done
	done
	"$fairvox" status results >status.txt
	cat status.txt
	for table in "results" "results --full"; do # the short table, and all of them
		"$fairvox" table $table --draws 2000 --format md 2>table.err >table.md
		grep -i "^- missing: " table.md | grep -qF -- "$text" || {
			cat table.md
			return 1
		}
	done
}

# unstarted NAME TEXT: the variant has no runs, and the reason is in its folder, in status and in table.
unstarted() {
	grep -qF -- "$2" results/"$1"-????????/failed
	[ "$(ls results/"$1"-????????)" = failed ]
	grep "^$1-........: could not start: " status.txt | grep -qF -- "$2"
	grep "^- Missing: .*could not start: " table.md | grep -qF -- "$2"
	"$fairvox" status --json results | python3 -c "
import json, sys
one, = [x for x in json.load(sys.stdin)['not_started'] if x['variant'][:-9] == sys.argv[1]]
assert sys.argv[2] in one['reason'], one" "$1" "$2"
}

# lost NAME FOLD TEXT: this run failed with the reason.
lost() {
	grep -qF -- "$3" results/"$1"-????????/fold"$2"-seed1/failed
	[ ! -e results/"$1"-????????/fold"$2"-seed1/done ]
	sed -n "/^$1-........: /,/^[^ ]/p" status.txt | grep -qF -- "$3"
	grep "^- Missing: . of . runs of .*, which failed: " table.md | grep -qF -- "$3"
}

@test "a plugin that is missing or refused" {
	alone loss.name=erm,rw
	matrix 'loss.name: [erm, rw, rww]'
	survives "bad.yaml:10:31: there is no loss 'rww', did you mean 'rw'?"
	unstarted rww "there is no loss 'rww'"
	grep -q '^3 variants: 4 done, 0 running, 0 failed, 0 interrupted; 1 variant could not start$' status.txt
	matrix 'loss.name: [wrong_abi, erm, rw]'
	survives "bad.yaml:10:22: loss 'wrong_abi' cannot be used: $zoo/wrong_abi.so: built for ABI 999"
	unstarted wrong_abi "built for ABI 999"
	alone loss.name=rw
	matrix 'loss.name: [rw], grouper: [{name: truth, column: gender}, {name: truht}]'
	survives "there is no grouper 'truht'"
	unstarted rw-truht "there is no grouper 'truht'"
	matrix 'loss.name: [rw], encoder: [{name: nosuch}, {name: pitch, standardize: train}]'
	survives "there is no encoder 'nosuch'"
	unstarted rw-nosuch "there is no encoder 'nosuch'"
}

@test "a faulty plugin in a block that some variants replace or do not use" {
	cp plan.yaml good.yaml
	good=good.yaml
	alone loss.name=erm
	# a loss without groups has no use for the grouper, whatever is wrong with it
	for case in "2 name: truht, column: gender|there is no grouper 'truht'" \
		"4 name: wrong_abi|grouper 'wrong_abi' cannot be used" "2 name: kmeans, k: -1|grouper.k: -1 is out of range"; do
		pair=${case#* }
		sed "s/^grouper: .*/grouper: {${pair%|*}}/" good.yaml >plan.yaml
		matrix 'loss.name: [erm, rw]'
		survives "${pair#*|}"
		unstarted rw "${pair#*|}"
		# without -k nothing runs
		fails "${case%% *}" "${pair#*|}" "$fairvox" run bad.yaml --plugins "$zoo" --results none
		[ ! -e none ]
		[ -n "${FAIRVOX_LONG-}" ] || break
	done
	# where the sampler or the chosen epoch uses its groups, the loss does not matter
	for key in sampler=group select=dev_worst_group; do
		fails 2 "there is no grouper 'truht'" "$fairvox" run bad.yaml -k --results none train.$key loss.name=erm \
			grouper.name=truht
	done
	# variants that replace the block
	alone loss.name=erm,rw
	sed 's/^loss: .*/loss: {name: wrong_abi}/' good.yaml >plan.yaml
	matrix 'loss.name: [erm, rw, wrong_abi]'
	survives "loss 'wrong_abi' cannot be used: $zoo/wrong_abi.so: built for ABI 999"
	unstarted wrong_abi "built for ABI 999"
	sed 's/^encoder: .*/encoder: {name: nosuch}/' good.yaml >plan.yaml
	matrix 'loss.name: [erm, rw], encoder: [{name: pitch, standardize: train}, {name: nosuch}]'
	survives "there is no encoder 'nosuch'"
	unstarted rw-nosuch "there is no encoder 'nosuch'"
}

@test "a value out of range, and a plugin's default that is" {
	alone
	matrix 'train.learning_rate: [0.01, -1]'
	survives "bad.yaml:10:38: train.learning_rate: -1 is out of range, above 0"
	unstarted erm-lr-1 "train.learning_rate: -1 is out of range, above 0"
	matrix 'encoder: [{name: pitch, standardize: train}, {name: astray}]'
	survives "$fragile/astray.so: encoder.scale: 11 is out of range, from 0 to 10"
	unstarted erm-astray "encoder.scale: 11 is out of range"
	matrix 'encoder: [{name: pitch, standardize: train}, {name: fragile, scale: 10.5}]'
	survives "bad.yaml:10:78: encoder.scale: 10.5 is out of range, from 0 to 10"
	unstarted erm-fragile10.5 "10.5 is out of range"
}

@test "an encoder that crashes, exits or refuses in open; weights that are missing or are none" {
	alone loss.name=erm,rw
	for pair in "crashes:crashed (Aborted)" "exits:ended its process (exit code 0)"; do
		matrix "loss.name: [erm, rw], encoder: [{name: fragile, in: open, fails: ${pair%%:*}}, {name: pitch, standardize: train}]"
		survives "encoder 'fragile': op open ${pair#*:}"
		unstarted "erm-fragile-open-${pair%%:*}" "encoder 'fragile': op open ${pair#*:}"
		unstarted "rw-fragile-open-${pair%%:*}" "encoder 'fragile': op open ${pair#*:}"
	done
	matrix "loss.name: [erm, rw], encoder: [{name: fragile, in: open, fails: refuses}, {name: pitch, standardize: train}]"
	survives "plugin fragile: as it was told"
	matrix "loss.name: [erm, rw], encoder: [{name: wavlm, weights: none.pt}, {name: pitch, standardize: train}]"
	survives "none.pt: No such file or directory: 'fairvox fetch --list' shows what can be fetched"
	unstarted rw-wavlm "none.pt: No such file or directory"
	matrix "loss.name: [erm, rw], encoder: [{name: wavlm, weights: plan.yaml}, {name: pitch, standardize: train}]"
	survives "plan.yaml: byte 0: unknown content: not a file of tensors but text"
	# a grouper's encoder fails the variants with that grouper alone
	alone loss.name=erm
	matrix "loss.name: [erm, rw], grouper: [{name: kmeans, k: 2, encoder: {name: wavlm, weights: none.pt}}]"
	survives "none.pt: No such file or directory"
	unstarted rw "none.pt: No such file or directory"
}

@test "an encoder that fails on some recordings: what it gave for the others stays" {
	alone loss.name=erm,rw
	for pair in "crashes:encoder 'fragile': op encode crashed (Aborted)" \
		"exits:encoder 'fragile': op encode ended its process (exit code 0)" \
		"refuses:plugin fragile: as it was told" "nan:encoder fragile gave a number that is not finite"; do
		matrix "loss.name: [erm, rw], encoder: [{name: pitch, standardize: train}, {name: fragile, fails: ${pair%%:*}}]"
		survives "${pair#*:}"
		# the first three of them by name, and how many
		[[ $stderr =~ .flac:\ [^$'\n']*\((5[0-9])\ in\ all:\ ([^$'\n']*.flac, ){3}\.\.\.\) ]]
		bad=${BASH_REMATCH[1]}
		lost "erm-fragile-${pair%%:*}" 1 "${pair#*:}"
		lost "rw-fragile-${pair%%:*}" 2 "($bad in all: "
		grep -q '^  fold 1, seed 1 and 1 more failed: ' status.txt
		grep -q '^4 variants: 4 done, 0 running, 4 failed, 0 interrupted$' status.txt
		[ "$(find cache -type f -name '*.safetensors' -newer bad.yaml | wc -l)" -eq $((250 - bad)) ]
	done
}

@test "recordings that are missing fail the encoders that read them, not features from a file" {
	mkdir audio
	cp "$corpus"/*.flac audio
	features all.csv
	head -200 all.csv >part.csv
	sed -i "s|audio: .*|audio: $PWD/audio|" plan.yaml
	first=$(basename "$(sed -n 2p "$corpus/labels_consensus_1.csv" | cut -d, -f1)" .wav).flac
	rm "audio/$first"
	alone "encoder={name: precomputed, file: $PWD/all.csv}" 'bias=none'
	matrix "encoder: [{name: precomputed, file: all.csv}, {name: pitch}, {name: functionals, normalize: corpus}]"
	survives "'${first%.flac}'"
	unstarted erm-pitch "${first%.flac}"
	cp "$corpus/$first" audio
	alone
	matrix "encoder: [{name: pitch, standardize: train}, {name: precomputed, file: part.csv}]"
	survives "plugin precomputed: $PWD/part.csv: no features of '"
	lost erm-precomputed-part 1 "(51 in all; also '"
	matrix "encoder: [{name: pitch, standardize: train}, {name: fragile, in: lookup, fails: crashes}]"
	survives "encoder 'fragile': op lookup crashed (Aborted)"
	lost erm-fragile-lookup-crashes 2 "op lookup crashed (Aborted)"
	matrix "encoder: [{name: pitch, standardize: train}, {name: fragile, in: lookup, fails: refuses}]"
	survives "plugin fragile: as it was told"
}

@test "a label file of one fold that is missing or wrong fails the runs of that fold" {
	mkdir labels
	cp "$corpus"/labels_consensus_*.csv labels
	sed -i "s|labels: .*|labels: $PWD/labels/labels_consensus_{fold}.csv|" plan.yaml
	alone loss.name=erm,rw corpus.folds=1
	matrix 'loss.name: [erm, rw]'
	sed -i '3s/,0\.[0-9]*,/,nan,/' labels/labels_consensus_2.csv
	survives "labels_consensus_2.csv:3: "
	lost erm 2 "labels_consensus_2.csv:3: "
	lost rw 2 "labels_consensus_2.csv:3: "
	rm labels/labels_consensus_2.csv
	survives "labels_consensus_2.csv: No such file or directory"
	lost erm 2 "labels_consensus_2.csv: No such file or directory"
	# no labels at all: the study as a whole is wrong
	rm labels/labels_consensus_1.csv
	rm -rf results
	fails 4 "labels_consensus_1.csv: No such file or directory" "$fairvox" run bad.yaml -k
	[ ! -e results ]
}

@test "a grouper that fails in one fold, a group file that is missing, an attribute that the corpus lacks" {
	python3 - "$corpus" <<-'END'
		import csv, sys
		one, two = ({r['FileName']: r['Split_Set'] for r in csv.DictReader(open(f'{sys.argv[1]}/labels_consensus_{k}.csv'))}
		    for k in (1, 2))
		own = sorted(f for f in one if one[f] == 'Train' and two[f] != 'Train')
		open('groups.csv', 'w').write('FileName,group\n' + ''.join(f'{f},g{i % 2}\n' for i, f in enumerate(own)))
	END
	sed -i 's/^loss: .*/loss: {name: rw}/' plan.yaml
	alone
	mv alone truth
	alone "grouper={name: file, file: $PWD/groups.csv}" corpus.folds=1
	mv truth/* alone/
	matrix "grouper: [{name: truth, column: gender}, {name: file, file: groups.csv}, {name: file, file: none.csv}, {name: truth, column: gendre}]"
	survives "groups.csv: holds none of the 150 training rows"
	lost rw-file-groups 2 "groups.csv: holds none of the 150 training rows"
	unstarted rw-file-none "none.csv: No such file or directory"
	unstarted rw-truth-gendre "has no attribute 'gendre'"
}

@test "a run whose folder cannot be written, and one that crashes" {
	matrix 'loss.name: [erm, rw]'
	alone loss.name=erm
	"$fairvox" run bad.yaml --quiet
	run=$(echo results/rw-*/fold1-seed1)
	rm -r "$run"
	echo in the way >"$run"
	rm results/erm-*/fold2-seed1/done
	run --separate-stderr "$fairvox" run bad.yaml -k
	[ "$status" -eq 3 ]
	[[ $stderr == *"$run: $PWD/$run: is not a folder"* ]]
	cmp results/erm-*/fold2-seed1/predictions.csv alone/*/fold2-seed1/predictions.csv
	"$fairvox" status results >status.txt
	grep -q "^  fold 1, seed 1 failed: $PWD/$run: is not a folder$" status.txt
	"$fairvox" table results --draws 2000 --format md | grep -q "^- missing: 1 of 2 runs of rw, which failed: .*: is not a folder"
	rm "$run"
	"$fairvox" run bad.yaml -k --quiet
	[ ! -e "$run.failed" ]
	"$fairvox" status results | grep -q '2 variants: 4 done, 0 running, 0 failed, 0 interrupted$'
	matrix 'loss: [{name: erm}, {name: careless, does: crash}]'
	survives "loss 'careless': op weigh at step 2 crashed (Aborted)" --plugins "$FAIRVOX_BUILD/careless"
	lost careless-crash 1 "op weigh at step 2 crashed (Aborted)"
}

@test "a trial that is refused refuses the tuned variant, not those of other trials" {
	matrix 'loss.name: [erm]'
	echo 'tune: {axes: {train.learning_rate: [0.01, 0.02]}, by: dev_loss}' | cat bad.yaml - >good.yaml
	good=good.yaml alone
	cat >>bad.yaml <<-END
		  include:
		    - {loss.name: rw, tune.axes.train.clip: [1, -1]}
		tune: {axes: {train.learning_rate: [0.01, 0.02]}, by: dev_loss}
	END
	sed -i 's/^matrix: {loss.name: \[erm\]}/matrix:\n  loss.name: [erm]/' bad.yaml
	survives "its trial rw"
	grep -q '^rw.*-tuned-........: could not start: its trial rw.*clip-1.* failed: .*train.clip: -1 is out of range' status.txt
	grep -q '^erm-tuned-.*: 2 done (each chosen among 2 trials)$' status.txt
	grep -q '^- Missing: rw.*-tuned, which could not start: its trial ' table.md
}

@test "what is wrong with the whole configuration ends the study at once" {
	matrix 'loss: [{name: erm}, {name: rw, bogus: 1}]'
	fails 2 "bad.yaml:10:41: unknown key 'bogus' in loss (rw)" "$fairvox" run bad.yaml -k
	matrix 'loss.name: [erm, rw'
	fails 2 "bad.yaml:10" "$fairvox" run bad.yaml -k
	matrix 'train.learning_rate: [-1, -2]'
	fails 2 "bad.yaml:10:32: train.learning_rate: -1 is out of range" "$fairvox" run bad.yaml -k
	[[ $stderr == *"bad.yaml:10:36: train.learning_rate: -2 is out of range"* ]]
	fails 2 "train.epochs: 0 is out of range, at least 1" "$fairvox" run plan.yaml -k loss.name=erm,rw train.epochs=0
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	fails 4 "none.pt: No such file" "$fairvox" run plan.yaml -k 'encoder={name: wavlm, weights: none.pt}' loss.name=erm,rw
	fails 4 "nothere: no such folder" "$fairvox" run plan.yaml -k "corpus.audio=$PWD/nothere" loss.name=erm,rw
	[ ! -e results ]
	# when all runs have started and failed, the code is 3, and that of the run if there is only one
	fails 3 "as it was told" "$fairvox" run plan.yaml -k --plugins "$fragile" 'encoder={name: fragile, fails: refuses}'
	fails 4 "as it was told" "$fairvox" run plan.yaml -k --plugins "$fragile" 'encoder={name: fragile, fails: refuses}' corpus.folds=1
	fails 4 "as it was told" "$fairvox" run plan.yaml --plugins "$fragile" 'encoder={name: fragile, fails: refuses}'
}

@test "without -k the first failure ends the study, with its code and nothing computed" {
	matrix 'loss.name: [erm, rww]'
	fails 2 "there is no loss 'rww'" "$fairvox" run bad.yaml
	matrix 'loss.name: [erm, wrong_abi]'
	fails 4 "loss 'wrong_abi' cannot be used" "$fairvox" run bad.yaml --plugins "$zoo"
	matrix "encoder: [{name: pitch, standardize: train}, {name: wavlm, weights: none.pt}]"
	fails 4 "none.pt: No such file" "$fairvox" run bad.yaml
	matrix "encoder: [{name: pitch, standardize: train}, {name: fragile, fails: refuses}]"
	fails 4 "as it was told" "$fairvox" run bad.yaml --plugins "$fragile"
	[ ! -e results ]
}

@test "the record of a failure goes when its reason has gone" {
	matrix "loss.name: [erm, rw], encoder: [{name: pitch, standardize: train}, {name: precomputed, file: later.csv}]"
	fails 3 "later.csv: No such file" "$fairvox" run bad.yaml -k
	[ "$(ls results | wc -l)" -eq 4 ]
	features later.csv
	"$fairvox" run bad.yaml --quiet
	[ "$(ls results | wc -l)" -eq 4 ]
	"$fairvox" status results | grep -q '^4 variants: 8 done, 0 running, 0 failed, 0 interrupted$'
	# the reason of the last attempt replaces the one before
	rm -rf results
	echo 'matrix: {loss: [{name: erm}, {name: wrong_abi}]}' | cat plan.yaml - >bad.yaml
	fails 3 "built for ABI 999" "$fairvox" run bad.yaml -k --plugins "$zoo"
	fails 3 "there is no loss 'wrong_abi'" "$fairvox" run bad.yaml -k
	[ "$(ls results | wc -l)" -eq 2 ]
	grep -q "there is no loss 'wrong_abi'" results/wrong_abi-*/failed
	[ "$(wc -l <results/wrong_abi-*/failed)" -eq 1 ]
}

@test "a signal ends the study, also while features are computed" {
	matrix "encoder: [{name: fragile, fails: hangs}, {name: pitch, standardize: train}]"
	"$fairvox" run bad.yaml -k --quiet --plugins "$fragile" 2>err.txt 3>&- &
	pid=$!
	for _ in $(seq 100); do
		[ "$(find cache -type f 2>/dev/null | wc -l)" -ge 1 ] && break
		sleep 0.1
	done
	kill -TERM "$pid"
	code=0
	wait "$pid" || code=$?
	[ "$code" -eq 143 ]
	[ -z "$(find results -name failed 2>/dev/null)" ]
}

@test "explain -k explains what can be run and says why the rest cannot" {
	matrix "loss.name: [erm, rww], encoder: [{name: pitch, standardize: train}, {name: wavlm, weights: none.pt}]"
	fails 2 "there is no loss 'rww'" "$fairvox" explain bad.yaml
	for command in "explain" "explain --full" "run --dry-run"; do
		run "$fairvox" $command bad.yaml -k
		echo "$output"
		[ "$status" -eq 3 ]
		[[ $output == *$'\n'"2 runs, 2 to compute, about "* ]]
		[[ $output == *$'\n'"rww-pitch-train could not start: bad.yaml:10:27: there is no loss 'rww'"* ]]
		[[ $output == *$'\n'"erm-wavlm, fold 1, seed 1 and 1 more failed: bad.yaml:10:101: none.pt: No such file or directory"* ]]
	done
	[ ! -e results ]
}

@test "status of a configuration counts what cannot be planned as failed" {
	matrix "loss.name: [erm, rww], encoder: [{name: pitch, standardize: train}, {name: wavlm, weights: none.pt}]"
	"$fairvox" run bad.yaml -k --quiet || [ $? -eq 3 ]
	run "$fairvox" status bad.yaml
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "4 runs: 2 done, 2 failed; 2 variants could not start" ]
	[[ ${lines[0]} == "rww-pitch-train could not start: bad.yaml:10:27: there is no loss 'rww'"* ]]
	[[ $output == *"erm-wavlm, fold 1, seed 1 and 1 more failed: bad.yaml:10:101: none.pt: No such file or directory"* ]]
	[[ $output =~ wavlm\ +0\ +0\ +2\ +0\ +0 ]]
	run "$fairvox" status bad.yaml --follow
	[ "$status" -eq 3 ]
	# table of a configuration knows them too, and the row of the others is the same
	"$fairvox" table bad.yaml --draws 2000 --format md >table.md
	grep -q "^- missing: 2 of 2 runs of erm-wavlm, which failed: bad.yaml:10:101: none.pt: No such file\|^- missing: erm-wavlm, which could not start: bad.yaml:10:101: none.pt: No such file" table.md
	grep -q "^- missing: 2 variants (rww-pitch-train, ...), which could not start: bad.yaml:10:27: there is no loss 'rww'" table.md
	"$fairvox" table results --draws 2000 --format md >results.md
	[ "$(grep '^| *erm-pitch' table.md)" = "$(grep '^| *erm-pitch' results.md)" ]
	"$fairvox" status bad.yaml --json >status.json
	python3 - <<-'END'
		import json
		s = json.load(open('status.json'))
		assert s['counts']['failed'] == 2 and s['counts']['done'] == 2, s
		assert [(r['variant'], r['fold'], r['seed']) for r in s['runs'] if r['state'] == 'failed'] == [
		    ('erm-wavlm', 1, 1), ('erm-wavlm', 2, 1)], s
		assert all('none.pt' in r['reason'] for r in s['runs'] if r['state'] == 'failed'), s
		assert [r['variant'] for r in s['not_started']] == ['rww-pitch-train', 'rww-wavlm'], s
	END
	# a tuned variant whose trial has failed is not waited for
	"$fairvox" run plan.yaml -k --quiet 'tune.axes.train.learning_rate=0.01,1e30' --results tuned || [ $? -eq 3 ]
	run "$fairvox" status plan.yaml --follow 'tune.axes.train.learning_rate=0.01,1e30' --results tuned
	[ "$status" -eq 3 ]
	[ "${lines[-1]}" = "4 runs: 2 done, 2 failed; tuned variants: 0 of 2 runs chosen, 2 failed" ]
}

@test "explain -k sets apart what an objective refuses when it opens, and says which run without -k" {
	matrix "loss: [{name: erm}, {name: ds, draw: confident}, {name: rw}]"
	fails 2 "/fold1-seed1: plugin ds: draw: confident needs memberships" "$fairvox" explain bad.yaml
	for command in "explain" "explain --full"; do
		run "$fairvox" $command bad.yaml -k
		echo "$output"
		[ "$status" -eq 3 ]
		[[ $output == *$'\n'"6 runs, 4 to compute, about "* ]]
		[ "$(grep -c "^ds-confident, fold 1, seed 1 and 1 more failed: plugin ds: draw: confident needs" <<<"$output")" -eq 1 ]
	done
	fails 2 "/fold1-seed1: plugin ds: draw" "$fairvox" run bad.yaml --launcher slurm --dry-run
	fails 0 "0 of 6 runs done, 6 runs in" "$fairvox" run bad.yaml -k --launcher slurm --dry-run
	[ ! -e results ]
}
