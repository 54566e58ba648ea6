#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kernels for GPUs under Clang's AddressSanitizer and ThreadSanitizer, and faults planted in them, each of which must be found.

usage: sanitize.py --build BUILD [--kinds asan tsan] [--faults]

The kernels and the tests of operations are compiled anew and linked with BUILD's library. ThreadSanitizer gets each
thread of a block as a fiber that only barriers order. A planted fault is a text, or some, replaced in a copy of the
kernels; it counts as found if a test fails plain, under AddressSanitizer, or under ThreadSanitizer."""
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
KERNELS = ROOT / "core/src/backend/cuda"
TESTS = ("rows", "sums", "frames", "front", "classifier", "graphs", "device", "runtime")
ALONE = ("device", "runtime")  # tests without op_test.c
HOST = ("memory", "linear", "ops", "front", "frames", "heads", "classifier", "graphs", "device")
STANDIN = ("runtime", "graphs", "gemm_emulated", "fibers")
KINDS = {"plain": ["-O1"], "asan": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
         "tsan": ["-O1", "-fsanitize=thread"]}

# Name, file, text, what replaces it, test that must fail. More than one text: tuples of (file, text, what replaces it).
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
    ("the parts of a sum are read too early", "gpu.cuh", "parts[threadIdx.x / LANES] = v;\n\t__syncthreads();",
     "parts[threadIdx.x / LANES] = v;", "sums"),
    ("the parts of a sum are written too early", "gpu.cuh", "__syncthreads(); /* the parts of the sum before are read */",
     "", "front"),
    ("a return before a barrier", "waves.cu", "const slot own = c.slots[blockIdx.x];",
     "const slot own = c.slots[blockIdx.x];\n\tif (threadIdx.x >= 96)\n\t\treturn;", "front"),
    ("a sum starts where another utterance ends", "sums.cu", "float *in = x.at + s.first * x.stride + c;",
     "float *in = x.at + (s.first ? s.first - 1 : 0) * x.stride + c;", "sums"),
    ("a step of an LSTM reads unwritten memory", "frames.cu", "for (int i = static_cast<int>(threadIdx.x); i < WINDOWS * s.hidden; i += THREADS)",
     "for (int i = static_cast<int>(threadIdx.x); i < s.hidden; i += THREADS)", "frames"),
    ("pinned memory is used again too early", "memory.cpp", "*error = cudaEventSynchronize(h->copied[h->now]);",
     "*error = cudaSuccess;", "device"),
    ("logits are summed before all products are there", "classifier.cu", "dots[l * t.classes + first + c] = sum[c];\n\t\t}\n\t__syncthreads();",
     "dots[l * t.classes + first + c] = sum[c];\n\t\t}", "classifier"),
    ("the mix gets its gradient before all sums are there", "classifier.cu",
     "d_bias[c] = static_cast<float>(sum);\n\t}\n\t__syncthreads();", "d_bias[c] = static_cast<float>(sum);\n\t}", "classifier"),
    ("a row of weights too many", "classifier.cu", "if (h >= t.width)", "if (h > t.width)", "classifier"),
    ("a column too many", "classifier.cu", "const int d = find_thread();\n\tif (d < t.dims)",
     "const int d = find_thread();\n\tif (d <= t.dims)", "classifier"),
    ("a fused operation in Adam", "classifier.cu", "const float first = __fadd_rn(old, __fmul_rn(s.one_beta1, __fsub_rn(g, old)));",
     "const float first = fmaf(s.one_beta1, __fsub_rn(g, old), old);", "classifier"),
    ("a step with a gradient that is not finite", "classifier.cu", "if (!(*t.norm < INFINITY))", "if (false)", "classifier"),
    ("results are read before the stream has ended", "graphs.cpp",
     "return error ? error : cudaStreamSynchronize(d->stream);", "return error;", "classifier"),
    ("a graph keeps the scalars of Adam from when it was captured",
     (("classifier.hpp", "void take_adam_steps(const trained *all, int n, int64_t count, cudaStream_t stream);",
       "void take_adam_steps(const trained *all, int n, int64_t count, adam s, cudaStream_t stream);"),
      ("classifier.cu", "adam_kernel(const trained *__restrict__ all)", "adam_kernel(const trained *__restrict__ all, adam s)"),
      ("classifier.cu", "const adam s = t.step;", ""),
      ("classifier.cu", "void take_adam_steps(const trained *all, int n, int64_t count, cudaStream_t stream)",
       "void take_adam_steps(const trained *all, int n, int64_t count, adam s, cudaStream_t stream)"),
      ("classifier.cu", "dim3(THREADS), 0, stream, all);\n}\n\n} // namespace gpu",
       "dim3(THREADS), 0, stream, all, s);\n}\n\n} // namespace gpu"),
      ("classifier.cpp", "take_adam_steps(all, s.n, s.count, d->stream);",
       "take_adam_steps(all, s.n, s.count, reinterpret_cast<const trained *>(d->calls.host)->step, d->stream);")),
     "classifier"),
    ("a graph is launched for a batch of another size", "graphs.cpp", "a.rows == b.rows && ", "", "graphs"),
    ("a graph outlives the memory that it copies from", "classifier.cpp", "free_graphs(d);", "", "graphs"),
    ("graphs that are forgotten are not destroyed", "graphs.cpp", "(void)cudaGraphExecDestroy(k->graph);", ";", "graphs"),
    ("what cannot be captured is not enqueued otherwise", "graphs.cpp",
     "give_up_graphs(d, error, ctx);\n\t\t\treturn s.enqueue(d, s);", "give_up_graphs(d, error, ctx);\n\t\t\treturn cudaSuccess;",
     "graphs"),
    ("products of TensorFloat-32 are not rounded", "linear.cpp", "l->tf32 = precision == FV_PRECISION_TF32;",
     "l->tf32 = false;", "rows"),
    ("products of float32 are rounded", "linear.cpp", "shape.tf32 = layer->tf32;", "shape.tf32 = true;", "rows"),
)


def find_test(test):
    """The file of a test: C, of the stand-in C++"""
    return next((ROOT / "tests/cuda").glob(f"test_cuda_{test}.c*")).name


def compile_parts(kernels, folder, kind, names=None):
    """Compiles kernels and tests with clang into folder, or only the files of those names; the objects by name."""
    own = ROOT / "tests/cuda"
    flags = ["-g", "-ffp-contract=off", "-w", f"-I{own}", f"-I{ROOT}/core/include", f"-I{ROOT}/core/src",
             f"-I{ROOT}/tests/support"]
    cxx = ["clang++", "-std=c++14", f"-I{own}/include", f"-I{kernels}", *flags, '-DFAIRVOX_VERSION="0"',
           '-DFAIRVOX_CUDA_NAME="cuda-emulated"', '-DFAIRVOX_CUDA_ARCHITECTURES="75 80 90"']
    c = ["clang", "-std=c11", "-D_GNU_SOURCE", *flags]
    jobs = {path.name: [*cxx, *KINDS[kind], "-x", "c++", "-c", str(path)] for path in sorted(kernels.glob("*.cu"))}
    jobs |= {f"{name}.cpp": [*cxx, *KINDS[kind], "-c", str(kernels / f"{name}.cpp")] for name in HOST}
    for name in STANDIN:
        # The scheduler is never instrumented for ThreadSanitizer: its state is nobody's race.
        plain = ["-O2", "-DEMULATED_TSAN"] if kind == "tsan" and name == "fibers" else KINDS[kind]
        jobs[f"emulated/{name}.cpp"] = [*cxx, *plain, "-c", str(own / f"{name}.cpp")]
    for name in ("op_test.c", *map(find_test, TESTS)):
        jobs[name] = [*(c if name.endswith(".c") else cxx), *KINDS[kind], "-c", str(own / name)]
    jobs = {name: job for name, job in jobs.items() if names is None or name in names}
    objects = {name: f"{folder}/{name.replace('/', '-')}.{kind}.o" for name in jobs}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: subprocess.run([*jobs[name], "-o", objects[name]], check=True), jobs))
    return objects


def link_test(objects, build, folder, kind, test):
    """Links the objects with the library of BUILD; the program."""
    program = f"{folder}/{test}.{kind}"
    used = [path for name, path in objects.items()
            if not name.startswith("test_cuda_") and not (test in ALONE and name == "op_test.c")]
    subprocess.run(["clang++", *KINDS[kind], *used, objects[find_test(test)],
                    str(build / "tests/libtest_support.a"), f"-L{build}", "-lfairvox", f"-Wl,-rpath,{build}",
                    "-lcmocka", "-ljansson", "-lsndfile", "-lm", "-o", program], check=True)
    return program


def run_program(program, kind):
    """Exit status and output of a test; a failure of one test ends it, so that nothing hides the first."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "ASAN_OPTIONS": "detect_leaks=0",
                   "TSAN_OPTIONS": "halt_on_error=1"}
    if kind == "tsan":
        environment["FAIRVOX_QUICK"] = "1"
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


def check_clean(objects, build, folder, kind):
    """Whether no test fails under that sanitizer."""
    clean = True
    for test in TESTS:
        begun = time.monotonic()
        status, output = run_program(link_test(objects[kind], build, folder, kind, test), kind)
        reason = "clean" if status == 0 else find_reason(output)
        print(f"{kind} {test}: {reason}, {time.monotonic() - begun:.0f} s", flush=True)
        clean = clean and status == 0
    return clean


def list_edits(fault):
    return fault[1] if isinstance(fault[1], tuple) else (fault[1:4],)


def plant_fault(objects, build, folder, fault):
    """Whether the fault is found."""
    what, test = fault[0], fault[-1]
    kernels = folder / "faulty"
    shutil.rmtree(kernels, ignore_errors=True)
    shutil.copytree(KERNELS, kernels)
    for file, text, other in list_edits(fault):
        source = (kernels / file).read_text(encoding="utf-8")
        (kernels / file).write_text(source.replace(text, other, 1), encoding="utf-8")
    files = {file for file, _text, _other in list_edits(fault)}
    changed = {path.name for path in KERNELS.glob("*.cu")} if files & {"gpu.cuh"} else files
    found = []
    for kind in KINDS:
        faulty = {**objects[kind], **compile_parts(kernels, kernels, kind, changed)}
        status, output = run_program(link_test(faulty, build, kernels, kind, test), kind)
        if status:
            found.append(f"{kind}: {find_reason(output)}")
    print(f"{what}: {'; '.join(found) if found else 'NOT FOUND'}", flush=True)
    return bool(found)


def check_texts():
    for file, text, _other in (edit for fault in FAULTS for edit in list_edits(fault)):
        if text not in (KERNELS / file).read_text(encoding="utf-8"):
            sys.exit(f"{file}: '{text}' is not there any more: mend {__file__}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--kinds", nargs="*", default=["asan", "tsan"], choices=["asan", "tsan"])
    parser.add_argument("--faults", action="store_true", help="plant faults too")
    options = parser.parse_args()
    build = options.build.resolve()
    check_texts()
    with tempfile.TemporaryDirectory(prefix="fairvox-sanitize.") as name:
        folder = pathlib.Path(name)
        kinds = KINDS if options.faults else options.kinds
        objects = {kind: compile_parts(KERNELS, folder, kind) for kind in kinds}
        clean = [check_clean(objects, build, folder, kind) for kind in options.kinds]
        print(f"campaign cuda sanitizers: {sum(clean)} of {len(clean)} without a report (all)")
        found = [plant_fault(objects, build, folder, fault) for fault in FAULTS] if options.faults else []
        if found:
            print(f"campaign cuda faults: {sum(found)} of {len(found)} planted faults found (all)")
        good = all(clean + found)
    sys.exit(not good)


if __name__ == "__main__":
    main()
