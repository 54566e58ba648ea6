#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fairvox groups: the printed figures are recomputed here from the groups file it writes.
load helpers

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	corpus
	encoded whole
}

setup() {
	plan
	sed -i '/^matrix:/d' plan.yaml
	labels=$corpus/labels_consensus_1.csv
}

pseudo='grouper={name: pseudo, encoder: {name: pitch}}'
voice='encoder: {name: functionals, output: voice}'

# Recordings are encoded once for all cases.
groups() {
	"$fairvox" groups plan.yaml --cache "$BATS_FILE_TMPDIR/cache" "$@"
}

# joined GROUPS: FileName, group, Gender, Split_Set, class (the first of the largest), speaker
joined() {
	awk -F, -v OFS=, 'NR == FNR { if (FNR > 1) group[$1] = $2; next }
		FNR == 1 { for (i = 1; i <= NF; i++) { at[$i] = i; name[i] = $i } next }
		{ sub(/\.wav$/, "", $1) }
		$1 in group {
			best = 2
			for (i = 3; i < at["SpkrID"]; i++) if ($i > $best) best = i
			print $1, group[$1], $(at["Gender"]), $(at["Split_Set"]), name[best], $(at["SpkrID"])
		}' "$1" "$labels"
}

# read_number FILE FIRST-WORD SECOND-WORD COLUMN
read_number() {
	awk -v a="$2" -v b="$3" -v c="$4" '$1 == a && $2 == b { print $c; exit }' "$1"
}

@test "accuracy, purity and sizes match the written file" {
	groups "$pseudo" --out groups.csv >report
	joined groups.csv >rows
	[ "$(wc -l <rows)" -eq "$(($(wc -l <groups.csv) - 1))" ]
	read -r n right purity <<<"$(awk -F, '{ n++; g[$2]; c[$2, $3]++; right += tolower($3) == $2 }
		END { for (k in g) p += c[k, "Female"] > c[k, "Male"] ? c[k, "Female"] : c[k, "Male"]
			printf "%d %d %.3f\n", n, right, p / n }' rows)"
	[ "$(read_number report gender all 3)" = "$n" ]
	[ "$(read_number report gender all 5)" = "$right" ]
	[ "$(read_number report gender all 6)" = "$purity" ]
	[ "$(read_number report gender all 4)" = "$(awk -v n="$n" -v r="$right" 'BEGIN { printf "%.3f", r / n }')" ]
	for class in angry sad disgust fear neutral happy; do
		share=$(awk -F, -v class=$class '$5 == class { n++; right += tolower($3) == $2 }
			END { printf "%.3f (%d/%d)", right / n, right, n }' rows)
		grep "^$class " report | grep -qF "$share"
	done
	females=$(awk -F, '$2 == "female"' rows | wc -l)
	[ "$(awk '$1 == "female" { print $5 }' report)" = "$females" ]
	# every recording has a length, so the bins sum to all rows
	total=$(awk '/^length/ { on = 1; next } /^$/ { on = 0 } on && /\// { gsub(/.*\/|\)$/, ""); n += $0 }
		END { print n }' report)
	[ "$total" = "$n" ]
}

@test "--json prints one object with the same figures" {
	groups "$pseudo" --out groups.csv >report
	groups "$pseudo" --out again.csv --json >report.json
	cmp groups.csv again.csv
	[ "$(head -1 report.json)" = "{" ]
	grep -qx ' "schema_version": 1,' report.json
	grep -qx '   "n": '"$(($(wc -l <groups.csv) - 1))"',' report.json
	grep -q '"correct": '"$(read_number report gender all 5)"',' report.json
}

@test "rows below the confidence have no group and count in no denominator" {
	groups 'grouper={name: pseudo, confidence: 0.9, encoder: {name: pitch}}' \
		--out groups.csv >report
	unknown=$(awk -F, 'NR > 1 && $2 == ""' groups.csv | wc -l)
	known=$(awk -F, 'NR > 1 && $2 != ""' groups.csv | wc -l)
	[ "$unknown" -gt 0 ]
	[ "$(read_number report gender all 3)" = "$known" ]
	[ "$(read_number report gender all 9)" = "$unknown" ]
	[ "$(awk '$1 == "(unknown)" { print $5 }' report)" = "$unknown" ]
	awk -F, 'NR > 1 && ($3 > $4 ? $3 : $4) < 0.9 != ($2 == "") { exit 1 }' groups.csv
}

@test "--seeds compares the groups of the seeds in pairs" {
	for seed in 7 8 9; do
		groups "grouper={name: kmeans, k: 6, seed: $seed, $voice}" --out $seed.csv >/dev/null
	done
	groups "grouper={name: kmeans, k: 6, seed: 7, $voice}" --out groups.csv --seeds 3 >report
	cmp groups.csv 7.csv
	! cmp -s 7.csv 8.csv
	for pair in "7 8" "7 9" "8 9"; do # Rand index adjusted for chance from all pairs of rows
		read -r a b <<<"$pair"
		paste -d, $a.csv $b.csv | awk -F, 'NR > 1 { x[NR - 1] = $2; y[NR - 1] = $4 }
			END { n = NR - 1
				for (i = 1; i <= n; i++) for (j = 1; j < i; j++) {
					s = x[i] == x[j]; t = y[i] == y[j]; N++; A += s; B += t; both += s && t }
				print (both - A * B / N) / ((A + B) / 2 - A * B / N) }'
	done | awk '{ s += $1; m = NR == 1 || $1 < m ? $1 : m } END { printf "%.3f %.3f\n", s / NR, m }' >ari
	awk '/seeds of the grouper/ { on = 1 } on && $1 == "all" { print $2, $3 }' report | cmp - ari
	fails 2 "do not depend on a seed" groups "$pseudo" --out none.csv --seeds 3
	[ ! -e none.csv ]
	fails 2 "'1' is not a whole number from 2 to 1000" groups "$pseudo" --out none.csv --seeds 1
}

@test "soft clusters: memberships sum to one and agree with the hard ones; products multiply" {
	groups "grouper={name: kmeans, k: 4, $voice}" --out hard.csv >/dev/null
	groups "grouper={name: kmeans, k: 4, soft: gaussian, spread: 9, $voice}" --out soft.csv >report
	cut -d, -f1,2 soft.csv | cmp - hard.csv
	awk -F, 'NR > 1 { s = $3 + $4 + $5 + $6; best = 3
		for (i = 4; i < 7; i++) if ($i > $best) best = i
		if (s < 0.99999 || s > 1.00001 || $2 != best - 3) exit 1 }' soft.csv
	grep -q '^largest membership' report
	groups "grouper={product: [{name: truth, column: gender},
		{name: kmeans, k: 4, soft: gaussian, spread: 9, $voice}]}" --out product.csv >/dev/null
	[ "$(head -1 product.csv | cut -d, -f1-4)" = "FileName,group,prob_Female x 0,prob_Female x 1" ]
	paste -d, soft.csv product.csv | awk -F, 'NR > 1 {
		female = $8 ~ /^Female/
		if ($8 != (female ? "Female" : "Male") " x " $2) exit 1
		for (i = 0; i < 4; i++)
			if ($(9 + i) != (female ? $(3 + i) : 0) || $(13 + i) != (female ? 0 : $(3 + i))) exit 1 }'
}

@test "clusters within classes: training rows stay in their class" {
	groups "grouper={name: kmeans, k: 2, within: class, $voice}" --out groups.csv >report
	joined groups.csv | awk -F, '$4 == "Train" { split($2, name, "/"); if (name[1] != $5) exit 1; n++ } END { exit !n }'
	[ "$(read_number report class train 6)" = 1.000 ]
	[ "$(awk '$1 == "happy/1"' report | wc -l)" -eq 1 ]
	groups "grouper={name: kmeans, k: 2, within: class, $voice}" --out again.csv >/dev/null
	cmp groups.csv again.csv
	fails 4 "k = 300 needs at least as many different rows" groups \
		"grouper={name: kmeans, k: 300, within: class, $voice}" --out none.csv
	[[ $stderr == *"class 'angry'"* && $stderr == *"class 'sad'"* ]]
}

# by_file ROW: `run` with groups from a file whose lines awk makes of a label file with this expression.
by_file() {
	{ echo FileName,group; awk -F, "NR > 1 { print $1 }" "$corpus/labels_consensus_1.csv"; } >given.csv
	run --separate-stderr "$fairvox" run plan.yaml matrix=none loss.name=rw 'grouper={name: file, file: given.csv}'
	[ "$status" -eq 0 ]
}

@test "groups with all training rows, and groups of one row each, are told for each fold" {
	plan
	by_file '$1 ",all"'
	[ "$(grep -c "grouper file: all [0-9]* training rows of fold [12] that have a group are in group 'all': " <<<"$stderr")" -eq 2 ]
	by_file '$1 "," $1'
	[ "$(grep -c "grouper file: each of the [0-9]* training rows of fold [12] that have a group is alone" <<<"$stderr")" -eq 2 ]
	by_file '$1 "," $(NF - 1)'
	[[ $stderr != *"grouper file"* ]]
}

@test "rows that a file of groups lacks are told for each set" {
	plan
	by_file '$1 "," $(NF - 1)'
	[[ $stderr != *"not in this file"* ]]
	sed -i '2~2d' given.csv
	run --separate-stderr "$fairvox" run plan.yaml matrix=none loss.name=rw corpus.folds=[1] \
		'grouper={name: file, file: given.csv}'
	for set in training development test; do
		[[ $stderr == *" rows are not in this file, so their group is unknown ($set rows)"* ]]
	done
}
