#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# self.sh BUILD: plants faults in a copy of the project for each check and sees that it finds them.
set -u
cd "$(dirname "$0")" || exit 1
status=0
for check in *.py; do
	grep -q '^def plant' "$check" || continue
	python3 -B "$check" --build "$1" --self-test || status=1
done
exit $status
