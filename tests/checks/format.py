#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C and C++ file is as clang-format 14 writes it."""
import re

import common


def find(root, _build):
    tool = common.find_tool("clang-format", "14.0")
    files = [str(root / path) for path in common.list_files(root, *common.SOURCES)]
    findings = set()
    for status, output in common.run_parallel([tool, "--dry-run", "-Werror"], files, 32):
        places = re.findall(r"^(\S.*?):(\d+):\d+: error: ", output, re.M)
        for path, line in places:
            path = path.removeprefix(f"{root}/")
            findings.add(f"{path}:{line}: not as clang-format 14 writes it: run clang-format -i {path}")
        if status and not places:
            findings.add(f"{tool}: {output.strip()}")
    return sorted(findings)


def plant(root):
    path = "core/src/base/clock.c"
    with open(root / path, "a", encoding="utf-8") as file:
        file.write("int  a ;\n")
    return [f"{path}:"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
