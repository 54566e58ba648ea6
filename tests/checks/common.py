# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the files of the project, how findings are told, and the self-test.

A check is a script with a function find(root, build) that returns findings, texts of the form
`FILE:LINE: what is wrong: what to do` with FILE relative to root. Its function plant(root) puts
faults into a copy of the project and returns texts, each of which must then be part of a new finding.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Endings of the sources: C, and the C++ of the module for GPUs
SOURCES = (".c", ".h", ".cpp", ".hpp", ".cu", ".cuh")


def git(root, *arguments):
    """Output of git in root; None where root is no checkout or there is no git."""
    try:
        done = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(root), *arguments],
                              capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def list_files(root, *endings):
    """Relative paths of the project's files whose names end so: all that git does not ignore."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is not None:
        paths = [path for path in listed.split("\0") if path]
    else:
        paths = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()
                 and not path.relative_to(root).parts[0].startswith(("build", "demo", "results"))]
    return sorted(path for path in paths if path.endswith(endings) and (root / path).is_file())


def read_lines(root, path):
    return (root / path).read_text(encoding="utf-8").split("\n")


def run_parallel(command, files, batch):
    """Runs command with `batch` files at a time on every core; (exit status, output) of each."""
    batches = [files[i:i + batch] for i in range(0, len(files), batch)]

    def run_batch(names):
        done = subprocess.run([*command, *names], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        return done.returncode, done.stdout

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run_batch, batches))


def find_tool(name, version):
    """The program of that version, by its plain name or with the version's number."""
    for candidate in (f"{name}-{version.split('.')[0]}", name):
        if shutil.which(candidate):
            told = subprocess.run([candidate, "--version"], capture_output=True, text=True,
                                  check=False).stdout
            if f" {version}." in told or told.strip().endswith(f" {version}"):
                return candidate
    sys.exit(f"{name} {version} is missing: ./bootstrap test, or test --long, installs it")


def copy_project(root, to):
    for path in list_files(root, ""):
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, to / path)
    git(to, "init", "-q")
    git(to, "add", "-A")


def test_check(find, plant, build):
    """Whether find sees each planted fault, and only once it is planted."""
    with tempfile.TemporaryDirectory(prefix="fairvox-check.") as folder:
        copy = pathlib.Path(folder).resolve()
        copy_project(ROOT, copy)
        before = set(find(copy, build))
        expected = plant(copy)
        new = [finding for finding in find(copy, build) if finding not in before]
    missed = [text for text in expected if not any(text in finding for finding in new)]
    for text in missed:
        print(f"{sys.argv[0]}: does not find '{text}' in a copy where it was planted; it found:",
              *new or ["nothing"], sep="\n")
    return not missed


def main(find, plant, description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build folder (default: build)")
    parser.add_argument("--self-test", action="store_true",
                        help="plant a fault in a copy and see that it is found")
    options = parser.parse_args()
    build = options.build.resolve()
    if options.self_test:
        sys.exit(not test_check(find, plant, build))
    findings = find(ROOT, build)
    for finding in findings:
        print(finding)
    sys.exit(bool(findings))
