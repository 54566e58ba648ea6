#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# configs/paper with tiny random weights in place of the real ones: encoders, pseudo-labels, clusters, every
# objective, and the paper's tables.
load helpers

golden=$FAIRVOX_SOURCE/tests/golden

# A copy of configs with weights where it looks for them, and the corpus of synthetic speech in place of CREMA-D.
setup() {
	corpus
	cd "$BATS_TEST_TMPDIR"
	cp -r "$FAIRVOX_SOURCE/configs" .
	mkdir -p weights/{wavlm-base-plus,ecapa,wav2vec2-age-gender}
	cp "$golden/encoders/wavlm_tiny/hf/pytorch_model.bin" weights/wavlm-base-plus/pytorch_model.bin
	cp "$golden/ecapa/embedding_model.ckpt" weights/ecapa/
	cp "$golden/encoders/w2v2_age_gender_tiny"/{config.json,model.safetensors} weights/wav2vec2-age-gender/
	chmod u+w weights/*/*
	# Random weights call every voice female; with these biases (female -1.571, child -10) about half of them.
	bytes 29500 '\x96\x1c\xc9\xbf'
	bytes 29508 '\x00\x00\x20\xc1'
	cache=(--cache "$BATS_FILE_TMPDIR/cache") # of all cases
	small=(corpus.audio="$corpus" "corpus.labels=$corpus/labels_consensus_{fold}.csv" 'corpus.exclude=[]' corpus.folds=1
		bias.minority_ratio=2 train.epochs=4 train.learning_rate=0.01)
}

bytes() {
	printf "$2" | dd of=weights/wav2vec2-age-gender/model.safetensors bs=1 seek="$1" conv=notrunc status=none
}

variants() {
	grep -c '^variant ' "$1"
}

@test "variants: 17, 9, and all 33" {
	"$fairvox" explain --full configs/paper/table1.yaml "${small[@]}" >table1.txt
	"$fairvox" explain --full configs/paper/table2.yaml "${small[@]}" >table2.txt
	"$fairvox" explain --full configs/paper/figure2.yaml "${small[@]}" >figure2.txt
	[ "$(variants table1.txt)" -eq 17 ]
	[ "$(variants table2.txt)" -eq 9 ]
	[ "$(variants figure2.txt)" -eq 33 ]
}

@test "fetch stores files where the configurations look for them" {
	"$fairvox" fetch --list --json >list.json
	grep -rho 'weights: [^},]*' "$FAIRVOX_SOURCE/configs/paper" | sed 's,.*\.\./\.\./,,' | sort -u >wanted.txt
	[ "$(wc -l <wanted.txt)" -eq 3 ]
	while read -r path; do
		grep -qF "\"save\": \"$path\"" list.json
	done <wanted.txt
	grep -qF "\"save\": \"$(grep -o 'data/cremad/AudioWAV$' "$FAIRVOX_SOURCE/configs/cremad.yaml")\"" list.json
}

@test "Figure 2 from end to end, and both tables from it" {
	run --separate-stderr "$fairvox" run configs/paper/figure2.yaml -j 2 "${cache[@]}" "${small[@]}"
	[ "$status" -eq 0 ]
	[[ $stderr == *"33 of 33 runs done, 33 computed now"* ]]
	"$fairvox" verify results | grep -q '^33 runs, .* 0 different$'

	"$fairvox" table results --layout paper1 --against published --draws 2000 --format md >paper1.md
	for row in 'ERM | none' 'Random | none' 'LfF | unsupervised' 'DisEnt | unsupervised' 'PGDRO | pseudo' \
		{DS,RW,GDRO,GADRO}' | truth' {DS,RW,GDRO,GADRO}'-IDI | pseudo' {DS,RW,GDRO,GADRO}'-IDI | unsupervised' \
		{Overall,Gain}' | '{truth,pseudo,unsupervised}; do
		grep -qF "| $row | " paper1.md
	done
	run ! grep ' | — |' <(grep -v '^| Gain' paper1.md) # no variant is missing
	"$fairvox" table results --layout paper2 --draws 2000 --format md >paper2.md
	[ "$(grep -c '^| \(DS\|RW\|GADRO\|GDRO\) | \(16\|32\) | [*<u>]*0' paper2.md)" -eq 8 ]
	run --separate-stderr "$fairvox" run configs/paper/table1.yaml "${cache[@]}" "${small[@]}"
	[[ $stderr == *"17 of 17 runs done, 0 computed now"* ]]

	# The groups come from the encoders, not from a substitute.
	groups=$(echo results/rw-pseudo-*/fold1-seed1/groups.csv)
	"$fairvox" encode --encoder wav2vec2_age_gender --weights weights/wav2vec2-age-gender/model.safetensors \
		--out classes.csv "$corpus"/*.flac
	awk -F, 'NR == FNR { if (FNR > 1) { want[$1] = $3 > $4 ? "female" : "male"; female[$1] = $3 } next }
		FNR > 1 { sub(/\.[a-z]*$/, "", $1); n++; males += $2 == "male"
			if ($2 != want[$1] || ($3 - female[$1]) ^ 2 > 1e-10) { print "other:", $0; bad = 1 } }
		END { if (bad || n < 50 || males < 10 || males > n - 10) { print n, males; exit 1 } }' classes.csv "$groups"
	for k in 2 4 8 16 32; do
		[ "$(tail -n +2 results/gdro-kmeans$k-*/fold1-seed1/groups.csv | cut -d, -f2 | sort -u | wc -l)" -le $k ]
	done
	[ "$(tail -n +2 results/gdro-kmeans4-*/fold1-seed1/groups.csv | cut -d, -f2 | sort -u | wc -l)" -eq 4 ]
	[ "$(cmp results/{rw,gdro}-kmeans16-*/fold1-seed1/groups.csv)" = "" ] # one grouping for all objectives
	run ! cmp -s results/rw-pseudo-*/fold1-seed1/predictions.csv results/rw-kmeans16-*/fold1-seed1/predictions.csv
}

@test "Table 2 alone, with weights given on the command line" {
	mv weights elsewhere
	fails 4 "weights/wavlm-base-plus/pytorch_model.bin: No such file" "$fairvox" run configs/paper/table2.yaml "${small[@]}"
	run --separate-stderr "$fairvox" run configs/paper/table2.yaml -j 2 "${cache[@]}" "${small[@]}" \
		encoder.weights=elsewhere/wavlm-base-plus/pytorch_model.bin \
		grouper.encoder.weights=elsewhere/ecapa/embedding_model.ckpt
	[ "$status" -eq 0 ]
	[[ $stderr == *"9 of 9 runs done, 9 computed now"* ]]
	"$fairvox" table results --layout paper2 --draws 2000 --format tex | grep -q 'begin{tabular}'
	# The groupers of Table 1 with weights of their own, as core/docs/fetch.md has it: a list over several lines.
	"$fairvox" explain --full configs/paper/table1.yaml "${small[@]}" encoder.weights=elsewhere/wavlm-base-plus/pytorch_model.bin \
		'grouper={name: truth, column: gender},
		{name: pseudo, encoder: {name: wav2vec2_age_gender, weights: elsewhere/wav2vec2-age-gender/model.safetensors}},
		{name: kmeans, k: 16, encoder: {name: ecapa, weights: elsewhere/ecapa/embedding_model.ckpt}}' >table1.txt
	[ "$(variants table1.txt)" -eq 17 ]
	[ "$(grep -c '^grouper.encoder.weights *elsewhere/wav2vec2-age-gender/' table1.txt)" -eq 5 ]
	[ "$(grep -c '^grouper.encoder.weights *elsewhere/ecapa/' table1.txt)" -eq 4 ]
}
