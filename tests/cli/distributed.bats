#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every configuration of configs/corpora, unedited, on a small corpus in the form in which the real one is distributed
# (tests/corpora/make.py): the rows of each split and class, known from how the corpus is made, and one training.
load helpers

# counts FORM [FOLD]: a line for each split: its name, its recordings, and how many of each class have a majority.
counts() {
	"$fairvox" split "configs/corpora/$1.yaml" ${2:+--fold "$2"} --json 2>split.log | python3 -c '
import json, sys
for name, split in json.load(sys.stdin)["splits"].items():
    sizes = {}
    for label, n in split["class"].items():
        sizes.setdefault(n, []).append(label)
    print(name, split["n"], *(f"{n}:" + ",".join(sorted(labels)) for n, labels in sorted(sizes.items())))'
}

# predicted: the rows of each split in the predictions of the only run.
predicted() {
	python3 -c '
import collections, csv, glob
[path] = glob.glob("results/*/fold*-seed*/predictions.csv")
rows = collections.Counter(row["split"] for row in csv.DictReader(open(path)))
print(*(f"{name} {rows[name]}" for name in sorted(rows)))'
}

# check FORM FOLD PREDICTED COUNTS: makes the corpus, compares the counts, trains, and compares the rows of predictions.csv.
# FOLD is empty where there are no folds.
check() {
	cd "$BATS_TEST_TMPDIR"
	cp -r "$FAIRVOX_SOURCE/configs" .
	python3 -B "$FAIRVOX_SOURCE/tests/corpora/make.py" "$1" .
	run counts "$1" "$2"
	if [ "$status" -ne 0 ] || [ "$output" != "$4" ]; then
		printf 'split gives:\n%s\nwanted:\n%s\n' "$output" "$4"
		cat split.log
		return 1
	fi
	run --separate-stderr "$fairvox" run "configs/corpora/$1.yaml" ${2:+corpus.folds="$2"} train.epochs=3 --no-progress
	if [ "$status" -ne 0 ]; then
		printf '%s\n' "$stderr"
		return 1
	fi
	run predicted
	if [ "$output" != "$3" ]; then
		printf 'predictions: %s\nwanted: %s\n' "$output" "$3"
		return 1
	fi
}

six=angry,disgust,fear,happy,neutral,sad
eight=angry,contempt,disgust,fear,happy,neutral,sad,surprise

@test "EMO-SUPERB: CREMA-D" {
	check emosuperb-cremad 1 "dev 6 test 6" "train 24 4:$six
dev 6 1:$six
test 6 1:$six"
	check_fold=$(counts emosuperb-cremad 2)
	[[ $check_fold == "train 24 4:$six"* ]]
}

@test "EMO-SUPERB: IEMOCAP, whose SpkrID is the session" {
	nine=angry,disgust,excited,fear,frustrated,happy,neutral,sad,surprise
	check emosuperb-iemocap 1 "dev 18 test 18" "train 54 6:$nine
dev 18 2:$nine
test 18 2:$nine"
}

@test "EMO-SUPERB: MSP-IMPROV, whose SpkrID is the session" {
	check emosuperb-improv 2 "dev 8 test 8" "train 32 8:angry,happy,neutral,sad
dev 8 2:angry,happy,neutral,sad
test 8 2:angry,happy,neutral,sad"
}

@test "EMO-SUPERB: MSP-Podcast with unknown speakers" {
	check emosuperb-podcast 1 "dev 8 test 8" "train 24 3:$eight
dev 8 1:$eight
test 8 1:$eight"
	grep -q "16 of 40 rows have no speaker" split.log
}

@test "EMO-SUPERB: NNIME, whose file names have no header" {
	eleven=angry,disappointed,excited,fear,frustrated,happy,joy,neutral,relax,sad,surprise
	check emosuperb-nnime 3 "dev 11 test 11" "train 33 3:$eleven
dev 11 1:$eleven
test 11 1:$eleven"
}

@test "EMO-SUPERB: BIIC-Podcast, without speakers" {
	sixteen=amused,angry,annoyed,concerned,confused,contempt,depressed,disappointed,disgust,excited,fear,frustrated,happy
	sixteen=$sixteen,neutral,sad,surprise
	check emosuperb-biic-podcast "" "dev 16 test 16" "train 32 2:$sixteen
dev 16 1:$sixteen
test 16 1:$sixteen"
}

@test "MSP-Podcast: consensus, three test sets, O and X left out" {
	check msp-podcast "" "dev 8 test 8 test2 8 test3 8" "train 24 3:$eight
dev 8 1:$eight
test 8 1:$eight
test2 8 1:$eight
test3 8 1:$eight"
	grep -q "14 of 70 rows are left out: 14 of classes that corpus.map drops" split.log
}

# Two of five raters each said Angry and Sad where the consensus is X; where it is O, all wrote a word of their own.
@test "MSP-Podcast: votes of EmoDetail" {
	words=Angry,Contempt,Disgust,Fear,Happy,Neutral,Sad,Surprise
	check msp-podcast-votes "" "dev 9 test 9 test2 9 test3 9" "train 27 3:$words
dev 9 1:$words
test 9 1:$words
test2 9 1:$words
test3 9 1:$words"
	grep -q "7 of 70 rows are left out: 7 without a vote that counts" split.log
	# smoothed shares of the tie: (1 - 0.05 * 8/7) * 0.4 + 0.05/7
	python3 - <<'END'
import csv, glob
[path] = glob.glob("results/*/fold*-seed*/predictions.csv")
[row] = [r for r in csv.DictReader(open(path)) if r["FileName"].endswith("MSP-PODCAST_0003_0009")]
assert abs(float(row["label_Angry"]) - 0.384285714) < 1e-6, row
assert abs(float(row["label_Neutral"]) - 0.195714286) < 1e-6, row
assert abs(float(row["label_Fear"]) - 0.00714285714) < 1e-6, row
END
}

@test "MSP-Podcast 1.6: consensus, two test sets" {
	check msp-podcast-1.6 "" "dev 8 test 8 test2 8" "train 24 3:$eight
dev 8 1:$eight
test 8 1:$eight
test2 8 1:$eight"
	grep -q "12 of 60 rows are left out: 12 of classes that corpus.map drops" split.log
}

@test "MSP-Podcast 1.6: votes of labels_detailed.csv" {
	words=Angry,Contempt,Disgust,Fear,Happy,Neutral,Sad,Surprise
	check msp-podcast-1.6-votes "" "dev 9 test 9 test2 9" "train 27 3:$words
dev 9 1:$words
test 9 1:$words
test2 9 1:$words"
}

@test "MELD: three files with the same names, two videos missing" {
	seven=anger,disgust,fear,joy,neutral,sadness,surprise
	check meld "" "dev 14 test 21" "train 28 4:$seven
dev 14 2:$seven
test 21 3:$seven"
	# the groups that are written are those that are read, though the names repeat
	"$fairvox" groups configs/corpora/meld.yaml loss.name=rw "grouper={name: kmeans, k: 2}" --out groups.csv
	"$fairvox" run configs/corpora/meld.yaml loss.name=rw "grouper={name: file, file: $PWD/groups.csv}" train.epochs=2 \
		--results again --no-progress
	[ "$(grep -c "^test/dia0_utt0,[01]$" groups.csv)" -eq 1 ]
	cmp <(sort groups.csv) <(sort again/*/fold*-seed*/groups.csv)
}

@test "IEMOCAP: evaluation texts, four classes, a fold for each session" {
	check iemocap 2 "dev 20 test 20" "train 60 12:angry,neutral,sad 24:happy
dev 20 4:angry,neutral,sad 8:happy
test 20 4:angry,neutral,sad 8:happy"
	grep -q "60 of 160 rows are left out: 60 of classes that corpus.map drops" split.log
}

# Turns of code xxx have a vote for Surprise, which does not count, and two for Neutral.
@test "IEMOCAP: votes of the evaluators" {
	check iemocap-votes 2 "dev 22 test 22" "train 66 12:angry,sad 18:neutral 24:happy
dev 22 4:angry,sad 6:neutral 8:happy
test 22 4:angry,sad 6:neutral 8:happy"
}

@test "audformat: speakers in tables of their own" {
	seven=anger,boredom,disgust,fear,happiness,neutral,sadness
	check audformat "" "dev 7 test 21" "train 42 6:$seven
dev 7 1:$seven
test 21 3:$seven"
	# speaker 10 is a man of 32
	row=$(grep "^wav/10a01Wa," results/*/fold*/predictions.csv)
	[[ $row == *,male,Older,10,test ]]
}

@test "audformat: segments" {
	check audformat-segments "" "dev 16 test 16" "train 40 10:calm,cross,glad,no
dev 16 4:calm,cross,glad,no
test 16 4:calm,cross,glad,no"
	# A segment predicts what the same samples predict as a recording of their own, and no two are alike.
	python3 - <<'END'
import csv, glob, subprocess, os, wave
[path] = glob.glob("results/*/fold*-seed*/predictions.csv")
rows = {r["FileName"]: r for r in csv.DictReader(open(path)) if r["split"] == "test"}
cut = sorted(name for name in rows if name.startswith("audio/d7@"))
assert cut == [f"audio/d7@{i / 2:g}-{(i + 1) / 2:g}" for i in range(7)] + ["audio/d7@3.5-"], cut
with wave.open("data/dialogs/audio/d7.wav") as whole, wave.open("part.wav", "wb") as part:
    part.setparams(whole.getparams())
    whole.setpos(24000)
    part.writeframes(whole.readframes(8000))
out = subprocess.run([os.environ["FAIRVOX_BUILD"] + "/fairvox", "predict", os.path.dirname(path), "part.wav"],
                     check=True, capture_output=True, text=True).stdout
[want] = csv.DictReader(out.splitlines())
for k in ("calm", "cross", "glad", "no"):
    assert abs(float(want["prob_" + k]) - float(rows["audio/d7@1.5-2"]["prob_" + k])) < 1e-6, (want, rows["audio/d7@1.5-2"])
assert len({tuple(rows[name]["prob_" + k] for k in ("calm", "cross", "glad", "no")) for name in cut}) == 8
END
	# a segment that ends behind its recording is told with its line in the table
	sed -i '$s/,[^,]*,\([^,]*\)$/,0 days 00:00:09,\1/' data/dialogs/db.emotion.test.csv
	line=$(wc -l <data/dialogs/db.emotion.test.csv)
	run "$fairvox" run configs/corpora/audformat-segments.yaml train.epochs=3 --no-progress
	[ "$status" -eq 4 ]
	[[ $output == *"db.emotion.test.csv:$line: the segment ends at 9 s, but "*"audio/d8.wav has 4 s"* ]]
}

@test "EmoBox: JSON lines and label map" {
	check emobox-iemocap 4 "dev 8 test 10" "train 32 4:Neutral 7:Angry 8:Sad 13:Happy
dev 8 0:Sad 1:Angry 3:Happy 4:Neutral
test 10 2:Angry,Neutral,Sad 4:Happy"
}

@test "nkululeko: tables" {
	check nkululeko-csv "" "dev 8 test 16" "train 24 6:angry,happy,neutral,sad
dev 8 2:angry,happy,neutral,sad
test 16 4:angry,happy,neutral,sad"
}

# polish: 8 speakers, two of them test; berlin: three train, two test; one training speaker of nine becomes dev.
@test "nkululeko: an experiment with a CSV and an audformat database" {
	check nkululeko "" "dev 6 test 12" "train 21 7:angry,happy,sad
dev 6 2:angry,happy,sad
test 12 4:angry,happy,sad"
}

@test "SAVEE: speakers are folders" {
	seven=anger,disgust,fear,happiness,neutral,sadness,surprise
	check savee 3 "dev 14 test 14" "train 28 4:$seven
dev 14 2:$seven
test 14 2:$seven"
}

@test "EmoDB: speaker and emotion are letters of the name" {
	seven=anger,boredom,disgust,fear,happiness,neutral,sadness
	check emodb 1 "dev 14 test 14" "train 42 6:$seven
dev 14 2:$seven
test 14 2:$seven"
}

@test "RAVDESS: names with dashes, songs left out" {
	all=angry,calm,disgust,fearful,happy,neutral,sad,surprised
	check ravdess 1 "dev 24 test 24" "train 48 6:$all
dev 24 3:$all
test 24 3:$all"
	grep -q "12 of 108 rows are left out: 12 outside corpus.where.channel" split.log
}

@test "every configuration of configs/corpora is tested here" {
	for file in "$FAIRVOX_SOURCE"/configs/corpora/*.yaml; do
		grep -q "check $(basename "$file" .yaml) " "$BATS_TEST_FILENAME" || {
			echo "no test of $file"
			return 1
		}
	done
}
