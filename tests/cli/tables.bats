#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Prediction tables as people have them: separators, encodings, percent, rounded votes, folders.
bats_require_minimum_version 1.5.0
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_TEST_DIRNAME/data/predictions.csv" plain.csv
}

# change NAME CODE: writes NAME from plain.csv; CODE is Python that changes `rows`, a list of maps.
change() {
	python3 - "$1" "$2" <<'END'
import csv, sys
with open("plain.csv") as f:
    rows = list(csv.DictReader(f))
prob = [c for c in rows[0] if c.startswith("prob_")]
label = [c for c in rows[0] if c.startswith("label_")]
exec(sys.argv[2])
with open(sys.argv[1], "w", newline="") as f:
    out = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
END
}

# audit FILE...: the report as JSON in $output, messages in $stderr.
audit() {
	run --separate-stderr "$fairvox" audit "$@" --group-columns gender --json
	[ "$status" -eq 0 ] || { echo "$stderr"; return 1; }
}

# value PATH: a value of the report, by keys with dots between.
value() {
	python3 -c '
import functools, json, sys
print(functools.reduce(lambda d, k: d[k], sys.argv[1].split("."), json.load(sys.stdin)))' "$1" <<<"$output"
}

@test "a table reads the same with every separator, line end and as JSON lines" {
	audit plain.csv
	plain=$output
	[ "$(value f1.value)" = 0.2744993274710457 ]
	sed 's/,/;/g' plain.csv >semicolons.csv
	sed 's/,/\t/g' plain.csv >tabs.csv
	(echo 'sep=;' && cat semicolons.csv) >named.csv
	sed '2,$s/\./,/g; s/,wav/.wav/' semicolons.csv >german.csv
	sed 's/$/\r/' plain.csv >crlf.csv
	tr '\n' '\r' <plain.csv >cr.csv
	(printf '\xef\xbb\xbf' && cat plain.csv) >marked.csv
	sed 's/[^,]*/"&"/g' plain.csv >quoted.csv
	(cat plain.csv && echo ',,,,,,,,,,,,,,') >blank.csv
	python3 -c '
import csv, json
for row in csv.DictReader(open("plain.csv")):
    print(json.dumps({k: float(v) if "_" in k else v for k, v in row.items()}))' >lines.jsonl
	for file in semicolons.csv tabs.csv named.csv german.csv crlf.csv cr.csv marked.csv quoted.csv \
		blank.csv lines.jsonl; do
		audit "$file"
		[ "$output" = "$plain" ] || { echo "$file differs"; return 1; }
	done
}

@test "files that are no text table in UTF-8 are named" {
	iconv -t UTF-16 plain.csv >utf16.csv
	iconv -t UTF-16BE plain.csv >utf16be.csv
	gzip -k plain.csv
	printf 'PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\23\0\0\0[Content_Types].xml' >a.xlsx
	sed '3s/Male/M\xe4nnlich/' plain.csv >latin.csv
	printf '<!DOCTYPE html><html><title>Sign in</title>' >page.csv
	sed '5s/1001/10\x0001/' plain.csv >nul.csv
	fails 4 "utf16.csv: this is text in UTF-16, not a text table: save it as UTF-8 CSV" \
		"$fairvox" audit utf16.csv --group-columns gender
	fails 4 "utf16be.csv: this is text in UTF-16" "$fairvox" audit utf16be.csv --group-columns gender
	fails 4 "plain.csv.gz: this is a gzip archive, not a text table: unpack it first" \
		"$fairvox" audit plain.csv.gz --group-columns gender
	fails 4 "a.xlsx: this is an Office file (xlsx, docx), not a text table" "$fairvox" audit a.xlsx --group-columns gender
	fails 4 "latin.csv:3: gender is not UTF-8: 'M' is followed by the byte 0xe4 (Latin-1 or" \
		"$fairvox" audit latin.csv --group-columns gender
	fails 4 "page.csv: this is an HTML page" "$fairvox" audit page.csv --group-columns gender
	fails 4 "nul.csv:5: a NUL byte" "$fairvox" audit nul.csv --group-columns gender
}

@test "logits, percent and counts are no probabilities" {
	change logits.csv 'rows[1]["prob_sad"] = "-0.3"; rows[0]["prob_angry"] = "1.7"'
	change percent.csv 'for r in rows: r.update({c: "%.4g" % (100 * float(r[c])) for c in prob})'
	change labels.csv 'for r in rows: r.update({c: "%.4g" % (100 * float(r[c])) for c in label})'
	change counts.csv 'rows[4]["label_sad"] = "300"'
	change comma.csv 'rows[4]["prob_sad"] = "0,3"'
	fails 4 "logits.csv:3: prob_sad is '-0.3', no probability (0 to 1): logits? (2 such numbers" \
		"$fairvox" audit logits.csv --group-columns gender
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	fails 4 "percent.csv:2: prob_angry is '27.91', no probability (0 to 1): percent?" \
		"$fairvox" audit percent.csv --group-columns gender
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	fails 4 "labels.csv:2: label_angry is '33.33', no probability (0 to 1): percent?" \
		"$fairvox" audit labels.csv --group-columns gender
	fails 4 "counts.csv:6: label_sad is '300', no probability (0 to 1)" \
		"$fairvox" audit counts.csv --group-columns gender
	fails 4 "comma.csv:6: prob_sad is '0,3', not a number: write a point in place of the comma" \
		"$fairvox" audit comma.csv --group-columns gender
}

@test "sigmoids, several labels of 1 and the rounding of a sum are probabilities" {
	change hot.csv 'for r in rows: r.update({c: str(int(float(r[c]) > 0.167)) for c in label})'
	change sigmoids.csv 'for r in rows: r.update({c: "0.9" for c in prob})'
	change slack.csv 'rows[0].update(prob_angry="1.0000001", prob_sad="-1e-9")'
	audit hot.csv
	[ "$(value threshold_free.labels_true)" = 1.5606060606060606 ]
	audit sigmoids.csv
	[ "$(value threshold_free.labels_predicted)" = 6.0 ]
	audit slack.csv
}

@test "a threshold is above 0 and below 1" {
	for option in --threshold --prediction-threshold; do
		for bad in 1.5 -1 0 1 1e-60 16.7; do
			fails 2 "$option: '$bad' is not above 0 and below 1" \
				"$fairvox" audit plain.csv --group-columns gender "$option" "$bad"
		done
		fails 2 "$option: 'nan' is not a number" \
			"$fairvox" audit plain.csv --group-columns gender "$option" nan
	done
}

@test "one vote of six is not above 1/6, whatever its digits" {
	audit plain.csv
	[[ $stderr != *"are read as 1/6"* ]]
	for digits in 3 4 5 6 7; do
		change "votes$digits.csv" \
			"for r in rows: r.update({c: '%.${digits}f' % float(r[c]) for c in label})"
		audit "votes$digits.csv"
		[ "$(value f1.value)" = 0.2744993274710457 ]
		[ "$(value threshold_free.labels_true)" = 1.5606060606060606 ]
		if [ "$digits" -lt 7 ]; then
			[[ $stderr == *"votes$digits.csv: 965 labels within 0.001 above 1/6 are read as 1/6"* ]]
		fi
	done
	# predictions are compared as they are
	change even.csv 'for r in rows: r.update({c: "0.1667" for c in prob})'
	audit even.csv
	[ "$(value threshold_free.labels_predicted)" = 6.0 ]
}

@test "words that mean missing are unknown, spellings are one group" {
	change missing.csv 'for i, w in enumerate(["nan", "N/A", "?", "nan", ""]): rows[i]["gender"] = w'
	audit missing.csv
	[ "$(value attributes.gender.unknown)" = 5 ]
	[ "$(value attributes.gender.groups.Male)" = 149 ]
	[[ $stderr == *"warning: missing.csv:2: gender: read as missing: '?' (1 row, first on line 4), 'N/A' (1 row, first on line 3), 'nan' (2 rows, first on line 2)"* ]]
	audit plain.csv
	change spelt.csv 'for i in range(22): rows[i]["gender"] = ["male", "MALE", "Male\u00a0"][i % 3]'
	plain=$(value attributes.gender)
	audit spelt.csv
	[ "$(value attributes.gender)" = "$plain" ]
	[[ $stderr == *"warning: spelt.csv: gender: "*"'MALE' (7 rows, first on line 3) and 'Male' (132 rows, first on line 90) and "*"(7 rows, first on line 4) and 'male' (8 rows, first on line 2) are read as 'Male'"* ]]
}

@test "one file may repeat a name in folders; two files join by path" {
	change folders.csv '
for i, r in enumerate(rows):
    r["FileName"] = "%s/a%03d.wav" % ("DC" if i % 2 else "JE", i // 2)'
	audit plain.csv
	plain=$(value attributes)
	audit folders.csv
	[ "$(value attributes)" = "$plain" ]
	sed 's/^DC/data\/wav\/DC/; s/^\(JE\)\/\(.*\)\.wav/C:\\data\\\1\\\2.flac/' folders.csv |
		(read -r header && echo "$header" && tac) >other.csv
	audit folders.csv other.csv
	[ "$(value comparison.f1.value)" = 0.0 ]
	[ "$(value second.f1.value)" = 0.2744993274710457 ]
	sed 's/^JE.a000/XX\/a000/' folders.csv >third.csv
	fails 4 "folders.csv:2: 'JE/a000.wav' is not in third.csv" \
		"$fairvox" audit folders.csv third.csv --group-columns gender
	sed '5s/^[^,]*/wav\/DC\/a000.flac/' folders.csv >twice.csv
	fails 4 "twice.csv:5: 'wav/DC/a000.flac' repeats the recording of line 3" \
		"$fairvox" audit twice.csv --group-columns gender
}

@test "two systems may spell a group differently" {
	sed 's/,Male,/,male,/; s/,Female,/,female,/' plain.csv >other.csv
	audit plain.csv other.csv
	[ "$(value comparison.f1.value)" = 0.0 ]
	sed '2s/,Male,/,Female,/' plain.csv >swapped.csv
	fails 4 "swapped.csv:2: gender of '1001_DFA_ANG_XX.wav' differs from plain.csv" \
		"$fairvox" audit plain.csv swapped.csv --group-columns gender
}

@test "joined files and open quotes are named by their lines" {
	cat plain.csv plain.csv >joined.csv
	fails 4 "joined.csv:398: line 398 is the header again" \
		"$fairvox" audit joined.csv --group-columns gender
	sed '12s/^/"/' plain.csv >open.csv
	fails 4 "open.csv:12:1: the quote that opens on line 12 is not closed" \
		"$fairvox" audit open.csv --group-columns gender
	sed '12s/^/"/; 17s/^/"/' plain.csv >text.csv
	fails 4 "text.csv:12:1: the quote that opens on line 12 is not closed before line 17" \
		"$fairvox" audit text.csv --group-columns gender
}

@test "columns that are not there are named with those that are" {
	sed '1s/FileName/file/' plain.csv >file.csv
	fails 4 "file.csv:1: no column 'FileName': it has: file, prob_angry" \
		"$fairvox" audit file.csv --group-columns gender
	sed 's/,/|/g' plain.csv >pipes.csv
	fails 4 "(one column: the separator must be , ; or a tab)" \
		"$fairvox" audit pipes.csv --group-columns gender
}

@test "--group-columns may be given several times" {
	change race.csv 'for i, r in enumerate(rows): r["race"] = "ABC"[int(r["SpkrID"]) % 3]'
	run --separate-stderr "$fairvox" audit race.csv --group-columns gender --group-columns race --json
	[ "$status" -eq 0 ]
	twice=$output
	[ "$(value attributes.race.groups.A)" -gt 0 ]
	[ "$(value attributes.gender.groups.Female)" = 242 ]
	run --separate-stderr "$fairvox" audit race.csv --group-columns gender,race --json
	[ "$output" = "$twice" ]
	fails 2 "'gender' is given twice" "$fairvox" audit race.csv --group-columns gender \
		--group-columns gender
}
