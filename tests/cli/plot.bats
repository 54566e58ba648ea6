#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Figures of a study that was run: files of all formats, and the numbers of the tables.
load helpers

setup() {
	plan
	"$fairvox" run plan.yaml -j 2 --quiet 'eval.compare={metric: tpr_gap, attribute: gender}'
}

# marks FILE.svg CODE: runs Python code with `root`, the parsed SVG, `marks`, the data attributes of its
# marks, `text`, all its text, and `table`, that of `fairvox table --format json`.
marks() {
	"$fairvox" table results --format json >table.json
	python3 - "$1" "$2" <<'END'
import csv, json, math, sys
import xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
svg = '{http://www.w3.org/2000/svg}'
marks = [{k[5:]: v for k, v in g.attrib.items() if k.startswith('data-')} for g in root.iter(svg + 'g')]
marks = [m for m in marks if m]
text = [t.text for t in root.iter(svg + 'text')]
table = json.load(open('table.json'))
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
	fails 2 "name a figure and a results folder" "$fairvox" plot effects -o f.svg
	fails 2 "-o FILE is missing" "$fairvox" plot effects results
	fails 2 "ends in neither .svg, .pdf nor .png" "$fairvox" plot effects results -o f.jpg
	fails 2 "no metric 'f2'" "$fairvox" plot effects results -o f.svg --metric f2
	fails 2 "--width: 'wide' is not" "$fairvox" plot effects results -o f.svg --width wide
	fails 4 "No such file" "$fairvox" plot effects nowhere -o f.svg
	fails 4 "no variant to compare with" "$fairvox" plot effects results -o f.svg --rows loss=rw
	fails 1 "nowhere/f.svg" "$fairvox" plot effects results -o nowhere/f.svg
	[ ! -e f.svg ]
}
