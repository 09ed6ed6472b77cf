#include "http/mustache.h"

#include "base/arena.h"
#include "base/buf.h"
#include "http/blank.h"

#include <string.h>

struct parser {
	struct arena *arena;
	const char *template_name;
	const char *start;
	const char *at;
	const char *end;
	const char *counted; /* the line feeds before it are in line */
	int line;
	struct buf *error;
	size_t depth;
	struct mustache_node *open[MUSTACHE_NESTING_MAX];
	struct mustache_node **tail[MUSTACHE_NESTING_MAX + 1]; /* where the next node goes */
};

struct tag {
	const char *open;
	const char *after;
	char sigil; /* NUL for {{name}} */
	const char *name; /* without white space around it */
	size_t name_len;
};

static bool is_space(char c)
{
	return blank_is(c) || c == '\n' || c == '\r';
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static bool name_is_valid(const struct tag *tag)
{
	if (tag->name_len == 1 && tag->name[0] == '.')
		return tag->sigil != '>';
	for (size_t i = 0; i < tag->name_len; i++) {
		bool dot = tag->name[i] == '.' && tag->sigil != '>' && i > 0 &&
			   tag->name[i - 1] != '.' && i + 1 < tag->name_len;
		if (!dot && !is_name_char(tag->name[i]))
			return false;
	}
	return tag->name_len > 0;
}

static int line_of(struct parser *parser, const char *position)
{
	for (; parser->counted < position; parser->counted++)
		parser->line += *parser->counted == '\n';
	return parser->line;
}

static bool fail(struct parser *parser, int line, const char *what, const struct tag *tag)
{
	int len = 0;
	while (len < 40 && (size_t)len < tag->name_len && tag->name[len] != '\n')
		len++;
	buf_printf(parser->error, "%s.mustache:%d: %s: \"%.*s\"", parser->template_name, line, what,
		len, tag->name);
	return false;
}

static struct mustache_node *node_add(struct parser *parser, enum mustache_kind kind)
{
	struct mustache_node *node = arena_alloc(parser->arena, sizeof *node);
	node->kind = kind;
	*parser->tail[parser->depth] = node;
	parser->tail[parser->depth] = &node->next;
	return node;
}

static void text_add(struct parser *parser, const char *from, const char *to)
{
	if (from >= to)
		return;
	struct mustache_node *node = node_add(parser, MUSTACHE_TEXT);
	node->text = from;
	node->text_len = (size_t)(to - from);
}

static const char *const *name_split(struct arena *arena, const struct tag *tag)
{
	size_t dots = 0;
	for (size_t i = 0; i < tag->name_len; i++)
		dots += tag->name[i] == '.';
	const char **parts = arena_alloc(arena, (dots + 2) * sizeof *parts);
	if (tag->name[0] == '.')
		return parts;
	const char *from = tag->name;
	for (size_t n = 0; n <= dots; n++) {
		size_t left = (size_t)(tag->name + tag->name_len - from);
		const char *dot = memchr(from, '.', left);
		size_t len = dot ? (size_t)(dot - from) : left;
		parts[n] = arena_strndup(arena, from, len);
		from += len + 1;
	}
	return parts;
}

static struct mustache_node *named_add(
	struct parser *parser, enum mustache_kind kind, const struct tag *tag)
{
	struct mustache_node *node = node_add(parser, kind);
	node->line = line_of(parser, tag->open);
	node->name = arena_strndup(parser->arena, tag->name, tag->name_len);
	node->parts = name_split(parser->arena, tag);
	return node;
}

static bool section_open(struct parser *parser, enum mustache_kind kind, const struct tag *tag)
{
	if (parser->depth == MUSTACHE_NESTING_MAX)
		return fail(parser, line_of(parser, tag->open), "nested too deep", tag);
	struct mustache_node *node = named_add(parser, kind, tag);
	parser->open[parser->depth++] = node;
	parser->tail[parser->depth] = &node->child;
	return true;
}

static bool section_close(struct parser *parser, const struct tag *tag)
{
	const char *open = parser->depth ? parser->open[parser->depth - 1]->name : "";
	if (strlen(open) != tag->name_len || memcmp(open, tag->name, tag->name_len) != 0)
		return fail(parser, line_of(parser, tag->open), "is not the open section", tag);
	parser->depth--;
	return true;
}

static void tag_trim(struct tag *tag)
{
	while (tag->name_len > 0 && is_space(tag->name[0])) {
		tag->name++;
		tag->name_len--;
	}
	while (tag->name_len > 0 && is_space(tag->name[tag->name_len - 1]))
		tag->name_len--;
}

/* Reads the tag that starts at tag->open. */
static bool tag_read(struct parser *parser, struct tag *tag)
{
	size_t left = (size_t)(parser->end - tag->open);
	bool three = left > 2 && tag->open[2] == '{';
	const char *closing = three ? "}}}" : "}}";
	const char *close = memmem(tag->open + 2, left - 2, closing, strlen(closing));
	tag->name = tag->open + 2;
	tag->name_len = (size_t)((close ? close : parser->end) - tag->name);
	tag_trim(tag);
	if (!close)
		return fail(parser, line_of(parser, tag->open), "tag without an end", tag);
	tag->after = close + strlen(closing);
	/* One that stands apart is no third '{': nobody meant that value to go out as it is. */
	if (tag->name_len > 0 && strchr(three ? "{" : "!#^/>&=", tag->name[0])) {
		tag->sigil = tag->name[0];
		tag->name++;
		tag->name_len--;
		tag_trim(tag);
	}
	return true;
}

static bool tag_compile(struct parser *parser, const struct tag *tag)
{
	if (tag->sigil == '!')
		return true;
	if (tag->sigil == '=')
		return fail(parser, line_of(parser, tag->open),
			"other delimiters are not supported", tag);
	if (!name_is_valid(tag))
		return fail(parser, line_of(parser, tag->open), "is not a name", tag);
	switch (tag->sigil) {
	case '#':
		return section_open(parser, MUSTACHE_SECTION, tag);
	case '^':
		return section_open(parser, MUSTACHE_INVERTED, tag);
	case '/':
		return section_close(parser, tag);
	case '>':
		named_add(parser, MUSTACHE_PARTIAL, tag);
		return true;
	case '&':
	case '{':
		named_add(parser, MUSTACHE_RAW, tag);
		return true;
	default:
		named_add(parser, MUSTACHE_ESCAPED, tag);
		return true;
	}
}

/* True when the tag has its line to itself; then *line_start and *line_end enclose that line, its
 * line feed included. Variables never leave their line. */
static bool tag_is_standalone(const struct parser *parser, const struct tag *tag,
	const char **line_start, const char **line_end)
{
	const char *before = tag->open;
	const char *after = tag->after;
	if (tag->sigil == '\0' || tag->sigil == '&' || tag->sigil == '{')
		return false;
	while (before > parser->start && blank_is(before[-1]))
		before--;
	while (after < parser->end && blank_is(*after))
		after++;
	if (after + 1 < parser->end && after[0] == '\r' && after[1] == '\n')
		after++;
	if ((before > parser->start && before[-1] != '\n') ||
		(after < parser->end && *after != '\n'))
		return false;
	*line_start = before;
	*line_end = after < parser->end ? after + 1 : after;
	return true;
}

/* Adds the text up to the tag that opens there, and the tag. */
static bool tag_add(struct parser *parser, const char *open)
{
	struct tag tag = { .open = open, .after = open };
	const char *line_start = open;
	if (!tag_read(parser, &tag))
		return false;
	bool standalone = tag_is_standalone(parser, &tag, &line_start, &tag.after);
	text_add(parser, parser->at, line_start);
	struct mustache_node **added = parser->tail[parser->depth];
	if (!tag_compile(parser, &tag))
		return false;
	if (standalone && tag.sigil == '>')
		(*added)->indent =
			arena_strndup(parser->arena, line_start, (size_t)(open - line_start));
	parser->at = tag.after;
	return true;
}

bool mustache_compile(
	struct mustache *out, struct arena *arena, const char *text, size_t len, struct buf *error)
{
	struct parser parser = { .arena = arena, .template_name = out->name, .error = error };
	parser.start = parser.at = parser.counted = text;
	parser.end = text + len;
	parser.line = 1;
	out->first = NULL;
	parser.tail[0] = &out->first;

	const char *open = NULL;
	while ((open = memmem(parser.at, (size_t)(parser.end - parser.at), "{{", 2))) {
		if (!tag_add(&parser, open))
			return false;
	}
	text_add(&parser, parser.at, parser.end);
	if (parser.depth == 0)
		return true;
	const struct mustache_node *section = parser.open[parser.depth - 1];
	struct tag tag = { .name = section->name, .name_len = strlen(section->name) };
	return fail(&parser, section->line, "section without an end", &tag);
}
