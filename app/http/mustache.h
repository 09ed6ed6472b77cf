/* The text of one Mustache template as a tree, for render.c to walk.
 *
 * The language is the Mustache specification's, without its optional parts and with one pair of
 * delimiters: variables, sections, inverted sections, comments, partials, and the rule that a
 * line holding one such tag and white space only leaves nothing behind. {{=…=}}, {{<…}}, {{$…}}
 * and names outside [A-Za-z0-9_-] (parts joined by dots) are errors. */
#ifndef DOORWARD_HTTP_MUSTACHE_H
#define DOORWARD_HTTP_MUSTACHE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;

enum { MUSTACHE_NESTING_MAX = 32 };

enum mustache_kind {
	MUSTACHE_TEXT,
	MUSTACHE_ESCAPED, /* {{name}} */
	MUSTACHE_RAW, /* {{{name}}}, {{&name}} */
	MUSTACHE_SECTION, /* {{#name}} */
	MUSTACHE_INVERTED, /* {{^name}} */
	MUSTACHE_PARTIAL, /* {{>name}} */
};

struct mustache_node {
	enum mustache_kind kind;
	int line;
	struct mustache_node *next;
	struct mustache_node *child; /* of a section: what it holds */
	const char *text; /* of MUSTACHE_TEXT; no NUL at the end */
	size_t text_len;
	const char *name; /* of all others, as written */
	const char *const *parts; /* the name at its dots, NULL at the end; none of "." */
	const char *indent; /* of a partial alone on its line, else NULL */
	const struct mustache *target; /* of a partial; NULL until template.c has resolved it */
};

struct mustache {
	const char *name;
	struct mustache_node *first;
};

/* Compiles the text into out->first; out->name names the template in messages. The tree belongs to
 * the arena and points into text, which must live as long. False, with a sentence
 * "NAME.mustache:LINE: WHAT" in error. */
bool mustache_compile(
	struct mustache *out, struct arena *arena, const char *text, size_t len, struct buf *error);

#endif
