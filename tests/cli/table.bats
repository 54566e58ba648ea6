#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The table in its layouts and formats, on a plan that really ran.
load helpers

setup() {
	plan
	"$fairvox" run plan.yaml -j 2 --quiet 'eval.compare={metric: tpr_gap, attribute: gender}'
}

@test "the grid: both aggregates, nulls, the comparison, baselines and what each cell used" {
	"$fairvox" table results >table.md
	[ "$(grep -c "^| erm | " table.md)" -eq 5 ]
	grep -q '^| rw | 0\.[0-9]* ± 0\.[0-9]* | 0\.[0-9]* ± 0\.[0-9]* | \*0\.[0-9]*\* ± 0\.[0-9]* \[[+-]0\.[0-9]*, p [<.0-9]*\]' table.md
	grep -q '^| rw - erm | ' table.md
	grep -q 'gender TPR gap (Holm)' table.md
	grep -q '^| rw | true labels | dev_objective | development | [0-9]* x 1 | train: labels, true groups; dev: labels, true groups | ' table.md
	grep -q '^| erm | none | dev_objective | development | [0-9]* x 1 | train: labels; dev: labels | ' table.md
	grep -q 'In italics (grey in LaTeX): rests on a cell of class x group' table.md
	"$fairvox" table results --min-support 0 >all.md
	run ! grep 'In italics' all.md
	grep -q '^| perfect | 1.000 | 1.000 | \*0.000\* ' table.md
	grep -q 'Synthetic speech: these numbers say nothing about people' table.md
	"$fairvox" table results --no-baselines >without.md
	run ! grep '^| perfect | ' without.md
}

@test "json says the same as the runs, csv has a line for each metric of each run" {
	"$fairvox" table results --format json >table.json
	"$fairvox" table results --format csv >table.csv
	head -1 table.csv | grep -q '^cell,fold,seed,attribute,metric,value,'
	[ "$(cut -d, -f1-3 table.csv | sort -u | wc -l)" -eq 5 ]
	command -v python3 >/dev/null || skip "python3 is not here"
	python3 - <<'END'
import csv, json, glob
table = json.load(open('table.json'))
assert [c['label'] for c in table['cells']] == ['erm', 'rw']
assert [b['cell'] for b in table['baselines']] == ['random', 'all_positive', 'majority_only', 'perfect']
rows = list(csv.DictReader(open('table.csv')))
for cell in table['cells']:
    runs = [json.load(open(f)) for f in sorted(glob.glob(f"results/{cell['cell']}/*/metrics.json"))]
    want = sum(r['attributes']['gender']['tpr_gap']['value'] for r in runs) / len(runs)
    gap = cell['metrics']['attributes']['gender']['tpr_gap']
    assert abs(gap['mean'] - want) < 1e-12 and 0 < gap['p'] <= 1
    own = [float(r['value']) for r in rows if r['cell'] == cell['cell'] and r['metric'] == 'tpr_gap']
    assert own == [r['attributes']['gender']['tpr_gap']['value'] for r in runs]
versus = table['cells'][1]['versus']
gap = versus['attributes']['gender']['tpr_gap']
assert versus['reference'] == table['cells'][0]['cell'] and gap['adjustment'] == 'holm'
pooled = [c['pooled']['attributes']['gender']['tpr_gap']['value'] for c in table['cells']]
assert abs(gap['value'] - (pooled[1] - pooled[0])) < 1e-12
assert table['compare'] == {'metric': 'tpr_gap', 'attribute': 'gender'} and table['synthetic']
END
}

@test "LaTeX has nothing in it that LaTeX would read otherwise" {
	"$fairvox" table results --format tex >table.tex
	grep -q '^\\begin{tabular}{lrrrrr}$' table.tex
	grep -q 'majority\\_only & ' table.tex
	run ! grep '[%_]\|&[^ ]' <(sed '/^%/d; s/\\[%_&]//g' table.tex)
	run ! grep '±\|▲\|—' table.tex
	[ "$(grep -c '^\\begin{table}' table.tex)" -eq "$(grep -c '^\\end{table}' table.tex)" ]
}

@test "the paper's layouts, pairs, and what is refused" {
	"$fairvox" table results --layout paper1 --against published >paper.md
	grep -q '^| ERM | none | 0' paper.md
	grep -q '^| RW | truth | 0' paper.md
	grep -q '^| DS | truth | — | — | — | — |' paper.md
	grep -q '^| DS | truth | — / 0.598 | — / 0.804 | — / 0.094 | — / 0.033 |' paper.md
	grep -Eq '^\| ERM \| none \| 0\.[0-9]{3} ± [0-9.]* / 0\.651 (in|out)side' paper.md
	"$fairvox" table results --layout pairs --format csv >pairs.csv
	[ "$(wc -l <pairs.csv)" -eq 5 ]
	grep -q '^erm-.*,rw-.*,gender,tpr_gap,' pairs.csv
	fails 2 "--layout: 'paper3' is not grid, pairs, paper1 or paper2" "$fairvox" table results --layout paper3
	fails 2 "--format: 'html' is not md, tex, csv or json" "$fairvox" table results --format html
	fails 2 "--draws: '100' is no whole number from 2000" "$fairvox" table results --draws 100
	fails 2 "there is no cell 'erp', did you mean 'erm'?" "$fairvox" table results --reference erp
	fails 2 "--against needs --layout paper1 or paper2" "$fairvox" table results --against published
	fails 2 "--reference goes with --layout grid" "$fairvox" table results --format csv --reference erm
}

@test "another reference, a cell that is not done" {
	"$fairvox" table results --reference rw >table.md
	grep -q '^| erm - rw | ' table.md
	rm results/rw-*/fold2-seed1/done
	"$fairvox" table results >table.md
	grep -q '^| rw | .* | 1 of 2 |$' table.md
	grep -q '^| rw - erm | not the same folds |' table.md
}
