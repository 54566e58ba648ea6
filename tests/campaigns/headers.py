#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutated headers of safetensors, zips and pickles of torch.save, .npy, .npz and WAVE: each must be refused with a documented rule, or
be accepted by a second reader too (second_readers.py) and hold the same. 2,000 of each format, 1,000,000 with FAIRVOX_LONG; the
seed makes them the same in every call. Prints `campaign headers FORMAT: FIGURE (TARGET)`."""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

import header_seeds
import second_readers

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH = 2000
NUMBERS = [0, 1, 2, 3, 4, 7, 8, 9, 16, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 24, (1 << 31) - 1, 1 << 31,
	   (1 << 32) - 1, 1 << 32, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 10**30]
TOKENS = [b"{", b"}", b"[", b"]", b"(", b")", b",", b":", b'"', b"'", b"\\", b"\0", b"-", b"1.5", b"1e3", b"true", b"null", b"True",
	  b"L", b"F32", b"F16", b"BF16", b"U8", b"<f4", b">f4", b"<f2", b"|b1", b"|O", b"<U3", b"\xff", b"\xed\xa0\x80", b"../", b" "]
# How messages about files of another kind, and of recordings, begin.
KINDS = re.compile(r"(0 samples|sample \d+ is |cut short|not a |no |empty|a |an |the file |damaged|its header|[A-Za-z].* is not |text)")


def find_rules():
	"""The rules of containers, from the tables of core/docs/checkpoints.md."""
	text = (ROOT / "core/docs/checkpoints.md").read_text()
	cells = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", text, re.M)
	rules = {rule.strip() for cell in cells for rule in cell.split(",")}
	return rules | {"magic", "version", "byte order", "storage key", "storage missing", "storage size", "end", "unknown content"}


def mutate_bytes(draw, data):
	"""One change of some bytes."""
	data = bytearray(data)
	at = draw.randrange(len(data) + 1)
	kind = draw.randrange(8)
	size = draw.choice((1, 1, 2, 4, 8))
	if kind == 0 and at < len(data):
		data[at] ^= 1 << draw.randrange(8)
	elif kind == 1 and at < len(data):
		data[at] = draw.randrange(256)
	elif kind == 2:
		data[at:at + size] = (draw.choice(NUMBERS) & ((1 << 8 * size) - 1)).to_bytes(size, "little")
	elif kind == 3:
		del data[at:at + size]
	elif kind == 4:
		data[at:at] = draw.choice(TOKENS)
	elif kind == 5:
		start = draw.randrange(len(data) + 1)
		data[at:at] = data[start:start + 2 * size]
	elif kind == 6:
		data[at:at + size] = draw.choice(TOKENS)
	else:
		del data[at if draw.randrange(4) == 0 else len(data):]
	return bytes(data)


def mutate_text(draw, data):
	"""One change of a number, a word or some bytes of a header of text."""
	words = list(re.finditer(rb"\d+|[A-Za-z_<>|]\w*", data))
	if not words or draw.randrange(3) == 0:
		return mutate_bytes(draw, data)
	word, other = draw.choice(words), draw.choice(words)
	new = other.group()
	if word.group().isdigit():
		near = int(word.group()) + draw.choice((-1, 1, 4, -4))
		new = str(draw.choice((near, draw.choice(NUMBERS), int(other.group()) if other.group().isdigit() else near))).encode()
	elif draw.randrange(2):
		new = draw.choice(TOKENS)
	return data[:word.start()] + new + data[word.end():]


def mutate_often(draw, mutate, data):
	for _ in range(draw.choice((1, 1, 1, 2, 3))):
		data = mutate(draw, data)
	return data


def make_safetensors(draw, seed):
	"""The header is changed as text, mostly with the length that it then has."""
	length = struct.unpack("<Q", seed[:8])[0]
	header = mutate_often(draw, mutate_text, seed[8:8 + length])
	if draw.randrange(8) == 0:
		return mutate_bytes(draw, seed[:8]) + header + seed[8 + length:]
	return struct.pack("<Q", len(header)) + header + seed[8 + length:]


def make_npy(draw, seed):
	width = 2 if seed[6] == 1 else 4
	at = 8 + width
	length = int.from_bytes(seed[8:at], "little")
	header = mutate_often(draw, mutate_text, seed[at:at + length])
	start = seed[:8] if draw.randrange(8) else mutate_bytes(draw, seed[:8])
	return start + len(header).to_bytes(width, "little") + header + seed[at + length:]


def make_npz(draw, seed):
	"""Bytes of the archive's structure, or an array in a valid archive."""
	if draw.randrange(2):
		return mutate_often(draw, mutate_bytes, seed.archive)
	names = list(seed.parts)
	changed = draw.choice(names)
	parts = dict(seed.parts, **{changed: make_npy(draw, seed.parts[changed])})
	return header_seeds.make_zip(parts, compressed=draw.randrange(2) == 1)


def make_torch(draw, seed):
	"""Bytes of the archive's structure, or the pickle in a valid archive."""
	if draw.randrange(4) == 0:
		return mutate_often(draw, mutate_bytes, seed.archive)
	pickle = mutate_often(draw, mutate_bytes, seed.parts["archive/data.pkl"])
	return header_seeds.make_torch_zip(dict(seed.parts, **{"archive/data.pkl": pickle}))


def make_wav(draw, seed):
	return mutate_often(draw, mutate_bytes, seed[:60]) + seed[60:] if draw.randrange(8) else mutate_often(draw, mutate_bytes, seed)


MAKERS = {"safetensors": make_safetensors, "npy": make_npy, "npz": make_npz, "torch": make_torch, "wav": make_wav}


class Reader:
	"""The program's own readers, many files in one process."""

	def __init__(self, build, kind, folder):
		self.batch = folder / "batch"
		env = dict(os.environ, OPENBLAS_NUM_THREADS="1")
		self.process = subprocess.Popen([build / "tests" / "headers", kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

	def read(self, inputs):
		self.batch.write_bytes(b"".join(struct.pack("<I", len(data)) + data for data in inputs))
		self.process.stdin.write(f"{self.batch}\n".encode())
		self.process.stdin.flush()
		answers = []
		for line in self.process.stdout:
			if line == b"\n":
				break
			answers.append(line.decode().rstrip("\n"))
		return answers

	def close(self):
		self.process.stdin.close()
		return self.process.wait()


def judge(kind, rules, data, answer, seen):
	"""What is wrong with an answer; empty: nothing."""
	if answer.startswith("- "):
		found = re.match(r" *(?:array '[^']*': )?byte \d+: ([^:]+): ", answer[2:])
		rule = found[1] if found else "kind"
		seen[rule] += 1
		if found and kind != "wav":
			return "" if rule in rules else f"no documented rule: {answer}"
		return "" if KINDS.match(answer[2:].lstrip()) else f"no rule: {answer}"
	try:
		other = second_readers.READERS[kind](data)
	except second_readers.NotRead as reason:
		seen[f"accepted, {reason}"] += 1
		return ""
	except Exception as error:  # whatever it is, the second reader refuses the file
		return f"accepted as {answer}, the second reader: {type(error).__name__}: {error}"
	seen["accepted"] += 1
	return "" if other == answer[2:] else f"{answer[2:]} but {other}"


def run_format(build, kind, count, seed):
	draw = random.Random(f"{kind} {seed}")
	rules, seeds = find_rules(), header_seeds.SEEDS[kind](ROOT)
	seen, faults, done = collections.Counter(), [], 0
	with tempfile.TemporaryDirectory() as folder:
		reader = Reader(build, kind, pathlib.Path(folder))
		for start in range(0, count, BATCH):
			inputs = [MAKERS[kind](draw, draw.choice(seeds)) for _ in range(min(BATCH, count - start))]
			answers = reader.read(inputs)
			for data, answer in zip(inputs, answers):
				wrong = judge(kind, rules, data, answer, seen)
				if wrong:
					faults.append((wrong, data))
			done += len(answers)
			if len(answers) < len(inputs):
				faults.append(("the reader died", inputs[len(answers)]))
				break
		if reader.close() and done == count:
			faults.append(("the reader ended with an error", b""))
	return kind, done, seen, faults


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", required=True)
	parser.add_argument("--count", type=int, default=1000000 if os.environ.get("FAIRVOX_LONG") else 2000)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("format", nargs="*", choices=[*MAKERS, []], help="these formats; all without")
	options = parser.parse_args()
	build = pathlib.Path(options.build).resolve()
	failed = False
	with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
		jobs = [pool.submit(run_format, build, kind, options.count, options.seed) for kind in options.format or MAKERS]
		for job in jobs:
			kind, done, seen, faults = job.result()
			accepted = sum(n for rule, n in seen.items() if rule.startswith("accepted"))
			other = accepted - seen["accepted"]
			for wrong, data in faults[:20]:
				print(f"{kind}: {wrong[:600]}\n  {data[:400].hex()}")
			print(f"campaign headers {kind}: {done} mutated files, {done - accepted} refused by {len(seen) - bool(accepted)} rules, "
			      f"{seen['accepted']} accepted by both readers, {other} beyond the second, {len(faults)} faults (0 faults)", flush=True)
			failed |= bool(faults) or done < options.count or not seen["accepted"]
	return failed


if __name__ == "__main__":
	sys.exit(main())
