#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The table in its layouts and formats, on a study that was run.
load helpers

setup_file() {
	run_study 'eval.compare={metric: tpr_gap, attribute: gender}'
}

setup() {
	copy_study
}

@test "the grid: both aggregates, nulls, the comparison, baselines and what each variant used" {
	"$fairvox" table results --full --format md >table.md
	[ "$(grep -c "^| erm | " table.md)" -eq 6 ]
	grep -q '^| rw | 0\.[0-9]* ± 0\.[0-9]* | 0\.[0-9]* ± 0\.[0-9]* | \*0\.[0-9]*\* ± 0\.[0-9]* \[[+-]0\.[0-9]*, p [<.0-9]*\]' table.md
	grep -q '^| rw - erm | ' table.md
	grep -q 'gender TPR gap (Holm)' table.md
	grep -q '^| rw | true labels | dev_objective | development | [0-9]* x 1 | train: labels, true groups; dev: labels, true groups | ' table.md
	grep -q '^| erm | none | dev_objective | development | [0-9]* x 1 | train: labels; dev: labels | ' table.md
	grep -q 'Low support (\\\* or italics, grey in LaTeX): rests on a subgroup' table.md
	"$fairvox" table results --full --format md --min-support 0 >all.md
	run ! grep 'Low support' all.md
	grep -q '^| perfect | 1.000 | 1.000 | \*0.000\* ' table.md
	grep -q 'Synthetic speech: these numbers say nothing about people' table.md
	"$fairvox" table results --full --format md --no-baselines >without.md
	run ! grep '^| perfect | ' without.md
}

@test "json matches the runs, csv has a line for each metric of each run" {
	"$fairvox" table results --format json >table.json
	"$fairvox" table results --format csv >table.csv
	head -1 table.csv | grep -q '^variant,fold,seed,split,select,chosen_on,grouper_seed,bias_seed,trial,threshold,build,older_build,loss.name,grouper.name,encoder.name,attribute,metric,class,group,value,'
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

@test "text is the default: one short table without markup, best first, the reference below a line" {
	"$fairvox" table results >table.txt
	"$fairvox" table results --format text | cmp - table.txt
	run ! grep '|\|\*\*\|<u>\|'$'\e' table.txt
	[ "$(grep -c '^loss ' table.txt)" -eq 1 ]
	grep -q '^loss .* F1  *TPR gap  *null ' table.txt
	[ "$(grep -E '^(rw|erm|random|perfect|--+) ' table.txt | cut -c1-3 | paste -sd' ')" = "rw  --- erm --- ran per" ]
	grep -Eq '^erm .* ref( |$)' table.txt
	grep -q '^- synthetic speech' table.txt
	[ "$(wc -L <table.txt)" -le 100 ]
	# the numbers are those of the other tables
	"$fairvox" table results --format json >table.json
	python3 - <<'END'
import json
table = json.load(open("table.json"))
rows = {r["axes"].get("loss.name"): r for r in table["summary"] if r.get("axes")}
text = {l.split()[0]: l.split() for l in open("table.txt") if l.startswith(("rw ", "erm "))}
head = next(l for l in open("table.txt") if l.startswith("loss "))
titles = [t.strip() for t in head.split("  ") if t.strip()]
pooled = {r["label"]: r for r in table["pooled"]}
for loss in ("rw", "erm"):
    gap = rows[loss]["attributes"]["gender"]["tpr_gap"]
    for key in ("value", "null_mean", "p"):
        assert gap[key] == pooled[loss]["attributes"]["gender"]["tpr_gap"][key], key
    row = dict(zip(titles, [t for t in text[loss] if t != "*"]))
    assert row["F1"] == "%.3f" % pooled[loss]["f1"]["value"], row
    assert row["null"] == "%.3f" % gap["null_mean"] and row["TPR gap"] == "%.3f" % gap["value"], row
change = rows["rw"]["change"]["attributes"]["gender"]["tpr_gap"]
assert change["value"] == table["effects"][0]["attributes"]["gender"]["tpr_gap"]["value"]
assert change["p_holm"] == table["effects"][0]["attributes"]["gender"]["tpr_gap"]["p_holm"]
END
	"$fairvox" table results --full >full.txt
	[ "$(grep -c '^fold_mean: \|^pooled: ' full.txt)" -eq 2 ]
	[ "$(wc -l <full.txt)" -gt "$(($(wc -l <table.txt) + 20))" ]
}

@test "the table fits any width, says what it left out, and is bold on terminals alone" {
	for width in 20 40 60 80 100 300; do
		COLUMNS=$width "$fairvox" table results >table.txt
		[ "$(wc -L <table.txt)" -le "$width" ]
		grep -q '^rw ' table.txt
	done
	run ! grep 'columns wide' table.txt
	COLUMNS=40 "$fairvox" table results | tr '\n' ' ' | tr -s ' ' | grep -q -- '- 40 columns wide: without .*null, p, .*COLUMNS='
	"$fairvox" table results >table.txt
	for columns in '' 0 -3 wide; do COLUMNS=$columns "$fairvox" table results | cmp - table.txt; done
	command -v script >/dev/null || skip "script is not here"
	screen() { env TERM=xterm "$@" script -qec "stty cols 72; '$fairvox' table results" /dev/null </dev/null; }
	screen | tr -d '\r' >bold.txt
	grep -q $'^\e\\[1mloss' bold.txt
	[ "$(sed $'s/\e\\[[01]m//g' bold.txt | wc -L)" -le 72 ]
	screen NO_COLOR=1 >plain.txt
	run ! grep $'\e' plain.txt
}

@test "--columns, --sort and --reference choose what the table shows" {
	"$fairvox" table results --columns loss,acc,dp_gap,eo_max:p,runs >table.txt
	grep -Eq '^loss +ACC +DP gap +null +EO \(max\) p +runs$' table.txt
	grep -Eq '^rw +0\.[0-9]{3} +0\.[0-9]{3}[ *]+0\.[0-9]{3} +[01]\.[0-9]{4} +2$' table.txt
	"$fairvox" table results --columns loss,gender.tpr_gap:change,tpr_gap:change_p,variant --reference rw >table.txt
	grep -Eq '^loss +TPR gap change +p \(Holm\) +variant$' table.txt
	grep -Eq '^rw +ref +— +rw$' table.txt
	grep -Eq '^erm +[+-]0\.[0-9]{3} +[01]\.[0-9]{4} +erm$' table.txt
	first() { "$fairvox" table results --rows loss=rw,loss=erm --columns variant --no-baselines "$@" | grep -E '^(rw|erm)' | head -1; }
	cp -r results twice # another variant that is not compared, so that two are above the line
	name=$(basename results/rw-*)
	cp -r "results/$name" "twice/copy-0a0b0c0d"
	second() { "$fairvox" table twice --columns variant --no-baselines --sort "$1" | grep -E '^(rw|copy)' | head -1; }
	[ "$(second variant)" = copy ]
	[ "$(second -variant)" = rw ]
	[ "$(first)" = rw ]
	fails 2 "--columns: no column 'f2', did you mean 'f1'?: there are variant, runs, loss" "$fairvox" table results --columns f2
	fails 2 "tpr_gap" "$fairvox" table results --columns nothing
	# keys of the configuration that are no axis
	"$fairvox" table results --columns loss,train.epochs,loss.weight,grouper.column,corpus.folds,f1 >table.txt
	grep -Eq '^loss +epochs +weight +column +folds +F1$' table.txt
	grep -Eq '^rw +5 +stratified +gender +1,2 +0\.[0-9]{3}$' table.txt
	grep -Eq '^erm +5 +— +— +1,2 +0\.[0-9]{3}$' table.txt
	[ "$(head -1 table.txt | grep -c epochs)" = 0 ]
	"$fairvox" table results --no-baselines --columns variant,f1 --sort loss.weight | grep -E '^(rw|erm)' | head -1 | grep -q '^rw'
	fails 2 "--columns: no variant has the key 'train.epoch', did you mean 'epochs'?: keys of train: " \
		"$fairvox" table results --columns train.epoch
	fails 2 "--columns: no variant has the key 'bias.seed': keys of bias: none" "$fairvox" table results --columns bias.seed
	fails 2 "--sort: no variant has the key 'loss.alpha': keys of loss: " "$fairvox" table results --sort -loss.alpha
	fails 2 "--columns: no column 'race.tpr_gap'" "$fairvox" table results --columns race.tpr_gap
	fails 2 "--columns: no column 'f1:null'" "$fairvox" table results --columns f1:null
	fails 2 "--columns: no column is named" "$fairvox" table results --columns ,
	fails 2 "--sort: no column 'size'" "$fairvox" table results --sort size
	fails 2 "--columns needs --layout grid" "$fairvox" table results --columns f1 --format csv
	fails 2 "--plain needs --format text, md or tex" "$fairvox" table results --plain --format json
}

@test "a configuration finds its results by their hashes" {
	compare='eval.compare={metric: tpr_gap, attribute: gender}'
	export COLUMNS=300
	"$fairvox" table results >table.txt
	for folder in results/*; do mv "$folder" "results/other-${folder##*-}"; done
	same() { "$fairvox" table plan.yaml "$compare" | cmp <(grep -v '^- change: against' table.txt) <(grep -v '^- change: against' -); }
	same
	# another study in the folder is not shown, and runs that were not started are counted
	"$fairvox" run plan.yaml --quiet loss.name=ds "$compare"
	same
	"$fairvox" table plan.yaml train.seed=1,2 loss.name=rw,gdro >half.txt
	grep -Eq ' runs$' half.txt
	grep -Eq '2 of 4$' half.txt
	grep -q '^- 1 variant is unfinished' half.txt
	grep -q '^- no finished run: ' half.txt
	mv results kept
	"$fairvox" table plan.yaml loss.name=rw --results kept | grep -q '^other '
	fails 4 "elsewhere: No such file" "$fairvox" table plan.yaml --results elsewhere
	fails 2 "kept is no configuration: --results" "$fairvox" table kept --results x
	fails 2 "loss.name=rw: name one results folder" "$fairvox" table kept loss.name=rw
	fails 2 "name one results folder" "$fairvox" table
}

@test "--rows selects variants by objective, axis or name" {
	"$fairvox" table results --rows loss=rw --format csv | cut -d, -f1 | sort -u >names
	grep -q '^rw-' names
	run ! grep '^erm-' names
	"$fairvox" table results --rows 'variant=e*' --format csv | cut -d, -f1 | sort -u >names
	grep -q '^erm-' names
	run ! grep '^rw-' names
	"$fairvox" table results --rows loss=rw,loss=erm --full --format md | grep -q '^| rw - erm | '
	fails 2 "--rows: no variant in results matches 'loss=gdro'" "$fairvox" table results --rows loss=gdro
	fails 2 "no variant has an axis 'colour'" "$fairvox" table results --rows colour=red
	fails 2 "'loss' is not KEY=VALUE" "$fairvox" table results --rows loss
}

@test "LaTeX output is escaped" {
	"$fairvox" table results --full --format tex >table.tex
	grep -q '^\\begin{tabular}{llr*}$' table.tex
	grep -q 'majority\\_only & ' table.tex
	run ! grep '[%_]\|&[^ ]' <(sed '/^%/d; s/%$//; s/\\[%_&]//g' table.tex)
	run ! grep '±\|▲\|—' table.tex
	[ "$(grep -c '^\\begin{table' table.tex)" -eq "$(grep -c '^\\end{table' table.tex)" ]
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
	fails 2 "--layout: 'paper3' is not grid, pairs, paper1, paper2 or claims" "$fairvox" table results --layout paper3
	fails 2 "--format: 'html' is not text, md, tex, csv, json, sqlite or tensorboard" "$fairvox" table results --format html
	fails 2 "--draws: '100' is not a whole number from 2000" "$fairvox" table results --draws 100
	fails 2 "no variant 'erp', did you mean 'erm'?" "$fairvox" table results --reference erp
	fails 2 "--against needs --layout paper1 or paper2" "$fairvox" table results --against published
	fails 2 "--reference needs --layout grid" "$fairvox" table results --format csv --reference erm
}

@test "variants that all are without debiasing: nothing is said to be missing, and the table's names choose a reference" {
	thin
	"$fairvox" run plan.yaml -j 2 --quiet --results plain matrix=none encoder.name=pitch,functionals
	"$fairvox" table plain >table.txt
	grep -q 'every variant with finished runs is without' table.txt
	! grep -q 'no variant without' table.txt
	for name in functionals 'Erm, Functionals' erm-functionals; do
		"$fairvox" table plain --reference "$name" >other.txt
		grep -q '^functionals .* ref ' other.txt
		grep -q 'change: against erm-functionals' other.txt
	done
	fails 2 "no variant 'functional'; there are erm-pitch, erm-functionals" "$fairvox" table plain --reference functional
	"$fairvox" run plan.yaml -j 2 --quiet --results both encoder.name=pitch,functionals train.epochs=1
	fails 2 "several variants are named 'functionals': give the folder name, one of erm-pitch-" \
		"$fairvox" table both --reference functionals
}

@test "another reference, a variant that is not done" {
	"$fairvox" table results --full --format md --reference rw >table.md
	grep -q '^| erm - rw | ' table.md
	rm results/rw-*/fold2-seed1/done
	"$fairvox" table results --full --format md >table.md
	grep -q '^| rw | .* | 1 of 2 |$' table.md
	grep -q '^| rw - erm | different folds |' table.md
}

@test "LaTeX compiles in documents of one and of two columns, whatever names hold" {
	cp -r results odd
	sed -i 's/"loss.name": "rw"/"loss.name": "r_w 100% \& #1 ${x^2}~ \\\\end <b> \\"q\\" [1] 怒り é | --x"/' odd/rw-*/*/env.json
	"$fairvox" table odd --format tex >short.tex
	"$fairvox" table odd --format tex --plain >plain.tex
	"$fairvox" table odd --format tex --full >full.tex
	"$fairvox" table odd --columns f1,loss,tpr_gap --format tex >other.tex
	# by rule: every environment ends, a caption, label and \centering each, rows of one length
	python3 - <<'END'
import re
for name in ("short", "plain", "full", "other"):
    tex = open(name + ".tex").read()
    begun = re.findall(r"\\begin\{(table\*?)\}", tex)
    assert begun and begun == re.findall(r"\\end\{(table\*?)\}", tex)
    assert tex.count(r"\centering") == tex.count(r"\caption{") == tex.count(r"\label{tab:") == len(begun)
    assert tex.count(r"\toprule") == tex.count(r"\bottomrule") == len(begun)
    assert re.sub(r"\\.", "", tex).count("{") == re.sub(r"\\.", "", tex).count("}")
    for spec, body in re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", tex, re.S):
        for row in re.findall(r"^(.*) \\\\$", body, re.M):
            assert len(re.findall(r"(?<!\\)&", row)) == len(spec) - 1, row
    odd = r"r\_w 100\% \& \#1 \$\{x\textasciicircum{}2\}\textasciitilde{} \textbackslash{}end $<$b$>$ "
    odd += r"{\ttfamily\char34}q{\ttfamily\char34} [1] \fairvoxchar{6012}{怒}\fairvoxchar{308A}{り} é \textbar{} -{}-x"
    assert name != "other" or odd in tex
assert r"\begin{table}" in open("plain.tex").read() and r"\begin{table*}" in open("short.tex").read()
END
	command -v pdflatex >/dev/null || skip "pdflatex is not here: checked by rule"
	for class in 10pt 10pt,twocolumn; do
		printf '%s\n' "\\documentclass[$class]{article}" '\usepackage{booktabs,graphicx,longtable}' \
			'\begin{document}' '\input{short}\input{plain}\input{other}' 'See \ref{tab:summary}.' '\end{document}' >doc.tex
		pdflatex -interaction=nonstopmode -halt-on-error doc >doc.log || { tail -20 doc.log; return 1; }
		run ! grep 'Overfull' doc.log
		sed -i 's/.input{short}.*/\\input{full}/' doc.tex
		pdflatex -interaction=nonstopmode -halt-on-error doc >doc.log || { tail -20 doc.log; return 1; }
	done
}

@test "text in csv that a spreadsheet would run is quoted" {
	cp -r results odd
	sed -i 's/"loss.name": "rw"/"loss.name": "=1+2, \\"x\\""/' odd/rw-*/*/env.json
	"$fairvox" table odd --format csv | grep -q ",\"'=1+2, \"\"x\"\"\",truth,pitch,"
}
