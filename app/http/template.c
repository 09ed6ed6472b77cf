#include "http/template.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/nearest.h"
#include "http/mustache.h"
#include "http/render.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A tag of five bytes becomes some 150 bytes of tree: far less than this factor. */
enum { ARENA_MAX_BYTES = 64 * TEMPLATE_MAX_BYTES };

static const char suffix[] = ".mustache";

struct template_set {
	struct arena *arena;
	size_t count;
	size_t text_bytes;
	struct mustache templates[TEMPLATE_MAX_FILES];
};

static const struct mustache *set_find(const struct template_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->templates[i].name, name) == 0)
			return &set->templates[i];
	}
	return NULL;
}

static struct template_set *set_new(void)
{
	struct arena *arena = arena_new(ARENA_MAX_BYTES);
	struct template_set *set = arena_alloc(arena, sizeof(*set));
	set->arena = arena;
	return set;
}

/* Room for one more text in the arena, which ends the process when it is full. */
static char *text_room(struct template_set *set, const char *name, size_t len, struct buf *error)
{
	if (set->count == TEMPLATE_MAX_FILES || len > TEMPLATE_MAX_BYTES - set->text_bytes) {
		buf_printf(error, "%s%s: too many templates, or too long", name, suffix);
		return NULL;
	}
	set->text_bytes += len;
	return arena_alloc(set->arena, len + 1);
}

static bool text_compile(
	struct template_set *set, const char *name, const char *text, struct buf *error)
{
	struct mustache *template = &set->templates[set->count++];
	template->name = arena_strdup(set->arena, name);
	if (!encode_is_utf8(text, strlen(text))) {
		buf_printf(error, "%s%s: not UTF-8", name, suffix);
		return false;
	}
	return mustache_compile(template, set->arena, text, strlen(text), error);
}

/* What the nodes of a template may refer to. Both lists end with NULL. */
struct scope {
	const char *template_name;
	const char *const *names;
	const char *const *partials;
	struct buf *error;
};

static bool refuse(const struct scope *scope, const struct mustache_node *node, const char *name)
{
	bool is_partial = node->kind == MUSTACHE_PARTIAL;
	const char *nearest = nearest_name(name, is_partial ? scope->partials : scope->names);
	buf_printf(scope->error, "%s%s:%d: unknown %s %s", scope->template_name, suffix, node->line,
		is_partial ? "partial" : "name", name);
	if (nearest)
		buf_printf(scope->error, "; did you mean %s?", nearest);
	return false;
}

static bool name_is_in(const char *name, const char *const names[])
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool node_check(const struct scope *scope, const struct mustache_node *node)
{
	if (node->kind == MUSTACHE_TEXT)
		return true;
	if (node->kind == MUSTACHE_PARTIAL)
		return node->target || refuse(scope, node, node->name);
	/* A sentence is known by its whole name: text.user is none because user is a name. */
	if (*node->parts && strcmp(*node->parts, RENDER_TEXT) == 0 && node->parts[1])
		return name_is_in(node->name, scope->names) || refuse(scope, node, node->name);
	for (const char *const *part = node->parts; *part; part++) {
		if (!name_is_in(*part, scope->names))
			return refuse(scope, node, *part);
	}
	return true;
}

static bool nodes_check(const struct scope *scope, const struct mustache_node *node)
{
	for (; node; node = node->next) {
		if (!node_check(scope, node) || !nodes_check(scope, node->child))
			return false;
	}
	return true;
}

static bool set_check(
	const struct template_set *set, const char *const known_names[], struct buf *error)
{
	const char *partials[TEMPLATE_MAX_FILES + 1] = { NULL };
	struct scope scope = { .names = known_names, .partials = partials, .error = error };
	for (size_t i = 0; i < set->count; i++)
		partials[i] = set->templates[i].name;
	for (size_t i = 0; i < set->count; i++) {
		scope.template_name = set->templates[i].name;
		if (!nodes_check(&scope, set->templates[i].first))
			return false;
	}
	return true;
}

static void nodes_resolve(const struct template_set *set, struct mustache_node *node)
{
	for (; node; node = node->next) {
		if (node->kind == MUSTACHE_PARTIAL)
			node->target = set_find(set, node->name);
		nodes_resolve(set, node->child);
	}
}

static void set_resolve(struct template_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		nodes_resolve(set, set->templates[i].first);
}

static bool file_add(struct template_set *set, const char *dir, const char *file, struct buf *error)
{
	struct stat status = { 0 };
	char *text = NULL;
	const char *name = arena_strndup(set->arena, file, strlen(file) - strlen(suffix));
	FILE *stream = fopen(arena_printf(set->arena, "%s/%s", dir, file), "re");

	if (!stream || fstat(fileno(stream), &status) != 0) {
		buf_printf(error, "%s: %s", file, strerror(errno));
		goto out;
	}
	text = text_room(set, name, (size_t)status.st_size, error);
	if (text && (fread(text, 1, (size_t)status.st_size, stream) < (size_t)status.st_size ||
			    strlen(text) < (size_t)status.st_size)) {
		buf_printf(error, "%s: cannot be read whole, or holds a NUL", file);
		text = NULL;
	}
out:
	if (stream)
		(void)fclose(stream);
	return text && text_compile(set, name, text, error);
}

static int is_template_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return entry->d_name[0] != '.' && len > strlen(suffix) &&
	       strcmp(entry->d_name + len - strlen(suffix), suffix) == 0;
}

static bool dir_add(struct template_set *set, const char *dir, struct buf *error)
{
	struct dirent **entries = NULL;
	bool ok = true;
	int count = scandir(dir, &entries, is_template_file, alphasort);
	if (count < 0) {
		buf_printf(error, "templates in %s: %s", dir, strerror(errno));
		return false;
	}
	for (int i = 0; i < count; i++) {
		ok = ok && file_add(set, dir, entries[i]->d_name, error);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

struct template_set *template_set_load(
	const char *dir, const char *const known_names[], char *error, size_t error_size)
{
	struct buf why;
	buf_init_fixed(&why, error, error_size);
	struct template_set *set = set_new();
	if (dir_add(set, dir, &why)) {
		set_resolve(set);
		if (set_check(set, known_names, &why))
			return set;
	}
	template_set_free(set);
	return NULL;
}

struct parsing {
	struct template_set *set;
	struct buf error;
	bool ok;
};

static void text_add(const char *name, struct json *value, void *context)
{
	struct parsing *parsing = context;
	const char *given = json_as_text(value);
	size_t len = given ? strlen(given) : 0;
	if (!parsing->ok)
		return;
	char *text = text_room(parsing->set, name, len, &parsing->error);
	if (text && given)
		memcpy(text, given, len + 1);
	parsing->ok = text && text_compile(parsing->set, name, text, &parsing->error);
}

struct template_set *template_set_parse(const struct json *texts, char *error, size_t error_size)
{
	struct parsing parsing = { .set = set_new(), .ok = true };
	buf_init_fixed(&parsing.error, error, error_size);
	json_each(texts, text_add, &parsing);
	if (!parsing.ok) {
		template_set_free(parsing.set);
		return NULL;
	}
	set_resolve(parsing.set);
	return parsing.set;
}

void template_set_free(struct template_set *set)
{
	if (set)
		arena_free(set->arena);
}

bool template_set_has(const struct template_set *set, const char *name)
{
	return set_find(set, name) != NULL;
}

bool template_render(const struct template_set *set, const char *name, const struct json *data,
	const struct json *text, struct buf *out)
{
	const struct mustache *template = set_find(set, name);
	return template && render_mustache(template, data, text, out);
}
