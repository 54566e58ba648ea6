#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a Python wheel of a build: wheel.py BUILD OUTDIR

The package `fairvox` holds an install (bin, include, lib, share), the Python files of core/python, and the libraries of Debian
that these need (bundled.txt), with their licence texts. What every Linux of that glibc has is not bundled (PEP 600). Prints the
path of the wheel. Needs patchelf, and Debian's packages, whose licence texts lie in one place."""
import base64
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# glibc, and libgcc_s, which must be as new as the system's libstdc++ for plugins in C++
SYSTEM = re.compile(r"(libc|libm|libdl|librt|libpthread|libresolv|ld-linux-x86-64|ld-linux-aarch64|libgcc_s)\.so\.\d")
COMMON_LICENCES = pathlib.Path("/usr/share/common-licenses")
# of the install: what only a shell or a browser reads
LEFT_OUT = ("share/man", "share/bash-completion", "share/zsh", "share/fish", "share/doc/fairvox/html",
            "share/doc/fairvox/licences")
METADATA = """\
Metadata-Version: 2.1
Name: fairvox
Version: {version}
Summary: {summary}
License: Apache-2.0; bundled libraries: see {info}/licenses/libraries.txt
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: C
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Multimedia :: Sound/Audio :: Speech
Requires-Python: >=3.9
Requires-Dist: numpy
Provides-Extra: pandas
Requires-Dist: pandas; extra == "pandas"
Description-Content-Type: text/markdown

Speech emotion recognition is less fair to some speakers than to others, and corpora rarely say who the speakers are. A YAML
file defines a study: the recordings, a frozen encoder, the source of the groups, a debias objective, and which of these to vary.
fairvox computes every combination over folds and seeds and prints tables with their uncertainty.

This package holds the program `fairvox`, its plugins and the libraries that they need, and functions that return what it
computes as arrays and tables:

    import fairvox
    x = fairvox.encode(["a.wav", "b.wav"], "functionals")   # NumPy, float32 [2, width]
    table = fairvox.run("study.yaml", "train.epochs=10")    # pandas
"""


def fail(text):
    sys.exit(f"wheel.py: {text}")


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode:
        fail(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def read_cache(build):
    text = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w+):\w+=(.*)$", text, re.M))


def install(build, package):
    """Installs into the package, without links: a wheel has none."""
    run("cmake", "--install", build, "--strip", "--prefix", package)
    for name in LEFT_OUT:
        shutil.rmtree(package / name, ignore_errors=True)
    (package / "lib/fairvox/modules/libfairvox-cuda.so").unlink(missing_ok=True)  # its libraries are NVIDIA's
    library = package / "lib/libfairvox.so.0"
    real = library.resolve()
    library.unlink()
    real.rename(library)
    (package / "lib/libfairvox.so").unlink()
    (package / "lib/libfairvox.so").write_text("INPUT(libfairvox.so.0)\n")  # a script for the linker
    for path in (package / "lib/cmake/fairvox").glob("fairvox-targets*.cmake"):
        path.write_text(path.read_text().replace(real.name, library.name))
    links = [path for path in package.rglob("*") if path.is_symlink()]
    if links:
        fail(f"links are left: {links}")


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def list_elf_files(package):
    return sorted(path for path in package.rglob("*") if path.is_file() and is_elf(path))


def find_libraries(package):
    """Path of every library that the files of the package need, by the name by which they need it."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(package / "lib")}
    found = {}
    for path in list_elf_files(package):
        for name, target in re.findall(r"^\t(\S+) => (.+?)(?: \(0x\w+\))?$", run("ldd", path, env=environment), re.M):
            if target == "not found":
                fail(f"{path.relative_to(package)} needs {name}, which is not there")
            if not SYSTEM.match(name) and not target.startswith(str(package)):
                found[name] = pathlib.Path(target).resolve()
    return dict(sorted(found.items()))


def find_debian_package(path):
    """Name and version of the package that the file belongs to; it may be listed below /lib or /usr/lib."""
    for name in (str(path), re.sub("^/usr/lib/", "/lib/", str(path))):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            package = re.match(r"[^:,\s]+", done.stdout)[0]
            return package, run("dpkg-query", "-W", "-f", "${Version}", package)
    return fail(f"{path} belongs to no package of Debian: build on Debian 12, with its packages alone")


def read_licences():
    lines = (SOURCE / "core/package/bundled.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def copy_licence(package, folder):
    """The package's copyright file, and the licences of Debian's common ones that it refers to."""
    text = pathlib.Path(f"/usr/share/doc/{package}/copyright").read_bytes()
    (folder / f"{package}.txt").write_bytes(text)
    for name in re.findall(rb"common-licenses/([A-Za-z]+(?:-\d+(?:\.\d+)?)?)", text):
        shutil.copyfile(COMMON_LICENCES / name.decode(), folder / f"{name.decode()}.txt")


def bundle_libraries(package, licences):
    """Copies the libraries into lib, and their licence texts; returns a line for each."""
    known = read_licences()
    lines = []
    for name, path in find_libraries(package).items():
        debian, version = find_debian_package(path)
        if debian not in known:
            fail(f"{name} of {debian}: its licence is not in core/package/bundled.txt: add it unless it is the GPL only")
        shutil.copyfile(path, package / "lib" / name)
        copy_licence(debian, licences)
        lines.append(f"{name}  {debian} {version}  {known[debian]}\n")
    shutil.copyfile(COMMON_LICENCES / "LGPL-2", licences / "LGPL-2.txt")  # libltdl, whose copyright file has the program's
    return lines


def set_search_paths(package):
    """Every file finds its libraries relative to itself, whatever LD_LIBRARY_PATH says."""
    for path in list_elf_files(package):
        up = os.path.relpath(package / "lib", path.parent)
        folders = ["$ORIGIN" if up == "." else f"$ORIGIN/{up}"]
        if path.parent.name == "bin":
            folders.append(f"$ORIGIN/{up}/fairvox/modules")  # which the program loads by name
        run("patchelf", "--force-rpath", "--set-rpath", ":".join(folders), path)
        path.chmod(0o755)


def write_info(stage, cache):
    """The folder .dist-info without its RECORD; returns it and the wheel's tag."""
    version = cache["CMAKE_PROJECT_VERSION"]
    info = stage / f"fairvox-{version}.dist-info"
    glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1].replace(".", "_")
    tag = f"py3-none-manylinux_{glibc}_{platform.machine()}"
    info.mkdir()
    (info / "METADATA").write_text(METADATA.format(version=version, info=info.name,
                                                   summary=cache["CMAKE_PROJECT_DESCRIPTION"]))
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nGenerator: fairvox {version}\nRoot-Is-Purelib: false\nTag: {tag}\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nfairvox = fairvox.__main__:main\n")
    return info, tag


def write_libraries(path, lines):
    path.write_text("Libraries of Debian in this package, unchanged but for the path where they look for others. Each line: file,\n"
                    "Debian's package and version, licence. `apt-get source PACKAGE=VERSION` on Debian 12, or\n"
                    "https://snapshot.debian.org/, has the source. They may be replaced by files of the same name.\n\n"
                    + "".join(lines))


def write_archive(stage, info, out):
    """The wheel: RECORD, then the archive, the same bytes for the same files."""
    record = info / "RECORD"
    paths = sorted(path for path in stage.rglob("*") if path.is_file())
    rows = []
    for path in paths:
        data = path.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path.relative_to(stage)},sha256={digest},{len(data)}\n")
    record.write_text("".join(rows) + f"{record.relative_to(stage)},,\n")
    date = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))[:6]  # a zip begins in 1980
    with zipfile.ZipFile(out, "w") as archive:
        for path in [*paths, record]:
            entry = zipfile.ZipInfo(str(path.relative_to(stage)), date)
            entry.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def main(build, folder):
    cache = read_cache(build)
    if cache.get("CMAKE_INSTALL_LIBDIR", "lib") != "lib" or cache.get("FAIRVOX_SANITIZE") == "ON":
        fail(f"{build}: not a build that a wheel can be made of: configure one without a prefix or sanitizers")
    stage = build / "wheel"
    shutil.rmtree(stage, ignore_errors=True)
    package = stage / "fairvox"
    install(build, package)
    info, tag = write_info(stage, cache)
    licences = info / "licenses"
    licences.mkdir()
    shutil.copyfile(SOURCE / "LICENSE", licences / "LICENSE")
    write_libraries(licences / "libraries.txt", bundle_libraries(package, licences))
    set_search_paths(package)
    for path in (SOURCE / "core/python/fairvox").glob("*.py"):
        shutil.copyfile(path, package / path.name)
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"fairvox-{cache['CMAKE_PROJECT_VERSION']}-{tag}.whl"
    write_archive(stage, info, out)
    shutil.rmtree(stage)
    print(out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
