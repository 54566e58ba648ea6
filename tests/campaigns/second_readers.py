# SPDX-License-Identifier: Apache-2.0
"""Readers of five formats, written from their specifications with nothing but Python's own library. Each returns what
tests/campaigns/headers.c prints of a file, or raises an exception."""
import ast
import collections
import io
import json
import math
import pickle
import struct
import zipfile
import zlib

ENDLESS = 0x7fff0000  # a WAVE whose length was not known when its header was written
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


class NotRead(Exception):
	"""The file is of a kind that this reader leaves to others."""


def require(good, why):
	if not good:
		raise ValueError(why)


def describe_tensor(name, dtype, shape, data):
	return f"{name.encode().hex()}:{dtype}:{'x'.join(map(str, shape))}:{zlib.crc32(data) if data else 0}"


def describe_tensors(tensors):
	"""In the order of the bytes of their names."""
	return " ".join(text for _, text in sorted(tensors))


def refuse_twice(pairs):
	require(len({key for key, _ in pairs}) == len(pairs), "a key appears twice")
	return dict(pairs)


def is_count(value):
	return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def read_safetensors(data):
	length = struct.unpack("<Q", data[:8])[0]
	require(8 + length <= len(data), "the header is cut")
	header = json.loads(data[8:8 + length].decode(), object_pairs_hook=refuse_twice)
	meta = header.pop("__metadata__", {})
	require(all(isinstance(value, str) for value in meta.values()), "metadata")
	body, out, spans = data[8 + length:], [], []
	for name, entry in header.items():
		require(set(entry) == {"dtype", "shape", "data_offsets"}, "fields")
		begin, end = entry["data_offsets"]
		require(all(map(is_count, (begin, end, *entry["shape"]))), "counts")
		require(end - begin == math.prod(entry["shape"]) * SIZES[entry["dtype"]] and end <= len(body), "size")
		spans.append((begin, end))
		out.append((name.encode(), describe_tensor(name, entry["dtype"], entry["shape"], body[begin:end])))
	at = 0
	for begin, end in sorted(spans):
		require(begin == at, "a hole or an overlap")
		at = end
	require(at == len(body), "bytes that belong to nothing")
	return describe_tensors(out)


NPY_TYPES = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u1": "U8", "b1": "BOOL"}


def order_elements(data, size, shape, fortran, big):
	"""The bytes in C order and little endian."""
	items = [data[i:i + size] for i in range(0, len(data), size)]
	if big:
		items = [item[::-1] for item in items]
	if fortran and len(shape) > 1 and items:
		places = [0]
		step = 1
		strides = []
		for dim in shape:
			strides.append(step)
			step *= dim
		for dim, stride in zip(shape, strides):
			places = [place + k * stride for place in places for k in range(dim)]
		items = [items[place] for place in places]
	return b"".join(items)


def parse_npy(data):
	"""Type, shape and bytes of an array."""
	require(data[:6] == b"\x93NUMPY" and data[6] in (1, 2, 3), "magic")
	width = 2 if data[6] == 1 else 4
	length = int.from_bytes(data[8:8 + width], "little")
	start = 8 + width + length
	require(start <= len(data), "the header is cut")
	text = data[8 + width:start].decode("utf-8" if data[6] == 3 else "latin-1")
	header = ast.literal_eval(text.replace("L,", ",").replace("L)", ")").strip())
	require(set(header) == {"descr", "fortran_order", "shape"}, "keys")
	descr, shape = header["descr"], header["shape"]
	require(isinstance(header["fortran_order"], bool) and all(map(is_count, shape)), "order, shape")
	order, code = (descr[0], descr[1:]) if descr[0] in "<>|=" else ("=", descr)
	dtype = NPY_TYPES[code[0] + str(int(code[1:]))]
	body = data[start:]
	require(len(body) == math.prod(shape) * SIZES[dtype], "size")
	return dtype, shape, order_elements(body, SIZES[dtype], shape, header["fortran_order"], order == ">")


def read_npy(data):
	return describe_tensor("array", *parse_npy(data))


def read_npz(data):
	out = []
	with zipfile.ZipFile(io.BytesIO(data)) as archive:
		names = archive.namelist()
		require(len(set(names)) == len(names), "a name appears twice")
		for name in names:
			require(name.endswith(".npy"), "no array")
			array = archive.read(name)
			if b"'<U" in array[:200] or b"'|S" in array[:200]:
				raise NotRead("texts")
			out.append((name[:-4].encode(), describe_tensor(name[:-4], *parse_npy(array))))
	return describe_tensors(out)


class Storage:
	def __init__(self, dtype, key, count):
		self.dtype, self.key, self.count = dtype, key, count


class Tensor:
	def __init__(self, storage, offset, shape, stride, *_):
		self.storage, self.offset, self.shape, self.stride = storage, offset, shape, stride


STORAGES = {"FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "DoubleStorage": "F64", "LongStorage": "I64",
	    "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8", "BoolStorage": "BOOL"}


class Unpickler(pickle.Unpickler):
	def find_class(self, module, name):
		if (module, name) == ("collections", "OrderedDict"):
			return collections.OrderedDict
		if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
			return Tensor
		if (module, name) == ("torch._utils", "_rebuild_parameter"):
			return lambda tensor, *_: tensor
		require(module == "torch" and name in STORAGES, f"{module}.{name}")
		return STORAGES[name]

	def persistent_load(self, pid):
		kind, dtype, key, _, count = pid
		require(kind == "storage", "storage")
		return Storage(dtype, key, count)


def name_tensors(tree, prefix, out):
	"""The keys and the places in lists and tuples on the way to a tensor, joined by dots, are its name."""
	for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
		name = prefix + str(key)
		if isinstance(value, Tensor):
			out.append((name, value))
		elif isinstance(value, (dict, list, tuple)):
			name_tensors(value, name + ".", out)


def copy_tensor(tensor, data):
	size = SIZES[tensor.storage.dtype]
	require(len(data) == size * tensor.storage.count, "storage size")
	places = [tensor.offset]
	for dim, stride in zip(tensor.shape, tensor.stride):
		places = [place + k * stride for place in places for k in range(dim)]
	require(all(0 <= place < tensor.storage.count for place in places), "outside the storage")
	return b"".join(data[size * place:size * (place + 1)] for place in places)


def read_torch(data):
	out, found = [], []
	with zipfile.ZipFile(io.BytesIO(data)) as archive:
		require(archive.testzip() is None, "CRC")
		place = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
		tree = Unpickler(io.BytesIO(archive.read(place))).load()
		require(isinstance(tree, dict), "no dict")
		name_tensors(tree, "", found)
		for name, tensor in found:
			body = archive.read(place[:-len("data.pkl")] + "data/" + tensor.storage.key)
			text = describe_tensor(name, tensor.storage.dtype, tensor.shape, copy_tensor(tensor, body))
			out.append((name.encode(), text))
	return describe_tensors(out)


def read_chunks(data, endian):
	"""Format and samples: of the first chunks of these names."""
	form, at = None, 12
	while at + 8 <= len(data):
		name, size = data[at:at + 4], struct.unpack(endian + "I", data[at + 4:at + 8])[0]
		if name == b"fmt " and form is None:
			form = data[at + 8:at + 8 + size]
		if name == b"data":
			body = data[at + 8:at + 8 + size]
			return form, body, size if size < ENDLESS else len(body)
		at += 8 + size + size % 2
	raise ValueError("no samples")


def decode_pcm(tag, bits, endian, body):
	order = "little" if endian == "<" else "big"
	size = bits // 8
	if tag == 3:
		return [v for (v,) in struct.iter_unpack(endian + ("f" if bits == 32 else "d"), body)]
	if bits == 8:
		return [(v - 128) / 128 for v in body]
	return [int.from_bytes(body[i:i + size], order, signed=True) / (1 << (bits - 1)) for i in range(0, len(body), size)]


def read_wav(data):
	require(data[:4] in (b"RIFF", b"RIFX") and data[8:12] == b"WAVE", "no WAVE")
	endian = "<" if data[:4] == b"RIFF" else ">"
	form, body, size = read_chunks(data, endian)
	tag, channels, rate, _, _, bits = struct.unpack(endian + "HHIIHH", form[:16])
	if tag == 0xfffe:
		tag = struct.unpack(endian + "H", form[24:26])[0]
	if (tag, bits) not in ((1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)):
		raise NotRead(f"coding {tag} of {bits} bits")
	require(size <= len(body), "samples are missing")
	width = channels * bits // 8
	values = decode_pcm(tag, bits, endian, body[:len(body) // width * width])
	floats = [struct.unpack("<f", struct.pack("<f", v))[0] for v in values]
	mono = [sum(floats[i:i + channels]) / channels for i in range(0, len(floats), channels)]
	return f"{rate}:{channels}:{len(mono)}:{zlib.crc32(struct.pack(f'<{len(mono)}f', *mono))}"


READERS = {"safetensors": read_safetensors, "npy": read_npy, "npz": read_npz, "torch": read_torch, "wav": read_wav}
