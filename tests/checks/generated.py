#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No file that a program made, and none over 2 MB, is in the repository."""
import re
import sys

import common

GENERATED = re.compile(r"\.(pyc|pyo|o|a|so|d|gcda|gcno|profraw)$|\.so\.[0-9.]+$"
                       r"|(^|/)(__pycache__|build[^/]*|CMakeFiles)/|(^|/)(CMakeCache\.txt|core\.\d+)$")
LIMIT = 2 << 20


def find(root, _build):
    listed = common.git(root, "ls-files", "-z")
    if listed is None:
        print("not a git checkout: no file is tracked")
        sys.exit(77)
    findings = []
    for path in filter(None, listed.split("\0")):
        file = root / path
        if GENERATED.search(path):
            findings.append(f"{path}:1: a generated file is tracked: git rm --cached {path}")
        elif file.is_file() and file.stat().st_size > LIMIT:
            findings.append(f"{path}:1: {file.stat().st_size} bytes, over {LIMIT}: keep it elsewhere")
    return findings


def plant(root):
    path = "tests/golden/__pycache__/made.cpython-311.pyc"
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(b"\0")
    common.git(root, "add", "-f", path)
    return [f"{path}:1: a generated file"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
