#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Names that do harm where they are shown: terminals, HTML, SVG, Markdown, LaTeX, spreadsheets.
load helpers

@test "no name of a class, a group, a file or a variant acts on a terminal, a page or a spreadsheet" {
	run python3 -B "$FAIRVOX_SOURCE/tests/cli/escapes.py" "$fairvox"
	[ "$status" -eq 0 ]
	[[ $output == *"escapes: 0 harmful outputs of 27 calls on a terminal and of every format (0)"* ]]
}
