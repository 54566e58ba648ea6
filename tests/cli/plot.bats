#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Figures of a study that was run: files of all formats, and the numbers of the tables.
load helpers

setup_file() {
	run_study 'eval.compare={metric: tpr_gap, attribute: gender}'
	tables
}

setup() {
	copy_study
	cp "$BATS_FILE_TMPDIR"/study/table.* .
}

# tables [OPTION...]: the study's tables that `marks` reads.
tables() {
	for format in json csv; do "$fairvox" table results --format $format "$@" >table.$format; done
}

# another ARGUMENT...: another study in ./results, and its tables.
another() {
	rm -r results cache
	encoded whole
	"$fairvox" run plan.yaml -j 2 --quiet "$@"
	tables --draws 2000
}

# marks FILE.svg CODE: runs Python code with `root`, the parsed SVG, `marks`, the data attributes of its
# marks, `text`, all its text, `table`, that of `fairvox table --format json`, and `rows`, the lines of its csv.
marks() {
	python3 - "$1" "$2" <<'END'
import csv, glob, json, math, sys
import xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
svg = '{http://www.w3.org/2000/svg}'
marks = [{k[5:]: v for k, v in g.attrib.items() if k.startswith('data-')} for g in root.iter(svg + 'g')]
marks = [m for m in marks if m]
text = [t.text for t in root.iter(svg + 'text')]
table = json.load(open('table.json'))
rows = [r for r in csv.DictReader(open('table.csv')) if r['split'] == 'test']
close = lambda a, b: math.isclose(float(a), b, rel_tol=1e-8, abs_tol=1e-12)
exec(sys.argv[2])
END
}

@test "effects: the numbers are those of the table" {
	"$fairvox" plot effects results -o effects.svg
	marks effects.svg '
effect = table["effects"][0]
name, gap = effect["variant"], effect["attributes"]["gender"]["tpr_gap"]
for metric, want, p in (("tpr_gap", gap, "p_holm"), ("f1", effect["f1"], "p_bh")):
    [mark] = [m for m in marks if m.get("variant") == name and m["metric"] == metric]
    assert close(mark["value"], want["value"]) and close(mark["p"], want[p]), (mark, want)
    assert close(mark["low"], want["low"]) and close(mark["high"], want["high"])
assert "Change of gender TPR gap" in text and "RW" in text
assert any(t.startswith("Synthetic speech.") for t in text)
ids = [e.get("id") for e in root.iter() if e.get("id")]
assert all(i.startswith("fv-effects") for i in ids) and len(ids) == len(set(ids))
assert root.find(svg + "title").text and "Synthetic speech" in root.find(svg + "desc").text
assert root.get("width") == "486pt"'
}

@test "rates: pooled rates with their intervals" {
	"$fairvox" plot rates results -o rates.svg
	marks rates.svg '
own = {(r["variant"], r["class"], r["group"]): r["tpr"] for r in table["rates"] if r["attribute"] == "gender"}
assert len(marks) == 2 * 2 * 6, len(marks)
for m in marks:
    want = own[m["variant"], m["class"], m["group"]]
    assert close(m["value"], want["value"]) and close(m["low"], want["low"]) and close(m["high"], want["high"])
    assert want["low"] <= want["value"] <= want["high"]
# the differences of the rates are those of the table of differences
for d in table["tpr_differences"]:
    for name, x in d["classes"].items():
        a, b = (own[d["variant"], name, g]["value"] for g in (d["group"], d["minus"]))
        assert close(a - b, x["value"])
gap = table["pooled"][0]["attributes"]["gender"]["tpr_gap"]
titles = [t for t in text if t.startswith("ERM: gap")]
assert titles and "gap %.2f" % gap["value"] in titles[0] and "%.2f" % gap["null_mean"] in titles[0], titles
assert any("on development rows" in t for t in text)'
}

# mean(variant, metric): the mean over folds of the runs in the csv
mean='
def mean(variant, metric):
    folds = {}
    for r in rows:
        if r["variant"] == variant and r["metric"] == metric and not r["class"]:
            folds.setdefault(r["fold"], []).append(float(r["value"]))
    return sum(sum(f) / len(f) for f in folds.values()) / len(folds)
'

@test "trade-off, folds: means over folds, as in the csv" {
	"$fairvox" plot tradeoff results -o t.svg
	marks t.svg "$mean"'
points = [m for m in marks if "variant" in m]
assert len(points) == 2
for m in points:
    assert close(m["x"], mean(m["variant"], "tpr_gap")) and close(m["y"], mean(m["variant"], "f1")), m
[null] = [m["null"] for m in marks if "null" in m]
assert close(null, table["fold_mean"][0]["attributes"]["gender"]["tpr_gap"]["null_mean"])'
	for paper in "" --paper; do
		"$fairvox" plot folds results -o f.svg $paper --metric dp_gap,f1
		marks f.svg "$mean"'
assert len(marks) == 4 and {m["metric"] for m in marks} == {"dp_gap", "f1"}
for m in marks:
    assert close(m["value"], mean(m["variant"], m["metric"])), m'
	done
}

@test "lines: metrics against a number of the matrix" {
	fails 4 "the matrix has no numeric axis" "$fairvox" plot lines results -o f.svg
	another train.learning_rate=0.003,0.01,0.03
	"$fairvox" plot lines results -o f.svg --metric f1,acc
	marks f.svg "$mean"'
points = [m for m in marks if "x" in m]
assert len(points) == 12 and {m["x"] for m in points} == {"0.003", "0.01", "0.03"}
for m in points:
    assert close(m["value"], mean(m["variant"], m["metric"])), m
    assert {float(r["train.learning_rate"]) for r in rows if r["variant"] == m["variant"]} == {float(m["x"])}
assert "lr" in text'
	"$fairvox" plot lines results -o g.svg --metric f1,acc --x train.learning_rate
	cmp f.svg g.svg
	fails 2 "--x: the matrix has no axis 'k'" "$fairvox" plot lines results -o f.svg --x k
}

@test "clusters: the rows of groups.csv, by the attribute of the predictions" {
	another loss.name=rw 'grouper={name: kmeans, k: 3, encoder: {name: pitch}}'
	"$fairvox" plot clusters results -o f.svg --fold 2
	marks f.svg '
import collections
gender = {r["FileName"]: r["gender"] for f in glob.glob("results/*/*/predictions.csv") for r in csv.DictReader(open(f))}
[path] = glob.glob("results/*/fold2-*/groups.csv")
count = collections.Counter((r["group"], gender[r["FileName"]]) for r in csv.DictReader(open(path)) if r["FileName"] in gender)
n = collections.Counter()
for (group, who), k in count.items():
    n[group] += k
assert {(m["cluster"], m["group"]): int(m["n"]) for m in marks} == dict(count)
for m in marks:
    assert close(m["value"], count[m["cluster"], m["group"]] / n[m["cluster"]])
assert any("fold 2" in t for t in text)'
	fails 2 "--fold: no run of fold 7 has groups" "$fairvox" plot clusters results -o f.svg --fold 7
}

@test "t-SNE: a map of the recordings from the cache, by people and inferred groups" {
	fails 4 "no variant has groups inferred from features" "$fairvox" plot tsne results -o f.svg
	another loss.name=rw 'grouper={name: kmeans, k: 3, encoder: {name: pitch}}'
	"$fairvox" plot tsne results -o f.svg --quiet
	marks f.svg '
import collections
[path] = glob.glob("results/*/fold1-*/groups.csv")
groups = {r["FileName"]: r["group"] for r in csv.DictReader(open(path))}
gender = {r["FileName"]: r["gender"] for f in glob.glob("results/*/*/predictions.csv") for r in csv.DictReader(open(f))}
people = collections.Counter(gender.get(f, "unknown") for f in groups)
assert {m["group"]: int(m["n"]) for m in marks if m["panel"] == "gender"} == dict(people)
assert {m["group"]: int(m["n"]) for m in marks if m["panel"] != "gender"} == dict(collections.Counter(groups.values()))
assert {"0", "1", "2"} <= set(text) and any("%d recordings" % len(groups) in t for t in text)'
	"$fairvox" plot tsne results -o g.svg --quiet
	cmp f.svg g.svg
	"$fairvox" plot tsne results -o g.svg --quiet --perplexity 5
	run ! cmp -s f.svg g.svg
	fails 4 "have no features of pitch in this cache" "$fairvox" plot tsne results -o g.svg --cache none
	fails 2 "--perplexity: 'many' is not a number" "$fairvox" plot tsne results -o g.svg --perplexity many
}

@test "confusion: the counts of the runs, as shares" {
	"$fairvox" plot confusion results -o f.svg --rows loss=rw
	marks f.svg '
import collections
[name] = {m["variant"] for m in marks}
lines = [m for m in marks if "ece" in m]
marks = [m for m in marks if "ece" not in m]
assert {m["group"] for m in lines} == {"Female", "Male"} and all(0 < float(m["ece"]) < 1 for m in lines)
count, people = collections.Counter(), {"Female": [], "Male": []}
for f in glob.glob(f"results/{name}/*/predictions.csv"):
    for r in csv.DictReader(open(f)):
        if r["split"] != "test":
            continue
        classes = [c[5:] for c in r if c.startswith("prob_")]
        prob, label = ([float(r[k + c]) for c in classes] for k in ("prob_", "label_"))
        pair = classes[label.index(max(label))], classes[prob.index(max(prob))]
        count[r["gender"], *pair] += 1
        people[r["gender"]].append((prob, label))
for m in marks:
    n = sum(count[m["group"], m["class"], c] for c in classes)
    assert close(m["value"], count[m["group"], m["class"], m["predicted"]] / n), m
assert len(marks) == len({k[:2] for k in count}) * 6
for who in ("Female", "Male"):
    n = {c: sum(count[who, c, k] for k in classes) for c in classes}
    recall = [count[who, c, c] / n[c] for c in classes if n[c]]
    assert "%s: UAR %.3f" % (who, sum(recall) / len(recall)) in text, text
shares = {(r["group"], r["class"], k): v for r in table["confusion"] if r["variant"] == name and "group" in r
          for k, v in r["normalized"].items()}
for m in marks:
    assert close(m["value"], shares[m["group"], m["class"], m["predicted"]]), m
def ece(own, c):  # 15 bins of equal mass; equal probabilities count with the mean of their labels
    own = sorted((p[c], y[c]) for p, y in own)
    ties = collections.defaultdict(list)
    for p, y in own:
        ties[p].append(y)
    n = len(own)
    bins = [own[b * n // 15:(b + 1) * n // 15] for b in range(15)]
    return sum(abs(sum(p - sum(ties[p]) / len(ties[p]) for p, _ in b)) for b in bins) / n
for m in lines:
    want = sum(ece(people[m["group"]], c) for c in range(len(classes))) / len(classes)
    assert abs(float(m["ece"]) - want) < 1e-7, (m, want)'
}

@test "names of classes that are cut stay different" {
	long="a class with a name that leaves no room for the rest"
	labels="angry=$long: loud,sad=$long: quiet"
	"$fairvox" plot confusion results -o f.svg --rows loss=rw --labels "$labels"
	marks f.svg '
cut = {t for t in text if "…" in t}
assert len(cut) == 4 and sum(t.endswith("loud") for t in cut) == 2, cut  # beside and below'
	"$fairvox" plot rates results -o f.svg --rows loss=rw --labels "$labels"
	marks f.svg '
cut = {t for t in text if "…" in t}
assert len(cut) == 2 and sum(t.endswith("loud") for t in cut) == 1, cut'
}

@test "an attribute that is known of no test row: a confusion of all rows, and a report" {
	labels=$(for fold in 1 2; do echo "$corpus/labels_consensus_$fold.csv"; done)
	for file in $labels; do
		sed 's/,Male,/,,/; s/,Female,/,,/' "$file" >"${file##*/}"
	done
	sed -i 's|labels: .*|labels: labels_consensus_{fold}.csv|' plan.yaml
	"$fairvox" run plan.yaml --quiet matrix=none --results unknown
	"$fairvox" plot confusion unknown -o f.svg
	marks f.svg '
marks = [m for m in marks if "ece" not in m]
assert len(marks) == 36 and {m["group"] for m in marks} == {""}'
	"$fairvox" report unknown -o unknown.html
	grep -q "all: UAR" unknown.html
}

@test "curves: means over the runs" {
	"$fairvox" plot curves results -o f.svg
	marks f.svg '
assert {m["metric"] for m in marks} == {"dev_loss", "value"}
for m in marks:
    last = []
    for f in glob.glob("results/" + m["variant"] + "/*/metrics.jsonl"):
        lines = [json.loads(l) for l in open(f)]
        last.append(lines[-1][m["metric"]])
    assert len(last) == 2 and close(m["last"], sum(last) / 2), (m, last)'
	fails 2 "curves show dev_loss, value" "$fairvox" plot curves results -o f.svg --metric f1
}

@test "a configuration finds its results" {
	"$fairvox" plot effects results -o one.svg
	"$fairvox" plot effects plan.yaml 'eval.compare={metric: tpr_gap, attribute: gender}' -o two.svg
	cmp one.svg two.svg
	"$fairvox" plot folds plan.yaml loss.name=rw -o one.svg
	run ! grep -q ERM one.svg
}

@test "the same results give the same bytes, in every format" {
	for format in svg pdf png; do
		"$fairvox" plot effects results -o one.$format --width 6
		sleep 1.1
		"$fairvox" plot effects results -o two.$format --width 6
		cmp one.$format two.$format
	done
	[ "$(head -c 5 one.pdf)" = "%PDF-" ]
	[ "$(head -c 4 one.png | tail -c 3)" = "PNG" ]
	command -v pdftotext >/dev/null || skip "pdftotext is not here"
	pdftotext one.pdf - | grep -q "Change of gender TPR gap"
	pdftotext one.pdf - | grep -q "^RW$"
	pdfinfo one.pdf | grep -q "Page size: *432 x"
}

@test "PNG: --dpi says the pixels, --width the inches" {
	"$fairvox" plot effects results -o f.png --width 4 --dpi 100
	python3 -c '
import struct
assert struct.unpack(">I", open("f.png", "rb").read()[16:20])[0] == 400'
}

@test "the table of widths is that of the font" {
	command -v pdftotext >/dev/null || skip "pdftotext is not here"
	"$fairvox" plot effects results -o f.pdf
	pdftotext -bbox f.pdf f.html
	python3 - <<'END'
import re
words = re.findall(r'xMin="([\d.]+)".*xMax="([\d.]+)".*>(.*)</word>', open("f.html").read())
widths = {w: float(b) - float(a) for a, b, w in words}
# advance widths of DejaVu Sans in 1/2048 em: R 1423, W 2025
assert abs(widths["RW"] - 7 * (1423 + 2025) / 2048) < 0.02, widths
END
}

@test "names given are written, and names that are markup do nothing" {
	"$fairvox" plot effects results -o f.svg --labels 'rw=<b>"R" & W</b>'
	marks f.svg 'assert "<b>\"R\" & W</b>" in text'
	fails 2 "--labels: 'rw' is not OLD=NEW" "$fairvox" plot effects results -o f.svg --labels rw
}

@test "what cannot be drawn is one line" {
	fails 2 "no figure 'efects', did you mean 'effects'?" "$fairvox" plot efects results -o f.svg
	fails 2 "name a figure, and a results folder or a configuration" "$fairvox" plot effects -o f.svg
	fails 2 "-o FILE is missing" "$fairvox" plot effects results
	fails 2 "ends in neither .svg, .pdf nor .png" "$fairvox" plot effects results -o f.jpg
	fails 2 "no metric 'f2'" "$fairvox" plot effects results -o f.svg --metric f2
	fails 2 "--width: 'wide' is not" "$fairvox" plot effects results -o f.svg --width wide
	fails 2 "No such file" "$fairvox" plot effects nowhere -o f.svg
	fails 2 "results is no configuration" "$fairvox" plot effects results -o f.svg --cache none
	fails 4 "no variant to compare with" "$fairvox" plot effects results -o f.svg --rows loss=rw
	fails 1 "nowhere/f.svg" "$fairvox" plot effects results -o nowhere/f.svg
	[ ! -e f.svg ]
}
