#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions of core/ and plugins/ are named verb_noun: none by one bare word."""
import re

import common

START = re.compile(r"^(?!typedef|extern|#|/|\s|\}|enum\b[^(]*\{)[A-Za-z_].*?\b(\w+)\(")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")


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
    """Findings: the functions in core/ and plugins/ named by one word."""
    for path in common.list_files(root, *common.SOURCES):
        if not path.startswith(("core/", "plugins/")) or path == "core/include/fairvox/fairvox.hpp":
            continue  # names of that one are members of classes
        for number, name in list_definitions(common.read_lines(root, path)):
            excepted = name == "main" or (name == "run" and path.startswith("core/cli/"))
            if WORD.fullmatch(name) and not excepted:
                yield f"{path}:{number}: function {name}: name it verb_noun"


def find(root, _build):
    return list(list_bare_names(root))


def plant(root):
    path = "core/src/dsp/fft.c"
    with open(root / path, "a", encoding="utf-8") as file:
        file.write("\nstatic int take(\n\tint a, int b)\n{\n\treturn a + b;\n}\n")
    return ["function take: name it verb_noun"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
