/* The pages: Mustache templates, compiled at start, rendered from JSON.
 *
 * The language is in mustache.h. A set is const once made: any number of threads may render from
 * it, each with its own data (reading a number as text writes into the json). Values are escaped
 * for HTML text and quoted attributes; what {{{x}}} inserts is the template's responsibility.
 * The names that the pages of templates/ use are listed in templates/README.md. */
#ifndef DOORWARD_HTTP_TEMPLATE_H
#define DOORWARD_HTTP_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct json;
struct template_set;

enum {
	TEMPLATE_MAX_FILES = 64,
	TEMPLATE_MAX_BYTES = 512 * 1024, /* of all texts of a set together */
};

/* Compiles every *.mustache of the directory (except names starting with a dot); the template's
 * name is the file's without ".mustache". known_names ends with NULL and lists every name, and
 * every part of a dotted name, that variables and sections may use; sentences ("text.sign_in")
 * stand in it whole. Yours. NULL, with a sentence
 * in error ("login.mustache:12: unknown name usrname; did you mean username?"), when a file cannot
 * be read, is not UTF-8, does not compile, or names something unknown, or a partial that is
 * no file. */
struct template_set *template_set_load(
	const char *dir, const char *const known_names[], char *error, size_t error_size);
/* The same from an object of names and texts, without a check of names: an unknown partial renders
 * as nothing. */
struct template_set *template_set_parse(const struct json *texts, char *error, size_t error_size);
/* template_set_free(NULL) does nothing. */
void template_set_free(struct template_set *set);

bool template_set_has(const struct template_set *set, const char *name);

/* Appends the page to out; text holds the sentences (render.h), or is NULL. False when there is no
 * such template, when a partial is within itself without an end (render.h), or when out has
 * overflowed: then out holds part of a page, which must not be sent. */
bool template_render(const struct template_set *set, const char *name, const struct json *data,
	const struct json *text, struct buf *out);

#endif
