/* SPDX-License-Identifier: Apache-2.0 */
/* Files of weights and features whose first bytes are numbers of no fixed value. */
#include "base/content.h"
#include "base/content_private.h"

/* The header's length comes first: 8 bytes, little endian. */
static bool is_safetensors(const uint8_t *start, size_t n)
{
	uint64_t length = 0;
	for (size_t i = 0; i < 8 && i < n; i++)
		length |= (uint64_t)start[i] << (8 * i);
	return n > 8 && start[8] == '{' && length >= 2 && length <= 100000000;
}

static bool is_printable(const uint8_t *start, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (start[i] < 0x20 || start[i] >= 0x7f)
			return false;
	return true;
}

/* A protobuf message with a small number in field 1. ONNX: ir_version, then producer_name, a graph
 * (7) or opset_import (8). A TensorFlow SavedModel: schema version 1, then a graph in field 2. */
static const char *name_protobuf(const uint8_t *start, size_t n)
{
	if (n < 5 || start[0] != 0x08 || start[1] == 0 || start[1] > 40)
		return NULL;
	size_t length = start[3];
	if (start[2] == 0x12 && length > 0 && length < 0x80 && 4 + length <= n &&
		is_printable(start + 4, length))
		return "an ONNX model";
	if (start[2] == 0x12 && start[1] == 1)
		return "a TensorFlow SavedModel";
	return start[2] == 0x3a || start[2] == 0x42 ? "an ONNX model" : NULL;
}

/* Protocols 2 to 5 start with their number; 0 is text: a dictionary, a list, or a class. */
static bool is_pickle(const uint8_t *start, size_t n)
{
	return (n >= 3 && start[0] == 0x80 && start[1] >= 2 && start[1] <= 5) ||
	       core_has(start, n, 0, "(dp0\n") || core_has(start, n, 0, "(lp0\n") ||
	       core_has(start, n, 0, "ccopy_reg\n") || core_has(start, n, 0, "cnumpy");
}

/* A MessagePack map of few entries whose first key is a short string: how Flax saves weights. */
static bool is_message_pack(const uint8_t *start, size_t n)
{
	if (n < 4 || start[0] < 0x81 || start[0] > 0x8f || start[1] < 0xa1 || start[1] > 0xbf)
		return false;
	size_t length = start[1] & 0x1f;
	return 2 + length <= n && is_printable(start + 2, length);
}

/* Kaldi's binary archives: a key, a blank, NUL, B, and the type of the object. */
static bool is_kaldi(const uint8_t *start, size_t n)
{
	size_t at = 0;
	while (at < n && start[at] > 0x20 && start[at] < 0x7f)
		at++;
	if (at && at < n && start[at] == ' ')
		at++;
	return core_has(start, n, at, "\0BFM ") || core_has(start, n, at, "\0BFV ") ||
	       core_has(start, n, at, "\0BCM") || core_has(start, n, at, "\0BDM ");
}

const char *core_model_content(const uint8_t *start, size_t n)
{
	if (is_safetensors(start, n))
		return CORE_CONTENT_SAFETENSORS;
	if (core_has(start, n, 0, "GGUF") && n >= 8 && !start[6] && !start[7])
		return "a GGUF model";
	if (is_pickle(start, n))
		return "a pickle of Python";
	if (core_has(start, n, 4, "TFL3") && !start[3]) /* where its root is: near, and no text */
		return "a TensorFlow Lite model";
	/* its index: the first value is a header of the number of shards and the version */
	if (core_has(start, n, 0, "\0\0") && core_has(start, n, 3, "\x08") &&
		core_has(start, n, 5, "\x1a\x02\x08\x01"))
		return "the index of a TensorFlow checkpoint";
	if (is_kaldi(start, n))
		return "a Kaldi archive";
	if (is_message_pack(start, n))
		return "a MessagePack file, the form of Flax";
	return name_protobuf(start, n);
}
