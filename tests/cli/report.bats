#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The report of a study that was run: its numbers, its markup, and how a browser shows it.
load helpers

setup_file() {
	run_study 'eval.compare={metric: tpr_gap, attribute: gender}'
}

setup() {
	copy_study
}

# quick_report ARGUMENT...: a report with the fewest draws, for what does not compare its numbers.
quick_report() {
	"$fairvox" report "$@" --draws 2000
}

# page FILE.html CODE: runs Python code with `page`, the text of the file, `tables` (name -> rows of texts),
# `sections`, the ids of the sections, `text` (id of a section -> its text), and `tags`, (name, attributes).
page() {
	python3 - "$1" "$2" <<'END2'
import html.parser, re, sys
page = open(sys.argv[1], encoding='utf-8').read()
VOID = {'meta', 'link', 'input', 'br'}
tags, tables, sections, text = [], {}, [], {}
class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.table, self.cell = [], None, None
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        assert len(a) == len(attrs), (tag, attrs)
        tags.append((tag, a))
        if tag not in VOID:
            self.open.append(tag)
        if tag == 'section':
            sections.append(a['id'])
        if tag == 'table':
            self.table = tables.setdefault(a['data-name'], [])
        if tag == 'tr':
            self.table.append([])
        if tag in ('td', 'th'):
            self.table[-1].append('')
            self.cell = True
    def handle_startendtag(self, tag, attrs):
        tags.append((tag, dict(attrs)))
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()
        if tag in ('td', 'th'):
            self.cell = None
    def handle_data(self, data):
        if self.cell:
            self.table[-1][-1] += data
        if 'section' in self.open:
            text[sections[-1]] = text.get(sections[-1], '') + data
reader = Reader()
reader.feed(page)
assert not reader.open, reader.open
exec(sys.argv[2])
END2
}

@test "the sections, and the numbers of the table" {
	"$fairvox" report results -o r.html
	"$fairvox" table results --format json >table.json
	page r.html '
import json
table = json.load(open("table.json"))
assert sections == ["answer", "table", "effects", "tradeoff", "per-group", "training", "data", "methods", "claims", "caveats"], sections
head, *rows = tables["summary"]
want = {r["axes"]["loss.name"]: r for r in table["summary"] if r.get("axes")}
for row in rows[:2]:
    gap = want[row[0].split(",")[0]]["attributes"]["gender"]["tpr_gap"]
    assert row[head.index("TPR gap")].strip("*") == "%.3f" % gap["value"], (row, gap)
    assert row[head.index("null")] == "%.3f" % gap["null_mean"]
[erm] = [r for r in rows if r[0] == "erm"]
assert "ref" in erm
gap = want["erm"]["attributes"]["gender"]["tpr_gap"]
assert "the gender TPR gap of ERM is %.3f" % gap["value"] in text["answer"], text["answer"]
assert "2 variants, 4 of 4 runs finished" in text["answer"]
change = want["rw"]["change"]["attributes"]["gender"]["tpr_gap"]
assert "changes the gender TPR gap by %+.3f" % change["value"] in text["answer"]
assert text["answer"].count("Synthetic speech") == 1 and "Synthetic speech" in page.split("<nav")[0]
m = text["methods"]
for word in ("pitch", "learning rate 0.01", "epochs 5", "projection 256", "fairvox 0.1.0", "Holm", "dev_", "Kamiran and Calders", "Apache-2.0", "5000 draws"):
    assert word in m, word
assert tables["splits"][0] == ["variant", "fold", "training", "used", "development", "test"]'
}

@test "nothing outside the file is named, and ids stand once" {
	quick_report results -o r.html
	page r.html '
for tag, a in tags:
    assert tag in ("a", "link") or not {"src", "href", "srcset", "action", "data", "poster", "xlink:href"} & set(a), (tag, a)
    assert not any(k.startswith("on") for k in a), (tag, a)
    if tag == "a": assert a["href"].startswith("#")
    if tag == "link": assert a["href"] == "data:,"
assert all(u.startswith("#") for u in re.findall(r"url\(([^)]*)\)", page))
assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
assert "@import" not in page
ids = [a["id"] for _, a in tags if "id" in a]
assert len(ids) == len(set(ids)), ids
for _, a in tags:
    for name in a.get("aria-labelledby", "").split(): assert name in ids, name
assert sum(1 for tag, a in tags if tag == "svg") == 6, [a["id"] for tag, a in tags if tag == "svg"]
assert len(page) < 1000000'
}

@test "the same results give the same bytes, wherever they are" {
	quick_report results -o a.html
	mkdir elsewhere
	cp -r results elsewhere/results
	(cd elsewhere && quick_report results/ -o ../b.html)
	cmp a.html b.html
	! grep -q "$BATS_TEST_TMPDIR" a.html
	! grep -q "$FAIRVOX_BUILD" a.html
	quick_report plan.yaml 'eval.compare={metric: tpr_gap, attribute: gender}' -o c.html
	diff <(sed 's/>plan/>results/' c.html) a.html
}

@test "names that are markup do nothing" {
	sed -i 's/Female/<b onclick="x">\&"F" <\/script>/g' results/*/*/predictions.csv
	python3 - <<'END2'
import csv, glob
for path in glob.glob("results/*/*/predictions.csv"):
    rows = list(csv.reader(open(path)))
    bad = '</title></svg><script>alert(1)</script>&"\''
    column = rows[0].index("gender")
    for row in rows[1:]:
        if row[column] != "Male":
            row[column] = bad
    csv.writer(open(path, "w", newline="")).writerows(rows)
END2
	quick_report results -o r.html
	page r.html '
assert sum(tag == "script" for tag, _ in tags) == 1
assert any("</title></svg><script>alert(1)</script>&\"" in row[0] for row in tables["support_gender"])
assert "</title></svg><script>alert(1)" in text["effects"]'
}

@test "--anonymous leaves out the name of the study and texts of failures" {
	mv results somebody
	rm somebody/rw*/fold2*/done
	echo '/home/somebody/secret.wav: is broken' >"$(echo somebody/rw*/fold2*)/failed"
	quick_report somebody -o named.html
	quick_report somebody --anonymous -o r.html
	grep -q '<h1>somebody</h1>' named.html
	! grep -q '/home/somebody' named.html
	! grep -q -e somebody -e secret r.html
}

@test "a study half done" {
	rm results/rw*/fold2*/done
	quick_report results -o r.html
	page r.html '
assert "3 of 4 runs finished" in text["answer"]
[row] = tables["missing_runs"][1:]
assert row[1:3] == ["2", "1"] and row[3] != "", row
assert "unfinished" in text["table"]'
}

@test "one variant, and no attribute" {
	quick_report results --rows loss=rw -o one.html
	page one.html '
assert "1 variant, 2 of 2 runs finished" in text["answer"]
assert "Cannot be said: no variant could be compared" in text["answer"]'
	python3 - <<'END2'
import csv, glob, json
for run in glob.glob("results/*/*"):
    metrics, env = json.load(open(run + "/metrics.json")), json.load(open(run + "/env.json"))
    metrics["attributes"], env["variant"]["compare"] = {}, None
    env["eval"].update(attributes=[], compare=None)
    json.dump(metrics, open(run + "/metrics.json", "w"))
    json.dump(env, open(run + "/env.json", "w"))
    rows = list(csv.reader(open(run + "/predictions.csv")))
    keep = [j for j, name in enumerate(rows[0]) if name.startswith(("FileName", "prob_", "label_", "Spkr", "group", "split"))]
    csv.writer(open(run + "/predictions.csv", "w", newline="")).writerows([[r[j] for j in keep] for r in rows])
END2
	quick_report results -o none.html
	page none.html '
assert "Variants are compared by macro F1, which is no gap" in text["answer"], text["answer"]
assert "Not drawn: rates: needs groups of people" in text["effects"], text["effects"]
assert len(tables["summary"]) > 2'
}

@test "variants that all are without debiasing: each is asked for its gap, and none is said to close it" {
	"$fairvox" run plan.yaml -j 2 --quiet --results plain matrix=none encoder.name=pitch,functionals
	"$fairvox" report plain -o r.html
	"$fairvox" table plain --format json >table.json
	page r.html '
import json
rows = [r for r in json.load(open("table.json"))["summary"] if r.get("axes")]
gaps = [r["attributes"]["gender"]["tpr_gap"] for r in rows]
yes = sum(g["p"] <= .05 for g in gaps)
answer = " ".join(text["answer"].split())
head = f"Yes, in {yes} of 2 variants without debiasing" if yes else "Not beyond what chance alone gives in any of 2 variants without debiasing"
assert head in answer, answer
for row, gap in zip(rows, gaps):
    want = "%s %.3f against %.3f" % (row["axes"]["encoder.name"], gap["value"], gap["null_mean"])
    assert want in answer, (want, answer)
assert "Cannot be said: every variant with finished runs is without debiasing" in answer
assert "every one with finished runs is without debiasing" in text["effects"], text["effects"]'
}

@test "an older build of training without debiasing is not asked for its gap" {
	mkdir p
	for level in 0 2; do
		gcc -shared -fPIC -O$level -o p/erm.so "$FAIRVOX_SOURCE/plugins/losses/erm.c" -I"$FAIRVOX_SOURCE/core/include"
		"$fairvox" run plan.yaml --quiet --plugins p --results builds matrix=none
	done
	quick_report builds -o r.html
	page r.html '
assert "2 variants, 4 of 4 runs finished" in text["answer"], text["answer"]
assert text["answer"].count("the gender TPR gap of ERM") == 1 and "of 2 variants" not in text["answer"], text["answer"]'
}

@test "--assets: figures, tables, data and methods" {
	"$fairvox" report results -o r.html --assets out
	for f in effects rates folds tradeoff curves; do
		for ending in svg pdf png; do test -s out/figures/$f.$ending; done
	done
	grep -q '\\begin{tabular}' out/tables/table1.tex
	grep -q '\\begin{tabular}' out/tables/details.tex
	"$fairvox" table results --format csv | cmp - out/data/runs.csv
	page r.html 'assert open("out/methods.txt").read() in text["methods"]'
}

@test "what is wrong is one line, and nothing is written" {
	fails 2 "nothere" "$fairvox" report nothere -o r.html
	fails 2 "report: name one results folder" "$fairvox" report -o r.html
	test ! -e r.html
	fails 2 "unknown option '--anonymus'" "$fairvox" report results --anonymus
}

# browser WIDTH FILE.html: shows the page in a frame of that width, and prints what browser.html found there.
browser() {
	chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
		skip "there is no chromium"
	python3 - "$1" "$2" <<'END2'
import html, sys
width, page = int(sys.argv[1]), open(sys.argv[2], encoding="utf-8").read()
open("browser.html", "w").write(f"""<!DOCTYPE html><meta charset=utf-8>
<iframe width={width} height=900 srcdoc="{html.escape(page)}"></iframe><pre id=found></pre>
<script>
const errors = [];
onload = () => {{
	const frame = document.querySelector("iframe"), d = frame.contentDocument, w = frame.contentWindow, found = {{}};
	const root = d.documentElement;
	found.overflow = root.scrollWidth - root.clientWidth;
	const table = d.querySelector("table[data-name=summary]");
	const first = () => [...table.tBodies[0].rows].map(r => r.cells[0].textContent);
	const column = [...table.tHead.rows[0].cells].findIndex(c => c.textContent === "F1");
	const button = table.tHead.rows[0].cells[column].querySelector("button");
	const values = () => [...table.tBodies[0].rows].map(r => parseFloat(r.cells[column].textContent));
	button.click(); found.up = values(); button.click(); found.down = values();
	found.sort = table.tHead.rows[0].cells[column].getAttribute("aria-sort");
	const input = d.getElementById("filter"); input.value = "gdro"; input.dispatchEvent(new w.Event("input"));
	found.shown = [...table.querySelectorAll("tbody tr")].filter(r => !r.hidden).length;
	const reach = e => e.tabIndex >= 0;
	found.unreachable = [...d.querySelectorAll(".scroll, thead button, #filter, nav a, svg.fv-figure")].filter(e => !reach(e)).length;
	const svg = d.querySelector("#effects svg"); svg.focus();
	svg.dispatchEvent(new w.KeyboardEvent("keydown", {{key: "ArrowRight", bubbles: true}}));
	found.tip = d.getElementById("tip").hidden ? "" : d.getElementById("tip").textContent;
	document.getElementById("found").textContent = JSON.stringify(found);
}};
</script>""")
END2
	"$chromium" --headless=new --no-sandbox --disable-gpu --disable-background-networking --user-data-dir="$PWD/profile" \
		--window-size=1300,1000 --enable-logging=stderr --log-net-log="$PWD/net.json" \
		--virtual-time-budget=5000 --dump-dom "file://$PWD/browser.html" >dom.html 2>console.txt
	! grep 'CONSOLE' console.txt
	python3 - <<'END2'
import html, json, re
dom = open("dom.html").read()
found = json.loads(html.unescape(re.search(r"<pre id=\"found\">(.*?)</pre>", dom, re.S)[1]))
json.dump(found, open("found.json", "w"))
urls = set(re.findall(r'"url":"([^"]*)"', open("net.json").read()))
assert not [u for u in urls if u.startswith("http") and "google" not in u and "gvt1" not in u], urls
assert found["overflow"] <= 0, found
assert found["up"] == sorted(found["up"]) and found["down"] == sorted(found["down"], reverse=True), found
assert found["sort"] == "descending" and found["unreachable"] == 0, found
assert ":" in found["tip"], found
print(found)
END2
}

@test "in a browser, wide and on a phone: no error, no request, no overflow; sorting, filter, keyboard" {
	"$fairvox" run plan.yaml -j 2 --quiet 'loss.name=erm,rw,ds,gdro' 'eval.compare={metric: tpr_gap, attribute: gender}'
	quick_report results -o r.html
	browser 1200 r.html
	python3 -c 'import json; assert json.load(open("found.json"))["shown"] == 1'
	browser 375 r.html
}

@test "text has a contrast of at least 4.5 on its ground, light and dark" {
	python3 - "$FAIRVOX_SOURCE/core/src/html/report.css" <<'END2'
import re, sys
css = open(sys.argv[1]).read()
def channel(v):
    v /= 255
    return v / 12.92 if v <= .03928 else ((v + .055) / 1.055) ** 2.4
def luminance(c):
    c = c.lstrip("#")
    c = "".join(x * 2 for x in c) if len(c) == 3 else c
    r, g, b = (channel(int(c[i:i + 2], 16)) for i in (0, 2, 4))
    return .2126 * r + .7152 * g + .0722 * b
def contrast(a, b):
    x, y = sorted((luminance(a), luminance(b)), reverse=True)
    return (x + .05) / (y + .05)
roots = re.findall(r":root \{(.*?)\}", css, re.S)
assert len(roots) == 3
light = dict(re.findall(r"--([a-z0-9]+): (#[0-9a-fA-F]+)", roots[0]))
for own in roots:
    colors = {**light, **dict(re.findall(r"--([a-z0-9]+): (#[0-9a-fA-F]+)", own))}
    for ground in ("paper", "shade"):
        for text in ("ink", "muted", "link", "warn"):
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground, contrast(colors[text], colors[ground]))
END2
}

@test "within groups: the metrics are those of an audit of each group alone" {
	"$fairvox" run plan.yaml -j 2 --quiet --results one 'corpus.folds=[1]' 'eval.compare={metric: tpr_gap, attribute: gender}'
	"$fairvox" report one -o r.html
	cp one/erm*/fold1-seed1/predictions.csv all.csv
	python3 - <<'END2'
import csv
head, *rows = csv.reader(open("all.csv"))
for group in "Female", "Male":
    own = [row for row in rows if row[head.index("gender")] == group]
    csv.writer(open(group + ".csv", "w", newline="")).writerows([head] + own)
END2
	for f in all Female Male; do "$fairvox" audit $f.csv --group-columns gender --json >$f.json; done
	page r.html '
import json
head, *rows = tables["per_group"]
assert head == ["variant", "group", "speakers", "n", "UAR", "± sd", "AUC", "AP", "ECE", "null", "Brier", "labels", "true"], head
for name, group in ("all", "all"), ("Female", "gender: Female"), ("Male", "gender: Male"):
    own = json.load(open(name + ".json"))
    [row] = [r for r in rows if r[:2] == ["ERM", group]]
    get = lambda title: row[head.index(title)]
    for title, metric in ("UAR", "uar"), ("AUC", "auc"), ("AP", "ap"), ("ECE", "ece"), ("Brier", "brier"), ("± sd", "speaker_uar_spread"):
        value = own[metric]["value"]
        assert get(title) == ("—" if value is None else "%.3f" % value), (name, title, row, value)
    assert abs(float(get("null")) - own["ece"]["null_mean"]) < .003, (row, own["ece"])
    assert get("labels") == "%.3f" % own["threshold_free"]["labels_predicted"], row
    assert (get("n"), get("speakers")) == (str(own["n"]), str(own["speakers"])), row
assert len(rows) == 6'
}

@test "t-SNE from the cache, or why not" {
	sed -i 's/^grouper:.*/grouper: {name: kmeans, k: 3, encoder: {name: functionals, output: voice}}/' plan.yaml
	thin
	"$fairvox" run plan.yaml -j 2 --quiet --results km
	"$fairvox" report plan.yaml --results km --cache cache -o r.html
	page r.html '
[svg] = [a for tag, a in tags if tag == "svg" and a["id"] == "fv-tsne"]
assert "Not drawn" not in text["groups"]'
	quick_report km -o r.html
	page r.html 'assert "Not drawn: tsne: needs features: name the cache of the study with --cache" in text["groups"]'
	"$fairvox" report plan.yaml --results km --cache empty -o r.html
	page r.html 'assert "have no features of functionals in this cache" in text["groups"], text["groups"]'
}
