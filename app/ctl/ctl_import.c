#include "ctl/ctl_import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/password.h"
#include "base/arena.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ctl/ctl_group.h"
#include "ctl/ctl_output.h"

enum { LINE_ARENA_BYTES = 8 << 20, PROGRESS_EVERY = 500 };

struct import {
	struct ctl *ctl;
	struct caller caller; /* with an arena of a line's life */
	const char *path; /* as the messages say it */
	const struct ctl_group_list *groups; /* NULL: none */
	size_t line, imported, refused;
	bool shows_progress;
};

static void refuse(struct import *import, const char *what)
{
	import->refused++;
	if (import->shows_progress)
		fputs("\r\033[K", stderr);
	ctl_refuse("%s:%zu: %s", import->path, import->line, what);
}

static bool import_user(struct import *import, const char *name, const char *hash)
{
	const char *roles = ctl_group_roles(import->groups, import->caller.arena, name);

	ctl_renew(import->ctl);
	import->caller.deadline = import->ctl->caller.deadline;
	switch (user_add(&import->ctl->auth, &import->caller, name, hash, roles)) {
	case USER_OK:
		import->imported++;
		return true;
	case USER_EXISTS:
		refuse(import,
			arena_printf(import->caller.arena, "there is a user %s already", name));
		return true;
	case USER_UNKNOWN:
	case USER_FAULT:
		break;
	}
	return false;
}

/* What is refused is not repeated but for the name: it may be a password. False on a fault. */
static bool import_line(struct import *import, char *line)
{
	char name[USER_NAME_MAX + 1];
	char *hash;

	line[strcspn(line, "\r\n")] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return true;
	hash = strchr(line, ':');
	if (!hash) {
		refuse(import, "not NAME:HASH");
		return true;
	}
	*hash++ = '\0';
	hash[strcspn(hash, ": \t")] = '\0';
	if (!user_normalise(line, name)) {
		refuse(import, "this cannot be a user's name");
		return true;
	}
	if (!password_is_known_form(hash)) {
		refuse(import,
			arena_printf(import->caller.arena,
				"%s: no password hash of a form that is supported (argon2id, bcrypt, "
				"SHA-crypt, md5crypt, apr1)",
				name));
		return true;
	}
	return import_user(import, name, hash);
}

static void show_progress(const struct import *import, bool last)
{
	if (import->shows_progress && (last || import->line % PROGRESS_EVERY == 0))
		fprintf(stderr, "\r%zu imported, %zu refused%s", import->imported, import->refused,
			last ? "\n" : "");
}

/* False on a fault: then `line` says where. */
static bool import_file(struct import *import, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	for (import->line = 1; ok && getline(&line, &size, file) >= 0; import->line++) {
		ok = import_line(import, line);
		arena_reset(import->caller.arena);
		show_progress(import, false);
		if (!ok)
			break;
	}
	show_progress(import, true);
	if (line)
		crypto_wipe(line, size);
	free(line);
	return ok;
}

static enum ctl_status report(struct import *import, bool whole)
{
	struct ctl *ctl = import->ctl;
	struct json *object =
		json_set(json_object(), "imported", json_int((int64_t)import->imported));

	json_set(object, "refused", json_int((int64_t)import->refused));
	if (import->imported > 0)
		ctl_audit(ctl, "admin.users_imported", NULL, NULL,
			arena_printf(ctl->caller.arena, "%zu users, %zu lines refused",
				import->imported, import->refused));
	ctl_output_result(
		ctl, object, "imported: %zu, refused: %zu", import->imported, import->refused);
	if (!whole) {
		ctl_refuse("stopped at %s:%zu; run it again later: who is there already is refused",
			import->path, import->line);
		return ctl_fault(ctl);
	}
	return import->refused > 0 ? CTL_NO : CTL_OK;
}

enum ctl_status ctl_import_users(struct ctl *ctl)
{
	const char *path = ctl->args.word[0], *groups = ctl_args_value(&ctl->args, "group-file");
	bool from_input = strcmp(path, "-") == 0;
	struct import import = { .ctl = ctl,
		.caller = ctl->caller,
		.path = from_input ? "standard input" : path,
		.shows_progress = isatty(STDERR_FILENO) };
	FILE *file = NULL;

	if (ctl_users_are_elsewhere(ctl))
		return CTL_NO;
	if (groups && !(import.groups = ctl_group_load(ctl->caller.arena, groups, &import.refused)))
		return CTL_NO;
	file = from_input ? stdin : fopen(path, "re");
	if (!file)
		return ctl_refuse("%s: %s", path, strerror(errno));
	import.caller.arena = arena_new(LINE_ARENA_BYTES);
	bool whole = import_file(&import, file);
	if (ferror(file)) {
		import.refused++;
		ctl_refuse("%s could not be read to its end", import.path);
	}
	arena_free(import.caller.arena);
	if (!from_input)
		fclose(file);
	return report(&import, whole);
}
