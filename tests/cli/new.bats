#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fairvox new: folders with plugins in three languages, which build against an install and pass their own test.
load helpers

# An install in $prefix, once per file, and its program in PATH.
setup_file() {
	cmake --install "$FAIRVOX_BUILD" --prefix "$BATS_FILE_TMPDIR/prefix" >/dev/null
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work"
	prefix=$BATS_FILE_TMPDIR/prefix
	PATH=$prefix/bin:$PATH
	unset FAIRVOX_PLUGIN_PATH CXX CC
}

# of_each FIRST REST...: FIRST, and the rest in the long form of the tests.
of_each() {
	echo "$1" ${FAIRVOX_LONG:+"${@:2}"}
}

# builds FOLDER CMAKE-OPTION...: builds the plugin and runs its test.
builds() {
	local folder=$1
	shift
	cmake -S "$folder" -B "$folder/build" "$@" >cmake.log 2>&1 && cmake --build "$folder/build" >>cmake.log 2>&1 &&
		ctest --test-dir "$folder/build" --no-tests=error >>cmake.log 2>&1 || {
		cat cmake.log
		return 1
	}
	grep -q "100% tests passed, 0 tests failed out of 1" cmake.log
}

# A study of one run.
write_study() {
	corpus
	encoded
	cat >study.yaml <<-END
		corpus: {audio: $corpus, labels: "$corpus/labels_consensus_{fold}.csv", folds: [1]}
		encoder: {name: pitch, standardize: train}
		train: {epochs: 3, learning_rate: 0.01}
		eval: {attributes: [gender]}
	END
}

@test "names, kinds and languages that cannot be are refused with one line, and nothing is made" {
	refuses() {
		fails 2 "$1" fairvox new "${@:2}"
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
	}
	refuses "say what to make: fairvox new plugin KIND NAME"
	refuses "say what to make" loss tilted
	refuses "give a KIND (loss, grouper or encoder) and a NAME" plugin loss
	refuses "give a KIND" plugin loss a b
	refuses "'head' is not a kind of plugin: loss, grouper or encoder" plugin head mine
	refuses "'My-Loss' is no name for a plugin: use small letters, digits and _, a letter first, as in 'my_loss'" \
		plugin loss My-Loss
	refuses "'../mine' is no name" plugin loss ../mine
	refuses "'2nd' is no name" plugin loss 2nd
	refuses "'' is no name" plugin loss ''
	refuses "there is a loss 'gdro' ($prefix/lib" plugin grouper gdro
	refuses "there is an encoder 'pitch'" plugin encoder pitch
	refuses "stages are an extension of losses: fairvox new plugin loss mine --extension stages" plugin stages mine
	refuses "networks are an extension of losses: fairvox new plugin loss mine --extension networks" plugin networks mine
	refuses "--extension: 'stage' is not stages or networks" plugin loss mine --extension stage
	refuses "--extension: only losses have stages: not an encoder" plugin encoder mine --extension stages
	refuses "--lang: 'go' is not c, c++ or rust" plugin loss mine --lang go
	mkdir mine
	ln -s nowhere link
	refuses "mine: exists: choose another name, or remove it" plugin loss mine
	refuses "link: exists" plugin loss link
	[ "$(ls -A)" = "$(printf 'link\nmine')" ]
}

@test "a folder is made completely or not at all" {
	mkdir -p alone/bin
	cp "$prefix/bin/fairvox" alone/bin
	export LD_LIBRARY_PATH=$prefix/lib
	fails 4 "share/fairvox/templates/c/loss.c: not beside the program $PWD/alone/bin" alone/bin/fairvox new plugin loss mine
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	mkdir -p alone/share/fairvox/templates/c
	cp "$prefix"/share/fairvox/templates/c/{loss.c,Makefile} alone/share/fairvox/templates/c
	fails 4 "templates/c/CMakeLists.txt" alone/bin/fairvox new plugin loss mine
	[ "$(ls -A)" = alone ]
}

@test "a loss, a grouper and an encoder in C build without a warning and pass check" {
	for kind in $(of_each encoder loss grouper); do
		run --separate-stderr fairvox new plugin $kind my_$kind
		[ "$status" -eq 0 ]
		[[ ${lines[0]} == "made my_$kind/: my_$kind.c, CMakeLists.txt, Makefile, config.yaml" ]]
		[ "$(ls my_$kind | tr '\n' ' ')" = "CMakeLists.txt Makefile config.yaml my_$kind.c " ]
		! grep -rq my_plugin my_$kind
		[[ $output == *"ctest --test-dir build --output-on-failure "* ]]
		builds my_$kind -DCMAKE_C_FLAGS='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
		fairvox describe --plugins my_$kind/build my_$kind | grep -q "^$kind/my_$kind 0.1"
		rm -r my_$kind/build
		make -C my_$kind check >make.log
		grep -q "^my_$kind: .* checks, 0 faults" make.log
	done
}

@test "make finds an install whose libraries lie in a folder of the processor's, as in a Debian package" {
	mkdir -p moved/bin moved/lib/some-linux-gnu/pkgconfig
	sed "s|^prefix=.*|prefix=$prefix|" "$prefix/lib/pkgconfig/fairvox.pc" >moved/lib/some-linux-gnu/pkgconfig/fairvox.pc
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$prefix/bin/fairvox" >moved/bin/fairvox
	chmod +x moved/bin/fairvox
	for language in $(of_each c c++ rust); do
		[ $language != rust ] || command -v rustc >/dev/null || continue
		fairvox new plugin loss "mine_${language//+/p}" --lang $language >/dev/null
		PATH=$PWD/moved/bin:$PATH make -C "mine_${language//+/p}" check >make.log
		grep -q "^mine_.*: .* checks, 0 faults" make.log
	done
}

@test "a field of the state in Rust that is not Copy does not compile" {
	long
	command -v rustc >/dev/null || skip "rustc is missing"
	fairvox new plugin grouper keeps --lang rust >/dev/null
	make -C keeps >make.log
	sed -i 's/^        threshold: f32,/&\n        seen: Vec<f64>,/' keeps/keeps.rs
	grep -q "seen: Vec<f64>" keeps/keeps.rs
	run make -C keeps
	[ "$status" -ne 0 ]
	[[ $output == *'`Vec<f64>: Copy` is not satisfied'*own_fields_are_zeroed_and_never_dropped* ]]
}

@test "a parameter without a default: both ways of building pass its value on to check" {
	fairvox new plugin loss asks >/dev/null
	sed -i 's/ *\.def_paper = "0.3",//' asks/asks.c
	! grep -q def_paper.*0.3 asks/asks.c
	run make -C asks check
	[ "$status" -ne 0 ]
	[[ $output == *"loss asks has no default for 'alpha' (share of each batch that counts): give it with -p alpha=VALUE"* ]]
	make -C asks check CHECK_OPTIONS='-p alpha=0.25' >make.log
	grep -q "^  parameter alpha: 0.25 (given)" make.log
	grep -q "^asks: .* checks, 0 faults" make.log
	run builds asks
	[ "$status" -ne 0 ]
	sed -i 's/fairvox_add_plugin(asks asks.c)/fairvox_add_plugin(asks asks.c CHECK_OPTIONS -p alpha=0.25)/' asks/CMakeLists.txt
	builds asks
}

@test "names of columns that are made in open, in Rust" {
	long
	command -v rustc >/dev/null || skip "rustc is missing"
	corpus
	fairvox new plugin encoder bands --lang rust >/dev/null
	python3 - bands/bands.rs <<-'END'
		import re, sys
		path = sys.argv[1]
		text = open(path).read()
		text = text.replace("""    }
		}

		fn count_frame""", """    }
		    own {
		        outputs: [fv_output; 1],
		    }
		}

		fn count_frame""")
		text = text.replace("unsafe extern \"C\" fn open_encoder(_state", "unsafe extern \"C\" fn open_encoder(state")
		text = text.replace("        None => FV_OK,\n", """        None => {
		            let names: Vec<String> = (0..4).map(|i| format!("band_{}", i)).collect();
		            let columns = make_names(ctx, &names);
		            (*(state as *mut State)).outputs = [fv_output { columns, ..OUTPUTS[0] }];
		            if columns.is_null() { FV_FAILED } else { FV_OK }
		        }
		""")
		text = text.replace("(*info).outputs = OUTPUTS.as_ptr();",
		                    "(*info).outputs = (*(state as *const State)).outputs.as_ptr();")
		open(path, "w").write(text)
	END
	builds bands
	"$prefix/bin/fairvox" check bands/build/bands.so | grep -q "^  output energy: .*columns band_0, band_1, band_2, band_3$"
}

@test "losses with stages and with networks pass check in each language, and give the same numbers" {
	read -ra languages <<<"$(of_each c c++)"
	[ -z "${FAIRVOX_LONG-}" ] || ! command -v rustc >/dev/null || languages+=(rust)
	write_study
	for extension in stages networks; do
		name=my_$extension
		for lang in "${languages[@]}"; do
			mkdir -p "$lang"
			(cd "$lang" && fairvox new plugin loss $name --extension $extension --lang "$lang" >/dev/null)
			builds "$lang/$name" -DCMAKE_C_FLAGS='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror' \
				-DCMAKE_CXX_FLAGS='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
			fairvox describe --plugins "$lang/$name/build" $name | grep -q "fv.$extension/1"
			fairvox run study.yaml --plugins "$lang/$name/build" loss.name=$name --results "$lang.$extension" --quiet
			cp "$lang.$extension"/*/fold1-seed1/predictions.csv "$lang.$extension.predictions"
			[ -s "$lang.$extension.predictions" ]
			cmp "$lang.$extension.predictions" c.$extension.predictions
		done
		! grep -rq my_plugin c/$name c++/$name
	done
	# both do what they say: without their weights they train like ERM, with them they do not
	fairvox run study.yaml loss.name=erm --results erm --quiet
	for case in "stages factor=1 first_epochs=1" "networks share=0"; do
		read -r extension first second <<<"$case"
		fairvox run study.yaml --plugins c/my_$extension/build loss.name=my_$extension "loss.$first" ${second:+"loss.$second"} \
			--results "even.$extension" --quiet
		! cmp -s even.$extension/*/fold1-seed1/predictions.csv c.$extension.predictions
	done
	cmp <(cut -d, -f1-9 even.stages/*/fold1-seed1/predictions.csv) <(cut -d, -f1-9 erm/*/fold1-seed1/predictions.csv)
}

@test "in C++17 too, with g++ and clang++, without a warning" {
	for kind in $(of_each grouper loss encoder); do
		fairvox new plugin $kind my_$kind --lang c++ >/dev/null
		for compiler in $(of_each g++ clang++); do
			builds my_$kind -DCMAKE_CXX_COMPILER=$compiler \
				-DCMAKE_CXX_FLAGS='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
			rm -r my_$kind/build
		done
		make -C my_$kind check CXXFLAGS='-std=c++20 -Werror' >make.log
		grep -q "^my_$kind: .* checks, 0 faults" make.log
	done
}

@test "in Rust too, with the layout of C" {
	long
	command -v rustc >/dev/null || skip "rustc is missing"
	for kind in loss grouper encoder; do
		fairvox new plugin $kind my_$kind --lang rust >/dev/null
		builds my_$kind
		rm -r my_$kind/build
		make -C my_$kind check RUSTFLAGS='-O -Dwarnings' >make.log
		grep -q "^my_$kind: .* checks, 0 faults" make.log
	done
	python3 -B "$FAIRVOX_SOURCE/tests/checks/rust.py" --layouts .
	gcc -I"$prefix/include" -o in_c layout.c
	rustc --edition 2021 --extern fairvox=my_loss/build/libfairvox.rlib -L "$prefix/lib" -o in_rust layout.rs
	./in_c >in_c.txt
	LD_LIBRARY_PATH=$prefix/lib ./in_rust >in_rust.txt
	[ "$(wc -l <in_c.txt)" -gt 150 ]
	cmp in_c.txt in_rust.txt
}

@test "the three languages give the same numbers" {
	long
	languages=(c c++)
	! command -v rustc >/dev/null || languages+=(rust)
	write_study
	recording=$(find "$corpus" -name '*.flac' | sort | head -n 1)
	for lang in "${languages[@]}"; do
		for kind in loss encoder; do
			mkdir -p "$lang/$kind"
			(cd "$lang" && fairvox new plugin $kind same_$kind --lang "$lang" >/dev/null)
			builds "$lang/same_$kind"
		done
		fairvox encode --plugins "$lang/same_encoder/build" --encoder same_encoder --out "$lang.csv" "$recording" --quiet
		fairvox run study.yaml --plugins "$lang/same_loss/build" loss.name=same_loss --results "$lang.results" \
			--quiet
		cut -d, -f2- "$lang.csv" | sed -n 2p >"$lang.row"
		cp "$lang.results"/*/fold1-seed1/predictions.csv "$lang.predictions"
		[ -s "$lang.row" ]
		cmp "$lang.row" c.row
		cmp "$lang.predictions" c.predictions
	done
}

@test "an exception and a panic become errors of the plugin with their text" {
	long
	write_study
	fairvox new plugin loss throws --lang c++ >/dev/null
	sed -i '/^fv_status state::weigh/,/^}/s/\*value = 0;/throw std::bad_alloc();/' throws/throws.cc
	cmake -S throws -B throws/build >/dev/null && cmake --build throws/build >/dev/null 2>&1
	fails 1 "throws: exception: std::bad_alloc" fairvox run study.yaml --plugins throws/build loss.name=throws
	command -v rustc >/dev/null || skip "rustc is missing"
	fairvox new plugin loss panics --lang rust >/dev/null
	sed -i 's/order.truncate.*/assert!(loss.len() > 1000, "batch of {}", loss.len());/' panics/panics.rs
	cmake -S panics -B panics/build >/dev/null && cmake --build panics/build >/dev/null 2>&1
	fails 1 "panics/panics.rs:$(grep -n assert panics/panics.rs | cut -d: -f1):5: batch of 32" \
		fairvox run study.yaml --plugins panics/build loss.name=panics
	[[ $stderr == *"plugin panics: panicked at "* ]]
	# two places are two faults, however many checks meet them
	sed -i 's/\(.*\)> 1000, "batch.*/\1!= 1, "size");\n\1== 1, "size");/' panics/panics.rs
	cmake --build panics/build >/dev/null 2>&1
	fails 4 "violates the contract" fairvox check panics/build/panics.so
	[ "$(grep -c '^fault: ' <<<"$output")" -eq 2 ]
	[[ $output == *" more like it: "*": size"*"2 faults"* ]]
}

@test "a panic in Rust is told once, with its place, however often the op is called" {
	long
	command -v rustc >/dev/null || skip "rustc is missing"
	unset RUST_BACKTRACE
	write_study
	sed -i 's/folds: \[1\]/folds: [1, 2]/' study.yaml
	printf '%s\n' 'grouper: {name: panics, encoder: {name: pitch}}' 'matrix: {loss.name: [rw, gdro]}' >>study.yaml
	fairvox new plugin grouper panics --lang rust >/dev/null
	sed -i 's/^\( *\)column.sort_by.*/\1let _ = column[column.len() + state.dims];/' panics/panics.rs
	cmake -S panics -B panics/build >/dev/null && cmake --build panics/build >/dev/null 2>&1
	place=panics/panics.rs:$(grep -n 'let _ = column' panics/panics.rs | cut -d: -f1)
	for mode in "1 --jobs=1" "3 -k"; do
		fails ${mode% *} "plugin panics: panicked at $PWD/$place:" \
			fairvox run study.yaml --plugins panics/build ${mode#* }
		[[ $stderr == *": index out of bounds: the len is "* ]]
		[ "$(grep -c "panicked\|index out of bounds" <<<"$stderr")" -eq 1 ]
	done
	fails 4 "violates the contract" fairvox check panics/build/panics.so
	[ "$(grep -c "$place:[0-9]*: index out of bounds" <<<"$output")" -eq 1 ]
	[[ $stderr != *"index out of bounds"* ]]
	RUST_BACKTRACE=1 fails 1 "stack backtrace:" fairvox run study.yaml --plugins panics/build
	[[ $stderr == *"thread "*"panicked at "*"plugin panics: panicked at "* ]]
}

@test "panics that end the program, or happen beside the op's thread, are told too" {
	long
	command -v rustc >/dev/null || skip "rustc is missing"
	unset RUST_BACKTRACE
	write_study
	fairvox new plugin loss panics --lang rust >/dev/null
	cp panics/panics.rs whole.rs
	sed -i 's/order.truncate.*/extern "C" fn call() { panic!("in a callback"); } call();/' panics/panics.rs
	cmake -S panics -B panics/build >/dev/null && cmake --build panics/build >/dev/null 2>&1
	fails 1 "op weigh at step 1 aborted, as a panic in Rust does" \
		fairvox run study.yaml --plugins panics/build loss.name=panics
	[[ $stderr == *"panicked at "*"panics.rs:"*": in a callback"* ]]
	sed 's/order.truncate.*/let _ = std::thread::spawn(|| panic!("in a thread")).join();/' whole.rs >panics/panics.rs
	cmake --build panics/build >/dev/null 2>&1
	fairvox run study.yaml --plugins panics/build loss.name=panics --force 2>err
	grep -q "in a thread" err
}

@test "the commands that the study of a grouper and the message of groups print work as they stand" {
	corpus
	fairvox new plugin grouper halves >/dev/null
	builds halves
	ln -s "$corpus" halves/corpus
	cd halves
	command=$(sed -n 's/^#   \(fairvox groups .*\)/\1/p' config.yaml)
	[ -n "$command" ]
	bash -c "$command" >told
	[ -s groups.csv ]
	grep -q '^gender  *all ' told
	mv groups.csv first.csv
	fails 2 "config.yaml resolves to 4 variants: choose one by its values; this is the last: fairvox groups config.yaml '" \
		fairvox groups config.yaml --plugins build --out groups.csv
	[ ! -e groups.csv ]
	bash -c "${stderr#*last: } --plugins build --out groups.csv" >again
	cmp groups.csv first.csv
	cmp told again
}

@test "the study of each kind runs and lists the plugin" {
	corpus
	for kind in $(of_each loss grouper encoder); do
		fairvox new plugin $kind my_$kind >/dev/null
		builds my_$kind
		ln -s "$corpus" my_$kind/corpus
		(
			cd my_$kind
			fairvox run config.yaml --plugins build --quiet -j 2 train.epochs=2
			fairvox table results >table
			grep -q "^my_$kind \|^rw  *my_$kind " table
			# every study has training without debiasing, and a grouper's and a loss's are compared with it
			[ $kind = encoder ] || grep -q 'my_.* [+-][01][.][0-9]* ' table
		)
	done
}
