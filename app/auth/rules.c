#include "auth/rules.h"

#include "auth/path.h"
#include "auth/user.h"
#include "base/arena.h"
#include "base/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RULES_MAX_BYTES = 16 << 20 };

struct entry {
	struct rule rule;
	const char *methods; /* "GET,POST"; "": any */
	const char *pattern;
};

struct rules {
	struct arena *arena; /* all of it, this struct too */
	struct entry *entries;
	size_t count;
};

/* One line of the file being read, and where the sentence goes when it is refused. */
struct line {
	const char *path;
	const struct settings_rule *from;
	struct arena *arena;
	char *error;
	size_t error_size;
};

static bool refuse(const struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(const struct line *line, const char *format, ...)
{
	va_list args;
	int used = snprintf(line->error, line->error_size, "%s:%d: ", line->path, line->from->line);
	if (used < 0 || (size_t)used >= line->error_size)
		return false;
	va_start(args, format);
	vsnprintf(line->error + used, line->error_size - (size_t)used, format, args);
	va_end(args);
	return false;
}

/* The next item of a comma list without the spaces around it; NULL behind the last one. */
static const char *next_item(const char **list, size_t *len)
{
	const char *item = *list;
	if (!item)
		return NULL;
	const char *end = item + strcspn(item, ",");
	*list = *end == ',' ? end + 1 : NULL;
	item += strspn(item, " \t");
	while (end > item && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*len = end > item ? (size_t)(end - item) : 0;
	return item;
}

static void add_item(char *list, const char *item, size_t len)
{
	size_t used = strlen(list);
	if (used > 0)
		list[used++] = ',';
	memcpy(list + used, item, len);
	list[used + len] = '\0';
}

/* RFC 9110 section 9.1: a method is a case-sensitive token, and all there are have capitals. */
static bool is_method(const char *text, size_t len)
{
	return len > 0 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") >= len;
}

static bool parse_methods(
	const struct line *line, const char *text, size_t text_len, const char **out)
{
	const char *rest = text_len > 0 ? arena_strndup(line->arena, text, text_len) : NULL;
	char *methods = arena_alloc(line->arena, text_len + 2);
	size_t len = 0;
	for (const char *item; (item = next_item(&rest, &len));) {
		if (!is_method(item, len))
			return refuse(line,
				"\"%.*s\" is no method; a rule is [METHOD[,METHOD...] ]PATTERN = "
				"REQUIREMENT, methods in capitals, the pattern from its first '/'",
				(int)len, item);
		add_item(methods, item, len);
	}
	*out = methods;
	return true;
}

static bool parse_pattern(const struct line *line, struct entry *out)
{
	const char *text = line->from->pattern;
	size_t methods_len = strcspn(text, "/");
	if (text[methods_len] == '\0' ||
		(methods_len > 0 && text[methods_len - 1] != ' ' && text[methods_len - 1] != '\t'))
		return refuse(line,
			"\"%s\" has no pattern: it starts with '/', behind the methods and a space",
			text);
	const char *fault = path_fault_of_pattern(text + methods_len);
	if (fault)
		return refuse(
			line, "the pattern %s matches nothing: %s", text + methods_len, fault);
	out->pattern = arena_strdup(line->arena, text + methods_len);
	return parse_methods(line, text, methods_len, &out->methods);
}

/* Cuts the last word off the requirement when it is on_store_failure:...: false when it is that,
 * and wrong. */
static bool parse_failure(const struct line *line, char *requirement, struct rule *out)
{
	static const char name[] = "on_store_failure:";
	char *word = strstr(requirement, name);

	out->on_failure = RULES_FAILURE_AS_SET;
	if (!word || word == requirement || (word[-1] != ' ' && word[-1] != '\t'))
		return true;
	const char *value = word + sizeof(name) - 1;
	if (strcmp(value, "stale") != 0 && strcmp(value, "deny") != 0)
		return refuse(
			line, "\"%s\": on_store_failure is deny or stale, and the last word", word);
	out->on_failure = *value == 's' ? RULES_FAILURE_STALE : RULES_FAILURE_DENY;
	while (word > requirement && (word[-1] == ' ' || word[-1] == '\t'))
		word--;
	*word = '\0';
	return true;
}

static bool parse_roles(const struct line *line, const char *text, const char **out)
{
	static const char prefix[] = "role:";
	const char *rest = text;
	char *roles = arena_alloc(line->arena, strlen(rest) + 1);
	size_t len = 0;
	for (const char *item; (item = next_item(&rest, &len));) {
		size_t prefix_len = sizeof(prefix) - 1;
		if (len < prefix_len || strncmp(item, prefix, prefix_len) != 0 ||
			!user_is_role(item + prefix_len, len - prefix_len))
			return refuse(line,
				"\"%.*s\" is no requirement; allowed are anyone, optional, "
				"signed-in, deny, or role:NAME[,role:NAME...] (a name: letters, "
				"digits, '.', '_', '-')",
				(int)len, item);
		add_item(roles, item + prefix_len, len - prefix_len);
	}
	*out = roles;
	return true;
}

static bool parse_requirement(const struct line *line, struct rule *out)
{
	static const struct {
		const char *text;
		enum rules_need need;
	} words[] = {
		{ "anyone", RULES_ANYONE },
		{ "optional", RULES_OPTIONAL },
		{ "signed-in", RULES_SIGNED_IN },
		{ "deny", RULES_DENY },
	};
	char *text = arena_strdup(line->arena, line->from->requirement);
	out->line = line->from->line;
	out->roles = "";
	if (!parse_failure(line, text, out))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].text) != 0)
			continue;
		out->need = words[i].need;
		if (out->on_failure == RULES_FAILURE_AS_SET || out->need == RULES_OPTIONAL ||
			out->need == RULES_SIGNED_IN)
			return true;
		return refuse(
			line, "%s does not ask the store: on_store_failure has no meaning", text);
	}
	out->need = RULES_ROLE;
	return parse_roles(line, text, &out->roles);
}

struct rules *rules_parse(const struct settings *settings, char *error, size_t error_size)
{
	struct arena *arena = arena_new(RULES_MAX_BYTES);
	struct rules *rules = arena_alloc(arena, sizeof(*rules));
	struct line line = { .path = settings->path, .arena = arena, .error_size = error_size };
	line.error = error;
	rules->arena = arena;
	rules->count = settings->rules_count;
	rules->entries = arena_alloc(arena, (rules->count + 1) * sizeof(*rules->entries));
	for (size_t i = 0; i < rules->count; i++) {
		struct entry *entry = &rules->entries[i];
		line.from = &settings->rules[i];
		if (!parse_pattern(&line, entry) || !parse_requirement(&line, &entry->rule)) {
			arena_free(arena);
			return NULL;
		}
	}
	return rules;
}

bool rules_any_stale(const struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (rules->entries[i].rule.on_failure == RULES_FAILURE_STALE)
			return true;
	}
	return false;
}

void rules_free(struct rules *rules)
{
	if (rules)
		arena_free(rules->arena);
}

static bool matches_method(const char *methods, const char *method)
{
	size_t len = 0;
	if (*methods == '\0')
		return true;
	/* HEAD is GET without the content (RFC 9110 section 9.3.2): a rule for GET that let HEAD
	 * pass by would tell what it hides. */
	if (strcmp(method, "HEAD") == 0 && matches_method(methods, "GET"))
		return true;
	for (const char *item; (item = next_item(&methods, &len));) {
		if (strlen(method) == len && memcmp(item, method, len) == 0)
			return true;
	}
	return false;
}

const char *rules_normalise(struct arena *arena, const char *request_uri)
{
	return path_normalise(arena, request_uri);
}

const struct rule *rules_find(const struct rules *rules, const char *method, const char *path)
{
	static const struct rule otherwise = { .need = RULES_SIGNED_IN, .roles = "" };
	for (size_t i = 0; i < rules->count; i++) {
		const struct entry *entry = &rules->entries[i];
		if (matches_method(entry->methods, method) && path_matches(entry->pattern, path))
			return &entry->rule;
	}
	return &otherwise;
}
