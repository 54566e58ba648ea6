#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An install into a temporary folder, and a loss plugin built against it outside the tree.
load helpers

# An install in $prefix and the plugins of tests/oot in ./oot, built against it, once per file.
setup_file() {
	prefix=$BATS_FILE_TMPDIR/prefix
	cmake --install "$FAIRVOX_BUILD" --prefix "$prefix" >/dev/null
	cmake -S "$FAIRVOX_SOURCE/tests/oot" -B "$BATS_FILE_TMPDIR/oot" -DCMAKE_PREFIX_PATH="$prefix" \
		-DCMAKE_C_FLAGS='-Wall -Wextra -Werror' >"$BATS_FILE_TMPDIR/cmake.log"
	cmake --build "$BATS_FILE_TMPDIR/oot" >>"$BATS_FILE_TMPDIR/cmake.log"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR"/{prefix,oot} .
	prefix=$PWD/prefix
}

@test "a plugin outside the tree, built against an install, runs from YAML" {
	plan
	encoded
	mkdir mine
	cp oot/tilted.so mine
	unset FAIRVOX_PLUGIN_PATH
	installed=$prefix/bin/fairvox
	"$installed" fetch --list | grep '^ecapa' # loads its module from the install
	"$installed" plugins | grep -q '^loss *erm'
	"$installed" describe --plugins mine loss/tilted | grep -q 'tilt: number, 1e-06 to 1000000; default 1'
	run "$installed" check mine/tilted.so
	[ "$status" -eq 0 ]
	[[ $output == *"tilted: "*" checks, 0 faults" ]]
	fails 2 "there is no loss 'tilted'" "$installed" run plan.yaml loss.name=tilted
	"$installed" run plan.yaml --plugins mine --quiet loss.name=erm,tilted
	"$installed" run plan.yaml --plugins mine --quiet loss.name=tilted loss.tilt=1.0e-6 --results nearly-erm
	f1_of() {
		"$installed" table "$1" --format csv | awk -F, -v name="^$2-" '
			NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
			$1 ~ name && $c["split"] == "test" && $c["metric"] == "f1" { printf "%.3f\n", $c["value"] }'
	}
	erm=$(f1_of results erm)
	[ "$(wc -l <<<"$erm")" -eq 2 ]
	[ "$erm" = "$(f1_of nearly-erm tilted)" ]
	fails 2 "tilt" "$installed" run plan.yaml --plugins mine loss.name=tilted loss.tilt=-1
}

@test "an objective in stages outside the tree, with another objective inside it" {
	plan
	encoded
	mkdir mine
	cp oot/warm_start.so mine
	run "$prefix/bin/fairvox" check mine/warm_start.so
	[ "$status" -eq 0 ]
	[[ $output == *"warm_start: "*" checks, 0 faults" ]]
	run "$prefix/bin/fairvox" describe --plugins mine warm_start
	[[ $output == *"trains:  in stages (fv.stages/1)"* ]]
	[[ $output == *"then: a loss: its name, or {name: NAME, its parameters}; default gdro"* ]]
	"$fairvox" run plan.yaml --plugins mine --quiet 'loss={name: warm_start, then: {name: gdro, mode: eg}}' \
		matrix=none
	run_folder=$(echo results/*/fold1-seed1)
	[ "$(grep -c '"stage":1,' "$run_folder/metrics.jsonl")" -eq 2 ]
	[ "$(grep -c '"stage":2,' "$run_folder/metrics.jsonl")" -eq 5 ]
	[ "$(grep -c '"q":' "$run_folder/metrics.jsonl")" -eq 5 ]
	grep -q 'stage 2 (gdro)' "$run_folder/log"
	grep -q '"uses_group_labels": true' "$run_folder/env.json"
	grep -q '"uses_groups": true' "$run_folder/env.json"
	# the function printed in the documentation is this one
	sed -n '/^    static fv_status warm_start_next/,/^    }/s/^    //p' "$FAIRVOX_SOURCE/core/docs/writing-a-loss.md" |
		expand -i >printed
	sed -n '/^static fv_status warm_start_next/,/^}/p' "$FAIRVOX_SOURCE/tests/oot/warm_start.c" | expand -i >built
	[ -s printed ]
	cmp printed built
}

@test "pkg-config builds it as well, and the headers stand alone in C and C++" {
	export PKG_CONFIG_PATH=$(dirname "$(find "$prefix/" -name fairvox.pc)")
	gcc -shared -fPIC -o tilted.so "$FAIRVOX_SOURCE/tests/oot/tilted.c" \
		$(pkg-config --cflags --libs fairvox) -lm
	for header in "$prefix"/include/fairvox/*; do
		echo "#include <fairvox/$(basename "$header")>" >one.c
		cp one.c one.cc
		[[ $header == *.hpp ]] || gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -c one.c
		g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -c one.cc
	done
}

@test "a plugin in C++20 uses the macros, and a field of the wrong type does not compile" {
	cd "$BATS_TEST_TMPDIR"
	source=$FAIRVOX_SOURCE/tests/oot/in_cpp.cc
	build() {
		g++ -std=c++20 -Wall -Wextra -Werror -Wno-missing-field-initializers -shared -fPIC -Wl,-z,now \
			-I"$FAIRVOX_SOURCE/core/include" -o in_cpp.so "$1"
	}
	build "$source"
	run "$fairvox" check ./in_cpp.so
	[[ $output == *"in_cpp: "*" checks, 0 faults" ]]
	run "$fairvox" describe --plugins . loss/in_cpp
	[[ $output == *"alpha: number, 0 to 1; default 0.5"* ]]
	sed 's/double alpha/float alpha/' "$source" >wrong.cc
	run build wrong.cc
	[ "$status" -ne 0 ]
	[[ $output == *static_cast* ]]
	# the same in C11
	sed 's/double tilt/float tilt/' "$FAIRVOX_SOURCE/tests/oot/tilted.c" >wrong.c
	run cc -std=c11 -fsyntax-only -I"$FAIRVOX_SOURCE/core/include" wrong.c
	[ "$status" -ne 0 ]
	[[ $output == *_Generic* ]]
}

@test "documentation is installed as text and HTML, with links that lead somewhere, examples and licence texts" {
	doc=prefix/share/doc/fairvox
	[ "$(ls $doc/*.md | wc -l)" -eq $(($(ls "$FAIRVOX_SOURCE"/core/docs/*.md | wc -l) + 1)) ]
	for example in plugins/losses/gdro.c plugins/groupers/kmeans plugins/encoders/pitch.c tilted.c CMakeLists.txt; do
		[ -e "$doc/examples/$example" ]
	done
	[ -s $doc/LICENSE ]
	if [ -d "$FAIRVOX_BUILD/licences" ]; then
		ls $doc/licences | grep -q '^libyaml-0-2.txt'
		[ "$(ls $doc/licences | wc -l)" -ge 15 ]
	fi
	[ -e prefix/share/bash-completion/completions/fairvox ]
	# every path that the page on plugins lists, and no other folder that an author looks for
	sed -n '/^## What is installed/,/^## I want/p' "$FAIRVOX_SOURCE/core/docs/writing-a-plugin.md" | grep '^| `' |
		cut -d'|' -f2 | grep -o '`[^`]*`' | tr -d '`' >listed
	[ "$(wc -l <listed)" -ge 14 ]
	while read -r path; do
		[[ $path == share/man && ! -d $FAIRVOX_BUILD/man ]] || [ -e "prefix/$path" ]
	done <listed
	for folder in prefix/*/ prefix/share/*/ prefix/lib/*/; do
		grep -q "^$(realpath -s --relative-to=prefix "$folder")" listed
	done
	[ ! -d "$FAIRVOX_BUILD/man" ] || [ -e prefix/share/man/man1/fairvox-run.1 ]
	python3 - $doc <<-'END'
		import html.parser, pathlib, re, sys
		root = pathlib.Path(sys.argv[1])
		class Page(html.parser.HTMLParser):
		    def __init__(self, path):
		        super().__init__()
		        self.ids, self.links, self.tables = set(), [], 0
		        self.feed(path.read_text())
		    def handle_starttag(self, tag, attributes):
		        attributes = dict(attributes)
		        self.tables += tag == 'table'
		        if 'id' in attributes:
		            self.ids.add(attributes['id'])
		        if tag == 'a':
		            self.links.append(attributes['href'])
		pages = {p: Page(p) for p in root.glob('html/*.html')}
		count = 0
		for path, page in pages.items():
		    for link in page.links:
		        if re.match('https?:', link):
		            continue
		        file, _, anchor = link.partition('#')
		        to = path if not file else (path.parent / file).resolve()
		        to = to if to in pages else next((p for p in pages if p.resolve() == to), to)
		        assert to.exists(), (path, link)
		        assert not anchor or anchor in pages[to].ids, (path, link)
		        count += 1
		for path in root.glob('*.md'):
		    for link in re.findall(r'\]\(([^)#\s]+)', re.sub('`[^`]*`', '', path.read_text())):
		        if not re.match('https?:', link):
		            assert (path.parent / link).exists(), (path, link)
		            count += 1
		if pages:
		    assert sum(page.tables for page in pages.values()) > 40
		    assert not any('Untitled' in path.read_text() for path in pages)
		print(count, 'links')
		assert count > 100
	END
}

@test "the installed examples build as they are, without a warning, and pass their tests" {
	unset FAIRVOX_PLUGIN_PATH
	cmake -S prefix/share/doc/fairvox/examples -B examples -DCMAKE_PREFIX_PATH="$PWD/prefix" \
		-DCMAKE_C_FLAGS='-Wall -Wextra -Wpedantic -Wconversion -Wdouble-promotion -Wshadow -Werror' >log
	cmake --build examples >>log 2>&1 || { cat log; false; }
	ctest --test-dir examples --no-tests=error >>log
	grep -q "100% tests passed, 0 tests failed out of 2" log
	grep -q fairvox_add_plugin prefix/share/doc/fairvox/examples/CMakeLists.txt
}

@test "an install that was moved uses the plugins beside it" {
	plan
	encoded
	cp -r prefix/. first
	mkdir away
	mv first away/second
	unset FAIRVOX_PLUGIN_PATH
	moved=$PWD/away/second/bin/fairvox
	"$moved" describe rw | grep -q "file:    $PWD/away/second/lib.*/fairvox/rw.so"
	[ "$("$moved" plugins | grep -c '^loss ')" -ge 10 ]
	[ "$("$moved" plugins --json | grep -o '"path": *"[^"]*"' | grep -vc "$PWD/away/second/")" -eq 0 ]
	"$moved" run plan.yaml --quiet matrix=none
	# without its plugin there is none, whatever is installed elsewhere
	rm "$(find away/second -name rw.so)"
	fails 2 "there is no loss 'rw'" "$moved" run plan.yaml loss.name=rw
}
