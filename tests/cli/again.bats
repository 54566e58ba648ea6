#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which runs count as done, which are recomputed, and what is encoded only once.
load helpers

setup() {
	plan
	encoded whole
}

# now N RUN...: runs the plan and fails unless N runs were computed.
now() {
	local want=$1
	shift
	run --separate-stderr "$fairvox" run "$@"
	if [ "$status" -ne 0 ] || [[ $stderr != *" done, $want computed now"* ]]; then
		printf 'exit code %s, wanted %s runs now; stderr:\n%s\n' "$status" "$want" "$stderr"
		return 1
	fi
}

@test "a run does not depend on which other folds, seeds or variants are asked for" {
	mkdir labels
	cp "$corpus"/labels_consensus_1.csv labels
	sed 2d "$corpus"/labels_consensus_2.csv >labels/labels_consensus_2.csv # folds of different recordings
	sed -i "s|labels: .*|labels: labels/labels_consensus_{fold}.csv|" plan.yaml
	now 2 plan.yaml 'corpus.folds=[2]'
	now 2 plan.yaml
	now 0 plan.yaml 'corpus.folds=[2]'
	now 2 plan.yaml 'train.seed=[1, 2]' 'corpus.folds=[2]'
	now 0 plan.yaml loss.name=rw,erm
	features all.csv
	sed 's/^encoder:.*/encoder: {name: precomputed, file: all.csv}/; s/^matrix:.*//' plan.yaml >by-name.yaml
	now 2 by-name.yaml --results alone
	echo 'matrix: {encoder: [{name: precomputed, file: all.csv}, {name: pitch}]}' >>by-name.yaml
	now 4 by-name.yaml --results mixed
	cmp alone/*/fold1-seed1/done mixed/*precomputed*/fold1-seed1/done
}

@test "a features file is identified by its content" {
	features all.csv
	sed 's/^encoder:.*/encoder: {name: precomputed, file: all.csv}/' plan.yaml >by-name.yaml
	now 4 by-name.yaml
	mkdir elsewhere
	cp by-name.yaml all.csv elsewhere
	now 0 elsewhere/by-name.yaml
	sed -i '2s/,0\.[0-9]*/,0.5/' elsewhere/all.csv
	now 4 elsewhere/by-name.yaml
}

@test "changed start weights or attributes, or a missing file, make a run recompute" {
	now 4 plan.yaml
	cp results/erm-*/fold1-seed1/model.safetensors init.safetensors
	cp results/rw-*/fold2-seed1/model.safetensors other.safetensors
	now 4 plan.yaml train.init="$PWD/init.safetensors"
	now 0 plan.yaml train.init="$PWD/init.safetensors"
	mv init.safetensors first.safetensors
	cp other.safetensors init.safetensors
	now 4 plan.yaml train.init="$PWD/init.safetensors"
	mkdir for1 for2
	cp init.safetensors for1/init1.safetensors
	cp init.safetensors for2/init2.safetensors
	now 0 plan.yaml train.init="$PWD/for{fold}/init{fold}.safetensors" # other names, the same content
	cp first.safetensors for2/init2.safetensors
	now 2 plan.yaml train.init="$PWD/for{fold}/init{fold}.safetensors"
	now 0 plan.yaml train.init="$PWD/first.safetensors"
	now 0 plan.yaml
	now 4 plan.yaml --results other
	rm other/rw-*/fold1-seed1/metrics.json
	now 1 plan.yaml --results other
}

@test "groups encodes only what the groupers need" {
	rm -r cache
	"$fairvox" groups plan.yaml loss.name=rw --out groups.csv >/dev/null
	[ ! -e cache ]
	[ "$(wc -l <groups.csv)" -gt 100 ]
}

@test "encode: one layer of several; two recordings with the same stem are refused" {
	python3 - <<'END'
import json, struct
values = {"a": [[1, 2], [3, 4], [5, 6]], "b": [[7, 8], [9, 10], [11, 12]]}
data, head, at = b"", {}, 0
for name, v in values.items():
    head[name] = {"dtype": "F32", "shape": [3, 2], "data_offsets": [at, at + 24]}
    data += struct.pack("<6f", *sum(v, []))
    at += 24
text = json.dumps(head).encode()
open("layers.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)
END
	"$fairvox" encode --encoder precomputed -p file=layers.safetensors -p layer=1 --out one.csv a b
	[ "$(cat one.csv)" = "$(printf 'FileName,0,1\na,3,4\nb,9,10')" ]
	"$fairvox" encode --encoder precomputed -p file=layers.safetensors --out all.csv a b
	[ "$(tail -1 all.csv)" = b,7,8,9,10,11,12 ]
	fails 2 "it has layers 0 to 2" "$fairvox" encode --encoder precomputed -p file=layers.safetensors -p layer=3 \
		--out one.csv a
	fails 4 "x/a.wav and y/a.flac have the same stem" "$fairvox" encode --encoder precomputed -p file=layers.safetensors \
		--out twice.csv x/a.wav b y/a.flac
	[ ! -e twice.csv ]
}

@test "encode: the same bytes with any number of workers; all bad recordings are named; no file is left over" {
	cp "$corpus"/1001_*.flac .
	for jobs in 1 2 5; do
		"$fairvox" encode --quiet --encoder functionals -j $jobs --out "$jobs.safetensors" *.flac
	done
	cmp 1.safetensors 2.safetensors
	cmp 1.safetensors 5.safetensors
	echo noise >bad-one.wav
	: >bad-two.wav
	fails 4 "bad-one.wav" "$fairvox" encode --encoder pitch -j 2 --out bad.csv *.flac bad-one.wav bad-two.wav
	[[ $stderr == *bad-two.wav* ]]
	[ ! -e bad.csv ]
	fails 1 "missing: No such file or directory" "$fairvox" encode --encoder pitch --out missing/x.csv *.flac
	[ -z "$(find . -name '.fairvox-*')" ]
}

@test "predict works for a model whose waves were normalised over the corpus" {
	"$fairvox" run plan.yaml --quiet loss.name=erm 'corpus.folds=[1]' encoder.normalize=corpus
	stem=$(tail -1 results/erm-*/fold1-seed1/predictions.csv | cut -d, -f1)
	stem=${stem%.*}
	"$fairvox" predict results/erm-*/fold1-seed1 "$corpus/$stem.flac" | tail -1 | cut -d, -f2-7 >again
	tail -1 results/erm-*/fold1-seed1/predictions.csv | cut -d, -f2-7 | cmp again -
}

@test "a grouper that shares the variant's encoder gets the features the variant asks for" {
	"$fairvox" run plan.yaml --quiet loss.name=rw 'grouper={name: kmeans, k: 3}' encoder.standardize=none,train
	plain=$(echo results/*none*/fold1-seed1)
	scaled=$(echo results/*train*/fold1-seed1)
	! cmp -s "$plain/groups.csv" "$scaled/groups.csv"
	"$fairvox" run plan.yaml --quiet loss.name=rw --results own \
		'grouper={name: kmeans, k: 3, encoder: {name: pitch, standardize: train}}'
	cmp "$scaled/groups.csv" own/*/fold1-seed1/groups.csv
	"$fairvox" run plan.yaml --quiet loss.name=rw --results speaker \
		'grouper={name: kmeans, k: 3, encoder: {name: pitch, standardize: speaker}}'
	grep -q '"transductive": true' speaker/*/fold1-seed1/env.json
	grep -q '"transductive": false' own/*/fold1-seed1/env.json
}
