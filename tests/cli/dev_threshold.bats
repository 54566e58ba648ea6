#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What tables say of the development rows: their metrics in csv, and thresholds chosen on them.
load helpers

setup() {
	plan
	encoded
}

# Reads predictions.csv in Python: rows of a split as probabilities and labels in float32.
reader() {
	cat <<-'END'
		import csv, glob, json, struct
		f32 = lambda x: struct.unpack('f', struct.pack('f', float(x)))[0]
		def read(run, split):
		    rows = [r for r in csv.DictReader(open(run + '/predictions.csv')) if r['split'] == split]
		    classes = [c[5:] for c in rows[0] if c.startswith('prob_')]
		    return rows, {c: ([f32(r['prob_' + c]) for r in rows], [f32(r['label_' + c]) > f32(1 / len(classes)) for r in rows])
		                  for c in classes}
		def f1(p, y, t):
		    hit = sum(a > t and b for a, b in zip(p, y))
		    n = sum(a > t for a in p) + sum(y)
		    return 2 * hit / n if n else 0
		close = lambda a, b: abs(a - b) < 1e-12
	END
}

@test "csv has the metrics and rates of the development rows" {
	"$fairvox" run plan.yaml -j 2 --quiet
	"$fairvox" table results --format csv >table.csv
	python3 - <<-END
		$(reader)
		t = f32(1 / 6)
		seen = 0
		lines = list(csv.DictReader(open('table.csv')))
		for run in glob.glob('results/*/fold*'):
		    _, variant, name = run.split('/')
		    fold, seed = name[4:].split('-seed')
		    rows, data = read(run, 'dev')
		    own = {(r['attribute'], r['metric'], r['class'], r['group']): float(r['value']) for r in lines
		           if (r['variant'], r['fold'], r['seed'], r['split']) == (variant, fold, seed, 'dev')}
		    assert close(own['', 'f1', '', ''], sum(f1(p, y, t) for p, y in data.values()) / 6), run
		    for c, (p, y) in data.items():
		        for g in 'Male', 'Female':
		            hits = [a > t for a, b, r in zip(p, y, rows) if b and r['gender'] == g]
		            assert close(own['gender', 'tpr', c, g], sum(hits) / len(hits)), (run, c, g)
		            seen += 1
		assert seen == 4 * 12
	END
}

@test "eval.threshold: dev adds a reading at the best thresholds of the development rows, without training" {
	"$fairvox" run plan.yaml -j 2 --quiet
	"$fairvox" table results --full --format md >before.md
	cp -r results fixed
	run --separate-stderr "$fairvox" run plan.yaml eval.threshold=dev
	[[ $stderr == *'4 of 4 runs done, 0 computed now, 4 re-evaluated'* ]]
	python3 - <<-END
		$(reader)
		for run in glob.glob('results/*/fold*'):
		    m = json.load(open(run + '/metrics.json'))
		    d = m.pop('dev_threshold')
		    assert m == json.load(open(run.replace('results', 'fixed') + '/metrics.json'))
		    _, dev = read(run, 'dev')
		    _, test = read(run, 'test')
		    total = 0
		    for c, (p, y) in dev.items():
		        best = max(f1(p, y, t) for t in [0] + p)
		        lowest = min(t for t in [0] + p if f1(p, y, t) == best)
		        assert f32(d['prediction_threshold'][c]) == lowest, (run, c)
		        total += f1(*test[c], lowest)
		    assert close(d['f1']['value'], total / 6), run
		    assert d['attributes']['gender']['tpr_gap']['null_mean'] > 0
	END
	"$fairvox" verify results
	"$fairvox" table results --full --format md >after.md
	# every other table is the one before
	awk 'BEGIN { RS = "" } /^dev_threshold: / { skip = 2 } skip-- <= 0' after.md | diff - <(awk 'BEGIN { RS = "" } 1' before.md)
	grep -q '^dev_threshold: mean ± sd over folds with the threshold of each class that maximised its F1 on the run.s development rows; every other table has the fixed threshold$' after.md
	"$fairvox" table results --format csv >table.csv
	"$fairvox" table results --format json >table.json
	python3 - <<-'END'
		import csv, json
		rows = [r for r in csv.DictReader(open('table.csv')) if r['metric'] == 'f1' and r['split'] == 'test']
		table = json.load(open('table.json'))
		for reading, name in ('dev', 'dev_threshold'), ('fixed', 'fold_mean'):
		    for line in table[name][:2]:
		        own = [float(r['value']) for r in rows if r['variant'] == line['variant'] and r['threshold'] == reading]
		        assert len(own) == 2 and abs(line['f1']['value'] - sum(own) / 2) < 1e-12, (name, line['variant'])
	END
	# and back: metrics.json is the one before
	"$fairvox" run plan.yaml --quiet
	for run in fixed/*/fold*; do cmp "$run/metrics.json" "results/${run#fixed/}/metrics.json"; done
	# a run that is computed with it has the same metrics
	"$fairvox" run plan.yaml -j 2 --quiet eval.threshold=dev --results again
	"$fairvox" verify again
}
