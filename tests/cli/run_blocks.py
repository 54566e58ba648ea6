#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every block of commands in the documentation: run_blocks.py SOURCE FOLDER

A block is a fence ```sh. One that cannot run in a test has a line before it, and is only parsed:
    <!-- not run: WHY -->
Every other block runs with bash -eu in a copy of FOLDER, the blocks of a page one after another in the same copy. Prints a line a
block and a count; exits with 1 if one failed."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FENCE = re.compile(r"(?:^<!-- not run: (?P<why>[^\n]+) -->\n+)?^```sh\n(?P<code>.*?)^```$", re.M | re.S)
INDENTED = re.compile(r"^    (?:fairvox|bash|cmake|ctest|make|cc|gcc|\./bootstrap) [^\[\n]*$", re.M)
LIMIT_S = 300


def run_block(code, folder):
    try:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], cwd=folder, timeout=LIMIT_S, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired:
        return False, f"took more than {LIMIT_S} s"
    return done.returncode == 0, done.stdout


def parse_block(code):
    done = subprocess.run(["bash", "-n", "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def copy_or_link(source, target):
    """Links recordings and features, which are hundreds of files and which the program replaces, but does not change."""
    if source.endswith((".flac", ".safetensors")):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def main(source, folder):
    counts = {"ran": 0, "parsed": 0, "failed": 0}
    for page in [source / "README.md", *sorted((source / "core/docs").glob("*.md"))]:
        text, copy = page.read_text(encoding="utf-8"), None
        for found in FENCE.finditer(text):
            where = f"{page.relative_to(source)}:{text.count(chr(10), 0, found.start('code'))}"
            if found["why"]:
                good, told = parse_block(found["code"])
                kind = "parsed"
            else:
                copy = copy or shutil.copytree(folder, pathlib.Path(tempfile.mkdtemp(dir=folder.parent)) / "copy",
                                               symlinks=True, copy_function=copy_or_link)
                good, told = run_block(found["code"], copy)
                kind = "ran"
            counts[kind if good else "failed"] += 1
            print(f"# {where}: {kind if good else 'FAILED'}{' (' + found['why'] + ')' if found['why'] else ''}", flush=True)
            if not good:
                print("\n".join("#   " + line for line in told.splitlines()[-15:]), flush=True)
        if INDENTED.search(re.sub(FENCE, "", text)):
            print(f"# {page.name}: commands outside a fence: put them between ```sh and ```")
            counts["failed"] += 1
        if copy:
            shutil.rmtree(copy.parent)
    print("blocks:", ", ".join(f"{count} {name}" for name, count in counts.items()))
    return counts["failed"] > 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()))
