#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a variant is: its results are found again whatever it is called, wherever it lies, however it is
# judged.
load helpers

# A study of 2 x 3 variants in the folder `study`, all files in it: 6 runs.
setup() {
	corpus
	mkdir "$BATS_TEST_TMPDIR/study"
	cd "$BATS_TEST_TMPDIR/study"
	encoded
	mkdir audio
	ln -s "$corpus"/*.flac audio/
	cp "$corpus"/labels_consensus_{1,2}.csv .
	cat >study.yaml <<-END
		corpus: {audio: audio, labels: "labels_consensus_{fold}.csv", folds: [1]}
		bias: {attribute: gender, minority_ratio: 2, majority: {angry: Male, sad: Female, disgust: Male, fear: none, neutral: none, happy: Female}}
		encoder: {name: pitch, standardize: train}
		grouper: {name: truth, column: gender}
		loss: {name: erm}
		train: {epochs: 2, learning_rate: 0.01}
		eval: {compare: {metric: tpr_gap}}
		matrix: {loss.name: [erm, rw], train.learning_rate: [1.0e-2, 1.0e-3, 1.0e-05]}
	END
}

# now COMPUTED JUDGED RUN...: runs, and fails unless that many runs were computed and re-evaluated.
now() {
	local computed=$1 judged=$2
	shift 2
	run --separate-stderr "$fairvox" run "$@"
	local want=" done, $computed computed now"
	[ "$judged" -eq 0 ] || want+=", $judged re-evaluated"
	if [ "$status" -ne 0 ] || [[ $stderr != *"$want" ]]; then
		printf 'exit code %s; stderr:\n%s\nwanted: %s\n' "$status" "$stderr" "$want"
		return 1
	fi
}

@test "what is done is found again: overrides, lists of one, more axes, another label" {
	now 6 0 study.yaml -j 2
	[ "$(cd results && ls -d rw-lr0.01-* rw-lr0.001-* rw-lr1e-5-* | wc -l)" -eq 3 ]
	now 0 0 study.yaml
	ls results >before
	# a part by an override, a list of one, a default said aloud, another order of keys
	now 0 0 study.yaml loss.name=rw
	now 0 0 study.yaml 'loss.name=[rw]'
	now 0 0 study.yaml 'loss.name=[erm, rw]' train.learning_rate=0.001
	now 0 0 study.yaml train.batch=32 loss.profile=paper
	sed 's/loss.name: \[erm, rw\]/loss.name: [rw]/' study.yaml >one.yaml
	now 0 0 one.yaml
	# an axis that contains the default: only the other value is new
	sed 's/^matrix: {/matrix: {train.batch: [32, 64], /' study.yaml >wider.yaml
	now 6 0 wider.yaml -j 2
	now 0 0 wider.yaml
	now 0 0 study.yaml
	[ "$(ls results | wc -l)" -eq 12 ]
	for name in $(cat before); do [ -d "results/$name" ]; done
	# the folder may be called anything before its hash
	for variant in results/*-????????; do mv "$variant" "results/called-otherwise-${variant##*-}"; done
	now 0 0 wider.yaml
	[ "$(ls -d results/called-otherwise-* | wc -l)" -eq 12 ]
}

@test "a run that is found in a wider study gets its place on the new axis" {
	now 6 0 study.yaml -j 2
	sed 's/^matrix: {/matrix: {train.batch: [32, 64], /' study.yaml >wider.yaml
	now 6 0 wider.yaml -j 2
	command -v python3 >/dev/null || skip "python3 is not here"
	python3 - <<'END'
import glob, json
runs = [json.load(open(f)) for f in glob.glob('results/*/*/env.json')]
axes = [r['variant']['axes'] for r in runs]
assert len(axes) == 12 and all(set(a) == {'loss.name', 'train.learning_rate', 'train.batch'} for a in axes)
assert {a['train.batch'] for a in axes} == {32, 64}
assert {a['train.learning_rate'] for a in axes} == {0.01, 0.001, 0.00001}
assert sorted(r['variant']['index'] for r in runs) == list(range(12))
assert all(r['schema_version'] == 2 for r in runs)
table = json.load(__import__('os').popen('"$FAIRVOX_BUILD/fairvox" table results --format json'))
axes = {v['variant']: v['facts']['axes'] for v in table['variants'] if 'facts' in v}
assert len(axes) == 12 and len(table['effects']) == 6
for effect in table['effects']:
    assert axes[effect['reference']] == {**axes[effect['variant']], 'loss.name': 'erm'}
END
}

@test "another eval trains nothing, and gives what a new run would" {
	now 6 0 study.yaml -j 2
	cp -r results first
	now 0 6 study.yaml eval.compare.metric=dp_gap
	grep -q '"metric": "dp_gap"' results/rw-lr0.01-*/fold1-seed1/env.json
	sed '/^eval:/d' study.yaml >plain.yaml
	now 0 6 plain.yaml
	now 0 0 plain.yaml
	now 0 3 study.yaml loss.name=rw eval.compare.metric=acc -j 2
	grep -A5 '^eval:' results/rw-lr0.01-*/fold1-seed1/config.yaml | grep -q 'metric: acc'
	now 0 6 study.yaml
	diff -r -x .eval -x '.lease-*' first results
	"$fairvox" verify results >/dev/null
	# interrupted in the middle: env.json, written last, says that it is to be done again
	sed -i '/"eval": {/,/}/s/"gender"$/"race"/' results/rw-lr0.01-*/fold1-seed1/env.json
	echo '{"selected_epoch": 2}' >results/rw-lr0.01-*/fold1-seed1/metrics.json
	"$fairvox" explain study.yaml | grep -q ', 1 to re-evaluate'
	now 0 1 study.yaml
	"$fairvox" verify results >/dev/null
}

@test "returning to an earlier eval computes nothing, and a damaged cache entry does no harm" {
	awk -F, -v OFS=, 'NR == 1 { print $0, "race"; next } { print $0, substr($8, 4) % 2 ? "A" : "B" }' \
		labels_consensus_1.csv >own.csv
	sed 's/labels: "[^"]*", folds: \[1\]/labels: own.csv, attributes: {columns: {race: race}}/; /^eval:/d; /^matrix:/d' \
		study.yaml >own.yaml
	now 1 0 own.yaml
	now 0 1 own.yaml eval.attributes=race
	[ "$(ls results/.eval | wc -l)" -eq 1 ]
	cp results/*/*/metrics.json race.json
	cmp race.json results/.eval/*.json
	now 0 1 own.yaml
	[ "$(ls results/.eval | wc -l)" -eq 2 ]
	now 0 1 own.yaml eval.attributes=race
	cmp race.json results/*/*/metrics.json
	# the entry is read
	now 0 1 own.yaml
	race=$(grep -L '"gender": {' results/.eval/*.json)
	sed -i 's/"n": [0-9]*/"n": 7/' "$race"
	now 0 1 own.yaml eval.attributes=race
	grep -q '"n": 7' results/*/*/metrics.json
	run "$fairvox" verify results
	[ "$status" -eq 1 ]
	# a damaged or missing entry is recomputed
	now 0 1 own.yaml
	echo '{' >"$race"
	now 0 1 own.yaml eval.attributes=race
	cmp race.json results/*/*/metrics.json
	now 0 1 own.yaml
	rm -r results/.eval
	now 0 1 own.yaml eval.attributes=race
	cmp race.json results/*/*/metrics.json
}

@test "eval without attributes takes all that the corpus has; raw numbers are left out with a note" {
	awk -F, -v OFS=, 'NR == 1 { print $0, "race,age"; next }
		{ print $0, substr($8, 4) % 2 ? "A" : "B", 20 + substr($8, 3) % 60 }' labels_consensus_1.csv >own.csv
	sed 's/labels: "[^"]*", folds: \[1\]/labels: own.csv, attributes: {columns: {race: race, age: age}}/;
		/^eval:/d; /^matrix:/d' study.yaml >own.yaml
	run --separate-stderr "$fairvox" run own.yaml
	[ "$status" -eq 0 ]
	[[ $stderr == *"attribute 'age' has "*" numeric values and is left out of the metrics: "* ]]
	grep -q '"race": {' results/*/*/metrics.json
	run ! grep -q '"age": {' results/*/*/metrics.json
	"$fairvox" table results | grep -q 'gender TPR gap'
	fails 2 "numeric values, too many for groups: bin them with corpus.bins, or write {age: {numeric: true}}" \
		"$fairvox" run own.yaml eval.attributes=age
	fails 2 "eval.numeric: 'race' has the value 'A', which is no number" \
		"$fairvox" run own.yaml 'eval.attributes=[{race: {numeric: true}}]'
	fails 2 "eval.attributes: an attribute is a name, or {NAME: {numeric: true}}" \
		"$fairvox" run own.yaml 'eval.attributes=[{race: {numeric: false}}]'
	now 0 1 own.yaml 'eval.attributes=[gender*race, {age: {numeric: true}}]'
	python3 - <<-END
		import csv, glob, json, subprocess
		m = json.load(open(glob.glob('results/*/*/metrics.json')[0]))
		a = m['attributes']['gender*race']
		assert a['groups'] == {'Female*A': 10, 'Female*B': 20, 'Male*A': 13}, a['groups']
		assert a['left_out'] == {'Male*B': a['unknown']} and a['unknown'] < 10, a
		assert a['tpr_gap']['p'] > 0
		# no speaker has ten rows
		assert m['numeric']['age']['speakers'] == 0 and m['numeric']['age']['recall_slope'] == {'value': None}
		assert any(u['metric'] == 'recall_slope' and u['attribute'] == 'age' for u in m['undefined'])
		audit = json.loads(subprocess.check_output(['$fairvox', 'audit', glob.glob('results/*/*/predictions.csv')[0],
			'--numeric-columns', 'age', '--min-support', '1', '--json']))['numeric']['age']
		assert audit['speakers'] > 10 and 0 < audit['recall_slope']['p'] <= 1, audit
		assert audit['recall_slope']['low'] <= audit['recall_slope']['value'] <= audit['recall_slope']['high']
	END
	"$fairvox" verify results
	"$fairvox" table results --format csv | grep -q ',age,recall_slope,,,'
	python3 - <<-END
		import json, subprocess
		table = lambda *o: subprocess.check_output(['$fairvox', 'table', 'results', *o], text=True)
		pooled = json.loads(table('--format', 'json'))
		one = pooled['pooled'][0]
		shown = table('--columns', 'variant,ece,ap,gender*race.recall_gap')
		wanted = one['ece'], one['ap'], one['attributes']['gender*race']['recall_gap']
		assert all('%.3f' % v['value'] in shown for v in wanted), (wanted, shown)
		assert pooled['numeric'][0]['attribute'] == 'age' and pooled['numeric'][0]['speakers'] == 0
		assert "left out with fewer than 10 rows: 'Male*B'" in shown, shown
		m = json.load(open(__import__('glob').glob('results/*/*/metrics.json')[0]))
		rows = [r for r in pooled['confusion'] if r.get('group') == 'Female*A']
		assert {r['class']: r['counts'] for r in rows} == m['attributes']['gender*race']['confusion']['Female*A']['counts']
		assert abs(one['ece']['value'] - m['ece']['value']) < 1e-15, (one['ece'], m['ece'])
	END
	now 0 1 own.yaml eval.numeric=age
	fails 2 "'recall_gap' is a metric of groups, and no run has an attribute" \
		"$fairvox" table results --columns recall_gap
	now 0 1 own.yaml eval.attributes=gender,race eval.numeric=age
	grep -q '"recall_slope"' results/*/*/metrics.json
	now 0 1 own.yaml eval.compare.metric=tpr_gap
	grep -A3 '"compare": {' results/*/*/env.json | grep -q '"attribute": "gender"'
	fails 2 "attribute 'split': predictions.csv has a column of that name" \
		"$fairvox" run own.yaml 'corpus.attributes={columns: {split: race}}'
	fails 2 "eval.attributes: own.csv has no attribute 'rice'" "$fairvox" run own.yaml eval.attributes=rice
}

# one LEVEL RESULTS [KEY=VALUE...]: runs one variant, with a build of the plugin tilted.
one() {
	mkdir -p p
	gcc -shared -fPIC -O"$1" -o p/tilted.so "$FAIRVOX_SOURCE/tests/oot/tilted.c" -I"$FAIRVOX_SOURCE/core/include" -lm
	"$fairvox" run study.yaml --quiet --plugins p --results "$2" train.learning_rate=0.01 "${@:3}"
}

# variant EXPRESSION RESULTS: prints it of `variant` in env.json.
variant() {
	python3 -c "import json,sys; v=json.load(open(sys.argv[1]))['variant']; print($1)" "$2"/*/*/env.json
}

@test "env.json tells which files of plugins made a run, and what builds of a variant have in common" {
	sed -i 's/loss.name: \[erm, rw\]/loss: [{name: tilted, tilt: 2}]/' study.yaml
	one 0 old
	one 2 new
	file="v['plugins'][0]['sha256']"
	[ "$(variant "$file" new)" = "$(sha256sum p/tilted.so | cut -d' ' -f1)" ]
	[ "$(variant "$file" old)" != "$(variant "$file" new)" ]
	[ "$(variant "v['hash']" old)" != "$(variant "v['hash']" new)" ]
	[ "$(variant "v['settings']" old)" = "$(variant "v['settings']" new)" ]
	one 2 other 'loss={name: tilted, tilt: 3}'
	[ "$(variant "v['settings']" other)" != "$(variant "v['settings']" new)" ]
	# those of every block: the loss that a parameter names, the encoder of a grouper
	names="*[p['block'] + ':' + p['name'] for p in v['plugins']]"
	one 2 named 'loss={name: eiil, then: {name: rw}}'
	[ "$(variant "$names" named)" = "loss:eiil loss:rw encoder:pitch" ]
	one 2 groups 'loss={name: rw}' 'grouper={name: kmeans, k: 2, encoder: {name: functionals}}'
	[ "$(variant "$names" groups)" = "loss:rw grouper:kmeans grouper:functionals encoder:pitch" ]
}

@test "a tuned variant has the plugins of all its trials, and its builds have the same settings" {
	sed -i '/^matrix/d' study.yaml
	echo 'tune: {axes: {loss: [{name: erm}, {name: tilted, tilt: 2}]}, by: dev_loss}' >>study.yaml
	for level in 0 2; do
		one $level results$level
		mkdir tuned$level
		mv results$level/*-tuned-* tuned$level
	done
	[ "$(variant "*sorted(p['name'] for p in v['plugins'])" tuned0)" = "erm pitch tilted" ]
	[ "$(variant "v['settings']" tuned0)" = "$(variant "v['settings']" tuned2)" ]
	[ "$(variant "v['hash']" tuned0)" != "$(variant "v['hash']" tuned2)" ]
}

@test "a study that was copied elsewhere computes nothing, its files may be called otherwise" {
	echo 'x' >weights.bin
	features all.csv
	sed -i 's/^encoder:.*/encoder: {name: precomputed, file: all.csv, standardize: train}/' study.yaml
	now 6 0 study.yaml -j 2
	cp -rL . ../copy
	cd ../copy
	now 0 0 study.yaml
	mkdir deep
	mv all.csv deep/features.csv
	mv audio deep/voices
	for fold in 1 2; do mv labels_consensus_$fold.csv deep/labels_$fold.csv; done
	now 0 0 study.yaml encoder.file=deep/features.csv corpus.audio=deep/voices 'corpus.labels="deep/labels_{fold}.csv"'
	"$fairvox" run study.yaml --quiet encoder.file=deep/features.csv corpus.audio=deep/voices \
		'corpus.labels="deep/labels_{fold}.csv"' --results anew
	for model in results/*/*/model.safetensors; do cmp "$model" "anew/${model#results/}"; done
	for env in results/*/*/env.json; do cmp "$env" "anew/${env#results/}"; done
	# other contents under the same names are another variant
	sed -i '2s/,0\.[0-9]*/,0.5/' deep/features.csv
	now 6 0 study.yaml encoder.file=deep/features.csv corpus.audio=deep/voices 'corpus.labels="deep/labels_{fold}.csv"'
	[ "$(ls results | wc -l)" -eq 12 ]
}

@test "names of one content are one variant; two corpora of one layout are two" {
	cp labels_consensus_1.csv a.csv
	cp a.csv b.csv
	sed 2d a.csv >c.csv
	sed '/^matrix:/d; s/, folds: \[1\]//' study.yaml >corpora.yaml
	now 2 0 corpora.yaml corpus.labels=a.csv,b.csv,c.csv
	[[ $stderr == *"variant "*"b has the same content as an earlier one: it is computed once"* ]]
	[[ $stderr == *"2 of 2 runs done"* ]]
	[ "$(ls results | wc -l)" -eq 2 ]
	now 0 0 corpora.yaml corpus.labels=b.csv
	# fewer and more folds are no other variant
	now 3 0 study.yaml loss.name=rw 'corpus.folds=[2]' -j 2
	now 3 0 study.yaml loss.name=rw 'corpus.folds=[1, 2]' -j 2
	now 0 0 study.yaml loss.name=rw 'corpus.folds=[2]' -j 2
	awk -F, -v OFS=, '{ NF--; print }' labels_consensus_1.csv >whole.csv
	sed 's/labels: "[^"]*", folds: \[1\]/labels: whole.csv, make_folds: 3/; /^bias:/d; /^matrix:/d' study.yaml >made.yaml
	now 1 0 made.yaml 'corpus.folds=[3]'
	now 1 0 made.yaml 'corpus.folds=[2, 3]'
	now 1 0 made.yaml
}

@test "one spelling of a recording; development rows beside the test rows" {
	rm -r audio
	mkdir -p audio/a/b
	ln -s "$corpus"/*.flac audio/a/b/
	now 1 0 study.yaml loss.name=rw train.learning_rate=0.01
	predictions=$(echo results/rw-*/fold1-seed1/predictions.csv)
	first=$(sed -n 2p "$predictions" | cut -d, -f1)
	[[ $first == a/b/1* && $first != *.* ]]
	grep -q "^$first," "$(dirname "$predictions")/groups.csv"
	"$fairvox" predict "$(dirname "$predictions")" "audio/$first.flac" | tail -1 | cut -d, -f1 |
		grep -qx "$(basename "$first")"
	[ "$(head -1 "$predictions" | sed 's/.*,//')" = split ]
	[ "$(sed 's/.*,//' "$predictions" | sort | uniq -c | awk '{ print $2 }' | tr '\n' ' ')" = 'dev split test ' ]
	"$fairvox" audit "$predictions" --group-columns gender --json >test.json
	"$fairvox" audit "$predictions" --group-columns gender --json --split dev >dev.json
	run ! cmp -s test.json dev.json
	grep -v ',dev$' "$predictions" | sed 's/,[^,]*$//' >own.csv
	"$fairvox" audit own.csv --group-columns gender --json | cmp - test.json
	fails 2 "no row of split 'tset' (it has: test, dev)" "$fairvox" audit "$predictions" --group-columns gender --split tset
	fails 2 "own.csv has no column 'split'" "$fairvox" audit own.csv --group-columns gender --split dev
	"$fairvox" verify results >/dev/null
	# others write names with extension and folder: they are read as before
	sed '2,$s/^/x\//; 2,$s/,/.wav,/' "$(dirname "$predictions")/groups.csv" >groups.csv
	now 1 0 study.yaml loss.name=rw train.learning_rate=0.01 'grouper={name: file, file: groups.csv}'
	cut -d, -f1-7 results/*groups*/fold1-seed1/predictions.csv | cmp - <(cut -d, -f1-7 "$predictions")
}

@test "runs of another version and damaged ones are left out, told and never reused" {
	now 6 0 study.yaml -j 2
	cp -r results both
	for run in both/rw-*/fold1-seed1; do sed -i 's/"schema_version": 2/"schema_version": 1/' "$run"/*.json; done
	old=$(echo both/erm-lr0.01-*/fold1-seed1)
	printf '{"half' >"$old/metrics.json"
	for verb in table status verify; do
		run --separate-stderr "$fairvox" $verb both
		[[ $stderr == *"left out: runs of another version of fairvox (3, the first is both/rw-lr"* ]]
		[[ $stderr == *"left out: runs whose files cannot be read (1, the first is $old: "* ]]
		[ "$status" -eq "$([ $verb = verify ] && echo 4 || echo 0)" ]
	done
	"$fairvox" status both --quiet | tail -1 | grep -q '6 variants: 2 done, 0 running, 0 failed, 0 interrupted, 4 left out'
	"$fairvox" table both --quiet --columns variant,f1 >both.txt
	grep -q '^erm-lr0.001 ' both.txt
	run ! grep -q '^rw-' both.txt
	rm -r both/erm-lr0.0[01]*
	sed -i 's/"schema_version": 2/"schema_version": 1/' both/*/*/*.json
	fails 4 "both: no run that can be read: 4 of another version of fairvox, 0 damaged" "$fairvox" table both
	# a folder of the right name that holds something else is neither used nor emptied
	cp -r results other
	name=$(basename results/rw-lr0.01-*)
	sed -i 's/"variant": "./"variant": "x/' "other/$name/fold1-seed1/done"
	fails 1 "other/$name: holds runs of another variant" "$fairvox" run study.yaml --results other
	cmp "results/$name/fold1-seed1/metrics.json" "other/$name/fold1-seed1/metrics.json"
}
