#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Man pages and completion are made from the help texts, the schema and the parameters of the plugins; here they are
# compared with what the program does.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	PATH=$FAIRVOX_BUILD:$PATH
	export TERM=dumb
}

words() { fairvox completion words "$@" | cut -f1; }

# complete_bash LINE: the words that bash offers at the end of LINE.
complete_bash() {
	bash --norc -c '
		compopt() { :; }
		eval "$(fairvox completion bash)"
		COMP_LINE=$1 COMP_POINT=${#1}
		_fairvox
		printf "%s\n" "${COMPREPLY[@]}"' bash "$1"
}

@test "every option of every subcommand is in its man page, with a value exactly where the program wants one" {
	fairvox help --man-pages man
	names=$(fairvox help | sed -n '/^subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
	[ "$(wc -w <<<"$names")" -ge 22 ]
	[ "$(ls man | wc -l)" -eq $(($(wc -w <<<"$names") + 3)) ]
	options=0
	for name in $names; do
		sed -n '/^\.TP$/{n;s/\\-/-/g;s/\\fB\|\\fR\|\\fI//g;s/\\e/\\/g;/^-/p}' "man/fairvox-$name.1" >listed
		while read -r first second rest; do
			[[ $first == *, ]] && first=$second second=$rest
			[[ " -q -v -h --quiet --verbose --no-color --no-progress --help " != *" $first "* ]] || continue
			[[ $first == --* ]] || continue
			options=$((options + 1))
			if [ -n "$second" ]; then
				run fairvox "$name" "$first"
				[[ $output == *"option '$first' needs a value"* ]] || { echo "$name $first: $output"; return 1; }
			else
				run fairvox "$name" "$first=x"
				[[ $output == *"option '$first=x' takes no value"* ]] || { echo "$name $first: $output"; return 1; }
			fi
			words "$name" "$first" | grep -qx -- "$first"
		done <listed
	done
	echo "$options options"
	[ "$options" -ge 100 ]
}

@test "the man pages are what man and groff read, and tell parameters and keys" {
	fairvox help --man-pages man
	grep -q '^\.TH FAIRVOX\\-RUN 1' man/fairvox-run.1
	grep -A2 'fBceiling_hz\\fR' man/fairvox-parameters.7 | grep -q 'number'
	grep -A4 'fBlabel_smoothing\\fR' man/fairvox-config.5 | grep -q 'default 0.05'
	! grep -n '^\.[A-Z]* .*[^\\]-[a-z]' man/*.1
	if command -v mandoc >/dev/null; then
		mandoc -T lint -W warning man/* >lint || true
		! grep -v 'missing date' lint
	fi
	if command -v groff >/dev/null; then
		for page in man/*; do
			groff -man -Tutf8 -ww "$page" 2>&1 >/dev/null | tee errors
			[ ! -s errors ]
		done
	fi
	fails 2 "unknown subcommand 'rnu', did you mean 'run'?" fairvox help rnu
	fails 2 "unexpected argument" fairvox help run explain
	fails 1 "cannot" fairvox help --man-pages /proc/none
	[ "$(fairvox help run)" = "$(fairvox run --help)" ]
	[ "$(fairvox --help)" = "$(fairvox help)" ]
}

@test "words: subcommands, options, files, keys and plugins" {
	[ "$(words ru)" = run ]
	[ "$(words run --ca)" = --cache ]
	[ "$(words run --cache '')" = :folders ]
	[ "$(words run --cache=x)" = :folders ]
	[ "$(words run -j 2 '')" = ":files yaml yml" ]
	[ "$(words run a.yaml train.base_loss=)" = "$(printf 'train.base_loss=%s\n' soft_ce bce focal)" ]
	words run a.yaml loss. | grep -qx 'loss.name='
	[ "$(words run a.yaml loss.name=pg)" = loss.name=pgdro ]
	words run a.yaml grouper. | grep -qx 'grouper.k='
	[ "$(words run a.yaml loss.group_loss= | tail -n 1)" = loss.group_loss=excess ]
	[ "$(words run a.yaml corpus.attributes.sp)" = corpus.attributes.speaker= ]
	[ "$(words table --format t)" = "$(printf 'text\ntex\ntensorboard')" ]
	[ "$(words table --against '')" = published ]
	[ "$(words table '')" = "$(printf ':folders\n:files yaml yml')" ]
	[ "$(words plot t)" = "$(printf 'tradeoff\ntsne')" ]
	[ "$(words plot tsne '')" = "$(printf ':folders\n:files yaml yml')" ]
	[ "$(words new '')" = plugin ]
	[ "$(words new plugin '')" = "$(printf 'loss\ngrouper\nencoder')" ]
	[ "$(words cache '')" = "$(printf 'list\nprune')" ]
	[ "$(words describe pit)" = pitch ]
	[ "$(words encode --encoder ec)" = ecapa ]
	[ "$(words encode --encoder pitch -p vo)" = voicing= ]
	[ "$(words help tab)" = table ]
	[ -z "$(words run a.yaml -j '')" ]
	[ -z "$(words nothing '')" ]
	[ -z "$(words)" ]
	fails 2 "name a shell: bash, zsh or fish" fairvox completion tcsh
	fails 2 "name a shell" fairvox completion
	# candidates of one plugin folder of the user
	mkdir mine
	cp "$FAIRVOX_BUILD/zoo/good.so" mine
	FAIRVOX_PLUGIN_PATH=$PWD/mine words describe go | grep -qx good
	[ "$(words describe --plugins mine go)" = good ]
	[ "$(words run a.yaml --plugins mine loss.name=go)" = loss.name=good ]
}

@test "keys of a block are those of the plugins that the command line or its configuration names" {
	keys() { words run "$@" | tr '\n' ' '; }
	cat >base.yaml <<-END
		grouper: {name: truth}
		encoder: {name: pitch}
		loss: {name: mixup}
	END
	cat >one.yaml <<-END
		defaults: [base.yaml]
		loss: {name: cvar_dro}
	END
	printf '%s\n' 'defaults: [base.yaml]' 'matrix: {loss: [{name: erm}, {name: cvar_dro}], include: [{loss.name: afr}]}' >several.yaml
	printf '%s\n' 'defaults: [base.yaml]' 'tune: {axes: {loss.name: [cvar_dro]}, by: dev_loss}' >tune.yaml
	printf '%s\n' 'grouper: {product: [{name: truth}, {name: kmeans}]}' >product.yaml
	cvar='loss.name= loss.profile= loss.alpha= '
	[ "$(keys one.yaml loss.)" = "$cvar" ]
	[ "$(keys tune.yaml loss.)" = "$cvar" ]
	[ "$(keys one.yaml loss.name=erm loss.)" = 'loss.name= loss.profile= ' ]
	[ "$(keys base.yaml 'loss={name: cvar_dro, alpha: 0.1}' loss.)" = "$cvar" ]
	[ "$(keys base.yaml loss.name=cvar_dro,erm train.batch=8 loss.)" = "$cvar" ]
	[[ "$(keys several.yaml loss.)" = *loss.gamma=*loss.alpha=* && "$(keys several.yaml loss.)" != *loss.eta=* ]]
	[ "$(keys base.yaml grouper.)" = 'grouper.name= grouper.column= grouper.seed= grouper.encoder= ' ]
	[[ "$(keys product.yaml grouper.)" = *grouper.k=* ]]
	# what is said of a key is what its plugin says, also of a plugin of the user
	mkdir mine
	sed 's/"tilt"/"alpha"/; s/\.doc = "[^"]*"/.doc = "of mine"/' "$FAIRVOX_SOURCE/tests/oot/tilted.c" >mine/tilted.c
	cc -shared -fPIC -I"$FAIRVOX_SOURCE/core/include" -o mine/tilted.so mine/tilted.c -lm
	fairvox completion words run one.yaml --plugins mine loss.name=tilted loss.al | grep -q $'^loss.alpha=\tof mine$'
	! fairvox completion words run one.yaml --plugins mine loss.al | grep -q 'of mine'
	[ "$(words check mine/tilted.so -p al)" = alpha= ]
	[ "$(words check --plugins mine tilted -p al)" = alpha= ]
	# what cannot be read names none, and no key twice
	echo '{' >broken.yaml
	for config in broken.yaml none.yaml; do
		[[ "$(keys $config loss.)" = *loss.eta=* ]]
		[ -z "$(words run $config grouper. | sort | uniq -d)" ]
	done
}

@test "bash completes subcommands, keys after '=', files and folders" {
	mkdir -p configs 'a folder'
	touch configs/a.yaml configs/b.txt c.yml
	[ "$(complete_bash 'fairvox ru')" = run ]
	[ "$(complete_bash 'fairvox run --kee')" = --keep-going ]
	[ "$(complete_bash 'fairvox run ' | sort | tr '\n' :)" = 'a folder:c.yml:configs:' ]
	[ "$(complete_bash 'fairvox run configs/')" = configs/a.yaml ]
	[ "$(complete_bash 'fairvox run configs/a.yaml loss.name=pg')" = pgdro ]
	[ "$(complete_bash 'fairvox run configs/a.yaml loss.nam')" = loss.name= ]
	[ "$(complete_bash 'fairvox run --results a')" = 'a folder' ]
}

@test "fish completes them too" {
	command -v fish >/dev/null || skip "fish is missing"
	touch c.yml
	complete_fish() {
		HOME=$PWD fish --no-config -c "fairvox completion fish | source; complete -C '$1'" | cut -f1
	}
	[ "$(complete_fish 'fairvox ru')" = run ]
	[ "$(complete_fish 'fairvox run --kee')" = --keep-going ]
	complete_fish 'fairvox run c' | grep -qx c.yml
	[ "$(complete_fish 'fairvox run c.yml loss.name=pg')" = loss.name=pgdro ]
	[ "$(complete_fish 'fairvox plot ts')" = tsne ]
}

@test "zsh reads the script and gets the same words" {
	command -v zsh >/dev/null || skip "zsh is missing"
	cat >try.zsh <<-'END'
		_describe() { local name=${@[(r)told]}${@[(r)keys]}; print -l "${(@P)name}" }
		_files() { print -- "files $*" }
		compset() { :; }
		compdef() { :; }
		eval "$(fairvox completion zsh)"
		words=("$@") CURRENT=$#
		_fairvox
	END
	complete_zsh() { zsh -f try.zsh "$@" | cut -d: -f1; }
	zsh -n <(fairvox completion zsh)
	[ "$(complete_zsh fairvox ru)" = run ]
	[ "$(complete_zsh fairvox run '')" = 'files -g *.(yaml|yml)' ]
	[ "$(complete_zsh fairvox run --results '')" = 'files -/' ]
	[ "$(complete_zsh fairvox run a.yaml loss.name=pg)" = loss.name=pgdro ]
	[ "$(complete_zsh fairvox run a.yaml loss.nam)" = loss.name= ]
}
