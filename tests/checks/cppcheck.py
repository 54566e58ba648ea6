#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cppcheck 2.10 finds nothing beyond the exceptions in cppcheck.txt."""
import json
import os
import re
import subprocess

import common

FOLDER = common.ROOT / "tests/checks"
FINDING = re.compile(r"^(.+?):(\d+): (.* \[\w+\])$", re.M)


def read_exceptions():
    """Suppressions of cppcheck.txt; what follows ` # ` is the reason, which every line has."""
    exceptions = []
    for number, line in enumerate(common.read_lines(FOLDER, "cppcheck.txt"), 1):
        if line and not line.startswith("#"):
            exception, _mark, reason = line.partition(" # ")
            exception = exception.strip().replace(":", ":*/", 1)
            if not reason:
                raise SystemExit(f"tests/checks/cppcheck.txt:{number}: {line}: give the reason")
            exceptions.append(f"--suppress={exception}")
    return exceptions


def run_cppcheck(root, commands, folder):
    """Findings of cppcheck in the files that the commands compile; folder keeps what it knows."""
    tool = common.find_tool("cppcheck", "2.10")
    folder.mkdir(parents=True, exist_ok=True)
    made = [entry["file"] for entry in json.loads(commands.read_text(encoding="utf-8"))
            if not entry["file"].startswith((f"{root}/core/", f"{root}/plugins/", f"{root}/tests/"))]
    done = subprocess.run(
        [tool, f"--project={commands}", "--enable=warning,performance,portability,style",
         "--inline-suppr", "--std=c11", "--quiet", "-j", str(os.cpu_count()),
         "--library=posix,gnu", f"--library={FOLDER / 'cppcheck.cfg'}",
         f"--cppcheck-build-dir={folder}", "--template={file}:{line}: {message} [{id}]",
         "--error-exitcode=1", *(f"-i{path}" for path in made), *read_exceptions()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=root)
    found = FINDING.findall(done.stdout)
    if done.returncode and not found:
        return [f"{tool}: {done.stdout.strip()}"]
    return sorted({f"{os.path.normpath(path).removeprefix(f'{root}/')}:{line}: {what}"
                   for path, line, what in found})


def find(root, build):
    commands = build / "compile_commands.json"
    if root == common.ROOT:
        return run_cppcheck(root, commands, build / "cppcheck")
    # A copy for the self-test: one file, compiled as in the original.
    entries = [entry for entry in json.loads(commands.read_text(encoding="utf-8"))
               if entry["file"] == f"{common.ROOT}/core/src/base/clock.c"]
    text = json.dumps(entries).replace(f"{common.ROOT}/core", f"{root}/core")
    (root / "compile_commands.json").write_text(text, encoding="utf-8")
    return run_cppcheck(root, root / "compile_commands.json", root / "build-cppcheck")


def plant(root):
    with open(root / "core/src/base/clock.c", "a", encoding="utf-8") as file:
        file.write("int core_read_past(void);\nint core_read_past(void)\n"
                   "{\n\tint a[2] = {1, 2};\n\treturn a[2];\n}\n")
    return ["[arrayIndexOutOfBounds]"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
