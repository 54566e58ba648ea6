#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The rooms of core/src depend on each other one way.

# "A B" for every room A of which a file includes one of room B.
edges() {
	(cd "$1" && grep -E '^#include "[a-z]+/' ./*/*.[ch]) |
		sed -E 's|^\./([a-z]+)/[^:]*:#include "([a-z]+)/.*|\1 \2|' | awk '$1 != $2' | sort -u
}

@test "no room includes one that includes it" {
	edges "$FAIRVOX_SOURCE/core/src" >"$BATS_TEST_TMPDIR/edges"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/edges")" -gt 30 ]
	tsort "$BATS_TEST_TMPDIR/edges"
}

@test "base includes no other room, plugin only base" {
	run edges "$FAIRVOX_SOURCE/core/src"
	[ -z "$(grep '^base ' <<<"$output")" ]
	[ "$(grep '^plugin ' <<<"$output")" = "plugin base" ]
}
