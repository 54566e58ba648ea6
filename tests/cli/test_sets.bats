#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Further test sets: their rows in predictions.csv, metrics.json, tables and `split`.
load helpers

# Splits fold 1 of the synthetic corpus into a file per split; the second half of the test speakers
# is the further test set `noisy`.
setup() {
	command -v python3 >/dev/null || skip "python3 is not here"
	corpus
	cd "$BATS_TEST_TMPDIR"
	encoded
	python3 - "$corpus/labels_consensus_1.csv" <<'PYTHON'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
columns = [c for c in rows[0] if c != "Split_Set"]
speakers = sorted({r["SpkrID"] for r in rows if r["Split_Set"] == "Test"})
noisy = speakers[len(speakers) // 2:]
def find_file(row):
    if row["Split_Set"] == "Test":
        return "noisy" if row["SpkrID"] in noisy else "test"
    return {"Train": "train", "Development": "dev"}[row["Split_Set"]]
for name in ("train", "dev", "test", "noisy"):
    with open(name + ".csv", "w") as file:
        out = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        out.writerows(r for r in rows if find_file(r) == name)
PYTHON
	cat >plan.yaml <<END
corpus:
  audio: $corpus
  labels: {train: train.csv, dev: dev.csv, test: test.csv, noisy: noisy.csv}
encoder: {name: pitch, standardize: train}
grouper: {name: truth, column: gender}
loss: {name: erm}
train: {epochs: 3, learning_rate: 0.01}
END
}

@test "every test set has its metrics, those of audit on its rows" {
	"$fairvox" run plan.yaml --quiet
	run_folder=$(echo results/erm-*/fold0-seed1)
	"$fairvox" audit "$run_folder/predictions.csv" --split noisy --group-columns gender --json >audit.json
	python3 - "$run_folder" <<'PYTHON'
import csv, json, sys
folder = sys.argv[1]
metrics = json.load(open(folder + "/metrics.json"))
audit = json.load(open("audit.json"))
rows = list(csv.DictReader(open(folder + "/predictions.csv")))
count = lambda name: sum(1 for _ in csv.DictReader(open(name + ".csv")))
for split in ("test", "dev", "noisy"):
    assert sum(r["split"] == split for r in rows) == count(split), split
noisy = metrics["tests"]["noisy"]
assert list(metrics["tests"]) == ["noisy"]
assert metrics["n"] == count("test") and noisy["n"] == count("noisy")
def drop_support(value):
    if not isinstance(value, dict):
        return value
    return {key: drop_support(one) for key, one in value.items() if key != "low_support"}
for key in ("n", "speakers", "f1", "acc", "attributes", "threshold_free"):
    assert noisy[key] == drop_support(audit[key]), key
assert noisy["f1"] != metrics["f1"]
assert json.load(open(folder + "/env.json"))["rows"]["tests"] == {"noisy": count("noisy")}
PYTHON
	"$fairvox" verify results
}

@test "the test set is evaluated alike with and without a further one" {
	"$fairvox" run plan.yaml --quiet
	"$fairvox" run plan.yaml --quiet --results alone 'corpus.labels={train: train.csv, dev: dev.csv, test: test.csv}'
	python3 - results/erm-*/fold0-seed1 alone/erm-*/fold0-seed1 <<'PYTHON'
import csv, json, sys
a, b = ([r for r in csv.DictReader(open(f + "/predictions.csv")) if r["split"] != "noisy"] for f in sys.argv[1:])
assert a == b and len(a) > 40
a, b = (json.load(open(f + "/metrics.json")) for f in sys.argv[1:])
del a["tests"]
assert a == b
PYTHON
}

@test "tables show every test set, and a changed eval judges them all" {
	"$fairvox" run plan.yaml --quiet loss.name=erm,rw
	run "$fairvox" table results
	[[ $output == *"noisy: gender TPR gap, lowest first; all folds pooled"* ]]
	run "$fairvox" table results --full
	[[ $output == *"noisy, fold_mean: mean"* ]]
	[[ $output == *"noisy, pooled: "* ]]
	"$fairvox" table results --format csv >runs.csv
	"$fairvox" table results --format json >table.json
	python3 - <<'PYTHON'
import csv, glob, json
table = json.load(open("table.json"))
runs = list(csv.DictReader(open("runs.csv")))
files = glob.glob("results/*/fold0-seed1/metrics.json")
assert len(files) == 2
for file in files:
    variant = file.split("/")[1]
    noisy = json.load(open(file))["tests"]["noisy"]
    for name in ("fold_mean", "pooled"):
        (row,) = [r for r in table["tests"]["noisy"][name] if r.get("variant") == variant]
        assert abs(row["f1"]["value"] - noisy["f1"]["value"]) < 1e-12
        gap = row["attributes"]["gender"]["tpr_gap"]["value"]
        assert abs(gap - noisy["attributes"]["gender"]["tpr_gap"]["value"]) < 1e-12
    (value,) = [r["value"] for r in runs if (r["variant"], r["split"], r["metric"]) == (variant, "noisy", "f1")]
    assert float(value) == noisy["f1"]["value"]
PYTHON
	cp results/erm-*/fold0-seed1/metrics.json before.json
	"$fairvox" run plan.yaml --quiet loss.name=erm,rw 'corpus.attributes.columns={sex: Gender}' 'eval.attributes=[sex]' --results two
	"$fairvox" run plan.yaml loss.name=erm,rw 'corpus.attributes.columns={sex: Gender}' 'eval.attributes=[gender]' --results two 2>log
	grep -q '2 of 2 runs done, 0 computed now' log
	python3 - two/erm-*/fold0-seed1/metrics.json <<'PYTHON'
import json, sys
now, before = json.load(open(sys.argv[1])), json.load(open("before.json"))
assert now["tests"]["noisy"]["attributes"] == before["tests"]["noisy"]["attributes"]
PYTHON
	"$fairvox" verify results
}

@test "split counts every test set" {
	"$fairvox" split plan.yaml --json >split.json
	python3 - <<'PYTHON'
import csv, json
splits = json.load(open("split.json"))["splits"]
for name in ("train", "dev", "test", "noisy"):
    rows = list(csv.DictReader(open(name + ".csv")))
    assert splits[name]["n"] == len(rows)
    genders = {g: sum(r["Gender"] == g for r in rows) for g in ("Female", "Male")}
    assert splits[name]["attributes"]["gender"] == genders
PYTHON
}
