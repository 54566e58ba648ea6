/* SPDX-License-Identifier: Apache-2.0 */
/* The feature cache: entries are read back, damaged or foreign entries are rejected, locks exclude
 * others. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "run/cache.h"

#define L 3
#define D 5

static const fv_output output = {.size = sizeof output, .name = "states", .layers = L, .dims = D};
static char audio[CORE_SHA256_HEX], other_audio[CORE_SHA256_HEX];

static core_encoder encoder(char letter)
{
	core_encoder e = {.name = "toy", .layers = L, .dims = D};
	e.info.outputs = &output;
	memset(e.key, letter, CORE_SHA256_HEX - 1);
	return e;
}

static void fill(float *x, float first)
{
	for (int i = 0; i < L * D; i++)
		x[i] = first + (float)i / 7;
}

static char *path_of(fv_ctx *ctx, const char *cache, const core_encoder *e, const char *sha)
{
	return core_format(ctx, "%s/%s/%s.safetensors", cache, e->key, sha);
}

static void put(fv_ctx *ctx, const char *cache, const core_encoder *e, const char *sha, float first)
{
	float x[L * D];
	core_lease *lease;
	fill(x, first);
	test_ok(ctx, core_cache_lock_key(ctx, cache, e->key, &lease));
	test_ok(ctx, core_cache_put(ctx, cache, e, sha, x, false));
	core_lease_release(lease);
}

static bool holds(
	fv_ctx *ctx, const char *cache, const core_encoder *e, const char *sha, float first)
{
	float x[L * D], want[L * D];
	bool silent;
	fill(want, first);
	return core_cache_get(ctx, cache, e, sha, x, &silent) && !silent &&
	       !memcmp(x, want, sizeof x);
}

static void test_put_get(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *cache = test_folder("cache");
	core_encoder a = encoder('a'), b = encoder('b');
	float x[L * D];
	bool silent;
	put(ctx, cache, &a, audio, 1);
	put(ctx, cache, &b, audio, 2);
	put(ctx, cache, &a, other_audio, 3);
	assert_true(holds(ctx, cache, &a, audio, 1) && holds(ctx, cache, &b, audio, 2) &&
		    holds(ctx, cache, &a, other_audio, 3));
	assert_false(core_cache_get(ctx, cache, &b, other_audio, x, &silent));
	put(ctx, cache, &a, audio, 4);
	assert_true(holds(ctx, cache, &a, audio, 4));
	fill(x, 4);
	test_ok(ctx, core_cache_put(ctx, cache, &a, audio, x, true));
	assert_true(core_cache_get(ctx, cache, &a, audio, x, &silent) && silent);
	/* The mark is part of the checksum. */
	char *data, *path = path_of(ctx, cache, &a, audio);
	size_t size;
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	char *mark = memmem(data, size, "\"silent\":\"1\"", 12);
	assert_non_null(mark);
	mark[10] = '0';
	test_ok(ctx, core_file_write(ctx, path, data, size));
	assert_false(core_cache_get(ctx, cache, &a, audio, x, &silent));
	core_ctx_free(ctx);
}

/* Entries are written by one process and sealed by another, few and many at once; a recording may be there twice. */
static void test_seal(void **state)
{
	(void)state;
	enum { MANY = 40 };
	fv_ctx *ctx = test_ctx();
	const char *cache = test_folder("cache");
	core_encoder e = encoder('f');
	const char *sha[MANY + 1] = {NULL};
	float x[L * D];
	bool silent;
	core_lease *lease;
	test_ok(ctx, core_cache_lock_key(ctx, cache, e.key, &lease));
	for (int few = 0; few < 2; few++) {
		int n = few ? 3 : MANY;
		for (int i = 0; i < n; i++) {
			char *name = core_strdup(ctx, audio);
			name[0] = (char)('0' + few);
			name[1] = (char)('0' + i % 10);
			name[2] = (char)('0' + i / 10);
			sha[i] = name;
			fill(x, (float)i);
			test_ok(ctx, core_cache_write(ctx, cache, &e, name, x, false));
			assert_false(core_cache_get(ctx, cache, &e, name, x, &silent));
		}
		sha[n] = sha[1];
		test_ok(ctx, core_cache_seal(ctx, cache, &e, sha, n + 1));
		for (int i = 0; i < n; i++)
			assert_true(holds(ctx, cache, &e, sha[i], (float)i));
	}
	/* what was not written cannot be sealed; nothing is left of the others */
	fill(x, 5);
	test_ok(ctx, core_cache_write(ctx, cache, &e, other_audio, x, false));
	const char *lost[] = {audio, other_audio};
	test_fails(ctx, core_cache_seal(ctx, cache, &e, lost, 2), FV_FAILED,
		"cannot write: No such file");
	assert_false(
		core_file_exists(core_format(ctx, "%s/%s/.%s.unsync", cache, e.key, other_audio)));
	core_error_clear(ctx);
	/* a writer that was killed before the entry was sealed */
	test_ok(ctx, core_cache_write(ctx, cache, &e, other_audio, x, false));
	core_lease_release(lease);
	test_ok(ctx, core_cache_lock_key(ctx, cache, e.key, &lease));
	assert_false(
		core_file_exists(core_format(ctx, "%s/%s/.%s.unsync", cache, e.key, other_audio)));
	assert_false(core_cache_get(ctx, cache, &e, other_audio, x, &silent));
	core_lease_release(lease);
	core_ctx_free(ctx);
}

/* Entries of another recording, encoder or shape under the name of the right one. */
static void test_not_its_own(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *cache = test_folder("cache");
	core_encoder a = encoder('a'), b = encoder('b'), wide = encoder('a');
	float x[L * D + L];
	bool silent;
	wide.dims = D + 1;
	put(ctx, cache, &a, audio, 1);
	assert_false(core_cache_get(ctx, cache, &wide, audio, x, &silent));
	put(ctx, cache, &b, audio, 2);
	assert_int_equal(0, rename(path_of(ctx, cache, &b, audio), path_of(ctx, cache, &a, audio)));
	assert_false(core_cache_get(ctx, cache, &a, audio, x, &silent));
	put(ctx, cache, &a, other_audio, 3);
	assert_int_equal(
		0, rename(path_of(ctx, cache, &a, other_audio), path_of(ctx, cache, &a, audio)));
	assert_false(core_cache_get(ctx, cache, &a, audio, x, &silent));
	assert_int_equal(core_error_count(ctx), 0);
	core_ctx_free(ctx);
}

/* Changes every byte of an entry in turn, and truncates it to every length: the numbers read are
 * never wrong. Bytes that no number depends on (spaces, the encoder's name) may change. */
static void test_damaged(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *cache = test_folder("cache");
	core_encoder e = encoder('c');
	float x[L * D];
	bool silent;
	char *data;
	size_t size;
	put(ctx, cache, &e, audio, 1);
	char *path = path_of(ctx, cache, &e, audio);
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	for (size_t i = 0; i < size; i++) {
		data[i] ^= 0x21;
		FILE *file = fopen(path, "wb");
		assert_int_equal(fwrite(data, 1, size, file), size);
		fclose(file);
		data[i] ^= 0x21;
		assert_true(holds(ctx, cache, &e, audio, 1) ||
			    !core_cache_get(ctx, cache, &e, audio, x, &silent));
		if (i >= size - sizeof x)
			assert_false(core_cache_get(ctx, cache, &e, audio, x, &silent));
	}
	for (size_t n = 0; n < size; n++) {
		assert_int_equal(truncate(path, (off_t)(size - 1 - n)), 0);
		assert_false(core_cache_get(ctx, cache, &e, audio, x, &silent));
	}
	assert_int_equal(core_error_count(ctx), 0);
	put(ctx, cache, &e, audio, 1);
	assert_true(holds(ctx, cache, &e, audio, 1));
	core_ctx_free(ctx);
}

/* Concurrent writers and readers without the lock: a reader gets one entry or the other,
 * complete. */
static void test_concurrent(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *cache = test_folder("cache");
	core_encoder e = encoder('d');
	put(ctx, cache, &e, audio, 0);
	pid_t pid[2];
	for (int child = 0; child < 2; child++) {
		pid[child] = fork();
		if (pid[child])
			continue;
		fv_ctx *own = core_ctx_new();
		float x[L * D];
		fill(x, (float)child);
		for (int i = 0; i < 150; i++)
			if (core_cache_put(own, cache, &e, audio, x, false))
				_exit(1);
		_exit(0);
	}
	float x[L * D], either[2][L * D];
	bool silent;
	fill(either[0], 0);
	fill(either[1], 1);
	int left = 2, good = 0;
	for (int how; left;) {
		assert_true(core_cache_get(ctx, cache, &e, audio, x, &silent));
		assert_true(!memcmp(x, either[0], sizeof x) || !memcmp(x, either[1], sizeof x));
		if (waitpid(pid[left - 1], &how, WNOHANG) == pid[left - 1]) {
			good += how == 0;
			left--;
		}
	}
	assert_int_equal(good, 2);
	core_ctx_free(ctx);
}

/* The next lock removes what a killed writer left; entries and other files stay. */
static void test_leftovers(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *cache = test_folder("cache");
	core_encoder e = encoder('e');
	put(ctx, cache, &e, audio, 1);
	char *left = core_format(ctx, "%s/%s/.%s.safetensors.0a1b2c", cache, e.key, audio);
	char *mine = core_format(ctx, "%s/%s/notes.txt", cache, e.key);
	for (int i = 0; i < 2; i++)
		fclose(fopen(i ? mine : left, "w"));
	core_lease *lease;
	test_ok(ctx, core_cache_lock_key(ctx, cache, e.key, &lease));
	core_lease_release(lease);
	assert_false(core_file_exists(left));
	assert_true(core_file_exists(mine) && holds(ctx, cache, &e, audio, 1));
	core_ctx_free(ctx);
}

struct waiter {
	const char *cache, *key;
	core_lease *lease;
	fv_status status;
};

static void *wait_for_key(void *user)
{
	struct waiter *w = user;
	fv_ctx *ctx = core_ctx_new();
	w->status = core_cache_lock_key(ctx, w->cache, w->key, &w->lease);
	core_ctx_free(ctx);
	return NULL;
}

/* One who waits for a key whose folder its holder prunes makes the folder anew and holds it. */
static void test_pruned_key(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *cache = test_folder("cache");
	core_encoder e = encoder('f');
	core_lease *lease;
	core_lease_view view = {0};
	core_lease_state found;
	struct waiter waiter = {.cache = cache, .key = e.key};
	pthread_t thread;
	char *folder = core_path_join(ctx, cache, e.key);
	test_ok(ctx, core_cache_lock_key(ctx, cache, e.key, &lease));
	assert_int_equal(pthread_create(&thread, NULL, wait_for_key, &waiter), 0);
	usleep(100000);
	assert_null(waiter.lease);
	core_lease_remove(lease);
	(void)rmdir(folder);
	pthread_join(thread, NULL);
	assert_int_equal(waiter.status, FV_OK);
	assert_true(core_lease_is_kept(waiter.lease));
	test_ok(ctx, core_lease_look(ctx, folder, &view, &found));
	assert_int_equal(found, CORE_LEASE_HELD);
	core_lease_release(waiter.lease);
	test_ok(ctx, core_lease_look(ctx, folder, &view, &found));
	assert_int_equal(found, CORE_LEASE_FREE);
	core_ctx_free(ctx);
}

int main(void)
{
	memset(audio, '1', sizeof audio - 1);
	memset(other_audio, '2', sizeof other_audio - 1);
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_put_get),
		cmocka_unit_test(test_seal), cmocka_unit_test(test_not_its_own),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_leftovers), cmocka_unit_test(test_pruned_key)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
