/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged files of torch.save: however their bytes change, they are rejected with a byte and a
 * rule, or everything read lies inside the file. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "base/stream.h"
#include "torch_files.h"

/* In memory, so that a million files do not test the disk. */
static fv_status open_bytes(fv_ctx *ctx, const void *bytes, size_t n, fv_checkpoint **file)
{
	char path[64];
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	*file = NULL;
	fv_status status = fv_checkpoint_open(ctx, path, file);
	close(fd);
	if (status) {
		assert_int_equal(status, FV_DATA);
		assert_int_equal(core_error_count(ctx), 1);
		strcat(path, ": byte ");
		assert_non_null(strstr(core_error_line(ctx, 0), path));
	}
	return status;
}

/* Changes one to four bytes after `from`: a random value, a flipped bit, or a byte that means
 * something to the parser. */
static void mutate_bytes(fv_stream *stream, unsigned char *bytes, size_t from, size_t n)
{
	static const char telling[] = "\x80.(cRbQN\x88\x89JKM\x8aGX)]}t\x85\x86\x87"
				      "aesuqrhj\0\1\377PK";
	for (uint64_t c = 1 + fv_below(stream, 4); c > 0; c--) {
		unsigned char *byte = &bytes[from + fv_below(stream, n - from)];
		switch (fv_below(stream, 3)) {
		case 0:
			*byte = (unsigned char)fv_below(stream, 256);
			break;
		case 1:
			*byte = (unsigned char)(*byte ^ 1u << fv_below(stream, 8));
			break;
		default:
			*byte = (unsigned char)telling[fv_below(stream, sizeof telling - 1)];
		}
	}
}

static size_t get_element_size(const fv_tensor *t)
{
	return strstr(t->dtype, "64")   ? 8
	       : strstr(t->dtype, "32") ? 4
	       : strstr(t->dtype, "16") ? 2
					: 1;
}

static void check_same_tables(const fv_checkpoint *a, const fv_checkpoint *b)
{
	assert_int_equal(fv_checkpoint_count(a), fv_checkpoint_count(b));
	for (int64_t i = 0; i < fv_checkpoint_count(a); i++) {
		const fv_tensor *s = fv_checkpoint_at(a, i), *t = fv_checkpoint_at(b, i);
		assert_string_equal(s->name, t->name);
		assert_string_equal(s->dtype, t->dtype);
		assert_int_equal(s->rank, t->rank);
		assert_memory_equal(s->shape, t->shape, sizeof s->shape);
		if (s->count)
			assert_memory_equal(
				s->data, t->data, (size_t)s->count * get_element_size(s));
	}
}

/* Archives have checksums: a file that is still accepted must hold the same tensors as the
 * undamaged one. */
static void damaged_archives_are_rejected(void **state)
{
	(void)state;
	static const char *const files[] = {"containers/zip_all.pt", "containers/zip_nested.pt",
		"containers/zip_old.pt", "containers/zip_address_keys.pt"};
	fv_ctx *setup = test_ctx();
	int accepted = 0, n = (int)test_rounds(10000, 1000000);
	for (size_t f = 0; f < 4; f++) {
		char *original;
		size_t size;
		fv_checkpoint *whole;
		test_ok(setup, fv_checkpoint_open(setup, test_golden(files[f]), &whole));
		test_ok(setup, core_file_read(setup, test_golden(files[f]), 0, &original, &size));
		unsigned char *bytes = malloc(size);
		for (int i = 0; i < n / 4; i++) {
			fv_ctx *ctx = test_ctx();
			fv_stream stream = core_stream(7, 0, files[f], 0, (uint64_t)i);
			memcpy(bytes, original, size);
			mutate_bytes(&stream, bytes, 0, size);
			size_t cut = fv_below(&stream, 16) ? size : (size_t)fv_below(&stream, size);
			fv_checkpoint *file;
			if (!open_bytes(ctx, bytes, cut, &file)) {
				accepted++;
				check_same_tables(file, whole);
				fv_checkpoint_close(file);
			}
			core_ctx_free(ctx);
		}
		free(bytes);
		fv_checkpoint_close(whole);
	}
	assert_true(accepted > 0 &&
		    accepted < n / 2); /* padding and times are not covered by a checksum */
	core_ctx_free(setup);
}

/* The storage holds 0 ... 5 as float32: every element read must be one of these bytes, and none
 * may be used twice in a tensor. */
static void check_elements(const fv_checkpoint *file)
{
	static const float six[6] = {0, 1, 2, 3, 4, 5};
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		size_t size = get_element_size(t), seen = 0, left = (size_t)t->count;
		int64_t count = 1;
		for (int32_t d = 0; d < t->rank; d++)
			count *= t->shape[d];
		assert_int_equal(count, t->count);
		assert_true(left <= sizeof six / size);
		for (size_t e = 0; e < left; e++) {
			size_t at = 0;
			while (at < sizeof six &&
				(memcmp((const char *)six + at, (const char *)t->data + e * size,
					 size) != 0 ||
					(size == 4 && seen & (size_t)1 << at)))
				at += size;
			assert_true(at < sizeof six);
			seen |= (size_t)1 << at;
		}
	}
}

#define STATE_DICT                                                                                 \
	"\x80\x02@collections OrderedDict;)Rq\x01('a'" TENSOR("0", "#2;#3;",                       \
		"#3;#1;") "'b.c'" TENSOR("0", "#3;#2;", "#1;#3;") "q\x02'd'" TENSOR("4", "#2;",    \
		"#1;") "'e'}'f'h\x02sq\x03'g'@torch._utils _rebuild_parameter;" TENSOR("1", "",    \
		"") "\x88@collections OrderedDict;)R\x87R#7;" TENSOR("6", "#0;#4;",                \
		"#4;#1;") "u}'_metadata'@collections OrderedDict;)Rsb."

/* The archive around the damaged pickle has correct checksums, so the pickle parser itself must
 * reject it. */
static void damaged_pickles_stay_in_bounds(void **state)
{
	(void)state;
	core_text pickle = {0}, file = {0};
	test_add_pickle(&pickle, STATE_DICT);
	unsigned char *bytes = malloc(pickle.size);
	int accepted = 0, n = (int)test_rounds(10000, 1000000);
	for (int i = -1; i < n; i++) {
		fv_ctx *ctx = test_ctx();
		fv_stream stream = core_stream(7, 0, "pickle", 0, (uint64_t)i);
		memcpy(bytes, pickle.data, pickle.size);
		if (i >= 0)
			mutate_bytes(&stream, bytes, 0, pickle.size);
		file.size = 0;
		test_add_torch_zip(&file, bytes, pickle.size);
		fv_checkpoint *read;
		fv_status status = open_bytes(ctx, file.data, file.size, &read);
		if (i < 0)
			test_ok(ctx, status);
		if (!status) {
			accepted++;
			check_elements(read);
			fv_checkpoint_close(read);
		}
		core_ctx_free(ctx);
	}
	assert_true(accepted > n / 500 && accepted < n / 2);
	free(bytes);
	core_text_free(&pickle);
	core_text_free(&file);
}

/* The legacy form has no checksums; any byte except the elements may be damaged. */
static void damaged_legacy_files_stay_in_bounds(void **state)
{
	(void)state;
	core_text pickle = {0}, file = {0};
	test_add_pickle(&pickle, STATE_DICT);
	test_add_torch_legacy(&file, pickle.data, pickle.size, "'0'");
	unsigned char *bytes = malloc(file.size);
	int accepted = 0, n = (int)test_rounds(10000, 1000000);
	for (int i = -1; i < n; i++) {
		fv_ctx *ctx = test_ctx();
		fv_stream stream = core_stream(7, 0, "legacy", 0, (uint64_t)i);
		memcpy(bytes, file.data, file.size);
		size_t cut = file.size;
		if (i >= 0) {
			mutate_bytes(&stream, bytes, 0, file.size - 24);
			cut = fv_below(&stream, 16) ? cut : (size_t)fv_below(&stream, cut);
		}
		fv_checkpoint *read;
		fv_status status = open_bytes(ctx, bytes, cut, &read);
		if (i < 0)
			test_ok(ctx, status);
		if (!status) {
			accepted++;
			if (!strcmp(fv_checkpoint_container(read), "torch legacy"))
				check_elements(read);
			fv_checkpoint_close(read);
		}
		core_ctx_free(ctx);
	}
	assert_true(accepted > n / 500 && accepted < n / 2);
	free(bytes);
	core_text_free(&pickle);
	core_text_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_archives_are_rejected),
		cmocka_unit_test(damaged_pickles_stay_in_bounds),
		cmocka_unit_test(damaged_legacy_files_stay_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
