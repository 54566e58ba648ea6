#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hyperparameters chosen on development data inside a variant: trials, choices, tables.
load helpers

setup_file() {
	mkdir "$BATS_FILE_TMPDIR/study"
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/study write_plan
	"$fairvox" run tune.yaml -j 2 --quiet
}

setup() {
	write_plan
}

# tuned: the results of tune.yaml, computed once for all cases.
tuned() {
	cp -a "$BATS_FILE_TMPDIR/study/results" .
}

write_plan() {
	plan
	encoded
	cat >tune.yaml <<-END
		defaults: [plan.yaml]
		train: {seed: [1, 2]}
		tune: {axes: {train.learning_rate: [1.0e-3, 3.0e-2]}, by: dev_loss}
	END
}

# expected BY: prints "FOLD SEED TRIAL" for each run of rw-tuned, from the files of the trials alone.
expected() {
	python3 - "$1" <<-'END'
		import csv, glob, json, statistics, struct, sys
		by = sys.argv[1]
		def f1(path):
		    rows = [r for r in csv.DictReader(open(path)) if r['split'] == 'dev']
		    classes = [c[5:] for c in rows[0] if c.startswith('prob_')]
		    f32 = lambda x: struct.unpack('f', struct.pack('f', float(x)))[0]
		    t = f32(1 / len(classes))
		    out = []
		    for c in classes:
		        p = [f32(r['prob_' + c]) > t for r in rows]
		        y = [f32(r['label_' + c]) > t for r in rows]
		        tp = sum(a and b for a, b in zip(p, y))
		        out.append(2 * tp / (sum(p) + sum(y)) if sum(p) + sum(y) else 0)
		    return statistics.mean(out)
		def uar(path):
		    rows = [r for r in csv.DictReader(open(path)) if r['split'] == 'dev']
		    classes = [c[5:] for c in rows[0] if c.startswith('prob_')]
		    first = lambda r, kind: max(classes, key=lambda c: float(r[kind + c]))
		    hits = {}
		    for r in rows:
		        hits.setdefault(first(r, 'label_'), []).append(first(r, 'prob_') == first(r, 'label_'))
		    return statistics.mean(statistics.mean(h) for h in hits.values())
		def value(run):
		    if by in ('dev_f1', 'dev_uar'):
		        return -(f1 if by == 'dev_f1' else uar)(run + '/predictions.csv')
		    kept = json.load(open(run + '/metrics.json'))['selected_epoch']
		    return [json.loads(l)[by] for l in open(run + '/metrics.jsonl')][kept - 1]
		trials = [glob.glob(f'results/rw-lr{r}-*')[0] for r in ('0.001', '0.03')]
		for fold in 1, 2:
		    means = [statistics.mean(value(f'{t}/fold{fold}-seed{s}') for s in (1, 2)) for t in trials]
		    best = trials[means.index(min(means))]
		    for seed in 1, 2:
		        print(fold, seed, best.split('/')[1])
	END
}

# chosen: prints the same from the folders of the tuned variant.
chosen() {
	for run in results/rw-tuned-*/fold*; do
		python3 - $run <<-'END'
			import json, os, sys
			run = sys.argv[1]
			m = json.load(open(run + '/metrics.json'))
			trial = m['chosen']['variant']
			own = {k: v for k, v in m.items() if k != 'chosen'}
			from_ = f"results/{trial}/{os.path.basename(run)}"
			assert own == json.load(open(from_ + '/metrics.json'))
			for name in 'predictions.csv', 'model.safetensors', 'metrics.jsonl':
			    assert os.readlink(f'{run}/{name}') == f'../../{trial}/{os.path.basename(run)}/{name}'
			print(m['fold'], m['seed'], trial)
		END
	done
}

@test "each fold takes the trial that is best on development data, over the seeds" {
	run --separate-stderr "$fairvox" run tune.yaml -j 2
	[ "$status" -eq 0 ]
	[[ $stderr == *'16 of 16 runs done, 16 computed now'* ]]
	[[ $stderr == *'tuned variants: 4 of 4 folds have a choice, 4 made now'* ]]
	diff <(expected dev_loss) <(chosen)
	# other values decide: nothing is trained
	for by in dev_f1 dev_uar; do
		rm -r $(dirname $(dirname results/*-tuned-*/fold1-seed1/env.json))
		run --separate-stderr "$fairvox" run tune.yaml -j 2 tune.by=$by
		[[ $stderr == *'16 of 16 runs done, 0 computed now'* ]]
		diff <(expected $by) <(chosen)
		"$fairvox" verify results
	done
}

@test "tables show one row a tuned variant, compared with tuned ones, and count the trials" {
	tuned
	"$fairvox" table results --full --format md >table.md
	[ "$(grep -c '^| \(erm\|rw\)-lr' table.md)" -eq 0 ]
	grep -q '^| rw-tuned | true labels | dev_objective, tuned by dev_loss (learning_rate: 2 trials) | development | 5 x 2 x 2 tuned |' table.md
	grep -q '^| erm-tuned | none | dev_objective, tuned by dev_loss (learning_rate: 2 trials) | development | 5 x 2 x 2 tuned |' table.md
	grep -q '^| rw-tuned - erm-tuned | ' table.md
	grep -q '^- Trials of tuned variants are left out (4 variants): --trials shows them.$' table.md
	grep -q '^| rw-tuned | learning_rate 0.03 | dev_loss | ' table.md
	"$fairvox" table results --full --format md --trials >all.md
	grep -q '^| rw-lr0.001 | true labels | dev_objective | development | 5 x 2 |' all.md
	"$fairvox" table results --format csv >runs.csv
	python3 - <<-'END'
		import csv, glob, json
		rows = list(csv.DictReader(open('runs.csv')))
		assert {r['variant'].rsplit('-', 1)[0] for r in rows} == {'erm-tuned', 'rw-tuned'}
		for r in rows:
		    m = json.load(open(f"results/{r['variant']}/fold{r['fold']}-seed{r['seed']}/metrics.json"))
		    assert r['trial'] == m['chosen']['variant']
		    assert float(r['train.learning_rate']) == m['chosen']['axes']['train.learning_rate']
	END
	"$fairvox" table results --format json >table.json
	python3 - <<-'END'
		import json
		t = json.load(open('table.json'))['tuning']
		assert len(t) == 4 and all(list(r['axes']) == ['train.learning_rate'] for r in t), t
		for two in t[:2], t[2:]:
		    assert sorted(f for r in two for f in r['folds'].split(', ') if f != 'none') == ['1', '2']
	END
	"$fairvox" status results | grep -q '^rw-tuned-.*: 4 done (each chosen among 2 trials)$'
	"$fairvox" explain --full tune.yaml >out.txt
	grep -q '^2 of them tuned, 4 only as trials$' out.txt
	grep -q '^picks by dev_loss, in each fold, one of 2 trials: rw-lr0.001, rw-lr0.03$' out.txt
	grep -q '^16 runs, 0 to compute$' out.txt
	run "$fairvox" status tune.yaml
	echo "${lines[-1]}" | grep -q "^16 runs: 16 done; tuned variants: 8 of 8 runs chosen$"
}

@test "a choice is made again when anything it rests on changes, and only then" {
	tuned
	stat -c '%Y %i' results/*-tuned-*/*/done >before
	"$fairvox" run tune.yaml --quiet
	stat -c '%Y %i' results/*-tuned-*/*/done | diff before -
	# the folder of a choice is lost: chosen again, nothing computed
	chosen >want
	rm -r results/rw-tuned-*
	run --separate-stderr "$fairvox" run tune.yaml
	[[ $stderr == *'0 computed now'*'4 of 4 folds have a choice, 2 made now'* ]]
	chosen | diff want -
	# a trial is lost: its links dangle, it is computed again, and the choice comes back
	trial=$(awk 'NR == 1 {print $3}' want)
	rm -r "results/$trial"
	run --separate-stderr "$fairvox" run tune.yaml
	[[ $stderr == *'16 of 16 runs done, 4 computed now'* ]]
	chosen | diff want -
	# another eval: the choice follows
	"$fairvox" run tune.yaml --quiet eval.compare.metric=f1
	chosen | diff want -
	grep -q '"metric": "f1"' results/rw-tuned-*/fold1-seed1/env.json
	"$fairvox" verify results
	# one seed alone: the runs of the other are not mixed in
	"$fairvox" run tune.yaml --quiet train.seed=1
	[ "$(ls -d results/rw-tuned-*/fold* | wc -l)" -eq 2 ]
	# a copied study is whole
	cp -r results copy
	"$fairvox" verify copy
	"$fairvox" table copy --full --format md | grep -q '^| rw-tuned | '
}

@test "verify finds a choice that the trials do not give" {
	tuned
	metrics=$(echo results/rw-tuned-*/fold1-seed1/metrics.json)
	sed -i 's/"by": "dev_loss"/"by": "dev_f1"/' "$metrics"
	fails 1 'chosen.by is "dev_f1", but predictions.csv gives "dev_loss"' "$fairvox" verify results
}

@test "a trial that fails leaves the fold without a choice, and the tuned variant says why" {
	fails 3 'learning_rate' "$fairvox" run tune.yaml -k --quiet -j 2 'tune.axes.train.learning_rate=0.01,1e30' train.seed=1
	grep -q '^its trial rw-lr1e30 failed: .*the logits are not finite' results/rw-tuned-*/fold1-seed1/failed
	[ ! -e results/rw-tuned-*/fold1-seed1/done ]
	"$fairvox" status results | grep -q '^  fold 1, seed 1 and 1 more failed: its trial rw-lr1e30 failed: '
	"$fairvox" table results --full --format md >table.md
	grep -q '^| rw-lr0.01 |' table.md
	grep -q '^- Missing: 2 of 2 runs of rw-tuned, which failed: its trial rw-lr1e30 failed: ' table.md
}

@test "equal values go to the first trial; an axis without effect makes equal trials" {
	"$fairvox" run plan.yaml --quiet matrix=none corpus.folds=1 'tune.axes.train.momentum=0.5,0.9'
	[ "$(ls results | wc -l)" -eq 2 ]
	grep -q '"train.momentum": null' results/erm-tuned-*/fold1-seed1/metrics.json
}

@test "what tune refuses" {
	fails 2 "tune.by: 'dev_lss' is not one of dev_loss, dev_objective, dev_worst_group, dev_tpr_gap, dev_f1, dev_uar, dev_acc, did you mean 'dev_loss'?" \
		"$fairvox" explain tune.yaml tune.by=dev_lss
	fails 2 'tune.by: dev_tpr_gap is computed only with train.select: dev_tpr_gap, not with dev_objective' \
		"$fairvox" explain tune.yaml tune.by=dev_tpr_gap
	fails 2 'tune.axes: loss.name is also an axis of the matrix' \
		"$fairvox" explain tune.yaml 'tune.axes.loss.name=[erm, ds]'
	fails 2 'tune.axes: corpus.folds changes the data or how they are judged' \
		"$fairvox" explain tune.yaml 'tune.axes.corpus.folds=[1]'
	fails 2 'tune.axes: loss.unknown_is_group changes what dev_objective measures' \
		"$fairvox" explain tune.yaml matrix=none loss.name=rw tune.by=dev_objective 'tune.axes.loss.unknown_is_group=[true, false]'
	fails 2 "tune.axes: 'train.batch' needs a list of at least one value" "$fairvox" explain tune.yaml tune.axes.train.batch=8
	fails 2 "unknown key 'bye' in tune, did you mean 'by'?" "$fairvox" explain tune.yaml tune.bye=dev_loss
	fails 2 "unknown key 'lerning_rate' in train, did you mean 'learning_rate'?" \
		"$fairvox" explain tune.yaml 'tune.axes.train.lerning_rate=[1, 2]'
	fails 2 'tune: a block with axes and by is needed, or none' "$fairvox" explain tune.yaml tune=dev_loss
	# an included variant may have other trials, or none
	sed 's/^matrix: .*//' plan.yaml >base.yaml
	cat >include.yaml <<-END
		defaults: [base.yaml]
		tune: {axes: {train.learning_rate: [1.0e-3, 3.0e-2]}}
		matrix:
		  loss.name: [erm]
		  include:
		    - {train.batch: 8, tune.axes.train.clip: [1, none]}
		    - {train.batch: 16, tune: none}
	END
	"$fairvox" explain --full include.yaml >out.txt
	grep -q '^variant erm-batch8-tuned$' out.txt
	grep -q 'one of 4 trials: erm-lr0.001-clip1-batch8, erm-lr0.001-clip-none-batch8, erm-lr0.03-clip1-batch8, erm-lr0.03-clip-none-batch8$' out.txt
	grep -q '^variant erm-batch16$' out.txt
	# without tune the variants are the usual ones
	"$fairvox" explain tune.yaml tune=none | grep -q '2 variants (2 combinations'
}
