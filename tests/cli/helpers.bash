# SPDX-License-Identifier: Apache-2.0
# Helpers shared by the tests of the command line. FAIRVOX_BUILD and FAIRVOX_SOURCE come from ctest.
bats_require_minimum_version 1.5.0
fairvox=$FAIRVOX_BUILD/fairvox

# Leaves a case of minutes, whose kind has a quicker one, to the long run.
long() {
	[ -n "${FAIRVOX_LONG-}" ] || skip "takes long: ./bootstrap test --long runs it"
}

# made NAME: whether what is kept in $FAIRVOX_BUILD/NAME was made with this build.
made() {
	local part
	for part in fairvox libfairvox.so plugins/pitch.so; do
		[ "$FAIRVOX_BUILD/$1.done" -nt "$FAIRVOX_BUILD/$part" ] || return 1
	done
}

# A small corpus of synthetic speech, made once per build.
corpus() {
	corpus=$FAIRVOX_BUILD/test-corpus
	made test-corpus && return
	flock "$corpus.lock" "$fairvox" synth "$corpus" --limit 250 --jobs 2 --quiet
	touch "$corpus.done"
}

# A small study of it in $BATS_TEST_TMPDIR/plan.yaml: 2 variants x 2 folds, 5 epochs.
plan() {
	corpus
	cd "$BATS_TEST_TMPDIR"
	cat >plan.yaml <<END
corpus:
  audio: $corpus
  labels: $corpus/labels_consensus_{fold}.csv
  folds: [1, 2]
encoder: {name: pitch, standardize: train}
grouper: {name: truth, column: gender}
loss: {name: erm}
train: {epochs: 5, learning_rate: 0.01}
eval: {attributes: [gender]}
matrix: {loss.name: [erm, rw]}
END
}

# encode_corpus: what `pitch` gives for the corpus, computed once per build: in $cache for variants, in $cache-whole for
# groupers, which see whole recordings, and in $cache.csv as `encode` writes it.
encode_corpus() {
	cache=$FAIRVOX_BUILD/test-encoded
	made test-encoded || (
		flock 9
		made test-encoded && exit
		rm -rf "$cache" "$cache-whole"
		printf '%s\n' "corpus: {audio: $corpus, labels: '$corpus/labels_consensus_{fold}.csv', folds: [1, 2]}" \
			'encoder: {name: pitch}' 'loss: {name: erm}' >"$cache.yaml"
		"$fairvox" run "$cache.yaml" --encode-only --quiet --cache "$cache"
		"$fairvox" run "$cache.yaml" --encode-only --quiet --cache "$cache-whole" encoder.max_seconds=0
		"$fairvox" encode --encoder pitch --out "$cache.csv" "$corpus"/*.flac --quiet
		touch "$cache.done"
	) 9>"$cache.lock"
}

# encoded [whole]: that in ./cache, for tests of what comes after; with `whole` that for groupers too. The cases of a file
# share the entries by links, which cost a tenth of copies: the program replaces an entry, and changes none.
encoded() {
	local cache kept=$BATS_FILE_TMPDIR/encoded part
	encode_corpus
	for part in "" ${1+"-$1"}; do
		[ -d "$kept$part" ] || cp -r "$cache$part" "$kept$part"
		mkdir -p cache
		cp -rl "$kept$part/." cache
	done
}

# features FILE: that of `encode`.
features() {
	local cache
	encode_corpus
	cp "$cache.csv" "$1"
}

# thin: leaves plan.yaml a quarter of the recordings, for what encodes them several times or slowly.
thin() {
	for fold in 1 2; do
		awk -F, 'NR == FNR { if (NR % 4 == 1) keep[$1]; next } $1 in keep' "$corpus"/labels_consensus_{1,"$fold"}.csv \
			>thin_$fold.csv
	done
	sed -i 's|labels: .*|labels: thin_{fold}.csv|' plan.yaml
}

# run_study [ARGUMENT...]: runs the small study once for all cases of a file.
run_study() {
	mkdir "$BATS_FILE_TMPDIR/study"
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/study plan
	encoded
	"$fairvox" run plan.yaml -j 2 --quiet "$@"
}

# copy_study: a copy of it, for a case to change; its cache is of links as that of `encoded`.
copy_study() {
	corpus
	cd "$BATS_TEST_TMPDIR"
	cp -a "$BATS_FILE_TMPDIR"/study/{plan.yaml,results} .
	cp -rl "$BATS_FILE_TMPDIR/study/cache" cache
}

# fails CODE TEXT COMMAND...: expects the exit code, and TEXT in the messages on stderr.
fails() {
	local code=$1 text=$2
	shift 2
	run --separate-stderr "$@"
	if [ "$status" -ne "$code" ] || [[ $stderr != *"$text"* ]]; then
		printf 'exit code %s, wanted %s; stderr:\n%s\nwanted: %s\n' "$status" "$code" "$stderr" "$text"
		return 1
	fi
}

# at_work [N [FILE]]: waits until N runs (default 1) have started in ./results, after FILE was written.
at_work() {
	for _ in $(seq 600); do
		[ "$(find results -name .begun ${2:+-newer "$2"} 2>/dev/null | wc -l)" -ge "${1-1}" ] && return 0
		sleep 0.1
	done
	echo "no run has begun in a minute"
	return 1
}

# build KIND NAME [MACRO TEXT]...: a plugin of tests/mistakes with a mistake, ./NAME.so.
build() {
	local kind=$1 name=$2
	shift 2
	{
		while [ $# -gt 0 ]; do
			echo "#define $1 $2"
			shift 2
		done
		echo "#define MISTAKE \"$name\""
		echo "#include \"$FAIRVOX_SOURCE/tests/mistakes/$kind.c\""
	} >"$name.c"
	cc -std=gnu11 -w -shared -fPIC -D_GNU_SOURCE -I"$FAIRVOX_SOURCE/core/include" -o "$name.so" "$name.c" \
		-L"$FAIRVOX_BUILD" -lfairvox -lm
}

# same_run A B: the runs in two folders have the same bytes, except for times.
same_run() {
	local file
	for file in predictions.csv metrics.json model.safetensors done; do cmp "$1/$file" "$2/$file"; done
	sed 's/"seconds":.*//' "$1/metrics.jsonl" | cmp - <(sed 's/"seconds":.*//' "$2/metrics.jsonl")
}
