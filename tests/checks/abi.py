#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The plugin ABI keeps the promise of core/docs/writing-a-plugin.md: abidiff compares the public structs and the
fv_ functions of the library with the baseline in tests/abi.

Allowed are members behind the end of a struct that starts with its size, new enumerators, new functions. --extend
takes what was added into the record, so that it is kept from then on; the headers that the old plugins are built
from stay those of the first version. With --write the present headers and library become the baseline, which is only
right when FV_ABI is raised."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import common

FOLDER = "tests/abi"
HEADERS = "core/include"
SKIPPED = 77
# Passed by value, or in arrays of the plugin's, or without a size: these never change.
FIXED = {"fv_list", "fv_stream", "fv_expected", "fv_others", "fv_tensor", "fv_matrix", "fv_affine"}
ONLY_FUNCTIONS = "".join(f"[suppress_{kind}]\n  symbol_name_not_regexp = ^fv_\n  drop = yes\n"
                         for kind in ("function", "variable"))
HINT = "append members and functions, or raise FV_ABI and write a new baseline: tests/checks/abi.py --write"


def run_tool(*command, folder=None):
    return subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)


def write_xml(binary, headers, folder):
    """What abidw says of the public part of a binary, without what depends on the machine."""
    rules, out = folder / "rules.ini", folder / "out.abi"
    rules.write_text(ONLY_FUNCTIONS if binary.name.startswith("libfairvox") else "", encoding="utf-8")
    done = run_tool("abidw", "--headers-dir", headers, "--drop-private-types", "--suppressions", rules,
                    "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--out-file", out, binary)
    if done.returncode or not out.exists():
        sys.exit(f"abidw failed on {binary}: {done.stderr or done.stdout}")
    text = re.sub(r"(?s)\s*<elf-needed>.*?</elf-needed>", "", out.read_text(encoding="utf-8"))
    text = re.sub(r"\n\s*<elf-symbol name='core_[^\n]*", "", text)
    return re.sub(r" path='[^']*'", " path='-'", text)


def make_present(root, build, folder):
    """The XML of the types of these headers, and of the library of the build."""
    types = folder / "types.so"
    done = run_tool("cc", "-g", "-std=c11", "-shared", "-fPIC", "-I", HEADERS, "-o", types,
                    f"{FOLDER}/types.c", folder=root)
    if done.returncode:
        return None, [f"{FOLDER}/types.c:1: {line}: {HINT}" for line in done.stderr.split("\n") if "error:" in line]
    return {"types": write_xml(types, root / HEADERS, folder),
            "library": write_xml(build / "libfairvox.so", root / HEADERS, folder)}, []


def is_appended(name, lines):
    """Whether a change of a type is one that the promise allows."""
    if all(re.match(r"\d+ enumerator insertions?:|'[^']*' value '\d+'|type size hasn't changed", line)
           for line in lines):
        return True
    grown = re.match(r"type size changed from (\d+) to (\d+) ", lines[0])
    if not grown or name in FIXED:
        return False
    for line in lines[1:]:
        inserted = re.match(r"'.*', at offset (\d+) \(in bits\)", line)
        if inserted and int(inserted.group(1)) >= int(grown.group(1)):
            continue
        if not re.match(r"\d+ data member insertions?:", line):
            return False
    return True


def read_report(report):
    """Blocks of a leaf report, (name of the type or "", first line, lines below)."""
    blocks = []
    for line in report.split("\n"):
        if not line.strip() or re.match(
                r"(Leaf changes|Changed leaf types|Removed/Changed/Added|(Function|Variable) symbols changes) ", line):
            continue
        if not line.startswith(" ") or re.match(r" *\[[A-Z]\] ", line):
            changed = re.match(r"'(?:struct|union|enum|class) (\w+)", line)
            blocks.append((changed.group(1) if changed else "", line.strip(), []))
        else:
            blocks[-1][2].append(line.strip())
    return blocks


def compare(name, kept, present, folder):
    (folder / "present.abi").write_text(present, encoding="utf-8")
    done = run_tool("abidiff", "--harmless", "--leaf-changes-only", "--no-added-syms", kept, folder / "present.abi")
    if done.returncode & 3:
        sys.exit(f"abidiff failed: {done.stderr or done.stdout}")
    return [f"{FOLDER}/{name}.abi:1: {first} {'; '.join(lines)}: {HINT}"
            for type_name, first, lines in read_report(done.stdout)
            if not (type_name and lines and is_appended(type_name, lines))]


def find(root, build):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        present, findings = make_present(root, build, folder)
        for part in present or ():
            findings += compare(part, root / FOLDER / f"{part}.abi", present[part], folder)
    return findings


def plant(root):
    faults = {
        "loss.h": [("int32_t uses_duration;", "int32_t early, uses_duration;"),
                   ("double focal_gamma;", "float focal_gamma;")],
        "networks.h": [("uint32_t allows;", "uint32_t allows, in_padding;")],
        "param.h": [("int64_t n;\n} fv_list;", "int64_t n, more;\n} fv_list;")],
        "stages.h": [("double anchor;", "double pull;")],
        # these two are allowed
        "grouper.h": [("} fv_grouper_input;", "int32_t more;\n} fv_grouper_input;")],
        "encoder.h": [("FV_COL_VALUE }", "FV_COL_VALUE, FV_COL_MORE }")],
    }
    for name, pairs in faults.items():
        path = root / HEADERS / "fairvox" / name
        text = path.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text, (name, old)
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    return ["'int32_t early'", "fv_loss_setup", "in_padding", "'struct fv_list' changed", "'fv_stage::pull'"]


def write_record(build):
    with tempfile.TemporaryDirectory() as name:
        present, findings = make_present(common.ROOT, build, pathlib.Path(name))
    for part, text in (present or {}).items():
        (common.ROOT / FOLDER / f"{part}.abi").write_text(text, encoding="utf-8")
    return findings


def extend_record(build):
    return find(common.ROOT, build) or write_record(build)


def write_baseline(build):
    folder = common.ROOT / FOLDER / "include"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(common.ROOT / HEADERS, folder)
    return write_record(build)


if __name__ == "__main__":
    if not shutil.which("abidw") or not shutil.which("abidiff"):
        print("abidw and abidiff are missing: the plugin ABI is not compared (apt-get install abigail-tools)")
        sys.exit(SKIPPED)
    write = {"--write": write_baseline, "--extend": extend_record}.get(" ".join(sys.argv[1:2]))
    if write:
        problems = write(pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else common.ROOT / "build"))
        print(*problems, sep="\n", end="\n" if problems else "")
        sys.exit(bool(problems))
    common.main(find, plant, __doc__)
