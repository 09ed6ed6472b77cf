#include "auth/keyfile.h"

#include "base/crypto.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 16384, TIME_LEN = 16, SIGN_ID_LEN = 16, MAC_ID_LEN = 8 };

bool keyfile_refuse(const struct keyfile_dir *dir, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(dir->error, dir->error_size, format, args);
	va_end(args);
	return false;
}

static bool format_time(int64_t sec, char out[TIME_LEN + 1])
{
	struct tm parts;
	time_t at = (time_t)sec;
	if (sec < 0 || !gmtime_r(&at, &parts) || parts.tm_year > 9999 - 1900)
		return false;
	return strftime(out, TIME_LEN + 1, "%Y%m%dT%H%M%SZ", &parts) == TIME_LEN;
}

/* One spelling for one moment: what is read must be written the same way again (no 31st of
 * February, no leap second). */
static bool parse_time(const char *text, int64_t *out)
{
	struct tm parts = { 0 };
	char copy[TIME_LEN + 1] = "", again[TIME_LEN + 1];
	memcpy(copy, text, TIME_LEN);
	const char *end = strptime(copy, "%Y%m%dT%H%M%SZ", &parts);
	if (!end || *end != '\0')
		return false;
	*out = timegm(&parts);
	return format_time(*out, again) && strcmp(again, copy) == 0;
}

/* "<time>-<id><suffix>" and nothing else. */
static bool parse_rest(const char *rest, size_t id_len, const char *suffix, struct keyfile *out)
{
	if (strlen(rest) != TIME_LEN + 1 + id_len + strlen(suffix))
		return false;
	const char *id = rest + TIME_LEN + 1;
	if (rest[TIME_LEN] != '-' || strspn(id, "0123456789abcdef") != id_len)
		return false;
	if (strcmp(id + id_len, suffix) != 0)
		return false;
	memcpy(out->id, id, id_len);
	out->id[id_len] = '\0';
	return parse_time(rest, &out->from_sec);
}

enum keyfile_kind keyfile_parse_name(const char *name, struct keyfile *out)
{
	bool ok = false;
	*out = (struct keyfile){ .kind = KEYFILE_FOREIGN };
	if (strncmp(name, "sign-", 5) == 0) {
		ok = parse_rest(name + 5, SIGN_ID_LEN, ".pem", out);
		out->kind = ok ? KEYFILE_SIGN : KEYFILE_MISNAMED;
	} else if (strncmp(name, "mac-", 4) == 0) {
		ok = parse_rest(name + 4, MAC_ID_LEN, ".key", out);
		out->kind = ok ? KEYFILE_MAC : KEYFILE_MISNAMED;
	}
	return out->kind;
}

bool keyfile_format_name(const struct keyfile *file, char out[KEYFILE_NAME_SIZE])
{
	bool is_mac = file->kind == KEYFILE_MAC;
	char from[TIME_LEN + 1];
	if (!format_time(file->from_sec, from))
		return false;
	snprintf(out, KEYFILE_NAME_SIZE, "%s-%s-%s.%s", is_mac ? "mac" : "sign", from, file->id,
		is_mac ? "key" : "pem");
	return true;
}

bool keyfile_open(struct keyfile_dir *dir, const char *path, char *error, size_t error_size)
{
	struct stat info;
	dir->path = path;
	dir->error = error;
	dir->error_size = error_size;
	dir->stream = opendir(path);
	if (!dir->stream)
		return keyfile_refuse(dir, "the key directory %s: %s; run: doorwardctl keys new",
			dir->path, strerror(errno));
	if (fstat(dirfd(dir->stream), &info) == 0 && (info.st_mode & 022) == 0)
		return true;
	keyfile_refuse(dir, "%s: others may write to it, and so add a key; run: chmod go-w %s",
		dir->path, dir->path);
	keyfile_close(dir);
	return false;
}

void keyfile_close(struct keyfile_dir *dir)
{
	if (dir->stream)
		closedir(dir->stream);
	dir->stream = NULL;
}

/* Looks at the open file, so that nothing can be exchanged between the look and the reading. */
static bool check_file(const struct keyfile_dir *dir, const char *name, int fd)
{
	struct stat info;
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
		return keyfile_refuse(dir, "%s/%s: not a file", dir->path, name);
	if (info.st_mode & 077)
		return keyfile_refuse(dir,
			"%s/%s: mode %04o lets others at the key; run: chmod 600 %s/%s", dir->path,
			name, (unsigned)(info.st_mode & 07777), dir->path, name);
	if (info.st_size > FILE_MAX_BYTES)
		return keyfile_refuse(
			dir, "%s/%s: larger than %d bytes", dir->path, name, FILE_MAX_BYTES);
	return true;
}

static bool read_all(int fd, char *bytes, size_t *len)
{
	*len = 0;
	while (*len < FILE_MAX_BYTES) {
		ssize_t got = read(fd, bytes + *len, FILE_MAX_BYTES - *len);
		if (got == 0)
			return true;
		if (got < 0 && errno != EINTR)
			return false;
		if (got > 0)
			*len += (size_t)got;
	}
	return true;
}

char *keyfile_read(const struct keyfile_dir *dir, const char *name, size_t *len)
{
	char *bytes = NULL;
	/* O_NONBLOCK: a FIFO of that name must not stop the start. */
	int fd = openat(dirfd(dir->stream), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		keyfile_refuse(dir, "%s/%s: %s", dir->path, name, strerror(errno));
		return NULL;
	}
	if (!check_file(dir, name, fd))
		goto out;
	bytes = calloc(1, FILE_MAX_BYTES + 1);
	if (!bytes)
		fatal("out of memory: a key file");
	if (!read_all(fd, bytes, len)) {
		keyfile_refuse(dir, "%s/%s: %s", dir->path, name, strerror(errno));
		crypto_wipe(bytes, FILE_MAX_BYTES);
		free(bytes);
		bytes = NULL;
	}
out:
	close(fd);
	return bytes;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);
		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
	return true;
}

/* An administrator's new key must be readable by the server's own user. */
static bool give_to_owner(int dir_fd, int fd)
{
	struct stat info;
	if (geteuid() != 0)
		return true;
	return fstat(dir_fd, &info) == 0 && fchown(fd, info.st_uid, info.st_gid) == 0;
}

/* Temporary file, on disk, then its name: a reader sees the whole key or no key, also after a
 * power cut. */
bool keyfile_write(const struct keyfile_dir *dir, const char *name, const char *bytes, size_t len)
{
	int dir_fd = dirfd(dir->stream);
	uint8_t random[8];
	char tail[2 * sizeof(random) + 1], temporary[KEYFILE_NAME_SIZE + sizeof(tail) + 2];
	random_bytes(random, sizeof(random));
	encode_hex(tail, random, sizeof(random));
	snprintf(temporary, sizeof(temporary), ".%s.%s", name, tail);
	int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && give_to_owner(dir_fd, fd) && write_all(fd, bytes, len) &&
		  fsync(fd) == 0 && renameat(dir_fd, temporary, dir_fd, name) == 0 &&
		  fsync(dir_fd) == 0;
	if (!ok)
		keyfile_refuse(dir, "cannot write %s/%s: %s", dir->path, name, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlinkat(dir_fd, temporary, 0);
	}
	return ok;
}

bool keyfile_remove(const struct keyfile_dir *dir, const char *name)
{
	int dir_fd = dirfd(dir->stream);
	if (unlinkat(dir_fd, name, 0) == 0 && fsync(dir_fd) == 0)
		return true;
	return keyfile_refuse(dir, "cannot remove %s/%s: %s", dir->path, name, strerror(errno));
}
