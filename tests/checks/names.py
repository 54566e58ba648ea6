#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions of core/ and plugins/ are named verb_noun: none by one bare word.

Rooms outside of COVERED are not looked at unless --all is given, which also counts by room.
"""
import collections
import re
import sys

import common

COVERED = ("core/src/checkpoint", "core/src/corpus", "core/src/dsp", "core/src/eval",
           "core/src/fetch", "core/src/report", "core/src/synth", "plugins/encoders",
           "plugins/groupers", "plugins/losses")
START = re.compile(r"^(?!typedef|extern|#|/|\s|\}|enum\b[^(]*\{)[A-Za-z_].*?\b(\w+)\(")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def room_of(path):
    parts = path.split("/")
    return "/".join(parts[:3] if parts[:2] == ["core", "src"] else parts[:2])


def list_definitions(lines):
    """(line, name) of the functions defined here; the brace of a body stands alone on its line."""
    for number, line in enumerate(lines, 1):
        start = START.match(line)
        if not start:
            continue
        for after in lines[number - 1:]:
            if after == "{":
                yield number, start[1]
            if after == "{" or after.endswith((";", "}", "{")) or not after:
                break


def list_bare_names(root):
    """(room, finding) of each function in core/ and plugins/ named by one word."""
    for path in common.list_files(root, ".c", ".h"):
        if not path.startswith(("core/", "plugins/")):
            continue
        for number, name in list_definitions(common.read_lines(root, path)):
            excepted = name == "main" or (name == "run" and path.startswith("core/cli/"))
            if WORD.fullmatch(name) and not excepted:
                yield room_of(path), f"{path}:{number}: function {name}: name it verb_noun"


def find(root, _build):
    return [finding for room, finding in list_bare_names(root) if room in COVERED]


def plant(root):
    path = "core/src/dsp/fft.c"
    with open(root / path, "a", encoding="utf-8") as file:
        file.write("\nstatic int take(\n\tint a, int b)\n{\n\treturn a + b;\n}\n")
    return ["function take: name it verb_noun"]


if __name__ == "__main__":
    if sys.argv[1:] == ["--all"]:
        bare = list(list_bare_names(common.ROOT))
        for _room, text in bare:
            print(text)
        for room, count in sorted(collections.Counter(room for room, _text in bare).items()):
            print(f"{count:5} {room}")
        sys.exit(bool(bare))
    common.main(find, plant, __doc__)
