#include "base/settings.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/settings_file.h"
#include "base/settings_line.h"
#include "base/settings_report.h"
#include "base/settings_table.h"
#include "base/settings_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARENA_MAX_BYTES = 4 * 1024 * 1024, SECRET_MAX_BYTES = 4096 };

/* What settings_load hands out; the public part is first. */
struct loaded {
	struct settings settings;
	struct arena *arena;
};

const char *settings_path(const char *given)
{
	if (given)
		return given;
	const char *path = getenv("DOORWARD_CONF");
	return path && path[0] ? path : "/etc/doorward/doorward.conf";
}

struct loading {
	const struct settings *settings;
	const int *set_at;
	struct settings_report *report;
};

/* "[section] a (its value) must ... b (its value)", at the later of the two lines. */
static void report_pair(
	const struct loading *loading, const char *section, const char *const words[3])
{
	const struct settings_entry *a = settings_table_find(section, words[0]);
	const struct settings_entry *b = settings_table_find(section, words[2]);
	char a_storage[SETTINGS_DURATION_MAX], b_storage[SETTINGS_DURATION_MAX];

	int a_line = loading->set_at[settings_table_index(a)];
	int b_line = loading->set_at[settings_table_index(b)];
	const char *a_text = settings_value_format(a, loading->settings, a_storage);
	const char *b_text = settings_value_format(b, loading->settings, b_storage);
	settings_report_add(loading->report, a_line > b_line ? a_line : b_line,
		"[%s] %s (%s) %s %s (%s)", section, words[0], a_text, words[1], words[2],
		b_text[0] ? b_text : "not set");
}

static void check_together(const struct loading *loading)
{
	const struct settings *s = loading->settings;
	const struct {
		bool is_wrong;
		const char *section;
		const char *words[3];
	} pairs[] = {
		{ s->mirror.lease_ms <= s->mirror.heartbeat_ms, "mirror",
			{ "lease_ms", "must be longer than", "heartbeat_ms" } },
		{ strcmp(s->cookie.access_name, s->cookie.refresh_name) == 0, "cookie",
			{ "refresh_name", "must differ from", "access_name" } },
		{ strcmp(s->cookie.access_name, s->cookie.csrf_name) == 0, "cookie",
			{ "csrf_name", "must differ from", "access_name" } },
		{ strcmp(s->cookie.refresh_name, s->cookie.csrf_name) == 0, "cookie",
			{ "csrf_name", "must differ from", "refresh_name" } },
		{ s->users.source == SETTINGS_USERS_FILE && !s->users.users_file[0], "users",
			{ "source", "needs", "users_file" } },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].is_wrong)
			report_pair(loading, pairs[i].section, pairs[i].words);
	}
}

static FILE *open_file(const char *path, char *error, size_t error_size)
{
	FILE *file = fopen(path, "re");
	if (!file && errno == ENOENT)
		(void)snprintf(error, error_size,
			"%s: there is no such file; copy doorward.conf.example to it, or name "
			"another file with -c or in $DOORWARD_CONF",
			path);
	else if (!file)
		(void)snprintf(
			error, error_size, "%s: cannot be opened: %s", path, strerror(errno));
	return file;
}

struct settings *settings_load(const char *path, char *error, size_t error_size)
{
	struct settings_report report;
	FILE *file = open_file(path, error, error_size);
	if (!file)
		return NULL;

	struct arena *arena = arena_new(ARENA_MAX_BYTES);
	struct loaded *loaded = arena_alloc(arena, sizeof(*loaded));
	struct settings *settings = &loaded->settings;
	loaded->arena = arena;
	settings->path = arena_strdup(arena, path);
	settings_report_init(&report, settings->path, error, error_size);

	const int *set_at = settings_file_read(file, settings, arena, &report);
	(void)fclose(file);
	/* Only where all else is right: a refused value left its default behind. */
	if (settings_report_is_empty(&report))
		check_together(&(struct loading){ settings, set_at, &report });
	if (settings_report_is_empty(&report))
		return settings;
	settings_report_close(&report);
	arena_free(arena);
	return NULL;
}

void settings_free(struct settings *settings)
{
	/* The arena holds the struct itself. */
	if (settings)
		arena_free(((struct loaded *)settings)->arena);
}

/* With the spaces, a leading ';' would be read as a comment and a full line would be too long. */
static void print_line(FILE *out, const char *name, const char *value)
{
	bool is_tight = value[0] == ';' || strlen(name) + strlen(value) + 3 > SETTINGS_LINE_MAX;
	fprintf(out, "%s%s%s\n", name, is_tight ? "=" : " = ", value);
}

void settings_print(const struct settings *settings, FILE *out)
{
	const struct settings_entry *entry;
	const char *section = "";
	char storage[SETTINGS_DURATION_MAX];

	for (size_t i = 0; (entry = settings_table_at(i)); i++) {
		if (strcmp(entry->section, section) != 0)
			fprintf(out, "%s[%s]\n", i > 0 ? "\n" : "", entry->section);
		section = entry->section;
		print_line(out, entry->name, settings_value_format(entry, settings, storage));
	}
	fputs("\n[rules]\n", out);
	for (size_t i = 0; i < settings->rules_count; i++)
		print_line(out, settings->rules[i].pattern, settings->rules[i].requirement);
}

void settings_print_table(FILE *out)
{
	settings_table_print(out);
}

/* A secret that others can read or replace is none. 037: group may read, no more; others nothing.
 */
static const char *why_not_secret(int file)
{
	struct stat status;

	if (fstat(file, &status) != 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "is not a regular file";
	if (status.st_mode & 037)
		return "can be read or written by others: chmod 0600 or 0640 it";
	return NULL;
}

static bool read_bytes(int file, char *into, size_t size, size_t *len)
{
	ssize_t got;

	*len = 0;
	while (*len < size && (got = read(file, into + *len, size - *len)) != 0) {
		if (got < 0 && errno != EINTR)
			return false;
		*len += got > 0 ? (size_t)got : 0;
	}
	return true;
}

static const char *cut_secret(char *secret, size_t len)
{
	if (len > 0 && secret[len - 1] == '\n')
		len--;
	if (len > 0 && secret[len - 1] == '\r')
		len--;
	secret[len] = '\0';
	if (len == 0)
		return "is empty";
	if (len > SECRET_MAX_BYTES)
		return "is longer than 4096 bytes";
	if (strlen(secret) != len || strchr(secret, '\n'))
		return "must hold the secret on one line and nothing else";
	return NULL;
}

char *settings_read_secret(const char *path, char *error, size_t error_size)
{
	const size_t size = SECRET_MAX_BYTES + 3; /* \r, \n or one too many; NUL */
	char *secret = NULL;
	const char *wrong;
	size_t len;

	/* O_NONBLOCK: not to wait for the writer of a FIFO that stands there by mistake. */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0) {
		wrong = strerror(errno);
		goto out;
	}
	wrong = why_not_secret(file);
	if (wrong)
		goto out;
	secret = malloc(size);
	if (!secret)
		fatal("out of memory: a secret");
	wrong = read_bytes(file, secret, size - 1, &len) ? cut_secret(secret, len)
							 : strerror(errno);
out:
	if (file >= 0)
		(void)close(file);
	if (!wrong)
		return secret;
	(void)snprintf(error, error_size, "%s: %s", path, wrong);
	if (secret)
		crypto_wipe(secret, size);
	free(secret);
	return NULL;
}
