#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch_ge2e.sh FOLDER: puts the weights that the Python package resemblyzer 0.1.4 carries at FOLDER/pretrained.pt, and
# the package itself at FOLDER/resemblyzer.whl, once. Without network, pip or python3: exit code 1.
set -eu
sum=39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e
mkdir -p "$1"
cd "$1"
[ -f pretrained.pt ] && [ -f resemblyzer.whl ] && exit 0
work=$(mktemp -d ./fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --retries 1 --timeout 15 --dest "$work" resemblyzer==0.1.4 >/dev/null 2>&1
(cd "$work" && python3 -m zipfile -e ./*.whl .)
echo "$sum  $work/resemblyzer/pretrained.pt" | sha256sum --check --quiet
mv "$work"/*.whl resemblyzer.whl
mv "$work/resemblyzer/pretrained.pt" pretrained.pt
