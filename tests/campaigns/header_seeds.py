# SPDX-License-Identifier: Apache-2.0
"""Valid files that tests/campaigns/headers.py changes."""
import io
import json
import math
import struct
import zipfile
import zlib


def make_zip(parts, compressed=False):
	"""A valid archive."""
	out = io.BytesIO()
	with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
		for name, data in parts.items():
			archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
	return out.getvalue()


def make_torch_zip(parts):
	"""A valid archive as torch.save writes it: stored, and with the end records of zip64."""
	out, directory = b"", b""
	for name, data in parts.items():
		facts = struct.pack("<HHHHHIIIHH", 0, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0)
		directory += b"PK\1\2\0\0" + facts + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + name.encode()
		out += b"PK\3\4" + facts + name.encode() + data
	at, n = len(out), len(parts)
	end = len(out) + len(directory)
	return (out + directory + b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 0, 0, 0, 0, n, n, len(directory), at) +
		b"PK\6\7" + struct.pack("<IQI", 0, end, 1) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, n, n, len(directory), at, 0))


class Archive:
	"""A zip archive, and what is in it."""

	def __init__(self, parts, make=make_zip, **options):
		self.parts, self.archive = parts, make(parts, **options)


def make_safetensors(tensors, meta=None):
	header, data = ({"__metadata__": meta} if meta else {}), b""
	for name, (dtype, shape, part) in tensors.items():
		header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
		data += part
	text = json.dumps(header, separators=(",", ":")).encode()
	return struct.pack("<Q", len(text)) + text + data


def make_npy(descr, shape, data, fortran=False, version=1):
	text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
	width = 2 if version == 1 else 4
	text += b" " * (-(len(text) + 9 + width) % 64) + b"\n"
	return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(width, "little") + text + data


def list_safetensors(root):
	floats = struct.pack("<6f", *range(6))
	return [
		make_safetensors({"a": ("F32", [2, 3], floats)}),
		make_safetensors({"a": ("F32", [2, 3], floats), "b.c": ("F16", [2], b"\0\x3c\0\x40"), "d": ("I64", [], b"\1" + b"\0" * 7)},
				 {"format": "pt", "k": "v\u00fc\n"}),
		make_safetensors({"x": ("U8", [0], b""), "y": ("BOOL", [3], b"\0\1\0"), "z": ("BF16", [1, 1, 2], b"\0\0\x80\x3f")}),
	] + [path.read_bytes() for path in sorted((root / "tests/golden/containers").glob("st_*.safetensors"))
	     if path.stat().st_size < 4096]


def list_npy(root):
	numbers = struct.pack("<6f", *range(6))
	return [make_npy("<f4", (2, 3), numbers), make_npy("<f4", (3, 2), numbers, fortran=True), make_npy(">f4", (6,), numbers),
		make_npy("<f8", (3,), numbers, version=2), make_npy("|u1", (24,), numbers, version=3), make_npy("<i2", (2, 2, 3), numbers),
		make_npy("<f2", (), b"\0\x3c"), make_npy("|b1", (0, 4), b"")]


def list_npz(root):
	arrays = list_npy(root)
	return [Archive({"a.npy": arrays[0], "b.npy": arrays[3]}), Archive({"a.npy": arrays[1]}, compressed=True),
		Archive({"x/y.npy": arrays[4], "z.npy": arrays[6], "w.npy": arrays[7]})]


def list_torch(root):
	found = []
	for path in sorted((root / "tests/golden/containers").glob("zip_*.pt")):
		with zipfile.ZipFile(path) as archive:
			parts = {name: archive.read(name) for name in archive.namelist()}
		folder = next(iter(parts)).split("/")[0]
		parts = {"archive" + name[len(folder):]: data for name, data in parts.items()}
		if path.stat().st_size < 20000 and "archive/data.pkl" in parts:
			found.append(Archive(parts, make_torch_zip))
	return found


def make_wav(tag, bits, channels, samples, rate=16000, more=b"", endian="<"):
	align = channels * bits // 8
	form = struct.pack(endian + "HHIIHH", tag, channels, rate, rate * align, align, bits)
	if tag == 0xfffe:
		form += struct.pack(endian + "HHIH", 22, bits, (1 << channels) - 1, 1) + bytes.fromhex("000000001000800000aa00389b71")
	chunks = b"WAVEfmt " + struct.pack(endian + "I", len(form)) + form + more
	chunks += b"data" + struct.pack(endian + "I", len(samples)) + samples + b"\0" * (len(samples) % 2)
	return (b"RIFF" if endian == "<" else b"RIFX") + struct.pack(endian + "I", len(chunks)) + chunks


def list_wav(root):
	wave = [math.sin(0.3 * t) for t in range(48)]
	pcm = struct.pack("<48h", *(int(20000 * v) for v in wave))
	return [make_wav(1, 16, 1, pcm), make_wav(1, 16, 2, pcm), make_wav(1, 8, 1, bytes(int(128 + 99 * v) for v in wave)),
		make_wav(3, 32, 1, struct.pack("<48f", *wave)), make_wav(1, 24, 1, pcm + pcm[:48]), make_wav(1, 32, 1, pcm + pcm),
		make_wav(0xfffe, 16, 2, pcm), make_wav(1, 16, 1, pcm, more=b"LIST" + struct.pack("<I", 4) + b"INFO"),
		make_wav(1, 16, 1, struct.pack(">48h", *(int(20000 * v) for v in wave)), endian=">"),
		make_wav(3, 64, 1, struct.pack("<24d", *wave[:24]))]


SEEDS = {"safetensors": list_safetensors, "npy": list_npy, "npz": list_npz, "torch": list_torch, "wav": list_wav}
