#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The table in its layouts and formats, on a study that was run.
load helpers

setup() {
	plan
	"$fairvox" run plan.yaml -j 2 --quiet 'eval.compare={metric: tpr_gap, attribute: gender}'
}

@test "the grid: both aggregates, nulls, the comparison, baselines and what each variant used" {
	"$fairvox" table results --format md >table.md
	[ "$(grep -c "^| erm | " table.md)" -eq 5 ]
	grep -q '^| rw | 0\.[0-9]* ± 0\.[0-9]* | 0\.[0-9]* ± 0\.[0-9]* | \*0\.[0-9]*\* ± 0\.[0-9]* \[[+-]0\.[0-9]*, p [<.0-9]*\]' table.md
	grep -q '^| rw - erm | ' table.md
	grep -q 'gender TPR gap (Holm)' table.md
	grep -q '^| rw | true labels | dev_objective | development | [0-9]* x 1 | train: labels, true groups; dev: labels, true groups | ' table.md
	grep -q '^| erm | none | dev_objective | development | [0-9]* x 1 | train: labels; dev: labels | ' table.md
	grep -q 'Low support (\* or italics, grey in LaTeX): rests on a subgroup' table.md
	"$fairvox" table results --format md --min-support 0 >all.md
	run ! grep 'Low support' all.md
	grep -q '^| perfect | 1.000 | 1.000 | \*0.000\* ' table.md
	grep -q 'Synthetic speech: these numbers say nothing about people' table.md
	"$fairvox" table results --format md --no-baselines >without.md
	run ! grep '^| perfect | ' without.md
}

@test "json matches the runs, csv has a line for each metric of each run" {
	"$fairvox" table results --format json >table.json
	"$fairvox" table results --format csv >table.csv
	head -1 table.csv | grep -q '^variant,fold,seed,split,select,chosen_on,grouper_seed,bias_seed,trial,threshold,loss.name,attribute,metric,class,group,value,'
	[ "$(cut -d, -f1-3 table.csv | sort -u | wc -l)" -eq 5 ]
	command -v python3 >/dev/null || skip "python3 is not here"
	python3 - <<'END'
import csv, json, glob
table = json.load(open('table.json'))
assert table['schema_version'] == 2
variants = [v for v in table['variants'] if 'facts' in v]
assert [v['label'] for v in variants] == ['erm', 'rw']
assert [r['label'] for r in table['fold_mean']][2:] == ['random', 'all_positive', 'majority_only', 'perfect']
rows = [r for r in csv.DictReader(open('table.csv')) if r['split'] == 'test']
gap_of = lambda row: row['attributes']['gender']['tpr_gap']
for k, variant in enumerate(variants):
    name = variant['variant']
    runs = [json.load(open(f)) for f in sorted(glob.glob(f"results/{name}/*/metrics.json"))]
    want = sum(gap_of(r)['value'] for r in runs) / len(runs)
    assert table['fold_mean'][k]['variant'] == name
    gap = gap_of(table['fold_mean'][k])
    assert abs(gap['value'] - want) < 1e-12 and 0 < gap['p'] <= 1
    own = [float(r['value']) for r in rows if r['variant'] == name and r['metric'] == 'tpr_gap']
    assert own == [gap_of(r)['value'] for r in runs]
    rates = [r for r in rows if r['variant'] == name and r['metric'] == 'tpr' and r['class'] == 'angry']
    assert len(rates) == 2 * len(runs) and {r['group'] for r in rates} == {'Female', 'Male'}
effect = table['effects'][0]
assert effect['variant'] == variants[1]['variant'] and effect['reference'] == variants[0]['variant']
assert 'p_holm' in gap_of(effect) and 'p_bh' in effect['f1']
pooled = [gap_of(r)['value'] for r in table['pooled'][:2]]
assert abs(gap_of(effect)['value'] - (pooled[1] - pooled[0])) < 1e-12
assert table['compare'] == {'metric': 'tpr_gap', 'attribute': 'gender'} and table['synthetic']
END
}

@test "text is the default: aligned columns without markup" {
	"$fairvox" table results >table.txt
	"$fairvox" table results --format text | cmp - table.txt
	run ! grep '|\|\*\*\|<u>' table.txt
	grep -q '^variant  *F1  *ACC  *gender TPR gap' table.txt
	grep -q '^rw  *0\.[0-9]* ± ' table.txt
}

@test "--rows selects variants by objective, axis or name" {
	"$fairvox" table results --rows loss=rw --format csv | cut -d, -f1 | sort -u >names
	grep -q '^rw-' names
	run ! grep '^erm-' names
	"$fairvox" table results --rows 'variant=e*' --format csv | cut -d, -f1 | sort -u >names
	grep -q '^erm-' names
	run ! grep '^rw-' names
	"$fairvox" table results --rows loss=rw,loss=erm --format md | grep -q '^| rw - erm | '
	fails 2 "--rows: no variant in results matches 'loss=gdro'" "$fairvox" table results --rows loss=gdro
	fails 2 "no variant has an axis 'colour'" "$fairvox" table results --rows colour=red
	fails 2 "'loss' is not KEY=VALUE" "$fairvox" table results --rows loss
}

@test "LaTeX output is escaped" {
	"$fairvox" table results --format tex >table.tex
	grep -q '^\\begin{tabular}{lrrrrr}$' table.tex
	grep -q 'majority\\_only & ' table.tex
	run ! grep '[%_]\|&[^ ]' <(sed '/^%/d; s/\\[%_&]//g' table.tex)
	run ! grep '±\|▲\|—' table.tex
	[ "$(grep -c '^\\begin{table}' table.tex)" -eq "$(grep -c '^\\end{table}' table.tex)" ]
}

@test "the paper's layouts, pairs, and refused options" {
	"$fairvox" table results --layout paper1 --against published --format md >paper.md
	grep -q '^| ERM | none | 0' paper.md
	grep -q '^| RW | truth | 0' paper.md
	grep -q '^| DS | truth | — | — | — | — |' paper.md
	grep -q '^| DS | truth | — / 0.598 | — / 0.804 | — / 0.094 | — / 0.033 |' paper.md
	grep -Eq '^\| ERM \| none \| 0\.[0-9]{3} ± [0-9.]* / 0\.651 (in|out)side' paper.md
	"$fairvox" table results --layout pairs --format csv >pairs.csv
	[ "$(wc -l <pairs.csv)" -eq 5 ]
	grep -q '^erm-.*,rw-.*,gender,tpr_gap,' pairs.csv
	fails 2 "--layout: 'paper3' is not grid, pairs, paper1 or paper2" "$fairvox" table results --layout paper3
	fails 2 "--format: 'html' is not text, md, tex, csv or json" "$fairvox" table results --format html
	fails 2 "--draws: '100' is not a whole number from 2000" "$fairvox" table results --draws 100
	fails 2 "no variant 'erp', did you mean 'erm'?" "$fairvox" table results --reference erp
	fails 2 "--against needs --layout paper1 or paper2" "$fairvox" table results --against published
	fails 2 "--reference needs --layout grid" "$fairvox" table results --format csv --reference erm
}

@test "another reference, a variant that is not done" {
	"$fairvox" table results --format md --reference rw >table.md
	grep -q '^| erm - rw | ' table.md
	rm results/rw-*/fold2-seed1/done
	"$fairvox" table results --format md >table.md
	grep -q '^| rw | .* | 1 of 2 |$' table.md
	grep -q '^| rw - erm | different folds |' table.md
}
