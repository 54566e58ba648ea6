#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make.py FORM FOLDER: writes a small corpus in the form in which a real one is distributed.

Label files have the headers, names and quirks of the public ones, with drawn contents; recordings are
short tones whose pitch tells the class. The same call writes the same bytes. The folders are those that
configs/corpora/FORM.yaml expects below FOLDER/data. Counts are given in tests/cli/distributed.bats."""
import array
import itertools
import json
import math
import os
import random
import sys
import wave

RATE = 16000
DRAW = random.Random(1)
TONES = {}


def tone(pitch, seconds):
    """Samples of a voice-like tone: harmonics of 100 Hz and up, with a slow beat and some noise."""
    noise = random.Random(pitch)
    f0 = 100 * 2 ** (pitch / 5)
    return array.array(
        "h",
        (
            int(5000 * (0.6 + 0.4 * math.sin(9 * t)) * sum(math.sin(2 * math.pi * k * f0 * t) / k for k in (1, 2, 3)))
            + noise.randrange(-300, 300)
            for t in (i / RATE for i in range(int(seconds * RATE)))
        ),
    )


def write_wave(path, pitch, seconds=0.4):
    """A part of the tone of this pitch, drawn, so that no two recordings are equal."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    length = 1 if seconds < 1 else 5
    if (pitch, length) not in TONES:
        TONES[pitch, length] = tone(pitch, length)
    whole = TONES[pitch, length]
    n = int(seconds * RATE)
    start = DRAW.randrange(len(whole) - n)
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(whole[start : start + n].tobytes())


def write_text(path, text, encoding="utf-8"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding=encoding, newline="") as out:
        out.write(text)


def write_table(path, header, rows, end="\n"):
    def quote(cell):
        cell = str(cell)
        return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\n') else cell

    write_text(path, "".join(",".join(map(quote, row)) + end for row in [header, *rows]))


def soften(votes, classes):
    """EMO-SUPERB's labels: shares of votes, smoothed with 0.05."""
    n = len(classes)
    shares = [votes.count(c) / len(votes) for c in classes]
    return [round((1 - 0.05 * n / (n - 1)) * y + 0.05 / (n - 1), 6) for y in shares]


def split_of(group, groups, fold):
    """Group i is the test set of fold i + 1 and the development set of the fold before."""
    at = (groups.index(group) - (fold - 1)) % len(groups)
    return {0: "Test", 1: "Development"}.get(at, "Train")


def emosuperb(root, folder, part, name, classes, speakers, per, dims, folds, nameless=False, known=True):
    """speakers: (group, SpkrID, Gender); groups are the folds; per: rows of each speaker."""
    rows, groups = [], list(dict.fromkeys(s[0] for s in speakers))
    for s, (group, spkr, gender) in enumerate(speakers):
        for i in range(per):
            k = (i + s) % len(classes)
            votes = [classes[k]] * 3 + [DRAW.choice(classes)]
            file = name(group, spkr, gender, i, classes[k])
            write_wave(f"{root}/{folder}/Audios/{file}", k)
            rows.append((group, [file, *soften(votes, classes), *(round(DRAW.uniform(1, 5), 6) for _ in dims)], [spkr, gender]))
    tail = ["SpkrID", "Gender"] if known else []
    for fold in folds:
        DRAW.shuffle(rows)  # the public files differ in the order of rows
        write_table(
            f"{root}/{folder}/{part}/labels_consensus_{fold}.csv",
            ["" if nameless else "FileName", *classes, *dims, *tail, "Split_Set"],
            [row + (who if known else []) + [split_of(group, groups, fold)] for group, row, who in rows],
        )


SIX = ["angry", "sad", "disgust", "fear", "neutral", "happy"]
EIGHT = ["angry", "sad", "disgust", "contempt", "fear", "neutral", "surprise", "happy"]


def emosuperb_cremad(root):
    people = [(str(1001 + i), str(1001 + i), ("Male", "Female")[i % 2]) for i in range(6)]
    emosuperb(root, "emosuperb/CREMA-D", "Primary", lambda g, s, x, i, c: f"{s}_IEO_{c[:3].upper()}_XX.wav",
              SIX, people, 6, [], [1, 2])


def emosuperb_iemocap(root):
    classes = ["frustrated", "angry", "sad", "disgust", "excited", "fear", "neutral", "surprise", "happy"]
    people = [(f"{g:02}", f"{g:02}", x) for g in range(1, 6) for x in ("Female", "Male")]
    emosuperb(root, "emosuperb/IEMOCAP", "Secondary", lambda g, s, x, i, c: f"Ses{s}F_impro01_{x[0]}{i:03}.wav",
              classes, people, 9, ["EmoAct", "EmoVal", "EmoDom"], [1, 2])


def emosuperb_improv(root):
    people = [(f"{g:02}", f"{g:02}", x) for g in range(1, 7) for x in ("Female", "Male")]
    emosuperb(root, "emosuperb/IMPROV", "Primary",
              lambda g, s, x, i, c: f"MSP-IMPROV-S01{c[0].upper()}-{x[0]}{s}-R-{x[0]}{x[0]}{i:02}.wav",
              ["angry", "sad", "neutral", "happy"], people, 4, ["EmoAct", "EmoVal", "EmoDom"], [1, 2])


def emosuperb_podcast(root):
    people = [("a", "30", "Male"), ("b", "Unknown", "Unknown"), ("c", "39", "Female"), ("d", "Unknown", "Unknown"),
              ("e", "112", "Female")]
    emosuperb(root, "emosuperb/PODCAST", "Primary", lambda g, s, x, i, c: f"MSP-PODCAST_{ord(g):04}_{i:04}.wav",
              EIGHT, people, 8, ["EmoAct", "EmoVal", "EmoDom"], [1])


def emosuperb_nnime(root):
    classes = ["angry", "frustrated", "disappointed", "sad", "fear", "neutral", "surprise", "excited", "happy", "relax", "joy"]
    people = [(str(i), str(i), ("Female", "Male")[i % 2]) for i in (1, 10, 11, 22, 30)]
    emosuperb(root, "emosuperb/NNIME", "Secondary", lambda g, s, x, i, c: f"{c}_{int(s):02}_{'AB'[i % 2]}_{i:03}.wav",
              classes, people, 11, ["EmoAct", "EmoVal"], [1, 3], nameless=True)


def emosuperb_biic_podcast(root):
    classes = ["angry", "frustrated", "annoyed", "disappointed", "sad", "disgust", "depressed", "contempt", "confused",
               "concerned", "fear", "neutral", "surprise", "amused", "excited", "happy"]
    people = [(g, "", "") for g in "abcd"]
    emosuperb(root, "emosuperb/BIIC_PODCAST", "Secondary", lambda g, s, x, i, c: f"BIIC-PODCAST_{ord(g):04}_{i:04}.wav",
              classes, people, 16, ["EmoAct", "EmoVal", "EmoDom"], [2], nameless=True, known=False)


LETTERS = dict(zip("ASHUFDCNOX", ["Angry", "Sad", "Happy", "Surprise", "Fear", "Disgust", "Contempt", "Neutral", "Other", ""]))


def podcast(folder, splits, consensus, detailed, header, record):
    """Each split has each letter once (Train three times), from two known speakers and an unknown one. Five raters: for X two
    classes tie, for O all write a word of their own."""
    rows, votes = [], []
    for s, split in enumerate(splits):
        for i, letter in enumerate("ASHUFDCNOX" * (3 if split == "Train" else 1)):
            file = f"MSP-PODCAST_{s + 1:04}_{i:04}.wav"
            who = [("Unknown", "Unknown"), (str(10 * s + 1), "Male"), (str(10 * s + 2), "Female")][i % 3]
            write_wave(f"{folder}/Audios/{file}" if "1.6" not in folder else f"{folder}/Audio/{file}", i % 10)
            rows.append([file, letter, *(round(DRAW.uniform(1, 7), 6) for _ in range(3)), *who, split])
            for rater in range(5):
                major = LETTERS[letter]
                if letter == "X":
                    major = ("Angry", "Sad", "Sad", "Angry", "Neutral")[rater]
                if letter == "O":
                    major = ("Other-bored", "Other (calm; quiet)", "Other", "Other-?", "Other-tired")[rater]
                votes.append([file, *record(f"WORKER{DRAW.randrange(1, 999):08}", major, rater)])
    head = ["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]
    write_table(f"{folder}/{consensus}", head, rows)
    write_table(f"{folder}/{detailed}", ["FileName", *header], votes)


def msp_podcast(root):
    podcast(f"{root}/msp-podcast", ["Train", "Development", "Test1", "Test2", "Test3"], "Labels/labels_consensus.csv",
            "Labels/labels_detailed.csv", ["EmoDetail"],
            lambda worker, major, i: [f"{worker}; {major}; {major},Concerned; A:{i + 1}.000000; V:4.000000; D:{i + 2}.000000;"])


def msp_podcast_16(root):
    podcast(f"{root}/msp-podcast-1.6", ["Train", "Validation", "Test1", "Test2"], "label/labels_concensus.csv",
            "label/labels_detailed.csv", ["Workers", "EmoClass_Major", "EmoClass_Second", "EmoAct", "EmoVal", "EmoDom"],
            lambda worker, major, i: [worker, major, f"{major},Concerned", f"{i + 1}.0", "4.0", f"{i + 2}.0"])


def meld(root):
    """The same dialogue and utterance numbers in all splits; two videos are missing. Utterances have quotes, commas, and the
    C1 controls that stand for apostrophes in the public files."""
    classes = ["neutral", "joy", "sadness", "anger", "surprise", "fear", "disgust"]
    header = ["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode",
              "StartTime", "EndTime"]
    missing = {"train": (125, 3), "dev": (110, 7), "test": None}
    for split, n in (("train", 4), ("dev", 2), ("test", 3)):
        rows = []
        for dialogue, k in itertools.product(range(n), range(7)):
            speaker = ["Rachel", "Ross", "Chandler", "Monica and Phoebe", "All"][(dialogue + k) % 5]
            rows.append([len(rows) + 1, f"It\x92s number {k}, \"really\"", speaker, classes[k], "neutral", dialogue, k, 1 + k,
                         2, "00:16:16,059", "00:16:21,731"])
            write_wave(f"{root}/meld/audio/{split}/dia{dialogue}_utt{k}.wav", k)
        if missing[split]:
            dialogue, k = missing[split]
            rows.append([len(rows) + 1, "Oh.", "Joey", "neutral", "neutral", dialogue, k, 1, 2, "00:16:16,059", "00:16:21,731"])
        write_table(f"{root}/meld/{split}_sent_emo.csv", header, rows, "\r\n")


def iemocap(root):
    """Two dialogs a session with turns of the five codes that iemocap.yaml uses and some others, one for each gender; each turn
    is followed by its raters' lines. The archive holds resource files of macOS beside the texts, and texts of single raters in
    folders below."""
    used = {"ang": "Anger", "hap": "Happiness", "exc": "Excited", "sad": "Sadness", "neu": "Neutral state"}
    others = {"F": {"fru": "Frustration", "xxx": "Surprise"},
              "M": {"fea": "Fear", "sur": "Surprise", "dis": "Disgust", "oth": "Other"}}
    for session, (leader, dialog) in itertools.product(range(1, 6), (("F", "impro01"), ("M", "script01_1b"))):
        folder = f"{root}/IEMOCAP_full_release/Session{session}"
        stem = f"Ses{session:02}{leader}_{dialog}"
        codes = used | others[leader]
        text = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        for i, (code, gender) in enumerate(itertools.product(codes, "FM")):
            turn = f"{stem}_{gender}{i // 2:03}" if i else f"{stem}_FXX0"
            text += f"[{2 * i + 0.5:.4f} - {2 * i + 1.75:.4f}]\t{turn}\t{code}\t[2.5000, {1 + i % 4}.3333, 3.0000]\n"
            other = "Neutral" if code == "xxx" else codes[code]
            text += f"C-E1:\t{codes[code]};\t()\nC-E2:\t{other};\t(calm; a bit tired)\nC-E4:\t{other}; Other;\t()\n"
            text += f"C-{gender}{session}:\tSadness;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\nA-{gender}{session}:\tval 2; act 2; dom  ;\t()\n\n"
            write_wave(f"{folder}/sentences/wav/{stem}/{turn}.wav", i // 2)
        write_text(f"{folder}/dialog/EmoEvaluation/{stem}.txt", text)
        write_text(f"{folder}/dialog/EmoEvaluation/._{stem}.txt", "\0\5\26\7", "latin-1")
        write_text(f"{folder}/dialog/EmoEvaluation/Categorical/{stem}_e2_cat.txt", f"{stem}_F000 :Neutral state; ()\n")
        write_wave(f"{folder}/dialog/wav/{stem}.wav", 1, 2)


BERLIN = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
BERLIN_SPEAKERS = {3: (31, "male"), 8: (34, "female"), 9: (21, "female"), 10: (32, "male"), 11: (26, "male"),
                   12: (30, "male"), 13: (32, "female"), 14: (35, "female"), 15: (25, "male"), 16: (31, "female")}


def audformat(root):
    """As emodb 1.4.1: a table of all classes, one for each split (no development set), files with speakers, and a table of
    speakers. Seven speakers in train, three in test, a recording of each class by each."""
    folder = f"{root}/emodb"
    head = """name: emodb
description: 'Acted: seven emotions.'
source: http://emodb.bilderbar.info/download/download.zip
usage: unrestricted
languages: [deu]
media:
  microphone: {type: other, format: wav, channels: 1, sampling_rate: 16000}
raters:
  gold: {type: human}
schemes:
  age: {description: Age of speaker, dtype: int, minimum: 0}
  confidence: {dtype: float, minimum: 0, maximum: 1}
  duration: {dtype: time}
  emotion:
    description: Six basic emotions and neutral.
    dtype: str
    labels: [anger, boredom, disgust, fear, happiness, sadness, neutral]
  gender:
    dtype: str
    labels: [female, male]
  speaker: {description: 'Actors, asked to remember a real situation from their past when
      they had felt this emotion.', dtype: int, labels: speaker}
splits:
  test: {type: test}
  train: {type: train}
tables:
"""
    for table, split in (("emotion", None), ("emotion.categories.test.gold_standard", "test"),
                         ("emotion.categories.train.gold_standard", "train")):
        head += f"  {table}:\n    type: filewise\n" + (f"    split_id: {split}\n" if split else "")
        head += "    columns:\n      emotion: {scheme_id: emotion, rater_id: gold}\n"
        head += "      emotion.confidence: {scheme_id: confidence, rater_id: gold}\n"
        rows = []
        for speaker, (k, letter) in itertools.product(BERLIN_SPEAKERS, enumerate(BERLIN)):
            if split in (None, "test" if speaker in (10, 13, 16) else "train"):
                rows.append([f"wav/{speaker:02}a01{letter}a.wav", BERLIN[letter], round(DRAW.uniform(0.8, 1), 2)])
        write_table(f"{folder}/db.{table}.csv", ["file", "emotion", "emotion.confidence"], rows)
    head += "  files:\n    type: filewise\n    columns:\n      duration: {scheme_id: duration}\n      speaker: {scheme_id: speaker}\n"
    head += "misc_tables:\n  speaker:\n    levels: {speaker: int}\n    columns:\n      age: {scheme_id: age}\n"
    head += "      gender: {scheme_id: gender}\npdf: http://citeseerx.ist.psu.edu/viewdoc/download?doi=10.1.1.130.8506&rep=rep1\n"
    write_text(f"{folder}/db.yaml", head)
    files = []
    for speaker, (k, letter) in itertools.product(BERLIN_SPEAKERS, enumerate(BERLIN)):
        files.append([f"wav/{speaker:02}a01{letter}a.wav", "0 days 00:00:00.400000", speaker])
        write_wave(f"{folder}/{files[-1][0]}", k)
    write_table(f"{folder}/db.files.csv", ["file", "duration", "speaker"], files)
    write_table(f"{folder}/db.speaker.csv", ["speaker", "age", "gender"],
                [[speaker, *who] for speaker, who in BERLIN_SPEAKERS.items()])


def audformat_segments(root):
    """Nine dialogs of 4 s with eight segments each; the last ends with the recording. Labels of speakers are in db.yaml."""
    folder = f"{root}/dialogs"
    head = "name: dialogs\nsource: internal\nusage: research\nlanguages: []\nschemes:\n  emotion:\n    dtype: str\n"
    head += "    labels: [calm, cross, glad, 'no']\n  speaker:\n    dtype: str\n    labels:\n"
    splits = {"train": range(5), "dev": range(5, 7), "test": range(7, 9)}
    for i in range(9):
        head += f"      spk{i}: {{gender: {('female', 'male')[i % 2]}, age: {20 + i}}}\n"
    head += "splits:\n  dev: {type: dev}\n  test: {type: test}\n  train: {type: train}\ntables:\n"
    for split, dialogs in splits.items():
        head += f"  emotion.{split}:\n    type: segmented\n    split_id: {split}\n    columns:\n      emotion: {{scheme_id: emotion}}\n"
        rows = []
        for dialog, i in itertools.product(dialogs, range(8)):
            end = "" if i == 7 else f"0 days 00:00:0{(i + 1) // 2}.{5 * ((i + 1) % 2)}00000"
            rows.append([f"audio/d{dialog}.wav", f"0 days 00:00:0{i // 2}.{5 * (i % 2)}00000", end,
                         ["calm", "cross", "glad", "no"][(i + dialog) % 4]])
        write_table(f"{folder}/db.emotion.{split}.csv", ["file", "start", "end", "emotion"], rows)
    head += "  files:\n    type: filewise\n    columns:\n      speaker: {scheme_id: speaker}\n"
    write_text(f"{folder}/db.yaml", head)
    write_table(f"{folder}/db.files.csv", ["file", "speaker"], [[f"audio/d{i}.wav", f"spk{i}"] for i in range(9)])
    for i in range(9):
        write_wave(f"{folder}/audio/d{i}.wav", i, 4)


def emobox_iemocap(root):
    """Four codes and exc, which counts as Happy; five sessions, ten recordings each."""
    rows = []
    for session, (i, code) in itertools.product(range(1, 6), enumerate(["neu", "hap", "ang", "sad", "exc"] * 2)):
        key = f"Ses{session:02}F_impro01_{'FM'[i // 5]}{i:03}"
        wav = f"downloads/iemocap/Session{session}/sentences/wav/Ses{session:02}F_impro01/{key}.wav"
        write_wave(f"{root}/emobox/{wav}", i % 5)
        rows.append((session, {"key": f"iemocap-{key}", "dataset": "iemocap", "wav": wav, "type": "raw", "sample_rate": 16000,
                               "num_frame": 6400.0, "task": "category", "length": 0.4, "emo": code, "channel": 1}))
    for fold, part in itertools.product(range(1, 6), ("train", "test")):
        text = "".join(json.dumps(row) + "\n" for session, row in rows if (session == fold) == (part == "test"))
        write_text(f"{root}/emobox/data/iemocap/fold_{fold}/iemocap_{part}_fold_{fold}.jsonl", text)


def nkululeko_csv(root):
    for split, actors in (("train", range(1, 7)), ("dev", range(7, 9)), ("test", range(9, 13))):
        rows = []
        for actor, (k, emotion) in itertools.product(actors, enumerate(["angry", "happy", "neutral", "sad"])):
            file = f"./Actor_{actor:02}/03-01-{k + 1:02}-01-01-01-{actor:02}.wav"
            rows.append([file, actor, ("female", "male")[actor % 2], emotion])
            write_wave(f"{root}/nkululeko/ravdess/{file[2:]}", k)
        write_table(f"{root}/nkululeko/ravdess/ravdess_{split}.csv", ["file", "speaker", "gender", "emotion"], rows)


def nkululeko(root):
    """A CSV database whose test speakers are listed, with other names of columns and classes, and an audformat database with
    tables for train and test; three classes are used."""
    folder = f"{root}/nkululeko"
    rows = []
    for speaker, (k, mood) in itertools.product(range(1, 9), enumerate(["anger", "joy", "sadness", "boredom"])):
        file = f"wav/p{speaker}_{mood}.wav"
        rows.append([file, f"p{speaker}", ("female", "male")[speaker % 2], mood])
        write_wave(f"{folder}/polish/{file}", k)
    write_table(f"{folder}/polish/polish.csv", ["file", "speaker", "sex", "mood"], rows)
    head = "name: berlin\nsource: x\nusage: research\nschemes:\n  mood: {dtype: str}\n  speaker: {dtype: int, labels: speaker}\ntables:\n"
    for split, speakers in (("train", (3, 8, 9)), ("test", (10, 11))):
        head += f"  mood.{split}:\n    type: filewise\n    columns:\n      mood: {{scheme_id: mood}}\n"
        cells = []
        for speaker, (k, mood) in itertools.product(speakers, enumerate(["anger", "happiness", "sadness", "fear"])):
            cells.append([f"wav/{speaker:02}{mood}.wav", mood])
            write_wave(f"{folder}/berlin/{cells[-1][0]}", k)
        write_table(f"{folder}/berlin/db.mood.{split}.csv", ["file", "mood"], cells)
    head += "  files:\n    type: filewise\n    columns:\n      speaker: {scheme_id: speaker}\n"
    head += "misc_tables:\n  speaker:\n    levels: {speaker: int}\n    columns:\n      gender: {}\n"
    write_text(f"{folder}/berlin/db.yaml", head)
    files = [[f"wav/{s:02}{m}.wav", s] for s in (3, 8, 9, 10, 11) for m in ("anger", "happiness", "sadness", "fear")]
    write_table(f"{folder}/berlin/db.files.csv", ["file", "speaker"], files)
    write_table(f"{folder}/berlin/db.speaker.csv", ["speaker", "gender"], [[s, BERLIN_SPEAKERS[s][1]] for s in (3, 8, 9, 10, 11)])
    write_text(f"{folder}/exp.ini", """[EXP]
root = ./results/
name = two databases
[DATA]
databases = ['polish', 'berlin']
polish = ./polish/polish.csv
polish.type = csv
polish.absolute_path = False
polish.split_strategy = ['p7', 'p8']
polish.colnames = {'sex': 'gender'}
polish.mapping = {'anger': 'angry', 'joy': 'happy', 'sadness': 'sad'}
berlin = ./berlin
berlin.split_strategy = specified
berlin.train_tables = ['mood.train']
berlin.test_tables = ['mood.test']
berlin.mapping = {'anger': 'angry', 'happiness': 'happy', 'sadness': 'sad'}
target = mood
labels = ['angry', 'happy', 'sad']
[FEATS]
type = ['os']
[MODEL]
type = xgb
""")


def savee(root):
    for speaker in ("DC", "JE", "JK", "KL"):
        for k, (code, take) in enumerate(itertools.product(("a", "d", "f", "h", "n", "sa", "su"), (1, 2))):
            write_wave(f"{root}/savee/AudioData/{speaker}/{code}{take:02}.wav", k // 2)
    write_text(f"{root}/savee/AudioData/Info.txt", "four speakers\n")


def emodb(root):
    for speaker, (k, letter) in itertools.product(BERLIN_SPEAKERS, enumerate(BERLIN)):
        write_wave(f"{root}/emodb-wav/wav/{speaker:02}{'ab'[k % 2]}0{k + 1}{letter}{'abc'[speaker % 3]}.wav", k)


def ravdess(root):
    for actor, emotion in itertools.product(range(1, 13), range(1, 9)):
        write_wave(f"{root}/ravdess-speech/Actor_{actor:02}/03-01-{emotion:02}-01-02-01-{actor:02}.wav", emotion)
        if emotion == 3:  # a song
            write_wave(f"{root}/ravdess-speech/Actor_{actor:02}/03-02-{emotion:02}-01-02-01-{actor:02}.wav", emotion)


FORMS = {"iemocap-votes": iemocap, "msp-podcast-votes": msp_podcast, "msp-podcast-1.6": msp_podcast_16,
         "msp-podcast-1.6-votes": msp_podcast_16}

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    form = FORMS.get(sys.argv[1]) or globals()[sys.argv[1].replace("-", "_")]
    form(os.path.join(sys.argv[2], "data"))
