#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh: makes the Debian package and shows it to lintian and, as root, to a bare Debian 12. Prints its figure.
set -euo pipefail
cd "$(dirname "$0")/../.."
./bootstrap package
lintian --fail-on error,warning build-package/*.deb
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
dpkg -x build-package/*.deb "$unpacked" # the program runs from any folder, without being installed
env -u LD_LIBRARY_PATH "$unpacked/usr/bin/fairvox" fetch --list >/dev/null
env -u LD_LIBRARY_PATH "$unpacked/usr/bin/fairvox" describe loss/erm >/dev/null
if [ "$(id -u)" = 0 ]; then
	tests/package/bare_root.sh build-package/*.deb
	bare="a bare Debian 12 runs it"
else
	bare="no bare Debian: not root"
fi
echo "campaign package: 0 errors and warnings of lintian, $bare (0, runs)"
