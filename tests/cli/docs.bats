#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The documentation: every block of commands runs, or says why not, and the code of the pages on plugins compiles and
# passes check.
load helpers

setup_file() {
	cmake --install "$FAIRVOX_BUILD" --prefix "$BATS_FILE_TMPDIR/prefix" >/dev/null
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work"
	prefix=$BATS_FILE_TMPDIR/prefix
	unset FAIRVOX_PLUGIN_PATH CC CXX
}

# write_shim: a program `fairvox` that makes the demonstration's corpus and studies small. The commands stay as they are.
write_shim() {
	mkdir shim
	cat >shim/fairvox <<-END
		#!/usr/bin/env bash
		verb=\${1-}
		case \$verb in
		synth)
			for argument in "\$@"; do
				shift
				[[ \$argument =~ ^[0-9]+\$ && \$argument -gt 200 ]] && argument=200
				set -- "\$@" "\$argument"
			done
			;;
		run) set -- "\${@/#train.seed=*/train.seed=1}" train.epochs=2 corpus.folds=1 ;;
		table | report) [[ \$2 != *.yaml || \$2 == study.yaml ]] || set -- "\$@" train.epochs=2 corpus.folds=1 ;;
		esac
		exec $prefix/bin/fairvox "\$@"
	END
	chmod +x shim/fairvox
}

# What the blocks find in their folder: the tree's configs and tests, a study that is done, recordings, plugins.
prepare_folder() {
	corpus
	mkdir -p folder/demo folder/plugins
	cp -r "$FAIRVOX_SOURCE/configs" folder/configs
	cp -r "$corpus" folder/demo/corpus
	mkdir -p folder/tests && cp -r "$FAIRVOX_SOURCE/tests/oot" folder/tests
	cp "$FAIRVOX_BUILD/tests/worst_share.c" folder
	cd folder
	cat >config.yaml <<-'END'
		corpus: {audio: demo/corpus, labels: "demo/corpus/labels_consensus_{fold}.csv", folds: [1, 2]}
		encoder: {name: pitch, standardize: train}
		grouper: {name: truth, column: gender}
		train: {epochs: 3, learning_rate: 0.01}
		eval: {attributes: [gender]}
		matrix: {loss.name: [erm, rw]}
	END
	cp config.yaml study.yaml
	encoded
	"$prefix/bin/fairvox" run config.yaml --quiet -j 2
	# race: any attribute of the speakers
	for pair in erm:mine rw:theirs; do
		awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "SpkrID") s = i
			print $0, "race"; next } { print $0, $s % 2 ? "A" : "B" }' \
			results/${pair%:*}-*/fold1-seed1/predictions.csv >${pair#*:}.csv
	done
	awk '/^```yaml$/ { inside = 1; next } /^```$/ { inside = 0 } inside' \
		"$FAIRVOX_SOURCE/core/docs/claims.md" >mine.yaml
	ln -s "$FAIRVOX_BUILD" build
	cp results/erm-*/fold1-seed1/model.safetensors FILE
	cd ..
}

@test "every block of commands runs" {
	prepare_folder
	write_shim
	export HOME=$PWD/home PATH=$PWD/shim:$PATH PKG_CONFIG_PATH=$prefix/lib/pkgconfig CMAKE_PREFIX_PATH=$prefix
	run "$FAIRVOX_SOURCE/tests/cli/run_blocks.py" "$FAIRVOX_SOURCE" folder
	echo "$output"
	echo "$output" | tail -n 1 >&3
	[ "$status" -eq 0 ]
	[[ $output =~ "blocks: "([0-9]+)" ran, "([0-9]+)" parsed, 0 failed" ]]
	[ "${BASH_REMATCH[1]}" -ge 10 ]
}

@test "every block of the README that is installed runs in a folder of its own, and names nothing of the sources" {
	long
	prepare_folder
	rm -r folder/configs folder/demo folder/tests
	write_shim
	mkdir inst
	mv shim inst/bin
	ln -s "$prefix/share" "$prefix/lib" inst
	export HOME=$PWD/home PATH=$PWD/inst/bin:$PATH
	mkdir page
	cp "$prefix/share/doc/fairvox/README.md" page
	run ! grep -n -e bootstrap -e 'tests/oot/tilted.c ' -e 'in an install' -e '^cmake' page/README.md
	run "$FAIRVOX_SOURCE/tests/cli/run_blocks.py" page folder
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ "blocks: "[4-9]" ran, "[0-9]+" parsed, 0 failed" ]]
}

@test "the code of the pages on losses, groupers and encoders builds without a warning and passes check" {
	PATH=$prefix/bin:$PATH
	echo 'cmake_minimum_required(VERSION 3.25)
		project(printed LANGUAGES C)
		find_package(fairvox REQUIRED)
		enable_testing()' >CMakeLists.txt
	for page in a-loss:worst_share a-grouper:by_duration an-encoder:cepstra; do
		name=${page#*:}
		awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' \
			"$FAIRVOX_SOURCE/core/docs/writing-${page%:*}.md" >"$name.c"
		echo "fairvox_add_plugin($name $name.c)" >>CMakeLists.txt
	done
	cmake -B build -DCMAKE_C_FLAGS='-Wall -Wextra -Wconversion -Wdouble-promotion -Wshadow -Werror' >log
	cmake --build build >>log 2>&1 || { cat log; false; }
	ctest --test-dir build --output-on-failure | tee log
	grep -q '100% tests passed, 0 tests failed out of 3' log
}
