#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The demo prints the table that README.md shows. It takes minutes: only with FAIRVOX_LONG.
load helpers

@test "the demo prints README's table" {
	long
	cd "$BATS_TEST_TMPDIR"
	cp -r "$FAIRVOX_SOURCE/configs" configs
	"$fairvox" synth demo/corpus --limit 2000 --jobs 2 --quiet
	"$fairvox" run configs/demo.yaml -j 2 --results demo/results --cache demo/cache --quiet
	"$fairvox" table demo/results >table.txt
	python3 - "$FAIRVOX_SOURCE/README.md" table.txt <<'END'
import re, sys
shown = re.search(r"ends\nwith this table:\n\n```\n(.*?)```", open(sys.argv[1]).read(), re.S)[1]
made = open(sys.argv[2]).read()
# The kernels of another processor round otherwise: rows may change places, and numbers by so much.
NUMBER = re.compile(r"[+-]?\d+\.\d+")
split = lambda text: sorted((re.sub(r"[ -]+", " ", NUMBER.sub("", line)), [float(n) for n in NUMBER.findall(line)])
                            for line in text.splitlines())
for (words, numbers), (own_words, own) in zip(split(shown), split(made), strict=True):
    assert words == own_words, (words, own_words)
    assert len(numbers) == len(own) and all(abs(a - b) <= 0.02 for a, b in zip(numbers, own)), (words, numbers, own)
END
}
