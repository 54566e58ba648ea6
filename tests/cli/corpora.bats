#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Corpora as they are distributed, from their label files to predictions and tables.
load helpers

setup() {
	command -v python3 >/dev/null || skip "python3 is not here"
	cd "$BATS_TEST_TMPDIR"
}

# MELD's three files: names from two columns, the same in each split, speakers in all splits.
meld() {
	python3 - <<'PYTHON'
import random
random.seed(5)
features = open("features.csv", "w")
features.write("FileName,f0,f1\n")
for split in ("train", "dev", "test"):
    rows = open(split + "_sent_emo.csv", "w")
    rows.write("Sr No.,Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\n")
    for dialogue in range(4):
        for utterance in range(5):
            emotion = ("joy", "anger", "neutral")[(dialogue + utterance) % 3]
            speaker = ("Joey", "Ross", "Monica")[utterance % 3]
            rows.write(f'{utterance},"Hi, you",{speaker},{emotion},{dialogue},{utterance}\n')
            features.write(f"{split}/dia{dialogue}_utt{utterance}.wav,{random.random()},{random.random()}\n")
PYTHON
	cat >meld.yaml <<'END'
corpus:
  labels: {train: train_sent_emo.csv, dev: dev_sent_emo.csv, test: test_sent_emo.csv}
  columns: {file: "{split}/dia{Dialogue_ID}_utt{Utterance_ID}.mp4"}
  shared_speakers: true
encoder: {name: precomputed, file: features.csv}
loss: {name: erm}
train: {epochs: 2}
END
}

# now COMPUTED ARGUMENTS...: `run` computes so many of one run.
now() {
	local want=$1
	shift
	"$fairvox" run "$@" 2>log
	grep -q "1 of 1 run done, $want computed now" log || { cat log; return 1; }
}

@test "files by split with names from a template train, and equal settings compute nothing anew" {
	meld
	now 1 meld.yaml
	cut -d, -f1 results/erm-*/fold0-seed1/predictions.csv >names
	[ "$(sed -n 2p names)" = test/dia0_utt0 ]
	[ "$(grep -c ^test/ names) $(grep -c ^dev/ names)" = "20 20" ]
	cp results/erm-*/fold0-seed1/config.yaml again.yaml
	now 0 again.yaml
	now 0 meld.yaml 'corpus.labels={train: [train_sent_emo.csv], dev: dev_sent_emo.csv, test: test_sent_emo.csv}'
	cp dev_sent_emo.csv other.csv
	now 0 meld.yaml 'corpus.labels={train: train_sent_emo.csv, dev: other.csv, test: test_sent_emo.csv}'
	sed -i '2s/Joey/Chandler/' other.csv
	now 1 meld.yaml 'corpus.labels={train: train_sent_emo.csv, dev: other.csv, test: test_sent_emo.csv}'
}

@test "a corpus without speakers says so in its tables" {
	meld
	sed -i 's/shared_speakers: true/speaker: none/' meld.yaml
	now 1 meld.yaml
	grep -q '"no_speakers": true' results/erm-*/fold0-seed1/env.json
	"$fairvox" table results --full >table
	grep -q "This corpus names no speakers: every recording counts as one of its own (declared)." table
	[ "$(cut -d, -f8 results/erm-*/fold0-seed1/predictions.csv | sed -n 2p)" = test/dia0_utt0 ]
}

@test "votes, several test sets and rows that are left out" {
	cat >labels_consensus.csv <<'END'
FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
a.wav,N,2.4,4.0,3.2,127,Male,Train
b.wav,A,3.4,4.0,3.2,Unknown,Unknown,Train
c.wav,N,3.4,4.0,3.2,128,Female,Development
d.wav,A,3.4,4.0,3.2,129,Female,Test1
e.wav,A,3.4,4.0,3.2,130,Female,Test2
f.wav,X,3.4,4.0,3.2,131,Female,Test3
g.wav,X,3.4,4.0,3.2,132,Female,Train
END
	cat >labels_detailed.csv <<'END'
FileName,Workers,EmoClass_Major,EmoClass_Second
a.wav,1,Neutral,"Neutral,Sad"
a.wav,2,Angry,Angry
b.wav,1,Angry,Angry
c.wav,1,Neutral,Neutral
d.wav,1,Angry,Angry
e.wav,1,Angry,Angry
f.wav,1,Angry,Angry
END
	printf 'FileName,x,y\n%s' "$(for i in a b c d e f g; do echo $i,0.$RANDOM,0.$RANDOM; done)" >features.csv
	cat >msp.yaml <<'END'
corpus:
  labels: labels_consensus.csv
  votes: {file: labels_detailed.csv, emotion: EmoClass_Major}
  splits: {Train: train, Development: dev, Test1: test, Test2: test2}
encoder: {name: precomputed, file: features.csv}
loss: {name: erm}
train: {epochs: 2}
END
	"$fairvox" split msp.yaml --json >split.json 2>log
	grep -q "labels_consensus.csv: 2 of 7 rows are left out: 1 in no split of corpus.splits, 1 without votes" log
	python3 - <<'PYTHON'
import json
split = json.load(open("split.json"))
assert split["left_out"] == {"in no split of corpus.splits": 1, "without votes": 1}, split
assert {k: v["n"] for k, v in split["splits"].items()} == {"train": 2, "dev": 1, "test": 1, "test2": 1}, split
PYTHON
	now 1 msp.yaml
	grep -q '^e,.*,test2$' results/erm-*/fold0-seed1/predictions.csv
	sed -i 's/^c.wav,1,Neutral/c.wav,1,Angry/' labels_detailed.csv
	now 1 msp.yaml
	now 0 msp.yaml
}

@test "folds by a column run one by one, and dev is the next" {
	python3 - <<'PYTHON'
rows = open("labels.csv", "w")
rows.write("path,Emotion,Session,Sex\n")
features = open("features.csv", "w")
features.write("FileName,x\n")
for session in (1, 2, 10):
    for i in range(6):
        name = f"s{session}u{i}"
        rows.write(f"{name}.wav,{('excited', 'happy', 'xxx')[i % 3] if i < 4 else 'sad'},{session},{'FM'[i % 2]}\n")
        features.write(f"{name},{i * session % 7}\n")
PYTHON
	cat >folds.yaml <<'END'
corpus:
  labels: labels.csv
  columns: {speaker: [Session, Sex]}
  map: {excited: happy, xxx: null}
  folds: {by: Session}
encoder: {name: precomputed, file: features.csv}
loss: {name: erm}
train: {epochs: 2}
END
	"$fairvox" run folds.yaml 2>log
	grep -q "3 of 3 runs done, 3 computed now" log
	[ "$(grep -c 'rows are left out' log)" = 1 ]
	[ "$(grep ',test$' results/erm-*/fold3-seed1/predictions.csv | cut -d, -f1 | cut -du -f1 | sort -u)" = s10 ]
	[ "$(grep ',dev$' results/erm-*/fold3-seed1/predictions.csv | cut -d, -f1 | cut -du -f1 | sort -u)" = s1 ]
	now 0 folds.yaml corpus.folds=2
	fails 2 "--fold 4 is not in corpus.folds, which has 1, 2, 3" "$fairvox" split folds.yaml --fold 4
	"$fairvox" split folds.yaml corpus.folds.use=3 2>/dev/null | grep -q "fold 3"
}

@test "recordings of one name in several folders, and their durations" {
	python3 - <<'PYTHON'
import os, wave
rows = open("labels.csv", "w")
rows.write("file,emotion,speaker\n")
for speaker in ("DC", "JE", "KJ", "KL"):
    os.makedirs("audio/" + speaker)
    for i, seconds in enumerate((0.25, 0.5, 1.0)):
        out = wave.open(f"audio/{speaker}/a{i}.wav", "wb")
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(bytes(i + 1 for i in range(200)) * int(160 * seconds))
        out.close()
        rows.write(f"{speaker}/a{i}.wav,{('sad', 'joy')[i % 2]},{speaker}\n")
PYTHON
	cat >savee.yaml <<'END'
corpus: {audio: audio, labels: labels.csv, folds: {make: 4, use: [1]}, where: {duration: [0.3, 0.9]}}
encoder: {name: functionals}
loss: {name: erm}
train: {epochs: 2}
END
	"$fairvox" split savee.yaml --json >split.json 2>log
	grep -q "8 of 12 rows are left out: 8 outside corpus.where.duration" log
	python3 -c 'import json; s = json.load(open("split.json"))["splits"]; assert [s[k]["n"] for k in ("train", "dev", "test")] == [2, 1, 1], s'
	now 1 savee.yaml corpus.where.duration=[0.3,1] encoder.name=functionals
	grep -Eq '^(DC|JE|KJ|KL)/a1,' results/erm-*/fold1-seed1/predictions.csv
}

@test "class columns in another order in one fold's file change no prediction" {
	plan
	mkdir moved
	cp "$corpus"/labels_consensus_?.csv moved
	awk -F, -v OFS=, '{ first = $2; for (i = 2; i < 7; i++) $i = $(i + 1); $7 = first; print }' \
		"$corpus/labels_consensus_2.csv" >moved/labels_consensus_2.csv
	"$fairvox" run plan.yaml matrix=none loss.name=erm --quiet --results straight
	"$fairvox" run plan.yaml matrix=none loss.name=erm --quiet "corpus.labels=moved/labels_consensus_{fold}.csv"
	for fold in 1 2; do
		cmp straight/erm-*/fold$fold-seed1/predictions.csv results/erm-*/fold$fold-seed1/predictions.csv
	done
	"$fairvox" table results >/dev/null
	# The order does not depend on which folds are asked for.
	"$fairvox" run plan.yaml matrix=none loss.name=erm "corpus.labels=moved/labels_consensus_{fold}.csv" \
		corpus.folds=[2] 2>log
	grep -q "1 of 1 run done, 0 computed now" log
	sed -i '1s/happy/joy/' moved/labels_consensus_2.csv
	fails 4 "fold 2: moved/labels_consensus_2.csv has a class 'joy', which moved/labels_consensus_1.csv lacks" \
		"$fairvox" run plan.yaml matrix=none loss.name=erm "corpus.labels=moved/labels_consensus_{fold}.csv"
}
