#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bare_root.sh PACKAGE.deb [ROOT]: installs the package in a bare Debian 12, runs the demo there, and builds a plugin of
# each kind in C and C++ and a loss in Rust. Needs root, debootstrap and the network. ROOT is kept if it is given, and
# made only if it is missing.
set -euo pipefail
package=$(realpath "$1")
. "$(dirname "$0")/bare.sh"
open_root "${@:2}"
cp "$package" "$root/fairvox.deb"

run_in_root <<'END'
set -euxo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt-get update -qq
apt-get install -y -qq --reinstall /fairvox.deb >/dev/null
fairvox --version
test -z "$(ldd /usr/bin/fairvox /usr/lib/*/libfairvox.so.0 /usr/lib/*/fairvox/*.so | grep 'not found')"
fairvox plugins | tee plugins
! grep refused plugins
test "$(grep -c '^loss' plugins)" -ge 15
study=/study # of the bare root
rm -rf "$study" && mkdir -p "$study/configs" && cd "$study"
cp /usr/share/fairvox/configs/demo.yaml configs
time fairvox synth demo/corpus --limit 600 -j 2 -q
time fairvox run configs/demo.yaml -q -j 2 train.epochs=10
fairvox table results
fairvox report configs/demo.yaml --results results -o report.html -q && test -s report.html
fairvox plot effects results -o effects.pdf && test -s effects.pdf
fairvox fetch --list >/dev/null
test -e /usr/share/doc/fairvox/html/index.html -a -e /usr/share/doc/fairvox/examples/tilted.c
test -e /usr/share/bash-completion/completions/fairvox
apt-get install -y -qq --no-install-recommends gcc g++ libc6-dev make cmake pkg-config man-db rustc >/dev/null
man -w fairvox-run fairvox-config || true # a minimal root installs no man pages
ln -s demo/corpus corpus
for lang in c c++ rust; do
	for kind in loss grouper encoder; do
		name=${kind}_${lang//+/p}
		fairvox new plugin $kind $name --lang $lang >/dev/null
		(
			cd $name
			cmake -B build >/dev/null
			cmake --build build >/dev/null
			ctest --test-dir build | grep '100% tests passed, 0 tests failed out of 1'
			rm -r build && make check
		)
	done
done
for extension in stages networks; do
	fairvox new plugin loss my_$extension --extension $extension >/dev/null
	make -C my_$extension check | grep "^my_$extension: .* checks, 0 faults"
done
ln -s ../corpus loss_c/corpus
(cd loss_c && fairvox run config.yaml --plugins build -q && fairvox table results | grep '^loss_c ')
apt-get remove -y -qq fairvox >/dev/null
test -z "$(find /usr -path '*fairvox*' -not -path '*/__pycache__*')"
END
