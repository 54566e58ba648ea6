#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy 14 with .clang-tidy finds nothing in core/, plugins/ and tests/."""
import json
import os
import re

import common

# Of files that are not in the build: fuzzers, types for the record of the ABI, and what tests/gpu/run builds.
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Icore/src", "-Icore/include", "-Itests/support", "-Itests/fuzz", "-Itests/gpu",
         "-Itests/cuda", "-Iplugins/encoders/ecapa", "-Iplugins/encoders/ge2e"]
# Compiled many times by run.py, each time with another mistake in place of MISTAKE.
TEMPLATES = "tests/mistakes/"

FINDING = re.compile(r"^(/\S+?):(\d+):\d+: (?:warning|error): (.*) \[([\w.,-]+)\]$", re.M)


def list_sources(root):
    return [path for path in common.list_files(root, ".c")
            if path.startswith(("core/", "plugins/", "tests/")) and not path.startswith(TEMPLATES)]


def run_tidy(root, commands, paths):
    """Findings of clang-tidy in these files, compiled by the commands in that folder."""
    tool = common.find_tool("clang-tidy", "14.0")
    findings = set()
    text = (commands / "compile_commands.json").read_text(encoding="utf-8")
    built = {entry["file"] for entry in json.loads(text)}
    files = [str(root / path) for path in paths]
    results = common.run_parallel([tool, "-p", str(commands), "--quiet"],
                                  [file for file in files if file in built], 4)
    flags = [f"--extra-arg={flag.replace('-I', f'-I{root}/')}" for flag in FLAGS]
    results += common.run_parallel([tool, "-p", "/dev/null", "--quiet", *flags],
                                   [file for file in files if file not in built], 4)
    for status, output in results:
        found = FINDING.findall(output)
        for path, line, what, check in found:
            # A header that is reached by tests/../plugins has one name.
            path = os.path.normpath(path).removeprefix(f"{root}/")
            if not path.startswith("/"):  # a header of a library
                findings.add(f"{path}:{line}: {what} [{check}]")
        if status and not found:
            findings.add(f"{tool}: {output.strip()}")
    return sorted(findings)


def find(root, build):
    if root == common.ROOT:
        return run_tidy(root, build, list_sources(root))
    # A copy for the self-test: one file, compiled as in the original.
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    original, path = str(common.ROOT), "core/src/base/clock.c"
    for entry in commands:
        if entry["file"] == f"{original}/{path}":
            text = json.dumps([entry]).replace(f"{original}/core", f"{root}/core")
            (root / "compile_commands.json").write_text(text, encoding="utf-8")
    return run_tidy(root, root, [path])


def plant(root):
    path = "core/src/base/clock.c"
    with open(root / path, "a", encoding="utf-8") as file:
        file.write("double core_mean(int sum, int n);\ndouble core_mean(int sum, int n)\n"
                   "{\n\treturn 1.5 * (sum / n);\n}\n")
    return ["bugprone-integer-division"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
