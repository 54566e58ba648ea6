#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang's analyzer and gcc -fanalyzer find nothing in core/ and plugins/ beyond analyze.txt.

Takes minutes: part of ./bootstrap test --long.
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess

import common

FOLDER = common.ROOT / "tests/checks"
HEADER = FOLDER / "analyzer.h"
# Off: *_s functions, which the C library here lacks; va_list, which clang-tidy 14 misjudges from the
# second file on; the order of members; malloc(0), which free() takes.
CLANG = ("-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.*,"
         "-clang-analyzer-optin.performance.Padding,-clang-analyzer-optin.portability.UnixAPI")
FINDING = re.compile(r"^(/\S+?):(\d+):\d+: (?:warning|error): (.*) \[([\w.,=-]+)\]$", re.M)
# Files that define what analyzer.h wraps.
DEFINES = ("core/src/base/message.c", "core/src/base/csv_public.c", "core/src/checkpoint/scan.c",
           "core/src/config/loader.c", "core/src/corpus/names.c")


def read_exceptions():
    """(check, file) of analyze.txt; what follows ` # ` is the reason, which every line has."""
    exceptions = set()
    for number, line in enumerate(common.read_lines(FOLDER, "analyze.txt"), 1):
        if line and not line.startswith("#"):
            exception, _mark, reason = line.partition(" # ")
            check, _colon, path = exception.strip().partition(":")
            if not reason or not path:
                raise SystemExit(f"tests/checks/analyze.txt:{number}: write CHECK:FILE # reason")
            exceptions.add((check, path))
    return exceptions


def list_options(path):
    """Options that include analyzer.h before this file."""
    if path in DEFINES:
        return []
    parts = path.split("/")
    room = [f"-DANALYZE_{parts[2]}"] if parts[:2] == ["core", "src"] else []
    return ["-include", str(HEADER), *room]


def run_clang(build, _entry, path, file):
    tool = common.find_tool("clang-tidy", "14.0")
    extra = [f"--extra-arg={option}" for option in list_options(path)]
    return [tool, "-p", str(build), "--quiet", f"--checks={CLANG}", *extra, file]


def run_gcc(_build, entry, path, file):
    words = shlex.split(entry["command"])
    at = words.index("-o")
    kept = [word for word in words[1:at] + words[at + 2:]
            if word not in ("-c", "-Werror", entry["file"]) and not word.startswith(("-O", "-fsanit"))]
    return ["gcc", *kept, *list_options(path), "-fanalyzer", "-O0", "-S", "-o", "/dev/null",
            "-fdiagnostics-plain-output", file]


def analyze(root, build, entries):
    exceptions, jobs = read_exceptions(), []
    for entry in entries:
        path = entry["file"].removeprefix(f"{common.ROOT}/")
        for make in (run_clang, run_gcc):
            jobs.append((make(build, entry, path, str(root / path)), entry["directory"]))

    def run_job(job):
        done = subprocess.run(job[0], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, cwd=job[1])
        found = FINDING.findall(done.stdout)
        if done.returncode and not found:
            return [(job[0][-1], "1", f"{job[0][0]}: {done.stdout.strip()}", "failed")]
        return found

    findings = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(run_job, jobs):
            for path, line, what, check in found:
                path = os.path.normpath(path).removeprefix(f"{root}/")
                check = check.split(",")[0]
                if (check, path) not in exceptions:
                    findings.add(f"{path}:{line}: {what} [{check}]")
    if root == common.ROOT:
        print(f"campaign analyzers: {len(findings)} findings in {len(entries)} files (0)")
    return sorted(findings)


def find(root, build):
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    start = tuple(f"{common.ROOT}/{folder}/" for folder in ("core", "plugins"))
    # C, as gcc 12 analyses no C++; each file once, although tests compile some of the plugins' files again.
    entries = {entry["file"]: entry for entry in reversed(entries)
               if entry["file"].startswith(start) and entry["file"].endswith(".c")}
    entries = [entries[file] for file in sorted(entries)]
    if root != common.ROOT:  # a copy for the self-test: one file
        entries = [entry for entry in entries if entry["file"].endswith("/core/src/base/clock.c")]
    return analyze(root, build, entries)


def plant(root):
    with open(root / "core/src/base/clock.c", "a", encoding="utf-8") as file:
        file.write("int core_read_null(int none);\nint core_read_null(int none)\n"
                   "{\n\tint one = 1, *at = none ? 0 : &one;\n\treturn *at;\n}\n")
    return ["[clang-analyzer-core.NullDereference]", "[-Wanalyzer-null-dereference]"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
