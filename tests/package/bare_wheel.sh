#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bare_wheel.sh WHEEL [ROOT]: installs the wheel in a bare Debian 12 that has Python and NumPy and none of fairvox's
# libraries, encodes recordings and runs a study there. Needs root, debootstrap and the network. ROOT is kept if it is
# given, and made only if it is missing.
set -euo pipefail
wheel=$(realpath "$1")
. "$(dirname "$0")/bare.sh"
open_root "${@:2}"
rm -rf "$root/wheel" && mkdir "$root/wheel"
cp "$wheel" "$root/wheel"

run_in_root <<'END'
set -euxo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3-venv python3-numpy espeak-ng >/dev/null
for library in openblas sndfile yaml jansson ltdl soxr cairo curl; do
	test -z "$(find /usr/lib /lib -name "lib$library*.so*" -not -path '*/site-packages/*')" || echo "has $library"
done
rm -rf /venv && python3 -m venv --system-site-packages /venv
/venv/bin/pip install --no-index --find-links /wheel fairvox
export PATH=/venv/bin:$PATH
rm -rf /study && mkdir /study && cd /study
fairvox --version
fairvox plugins >plugins
! grep refused plugins
test "$(grep -c '^loss' plugins)" -ge 15
prefix=$(python3 -c 'import fairvox; print(fairvox.PREFIX)')
test -z "$(ldd "$prefix/bin/fairvox" "$prefix"/lib/fairvox/*.so "$prefix"/lib/fairvox/modules/*.so | grep 'not found')"
fairvox synth demo/corpus --limit 600 -j 2 -q
cp -r "$prefix/share/fairvox/configs" .
fairvox run configs/demo.yaml -q -j 2 train.epochs=10
fairvox table results
fairvox fetch --list >list && test -s list
fairvox plot effects results -o effects.svg && test -s effects.svg
python3 - <<'PYTHON'
import glob
import fairvox

files = sorted(glob.glob("demo/corpus/**/*.flac", recursive=True))[:5]
x = fairvox.encode(files, "functionals", jobs=2)
print(x.shape, x.dtype, float(x.mean()))
assert x.shape == (5, 339)
try:
    fairvox.encode(files, "functional")
except fairvox.FairvoxError as error:
    print(error.exit_code, error)
PYTHON
END
