/* A compiled template and data become text. What it reads is never changed, so that any number of
 * threads may render the same template, each with its own data. */
#ifndef DOORWARD_HTTP_RENDER_H
#define DOORWARD_HTTP_RENDER_H

#include <stdbool.h>

struct buf;
struct json;
struct mustache;

/* The name under which templates find the sentences: {{text.KEY}}. */
#define RENDER_TEXT "text"

/* Sections and partials within each other; a partial within itself without an end stops there. */
enum { RENDER_MAX_DEPTH = 64 };
/* Texts, variables and sections passed, each as often as it is: far more than a page of 64 KiB. */
enum { RENDER_MAX_NODES = 200 * 1000 };

/* Appends to out. text: sentences by key (sentence.h), found as {{text.KEY}} when the data has
 * nothing of that name; the value of the same name in the data, escaped, stands in each {place} of
 * one. NULL: there are none. False when it would nest deeper than RENDER_MAX_DEPTH or pass more
 * than RENDER_MAX_NODES, or out has overflowed. */
bool render_mustache(const struct mustache *template, const struct json *data,
	const struct json *text, struct buf *out);

#endif
