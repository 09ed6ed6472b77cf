#include "http/render.h"

#include "base/buf.h"
#include "base/json.h"
#include "http/mustache.h"
#include "http/sentence.h"

#include <string.h>

/* A value within the values around it. */
struct context {
	const struct json *value;
	const struct context *outer;
};

/* White space that stands before each line of a partial: of its template, never of a value. Due
 * from the start of a line until the first thing on that line is written. */
struct margin {
	const char *text;
	const struct margin *outer;
	bool is_due;
};

struct rendering {
	struct buf *out;
	const struct json *text;
	int depth, nodes;
	bool too_much;
};

static void nodes_render(struct rendering *rendering, const struct mustache_node *node,
	const struct context *context, struct margin *margin);

static void margin_add(struct buf *out, const struct margin *margin)
{
	if (margin->outer)
		margin_add(out, margin->outer);
	buf_add_text(out, margin->text);
}

static void margin_write(struct buf *out, struct margin *margin)
{
	if (!margin || !margin->is_due)
		return;
	margin_add(out, margin);
	margin->is_due = false;
}

static void text_render(struct buf *out, const struct mustache_node *node, struct margin *margin)
{
	const char *from = node->text;
	const char *end = from + node->text_len;
	while (margin && from < end) {
		const char *feed = memchr(from, '\n', (size_t)(end - from));
		const char *to = feed ? feed + 1 : end;
		margin_write(out, margin);
		buf_add(out, from, (size_t)(to - from));
		margin->is_due = feed != NULL;
		from = to;
	}
	buf_add(out, from, (size_t)(end - from));
}

static void escaped_add(struct buf *out, const char *text, size_t len)
{
	for (const char *end = text + len; text < end; text++) {
		switch (*text) {
		case '&':
			buf_add_text(out, "&amp;");
			break;
		case '<':
			buf_add_text(out, "&lt;");
			break;
		case '>':
			buf_add_text(out, "&gt;");
			break;
		case '"':
			buf_add_text(out, "&quot;");
			break;
		case '\'':
			buf_add_text(out, "&#39;");
			break;
		default:
			buf_add_char(out, *text);
		}
	}
}

/* The first part may be known to any value around, the others only to what came before them. */
static const struct json *value_find(const struct rendering *rendering,
	const struct mustache_node *node, const struct context *context)
{
	const char *const *part = node->parts;
	const struct json *found = NULL;
	if (!*part)
		return context->value;
	for (; context && !found; context = context->outer)
		found = json_get(context->value, *part);
	if (!found && strcmp(*part, RENDER_TEXT) == 0)
		found = rendering->text;
	while (found && *++part)
		found = json_get(found, *part);
	return found;
}

static void place_render(struct buf *out, const char *place, const struct context *context)
{
	const struct json *found = NULL;
	for (; context && !found; context = context->outer)
		found = json_get(context->value, place);
	const char *text = json_as_text(found);
	if (text)
		escaped_add(out, text, strlen(text));
}

/* A raw sentence may hold markup; what stands in its places may not. */
static void sentence_render(
	struct buf *out, const char *sentence, bool is_raw, const struct context *context)
{
	struct sentence_piece piece;
	while (sentence_next(&sentence, &piece)) {
		if (piece.place[0])
			place_render(out, piece.place, context);
		else if (is_raw)
			buf_add(out, piece.text, piece.len);
		else
			escaped_add(out, piece.text, piece.len);
	}
}

static void variable_render(const struct rendering *rendering, const struct mustache_node *node,
	const struct context *context, struct margin *margin)
{
	const char *text = json_as_text(value_find(rendering, node, context));
	bool is_raw = node->kind == MUSTACHE_RAW;
	margin_write(rendering->out, margin);
	if (!text)
		return;
	if (rendering->text && *node->parts && strcmp(*node->parts, RENDER_TEXT) == 0)
		sentence_render(rendering->out, text, is_raw, context);
	else if (is_raw)
		buf_add_text(rendering->out, text);
	else
		escaped_add(rendering->out, text, strlen(text));
}

static void section_render(struct rendering *rendering, const struct mustache_node *node,
	const struct context *context, struct margin *margin)
{
	const struct json *value = value_find(rendering, node, context);
	struct context inner = { value, context };
	if (json_is_true(value) != (node->kind == MUSTACHE_SECTION))
		return;
	if (node->kind == MUSTACHE_INVERTED) {
		nodes_render(rendering, node->child, context, margin);
		return;
	}
	if (!json_is_array(value)) {
		nodes_render(rendering, node->child, &inner, margin);
		return;
	}
	for (size_t i = 0; i < json_count(value); i++) {
		inner.value = json_at(value, i);
		nodes_render(rendering, node->child, &inner, margin);
	}
}

static void partial_render(struct rendering *rendering, const struct mustache_node *node,
	const struct context *context, struct margin *margin)
{
	if (!node->target)
		return;
	if (!node->indent) {
		margin_write(rendering->out, margin);
		nodes_render(rendering, node->target->first, context, NULL);
		return;
	}
	struct margin own = { node->indent, margin, true };
	nodes_render(rendering, node->target->first, context, &own);
}

static void node_render(struct rendering *rendering, const struct mustache_node *node,
	const struct context *context, struct margin *margin)
{
	switch (node->kind) {
	case MUSTACHE_TEXT:
		text_render(rendering->out, node, margin);
		return;
	case MUSTACHE_ESCAPED:
	case MUSTACHE_RAW:
		variable_render(rendering, node, context, margin);
		return;
	case MUSTACHE_SECTION:
	case MUSTACHE_INVERTED:
		section_render(rendering, node, context, margin);
		return;
	case MUSTACHE_PARTIAL:
		partial_render(rendering, node, context, margin);
		return;
	}
}

static void nodes_render(struct rendering *rendering, const struct mustache_node *node,
	const struct context *context, struct margin *margin)
{
	if (rendering->depth == RENDER_MAX_DEPTH) {
		rendering->too_much = true;
		return;
	}
	rendering->depth++;
	for (; node && buf_ok(rendering->out) && !rendering->too_much; node = node->next) {
		/* Lists in lists take twice as long with each, and may write nothing. */
		rendering->too_much = ++rendering->nodes > RENDER_MAX_NODES;
		node_render(rendering, node, context, margin);
	}
	rendering->depth--;
}

bool render_mustache(const struct mustache *template, const struct json *data,
	const struct json *text, struct buf *out)
{
	struct rendering rendering = { .out = out, .text = text };
	struct context context = { data, NULL };
	nodes_render(&rendering, template->first, &context, NULL);
	return buf_ok(out) && !rendering.too_much;
}
