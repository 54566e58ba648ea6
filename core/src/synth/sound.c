/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes recordings in memory, so that files are written atomically, and marks them as
 * synthetic in their comment. */
#include "synth/synth.h"

#include <stdio.h>
#include <string.h>

#include <sndfile.h>

#include "base/file.h"

struct memory {
	core_text bytes;
	size_t at;
};

static sf_count_t memory_size(void *user)
{
	struct memory *memory = user;
	return (sf_count_t)memory->bytes.size;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
	struct memory *memory = user;
	sf_count_t from = whence == SEEK_CUR   ? (sf_count_t)memory->at
			  : whence == SEEK_END ? (sf_count_t)memory->bytes.size
					       : 0;
	if (from + offset < 0 || from + offset > (sf_count_t)memory->bytes.size)
		return -1;
	memory->at = (size_t)(from + offset);
	return (sf_count_t)memory->at;
}

static sf_count_t memory_write(const void *data, sf_count_t count, void *user)
{
	struct memory *memory = user;
	size_t n = (size_t)count, inside = memory->bytes.size - memory->at;
	inside = inside < n ? inside : n;
	if (inside)
		memcpy(memory->bytes.data + memory->at, data, inside);
	core_text_put(&memory->bytes, (const char *)data + inside, n - inside);
	if (memory->bytes.failed)
		return 0;
	memory->at += n;
	return count;
}

static sf_count_t memory_read(void *data, sf_count_t count, void *user)
{
	struct memory *memory = user;
	size_t n = memory->bytes.size - memory->at;
	n = n < (size_t)count ? n : (size_t)count;
	if (n)
		memcpy(data, memory->bytes.data + memory->at, n);
	memory->at += n;
	return (sf_count_t)n;
}

static sf_count_t memory_tell(void *user)
{
	struct memory *memory = user;
	return (sf_count_t)memory->at;
}

fv_status core_synth_encode(fv_ctx *ctx, const char *path, bool wav, const char *comment,
	const int16_t *x, size_t n, core_text *bytes)
{
	SF_VIRTUAL_IO io = {memory_size, memory_seek, memory_read, memory_write, memory_tell};
	SF_INFO info = {.samplerate = CORE_SYNTH_RATE_HZ, .channels = 1};
	struct memory memory = {0};
	info.format = (wav ? SF_FORMAT_WAV : SF_FORMAT_FLAC) | SF_FORMAT_PCM_16;
	SNDFILE *file = sf_open_virtual(&io, SFM_WRITE, &info, &memory);
	if (!file) {
		core_text_free(&memory.bytes);
		return fv_fail(ctx, FV_FAILED, "%s: %s", path, sf_strerror(NULL));
	}
	int bad = sf_set_string(file, SF_STR_COMMENT, comment);
	bad = bad || sf_write_short(file, x, (sf_count_t)n) != (sf_count_t)n;
	bad = sf_close(file) || bad || memory.bytes.failed;
	*bytes = memory.bytes;
	return bad ? fv_fail(ctx, FV_FAILED, "%s: cannot encode the recording", path) : FV_OK;
}

core_synth_found core_synth_check_file(const char *path, const char *comment, int64_t *samples)
{
	SF_INFO info = {0};
	short chunk[4096];
	if (!core_file_exists(path))
		return CORE_SYNTH_NOTHING;
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	const char *text = file ? sf_get_string(file, SF_STR_COMMENT) : NULL;
	core_synth_found found = CORE_SYNTH_FOREIGN;
	if (text && !strncmp(text, CORE_SYNTH_MARK, strlen(CORE_SYNTH_MARK)))
		found = strcmp(text, comment) ? CORE_SYNTH_OTHER : CORE_SYNTH_SAME;
	if (found ==
		CORE_SYNTH_SAME) { /* a truncated copy has fewer samples than its header states */
		sf_count_t total = 0, n;
		while ((n = sf_read_short(file, chunk, 4096)) > 0)
			total += n;
		found = total == info.frames && total > 0 ? CORE_SYNTH_SAME : CORE_SYNTH_OTHER;
		*samples = total;
	}
	if (file)
		sf_close(file);
	return found;
}
