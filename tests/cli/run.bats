#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# From recordings to a result table, and its verification.
load helpers

setup() {
	plan
}

@test "a study runs once, and its table follows from its predictions" {
	"$fairvox" run plan.yaml -j 2 --quiet
	"$fairvox" table results --full --format md >first.md
	grep -q '^| erm | ' first.md
	grep -q '^| rw | ' first.md
	grep -q 'Synthetic speech' first.md
	for file in config.yaml done env.json log metrics.json metrics.jsonl model.safetensors predictions.csv; do
		[ -s results/rw-*/fold2-seed1/$file ] || [ "$file" = log ]
	done
	run --separate-stderr "$fairvox" run plan.yaml
	[ "$status" -eq 0 ]
	[[ $stderr == *"4 of 4 runs done, 0 computed now"* ]]
	run "$fairvox" verify results
	[ "$status" -eq 0 ]
	[[ $output == "4 runs, "*" values recomputed, 0 different" ]]
	run "$fairvox" status results
	[[ $output == *"2 variants: 4 done, 0 running, 0 failed, 0 interrupted" ]]
}

@test "the number of workers changes no byte" {
	thin
	"$fairvox" run plan.yaml -j 1 --quiet --results one --cache cache1
	"$fairvox" run plan.yaml -j 2 --quiet --results two --cache cache2
	for format in md csv json; do
		"$fairvox" table one --format $format >one.$format
		"$fairvox" table two --format $format >two.$format
		cmp one.$format two.$format
	done
	for file in predictions.csv model.safetensors metrics.json done; do
		cmp one/rw-*/fold1-seed1/$file two/rw-*/fold1-seed1/$file
	done
}

@test "verify notices a changed prediction, run notices changed labels" {
	encoded
	"$fairvox" run plan.yaml --quiet
	sed -i '2s/,0\.[0-9]*,/,0.999999,/' results/erm-*/fold1-seed1/predictions.csv
	run "$fairvox" verify results
	[ "$status" -eq 1 ]
	[[ $output == *"metrics.json: "*" is "*", but predictions.csv gives "* ]]
	mkdir labels
	cp "$corpus"/labels_consensus_*.csv labels
	"$fairvox" run plan.yaml --quiet "corpus.labels=$PWD/labels/labels_consensus_{fold}.csv" --results other
	awk -F, -v OFS=, 'NR == 2 { $2 += 0.001 } 1' "$corpus"/labels_consensus_2.csv >labels/labels_consensus_2.csv
	run --separate-stderr "$fairvox" run plan.yaml "corpus.labels=$PWD/labels/labels_consensus_{fold}.csv" \
		--results other
	[[ $stderr == *"4 of 4 runs done, 2 computed now"* ]]
}

@test "a damaged cache entry is recomputed" {
	encoded
	"$fairvox" run plan.yaml --quiet
	"$fairvox" table results --full --format md >first.md
	entry=$(find cache -name '*.safetensors' | sort | head -1)
	cp "$entry" damaged # other cases have links to the entry
	printf 'X' | dd of=damaged bs=1 seek=$(($(stat -c %s damaged) - 3)) conv=notrunc status=none
	mv damaged "$entry"
	run --separate-stderr "$fairvox" run plan.yaml --force
	[ "$status" -eq 0 ]
	[[ $stderr == *"damaged cache entry: it is computed again"* ]]
	"$fairvox" table results --full --format md | cmp - first.md
}

@test "predict works with a run and with a variant" {
	encoded
	"$fairvox" run plan.yaml --quiet
	wave=$(find "$corpus" -name '*.flac' | sort | head -1)
	"$fairvox" predict results/erm-*/fold1-seed1 "$wave" >one.csv
	"$fairvox" predict results/erm-* "$wave" >mean.csv
	[ "$(head -1 one.csv)" = "FileName,prob_angry,prob_sad,prob_disgust,prob_fear,prob_neutral,prob_happy" ]
	awk -F, 'NR == 2 { for (i = 2; i <= NF; i++) s += $i; exit !(s > 0.9999 && s < 1.0001) }' mean.csv
	! cmp -s one.csv mean.csv
	stem=$(tail -1 results/erm-*/fold1-seed1/predictions.csv | cut -d, -f1)
	stem=${stem%.*}
	"$fairvox" predict results/erm-*/fold1-seed1 "$corpus/$stem.flac" | tail -1 | cut -d, -f2-7 >again
	tail -1 results/erm-*/fold1-seed1/predictions.csv | cut -d, -f2-7 >before
	cmp again before
}

@test "groups writes the groups that a run uses" {
	encoded whole
	"$fairvox" run plan.yaml loss.name=rw 'grouper={name: pseudo, encoder: {name: pitch}}' --quiet
	"$fairvox" groups plan.yaml loss.name=rw 'grouper={name: pseudo, encoder: {name: pitch}}' --fold 2 \
		--out groups.csv >agreement
	cmp groups.csv results/rw-*/fold2-seed1/groups.csv
	[ "$(head -1 groups.csv)" = "FileName,group,prob_female,prob_male" ]
	awk '$1 == "gender" && $2 == "train" { exit !($4 > 0.7) }' agreement
}

@test "encode writes the features that runs use" {
	encoded
	wave=$(find "$corpus" -name '*.flac' | sort | head -1)
	"$fairvox" encode --encoder pitch --out f.csv "$wave"
	[ "$(head -1 f.csv)" = "FileName,female,male,p25_hz,alpha_db" ]
	"$fairvox" encode --encoder pitch --out f.safetensors "$wave"
	"$fairvox" run plan.yaml --quiet 'encoder={name: precomputed, file: '"$PWD"'/all.csv}' \
		>/dev/null 2>&1 && return 1
	"$fairvox" encode --encoder pitch --out all.csv "$corpus"/*.flac
	"$fairvox" run plan.yaml --quiet encoder.standardize=train --results direct
	"$fairvox" run plan.yaml --quiet 'encoder={name: precomputed, file: '"$PWD"'/all.csv, standardize: train}' \
		--results by-name
	tail -n +2 direct/rw-*/fold1-seed1/predictions.csv | cmp - <(tail -n +2 by-name/rw-*/fold1-seed1/predictions.csv)
}

@test "kill -9 at random moments, then resumed: the same table, no file left over" {
	encoded
	"$fairvox" run plan.yaml -j 2 --quiet --results whole
	"$fairvox" table whole >whole.md
	times=2
	[ -n "${FAIRVOX_LONG-}" ] && times=20
	for i in $(seq $times); do
		[ $((i % 2)) -eq 1 ] && rm -rf cache results
		"$fairvox" run plan.yaml -j 2 --quiet --no-progress &
		pid=$!
		sleep "0.$((RANDOM % 9))$((RANDOM % 9))"
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		"$fairvox" run plan.yaml -j 2 --quiet
		"$fairvox" table results | cmp - whole.md
		[ -z "$(find results cache -name '.*.??????' | head -1)" ]
	done
}

@test "a signal before any run begins has the exit code that it has later" {
	mkfifo tasks
	for signal in USR1 TERM HUP; do
		env --default-signal=HUP "$fairvox" run plan.yaml --tasks - --task 0 <tasks 2>words & # also under nohup
		pid=$!
		exec 7>tasks # never written to: the program waits for its tasks
		for _ in $(seq 500); do # until SIGUSR1 is caught
			caught=$(sed -n 's/^SigCgt:\t*//p' /proc/$pid/status)
			[ $((0x$caught & 0x200)) -eq 0 ] || break
			sleep 0.02
		done
		kill -$signal $pid
		code=0
		wait $pid || code=$?
		exec 7>&-
		[ $signal = USR1 ] && [ "$code" -eq 75 ] || [ "$code" -eq 143 ]
		[ "$(cat words)" = "fairvox: stopped before a run began: the same command begins" ]
		[ -z "$(find results -name .begun 2>/dev/null)" ]
	done
}

@test "an interrupted run has its own exit code and resumes" {
	encoded
	"$fairvox" run plan.yaml train.epochs=20000 --quiet &
	pid=$!
	at_work
	kill -TERM $pid
	code=0
	wait $pid || code=$?
	[ "$code" -eq 143 ]
	"$fairvox" run plan.yaml train.epochs=20000 --quiet &
	pid=$!
	sleep 1
	kill -USR1 $pid
	code=0
	wait $pid || code=$?
	[ "$code" -eq 75 ]
}

@test "waves are normalised and features standardised as documented" {
	thin
	"$fairvox" run plan.yaml --quiet loss.name=erm encoder.normalize=none,utterance,corpus
	[ "$(ls -d cache/*/ | wc -l)" -eq 4 ] # normalize: corpus encodes once per fold
	[ "$(ls -d results/*/ | wc -l)" -eq 3 ]
	"$fairvox" run plan.yaml --quiet loss.name=erm encoder.standardize=speaker --results speaker
	"$fairvox" table speaker --full --format md | grep -q '^| erm † |'
	fails 4 "standardised per speaker" "$fairvox" predict speaker/erm-* "$(find "$corpus" -name '*.flac' | head -1)"
}

@test "features from another program are identified by content, not path" {
	features all.csv
	"$fairvox" run plan.yaml --quiet loss.name=erm 'encoder={name: precomputed, file: all.csv}'
	cp results/erm-*/fold1-seed1/done before
	sed -i '2s/[^,]*$/0/' all.csv
	run --separate-stderr "$fairvox" run plan.yaml loss.name=erm 'encoder={name: precomputed, file: all.csv}'
	[[ $stderr == *"2 of 2 runs done, 2 computed now"* ]]
	! cmp -s before results/erm-*/fold1-seed1/done
}
