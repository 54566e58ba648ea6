#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every kernel by nvcc for some architectures, warnings being errors, and prints what each needs; on sm_90
nothing may be spilled to memory.

usage: nvcc.py --nvcc NVCC [sm_XX...]"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "core/src/backend/cuda"
KERNEL = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'(.*?)Used (\d+) registers", re.S)
SPILLS = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")


def compile_file(nvcc, path, architecture, folder):
    """Exit status and output of nvcc."""
    number = architecture.removeprefix("sm_")
    done = subprocess.run(
        [nvcc, "-std=c++14", "-O2", "-gencode", f"arch=compute_{number},code={architecture}", "-Xptxas", "-v",
         "-Werror", "all-warnings", "-c", str(path), "-o", f"{folder}/{path.stem}.{architecture}.o"],
        capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def report(architecture, output):
    """Prints a line a kernel; returns how many bytes are spilled."""
    total = 0
    for name, _architecture, between, registers in KERNEL.findall(output):
        spilled = sum(int(n) for pair in SPILLS.findall(between) for n in pair)
        plain = re.sub(r"^_ZN3gpu\d+(\w+?_kernel)(?:IL?i?(\w*?)EE)?.*$", r"\1", name)
        print(f"{architecture} {plain}: {registers} registers, {spilled} bytes spilled")
        total += spilled
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nvcc", default="nvcc")
    parser.add_argument("architectures", nargs="*", default=["sm_90"])
    options = parser.parse_args()
    good, begun = True, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fairvox-nvcc.") as folder:
        jobs = [(path, architecture) for architecture in options.architectures for path in sorted(FOLDER.glob("*.cu"))]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda job: compile_file(options.nvcc, *job, folder), jobs))
    for (path, architecture), (status, output) in zip(jobs, results):
        if status:
            print(output)
        spilled = report(architecture, output)
        good = good and status == 0 and (architecture != "sm_90" or spilled == 0)
        if status == 0 and "registers" not in output:
            print(f"{path.name}: no kernel was compiled")
            good = False
    print(f"{len(jobs)} files in {time.monotonic() - begun:.0f} s")
    sys.exit(not good)


if __name__ == "__main__":
    main()
