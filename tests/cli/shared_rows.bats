#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Runs that read the same rows share their standardised features and are computed one after another: the bytes are those of
# each run in a study of its own.
load helpers

# A grid with long rows: 2 folds x 2 seeds of 4 losses, with and without a bias that draws other rows for each seed.
setup() {
	plan
	python3 - <<'END'
import array, csv, json, os, random, re
corpus = re.search(r'audio: (.*)', open('plan.yaml').read()).group(1)
names = [os.path.splitext(r['FileName'])[0] for r in csv.DictReader(open(f'{corpus}/labels_consensus_1.csv'))]
stream = random.Random(1)
head = {n: {'dtype': 'F32', 'shape': [3, 700], 'data_offsets': [8400 * i, 8400 * (i + 1)]} for i, n in enumerate(names)}
text = json.dumps(head).encode()
text += b' ' * (-len(text) % 8)
with open('states.safetensors', 'wb') as out:
    out.write(len(text).to_bytes(8, 'little') + text +
              array.array('f', (stream.gauss(5, 1) for _ in range(2100 * len(names)))).tobytes())
END
	sed -i 's|encoder: .*|encoder: {name: precomputed, file: states.safetensors, standardize: train}|
		s|train: .*|train: {epochs: 2, learning_rate: 0.001, seed: [1, 2]}|; /^matrix/d' plan.yaml
	cat >>plan.yaml <<END
matrix:
  loss.name: [erm, rw, gdro, disent]
  bias: [none, {attribute: gender, minority_ratio: 2, majority: {angry: Male, sad: Female, disgust: Male, fear: Female, neutral: Male, happy: Female}}]
END
}

grid() {
	local folder=$1
	shift
	"$fairvox" run plan.yaml --quiet --results "$folder" "$@"
}

# same A B N: the N runs of A have the same bytes in B, under whatever label, except for times.
same() {
	local n=0
	for run in "$1"/*/*/; do
		variant=$(basename "$(dirname "$run")")
		own=$(echo "$2"/*"-${variant##*-}/$(basename "$run")")
		same_run "$run" "$own"
		n=$((n + 1))
	done
	[ "$n" -eq "$3" ]
}

@test "in any number of workers, and in a process each: the bytes of a run in a study of its own" {
	grid one -j 1
	grid three -j 3
	grid isolated -j 2 --isolate matrix=none bias=none loss.name=[erm,rw,gdro,disent]
	same one three 32
	same isolated one 16
	losses="erm disent"
	[ -z "${FAIRVOX_LONG-}" ] || losses="erm rw gdro disent"
	for loss in $losses; do
		for fold in 1 2; do
			for seed in 1 2; do
				grid alone matrix=none bias=none loss.name=$loss corpus.folds=[$fold] train.seed=$seed
			done
		done
	done
	same alone one "$(($(wc -w <<<"$losses") * 4))"
}

@test "runs of one fold are computed one after another, in the order of the study" {
	grid results -j 1
	find results -name done -printf '%T@ %h\n' | sort -n | sed 's|.*/||' | uniq >blocks
	cat blocks
	[ "$(tr '\n' ' ' <blocks)" = "fold1-seed1 fold1-seed2 fold2-seed1 fold2-seed2 fold1-seed1 fold1-seed2 fold2-seed1 fold2-seed2 " ]
}
