#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kernels for GPUs under Clang's AddressSanitizer and ThreadSanitizer, and faults planted in them, each of which must be found.

usage: sanitize.py --build BUILD [--kinds asan tsan] [--faults]

The kernels and the tests of operations are compiled anew and linked with BUILD's library. ThreadSanitizer gets each
thread of a block as a fiber that only barriers order. A planted fault is a text replaced in a copy of the kernels; it
counts as found if a test fails plain, under AddressSanitizer, or under ThreadSanitizer."""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ("rows", "sums", "frames", "front")
HOST = ("memory", "linear", "ops", "front", "frames", "heads", "device")
KINDS = {"plain": ["-O1"], "asan": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
         "tsan": ["-O1", "-fsanitize=thread"]}

# Name, file, text, what replaces it, test that must fail
FAULTS = (
    ("a barrier is missing before shared memory is used again", "attention.cu",
     "__syncthreads(); /* the tile before is read */", "", "frames"),
    ("a barrier is missing behind keys that were loaded", "attention.cu",
     "load_keys(m, k + width, a.stride_joined, width, size, keys);\n\t\t__syncthreads();",
     "load_keys(m, k + width, a.stride_joined, width, size, keys);", "frames"),
    ("a warp does not wait for its weights", "attention.cu", "__syncwarp();", "", "frames"),
    ("scores of keys that are not there", "attention.cu", "score[h] = key < keys ? dot : -INFINITY;",
     "score[h] = dot;", "frames"),
    ("a row too many", "rows.cu", "if (row >= p.rows)\n\t\treturn;\n\tconst float *from",
     "if (row > p.rows)\n\t\treturn;\n\tconst float *from", "rows"),
    ("two blocks write one row", "rows.cu",
     "const int64_t row = find_row();\n\tif (row >= job.count)\n\t\treturn;\n\tconst int64_t to = job.map",
     "const int64_t row = find_row() < job.count ? find_row() : job.count - 1;\n\tconst int64_t to = job.map", "rows"),
    ("the parts of a sum are read too early", "sums.cu", "parts[threadIdx.x / LANES] = v;\n\t__syncthreads();",
     "parts[threadIdx.x / LANES] = v;", "sums"),
    ("a return before a barrier", "waves.cu", "const slot own = c.slots[blockIdx.x];",
     "const slot own = c.slots[blockIdx.x];\n\tif (threadIdx.x >= 96)\n\t\treturn;", "front"),
    ("a sum starts where another utterance ends", "sums.cu", "float *in = x.at + s.first * x.stride + c;",
     "float *in = x.at + (s.first ? s.first - 1 : 0) * x.stride + c;", "sums"),
    ("a step of an LSTM reads unwritten memory", "frames.cu", "for (int i = static_cast<int>(threadIdx.x); i < WINDOWS * s.hidden; i += THREADS)",
     "for (int i = static_cast<int>(threadIdx.x); i < WINDOWS * s.hidden - 40; i += THREADS)", "frames"),
    ("pinned memory is used again too early", "memory.cpp", "*error = cudaEventSynchronize(h->copied[h->now]);",
     "*error = cudaSuccess;", "device"),
)


def compile_all(kernels, build, folder, kind, tests):
    """Compiles kernels and tests with clang into folder; returns the programs."""
    own = ROOT / "tests/cuda"
    flags = ["-g", "-ffp-contract=off", "-w", f"-I{own}", f"-I{ROOT}/core/include", f"-I{ROOT}/core/src",
             f"-I{ROOT}/tests/support"]
    cxx = ["clang++", "-std=c++14", f"-I{own}/include", f"-I{kernels}", *flags, '-DFAIRVOX_VERSION="0"',
           '-DFAIRVOX_CUDA_NAME="cuda-emulated"', '-DFAIRVOX_CUDA_ARCHITECTURES="75 80 90"']
    jobs = [[*cxx, *KINDS[kind], "-x", "c++", "-c", str(path)] for path in sorted(kernels.glob("*.cu"))]
    jobs += [[*cxx, *KINDS[kind], "-c", str(kernels / f"{name}.cpp")] for name in HOST]
    jobs += [[*cxx, *KINDS[kind], "-c", str(own / f"{name}.cpp")] for name in ("runtime", "gemm_emulated")]
    # The scheduler is never instrumented for ThreadSanitizer: its state is nobody's race.
    plain = ["-O2", "-DEMULATED_TSAN"] if kind == "tsan" else KINDS[kind]
    jobs.append([*cxx, *plain, "-c", str(own / "fibers.cpp")])
    c = ["clang", "-std=c11", "-D_GNU_SOURCE", *flags, *KINDS[kind]]
    jobs += [[*c, "-c", str(own / f"{name}.c")] for name in ("op_test", *(f"test_cuda_{test}" for test in tests))]
    for job in jobs:
        job += ["-o", str(folder / (pathlib.Path(job[-1]).name + ".o"))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: subprocess.run(job, check=True), jobs))
    objects = [job[-1] for job in jobs]
    common = [name for name in objects if "test_cuda_" not in name]
    programs = {}
    for test in tests:
        programs[test] = folder / test
        shared = [name for name in common if test != "device" or "op_test" not in name]
        link = ["clang++", *KINDS[kind], *shared, str(folder / f"test_cuda_{test}.c.o"),
                str(build / "tests/libtest_support.a"), f"-L{build}", "-lfairvox", f"-Wl,-rpath,{build}", "-lcmocka",
                "-ljansson", "-lsndfile", "-lm", "-o", str(programs[test])]
        subprocess.run(link, check=True)
    return programs


def run_program(program):
    """Exit status and output of a test; a failure of one test ends it, so that nothing hides the first."""
    environment = {**os.environ, "FAIRVOX_QUICK": "1", "OPENBLAS_NUM_THREADS": "1", "ASAN_OPTIONS": "detect_leaks=0",
                   "TSAN_OPTIONS": "halt_on_error=1"}
    try:
        done = subprocess.run([str(program)], capture_output=True, text=True, errors="replace", check=False,
                              env=environment, timeout=600)
    except subprocess.TimeoutExpired:
        return 1, "runs longer than ten minutes"
    return done.returncode, done.stdout + done.stderr


def find_reason(output):
    for mark in ("WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", "runtime error", "emulated", "ERROR:", "error:"):
        for line in output.splitlines():
            if mark in line:
                return line.strip()[:110]
    return "no message"


def check_clean(build, kind):
    """Whether no test fails under that sanitizer."""
    with tempfile.TemporaryDirectory(prefix=f"fairvox-{kind}.") as name:
        folder = pathlib.Path(name)
        programs = compile_all(ROOT / "core/src/backend/cuda", build, folder, kind, (*TESTS, "device"))
        clean = True
        for test, program in programs.items():
            begun = time.monotonic()
            status, output = run_program(program)
            reason = "clean" if status == 0 else find_reason(output)
            print(f"{kind} {test}: {reason}, {time.monotonic() - begun:.0f} s", flush=True)
            clean = clean and status == 0
    return clean


def plant_fault(build, fault):
    """Whether the fault is found."""
    what, file, text, other, test = fault
    found = []
    with tempfile.TemporaryDirectory(prefix="fairvox-fault.") as name:
        kernels = pathlib.Path(name) / "cuda"
        shutil.copytree(ROOT / "core/src/backend/cuda", kernels)
        source = (kernels / file).read_text(encoding="utf-8")
        if source.count(text) < 1:
            sys.exit(f"{file}: '{text}' is not there any more: mend {__file__}")
        (kernels / file).write_text(source.replace(text, other, 1), encoding="utf-8")
        for kind in KINDS:
            folder = pathlib.Path(name) / kind
            folder.mkdir()
            status, output = run_program(compile_all(kernels, build, folder, kind, (test,))[test])
            if status:
                found.append(f"{kind}: {find_reason(output)}")
    print(f"{what}: {'; '.join(found) if found else 'NOT FOUND'}", flush=True)
    return bool(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--kinds", nargs="*", default=["asan", "tsan"], choices=["asan", "tsan"])
    parser.add_argument("--faults", action="store_true", help="plant faults too")
    options = parser.parse_args()
    build = options.build.resolve()
    good = all([check_clean(build, kind) for kind in options.kinds])
    if options.faults:
        found = [plant_fault(build, fault) for fault in FAULTS]
        print(f"{sum(found)} of {len(found)} planted faults found")
        good = good and all(found)
    sys.exit(not good)


if __name__ == "__main__":
    main()
