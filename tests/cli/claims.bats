#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Claims of a paper, answered from a study that was run: in the report, in tables, and what is wrong with their file.
load helpers

setup() {
	plan
	encoded
	"$fairvox" run plan.yaml -j 2 --quiet 'eval.compare={metric: tpr_gap, attribute: gender}'
}

@test "the claims of the paper: those whose rows the study has, with the change of the table" {
	"$fairvox" table results --layout claims --format json >claims.json
	"$fairvox" table results --format json >table.json
	python3 - <<'END'
import json
claims, table = json.load(open("claims.json")), json.load(open("table.json"))
answers = {c["name"]: c for c in claims["claims"]}
assert len(answers) == 48
answered = sorted(name for name, c in answers.items() if c["answer"] != "left out")
assert answered == ["rw-truth-f1", "rw-truth-tpr"], answered
assert answers["lff-barely"]["reason"] == "no variant has loss lff"
assert answers["rw-truth-tpr"]["published"] == -0.107 and answers["rw-truth-tpr"]["bound"] == 0
assert answers["rw-truth-tpr"]["source"] == "Table 1, RW less ERM"
tpr, f1 = claims["comparisons"]
assert tpr["claim"] == "rw-truth-tpr" and f1["claim"] == "rw-truth-f1"
[effect] = [e for e in table["effects"] if "reference" in e]
assert tpr["rows"] == [effect["variant"]] and tpr["against"] == [effect["reference"]]
for own, other in (tpr["change"], effect["attributes"]["gender"]["tpr_gap"]), (f1["change"], effect["f1"]):
    for key in "value", "low", "high":
        assert own[key] == other[key], (key, own, other)
assert claims["family"] == 1 and tpr["change"]["p_holm"] == tpr["change"]["p"] and "p_holm" not in f1["change"]
def answer(change, bound, above, test):
    below, over = change["high"] < bound, change["low"] > bound
    if not below and not over:
        return "undecided"
    if test and change["p_holm"] > .05:
        return "undecided"
    return "yes" if over == above else "no"
assert tpr["answer"] == answers["rw-truth-tpr"]["answer"] == answer(tpr["change"], 0, False, True)
assert f1["answer"] == answers["rw-truth-f1"]["answer"] == answer(f1["change"], -0.033, True, False)
END
	"$fairvox" table results --layout claims --format csv >claims.csv
	python3 - <<'END'
import csv, json
first, second = open("claims.csv").read().split("\n\n")
rows = list(csv.DictReader(first.splitlines()))
want = json.load(open("claims.json"))
assert [r["answer"] for r in rows] == [c["answer"] for c in want["claims"]]
for r, c in zip(csv.DictReader(second.splitlines()), want["comparisons"]):
    assert float(r["value"]) == c["change"]["value"] and float(r["high"]) == c["change"]["high"]
    assert json.loads(r["rows"]) == c["rows"]
END
	for width in 40 60 100 200; do
		COLUMNS=$width "$fairvox" table results --layout claims >text
		awk -v w="$width" 'length > w { print; bad = 1 } END { exit bad }' <(sed '/^- /,$d' text | iconv -t ascii//TRANSLIT)
		grep -q '^rw-.*f1 *[yu]' text
	done
}

@test "what the file says the paper printed is what its tables say" {
	python3 - "$FAIRVOX_SOURCE/configs/paper" <<'END'
import csv, re, sys
table = {(r["method"].replace("-IDI", ""), r["supervision"]): r for r in csv.DictReader(open(sys.argv[1] + "/published/table1.csv"))}
second = {(r["method"], r["k"]): r for r in csv.DictReader(open(sys.argv[1] + "/published/table2.csv"))}
groups = {"truth": "truth", "pseudo": "pseudo", "k16": "unsupervised"}
names = {"mean": "Overall", "ds": "DS", "rw": "RW", "gdro": "GDRO", "gadro": "GADRO", "lff": "LfF", "disent": "DisEnt", "pgdro": "PGDRO"}
checked = 0
for block in open(sys.argv[1] + "/claims.yaml").read().split("\n  - name: ")[1:]:
    name, published = block.split("\n")[0], re.search(r"published: (\S+)", block)
    metric = re.search(r"metric: (\S+)", block)[1]
    if not published:
        assert name.startswith("k16-k"), name
        continue
    method, group, *rest = name.split("-") + [""]
    erm = table["ERM", "none"]
    if method == "k16":
        column = name.split("-")[-1] + "_tpr_gap"
        mean = lambda k: sum(float(second[m, k][column]) for m in ("DS", "RW", "GDRO", "GADRO")) / 4
        want = mean("16") - (mean("32") if "k32" in name else float(second["ERM", ""][column]))
    elif group in ("barely", "widens"):
        want = float(table[names[method], "unsupervised" if group == "barely" else "pseudo"][metric]) - float(erm[metric])
    else:
        other = table[names[method], "truth"] if rest[0] in ("close", "short") else erm
        want = float(table[names[method], groups[group]][metric]) - float(other[metric])
    assert abs(float(published[1]) - want) < 1e-9, (name, published[1], want)
    checked += 1
assert checked == 44, checked
END
}

@test "the section of the report" {
	"$fairvox" report results -o r.html --assets out
	python3 - <<'END'
import html, json, re
page = open("r.html").read()
section = re.search(r"<section id=claims .*?</section>", page, re.S)[0]
text = html.unescape(re.sub("<[^>]*>", "\n", section))
assert "2 of 48 claims can be answered" in text, text
assert "RW with true groups lowers the gender TPR gap" in text and "RW against ERM" in text, text
assert "gender TPR gap < 0" in text and "F1 > -0.033" in text
assert "46 claims left out" in text and "no variant has loss lff: lff-barely" in text
assert "adjusted by Holm over the 1 comparison of such claims" in text
claims = json.load(open("out/data/claims.json"))
for c in claims["comparisons"]:
    assert "%+.3f [%+.3f, %+.3f]" % tuple(c["change"][k] for k in ("value", "low", "high")) in text
order = re.findall(r"<section id=(\S+)", page)
assert order[-3:] == ["methods", "claims", "caveats"], order
END
	"$fairvox" table results --layout claims --format csv | cmp - out/data/claims.csv
	grep -q 'tab:claims' out/tables/claims.tex
	"$fairvox" report results -o again.html
	cmp r.html again.html
}

@test "claims of one's own, of any name; none" {
	cat >own.yaml <<'END'
about: "<script>alert(1)</script> & \"quotes\" '怒り'"
claims:
  - name: "<b>&\"'"
    claim: "</td></table><script>alert(1)</script> & \"quotes\" 公平な損失は役に立つ and so on to more than sixty characters"
    rows: {loss: rw}
    against: {loss: erm}
    metric: tpr_gap
    attribute: gender
    change: {below: 5}
  - {name: left, claim: left out, rows: {loss: <i>}, against: {loss: erm}, metric: f1, change: {below: 0}}
END
	"$fairvox" report results --claims own.yaml -o r.html --assets out
	python3 - <<'END'
import html, json, re
page = open("r.html").read()
assert page.count("<script") == 1
section = re.search(r"<section id=claims .*?</section>", page, re.S)[0]
assert "&lt;/td&gt;&lt;/table&gt;&lt;script&gt;alert(1)" in section
text = html.unescape(re.sub("<[^>]*>", "", section))
assert "1 of 2 claims can be answered: 1 yes, 0 no, 0 undecided" in text, text
assert "no variant has loss <i>: left" in text, text
claims = json.load(open("out/data/claims.json"))
assert claims["claims"][0]["name"] == "<b>&\"'" and claims["claims"][0]["answer"] == "yes"
END
	"$fairvox" report results --claims none -o none.html --assets bare
	! grep -q 'id=claims' none.html
	! test -e bare/data/claims.json
	sed -i 's/loss: rw/loss: lff/' own.yaml
	"$fairvox" report results --claims own.yaml -o r.html
	grep -q '0 of 2 claims can be answered' r.html
	"$fairvox" report results --rows loss=erm -o r.html
	! grep -q 'id=claims' r.html
}

@test "what is wrong with a file is one line with its place, and nothing is written" {
	fails 2 "nothere.yaml" "$fairvox" report results --claims nothere.yaml -o r.html
	printf 'claims:\n  - {name: a, claim: b, rows: {loss: rw}, against: {loss: erm}, metric: uarr, change: {below: 0}}\n' >bad.yaml
	fails 2 "bad.yaml:2:73: metric: there is no 'uarr', did you mean 'uar'?" "$fairvox" report results --claims bad.yaml -o r.html
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	fails 2 "bad.yaml:2:73:" "$fairvox" table results --layout claims --claims bad.yaml
	printf 'claims:\n  - name: a\n    change: {below: 0\n' >bad.yaml
	fails 2 "bad.yaml:" "$fairvox" report results --claims bad.yaml -o r.html
	printf "\x89PNG\r\n\x1a\n\x00\x00" >bad.yaml
	fails 2 "bad.yaml" "$fairvox" report results --claims bad.yaml -o r.html
	fails 2 "." "$fairvox" report results --claims . -o r.html
	test ! -e r.html
	fails 2 "--claims needs --layout claims" "$fairvox" table results --claims bad.yaml
}
