#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wheel.py --build BUILD [--packages FOLDER]: builds the wheel, installs it without network into an environment of its own, and
runs wheel_inside.py there, where the tree and the build are not visible if this is root.

FOLDER: site-packages with xares, mteb or torch, whose own checks are then run too. Exits with 77 where Debian's tools are missing."""
import argparse
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import wave
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"  # Debian's, which has NumPy
STUDY = """\
corpus: {audio: corpus, labels: "corpus/labels_consensus_{fold}.csv", folds: [1, 2]}
encoder: {name: pitch, standardize: train}
grouper: {name: truth, column: gender}
train: {epochs: 5, learning_rate: 0.01}
eval: {attributes: [gender]}
matrix: {loss.name: [erm, rw]}
"""
KIT = """\
cmake_minimum_required(VERSION 3.25)
project(peaks LANGUAGES C)
find_package(fairvox REQUIRED)
fairvox_add_plugin(peaks peaks.c)
"""
# What every Linux has, as auditwheel says too; Debian has no auditwheel.
OUTSIDE = re.compile(r"(libc|libm|libdl|librt|libpthread|libresolv|ld-linux-x86-64|libgcc_s)\.so\.\d+$")


def run(*command, **options):
    """Standard output; everything is shown if it fails."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def find_missing():
    missing = [tool for tool in ("patchelf", "dpkg", "readelf", "ldd") if not shutil.which(tool)]
    modules = "import ensurepip, numpy, venv"
    if subprocess.run([PYTHON, "-c", modules], stderr=subprocess.DEVNULL, check=False).returncode:
        missing.append("python3-numpy or python3-venv")
    return missing


def check_libraries(package, glibc):
    """Every file finds what it needs in the package, but for what every Linux of that glibc has."""
    count = 0
    for path in sorted(package.rglob("*")):
        with open(path, "rb") if path.is_file() else open(os.devnull, "rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
        dynamic = run("readelf", "-d", "-W", path)
        folders = re.search(r"\(RPATH\).*\[(.*)\]", dynamic)[1].replace("$ORIGIN", str(path.parent)).split(":")
        assert all(pathlib.Path(folder).resolve().is_relative_to(package) for folder in folders), (path, folders)
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
            inside = any((pathlib.Path(folder) / name).exists() for folder in folders)
            assert inside or OUTSIDE.match(name), f"{path}: {name} is not in the wheel"
        for version in re.findall(r"\bGLIBC_(\d+)\.(\d+)", run("readelf", "-V", "-W", path)):
            assert tuple(map(int, version)) <= glibc, f"{path}: needs GLIBC_{'.'.join(version)}"
        count += 1
    assert count > 90, count
    print(f"{count} files of code, glibc {'.'.join(map(str, glibc))}")


def check_licences(package):
    """A line and a text for each bundled library; none is under the GPL only."""
    folder = next(package.parent.glob("fairvox-*.dist-info")) / "licenses"
    lines = [line.split("  ") for line in (folder / "libraries.txt").read_text().splitlines() if "  " in line]
    bundled = {path.name for path in (package / "lib").glob("*.so*") if not path.name.startswith("libfairvox")}
    assert bundled == {line[0] for line in lines}, bundled ^ {line[0] for line in lines}
    for name, debian, licence in lines:
        assert (folder / f"{debian.split()[0]}.txt").stat().st_size > 300, name
        assert not re.fullmatch(r"A?GPL-\d\.\d(-only|-or-later)", licence), (name, licence)
    print(f"{len(lines)} bundled libraries")


def check_by_auditwheel(path, out):
    """Its tag is right, and `auditwheel repair` finds no library to add."""
    said = " ".join(run("auditwheel", "show", path).split())
    tag = path.stem.rsplit("-", 1)[1]
    assert f'consistent with the following platform tag: "{tag}"' in said, said
    run("auditwheel", "repair", "--wheel-dir", out, path)
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out / path.name) as after:
        added = set(after.namelist()) - set(before.namelist())
        assert not [name for name in added if ".so" in name], added
    print("auditwheel: consistent with its tag, nothing to add")


def write_recording(path, hertz, samples):
    """A buzz of 16 bits at 16 kHz, whose loudness changes; returns it as the program reads it."""
    values = [int(6000 * (i * hertz % 16000) / 16000 * (1 + (i // 4000) % 3) / 3) - 2000 for i in range(samples)]
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(struct.pack(f"<{samples}h", *values))


def prepare_folder(folder, fairvox):
    """What wheel_inside.py finds; `fairvox` is the program of the build."""
    for name in ("wheel_inside.py", "peaks.c", "encoder_interfaces.json"):
        shutil.copy(SOURCE / "tests/package" / name, folder)
    shutil.copy(SOURCE / "core/docs/python.md", folder)
    (folder / "study.yaml").write_text(STUDY)
    (folder / "CMakeLists.txt").write_text(KIT)
    files = [("a/same.wav", 130, 24000), ("c.wav", 210, 30000), ("b/same.wav", 170, 20000)]
    expected = folder / "expected"
    expected.mkdir()
    for i, (name, hertz, samples) in enumerate(files):
        write_recording(folder / name, hertz, samples)
        for encoder in ("functionals", "pitch"):
            for form in ("npy", "csv"):
                run(fairvox, "encode", "--encoder", encoder, "--out", expected / f"{encoder}-{i}.{form}", folder / name)
    shutil.copy(folder / "c.wav", folder / "a.wav") # of python.md
    shutil.copy(folder / "c.wav", folder / "b.wav")
    run(fairvox, "encode", "--encoder", "functionals", "-p", "max_seconds=0.5", "--out", expected / "cut.npy",
        folder / "c.wav")
    run(PYTHON, "-c", "import numpy, wave\n"
        "read = lambda f: numpy.frombuffer(wave.open(f).readframes(1 << 30), '<i2').astype('f4') / 32768\n"
        f"numpy.savez('expected/waves.npz', **{{f: read(f) for f in {[name for name, _, _ in files]}}})", cwd=folder)
    run(fairvox, "synth", folder / "corpus", "--limit", "200", "--jobs", "2", "--quiet")
    study = ["study.yaml", "train.epochs=3", "--results", "expected/results", "--cache", "expected/cache", "--quiet"]
    run(fairvox, "run", *study, "-j", "2", cwd=folder)
    run(fairvox, "table", *study, "--format", "csv", "-o", "expected/table.csv", cwd=folder)


def hide(folders):
    """A command before another: it then sees empty folders there, if this is root."""
    mounts = " && ".join(f"mount -t tmpfs none '{folder}'" for folder in folders)
    prefix = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return prefix
    print("not root: the tree stays visible")
    return []


def main(build, packages, folder):
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("FAIRVOX_PLUGIN_PATH", "PYTHONPATH", "LD_LIBRARY_PATH")}
    path = pathlib.Path(run(PYTHON, "-B", SOURCE / "core/package/wheel.py", build, folder / "wheel").strip())
    glibc = tuple(map(int, re.search(r"-py3-none-manylinux_(\d+)_(\d+)_\w+\.whl$", path.name).groups()))
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    run(PYTHON, "-m", "venv", "--system-site-packages", folder / "venv")
    run(folder / "venv/bin/pip", "install", "--no-index", "--find-links", folder / "wheel", "fairvox", env=environment)
    package = next(folder.glob("venv/lib/python3*/site-packages/fairvox"))
    check_libraries(package, glibc)
    check_licences(package)
    if shutil.which("auditwheel"):
        check_by_auditwheel(path, folder / "repaired")
    inside = folder / "inside"
    inside.mkdir()
    prepare_folder(inside, build / "fairvox")
    command = hide([build, SOURCE])
    environment["PATH"] = f"{package}/bin:{environment['PATH']}" # where find_package looks
    run(*command, "sh", "-c", "cmake -B build && cmake --build build", cwd=inside, env=environment)
    if packages:
        environment["PYTHONPATH"] = str(packages)
    done = subprocess.run([*command, folder / "venv/bin/python", "-B", "wheel_inside.py"], cwd=inside, env=environment,
                          check=False)
    return done.returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--packages", type=lambda path: pathlib.Path(path).resolve())
    options = parser.parse_args()
    lacking = find_missing()
    if lacking:
        print(f"missing: {', '.join(lacking)}")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="fairvox-wheel-") as place:
        sys.exit(main(options.build, options.packages, pathlib.Path(place)))
