#include "ctl/ctl_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/ctl_output.h"

enum { HELD_MAX = 1000, ARENA_BYTES = 256 << 20, CELL_MAX = 8192 };

struct row {
	const char *cell[CTL_LIST_COLUMNS_MAX];
	const char *json; /* NULL without --json */
};

struct ctl_list {
	const struct ctl_list_column *columns;
	size_t column_count;
	bool as_json;
	struct arena *arena; /* of the rows that are held */
	struct row held[HELD_MAX];
	size_t held_count;
	int width[CTL_LIST_COLUMNS_MAX];
	bool streaming;
	size_t printed;
};

struct ctl_list *ctl_list_new(const struct ctl *ctl, const struct ctl_list_column *columns)
{
	struct ctl_list *list = calloc(1, sizeof *list);

	if (!list)
		fatal("out of memory: a list");
	list->columns = columns;
	while (columns[list->column_count].title)
		list->column_count++;
	list->as_json = ctl->json;
	list->arena = arena_new(ARENA_BYTES);
	return list;
}

static const char *join(struct arena *arena, const struct json *array)
{
	struct buf text;

	buf_init(&text, arena, CELL_MAX);
	for (size_t i = 0; i < json_count(array); i++) {
		const char *item = json_as_text(json_at(array, i));

		buf_add_text(&text, i > 0 ? "," : "");
		buf_add_text(&text, item ? item : "");
	}
	return text.data ? text.data : "";
}

static const char *cell_of(
	struct arena *arena, const struct ctl_list_column *column, const struct json *value)
{
	const char *text;

	switch (column->kind) {
	case CTL_LIST_TIME:
		return ctl_output_time(arena, json_as_int(value, 0));
	case CTL_LIST_FLAG:
		return json_is_true(value) ? "yes" : "-";
	case CTL_LIST_TEXT:
		break;
	}
	text = json_is_array(value) ? join(arena, value) : json_as_text(value);
	return text && *text ? ctl_output_clean(arena, text) : "-";
}

static struct row row_of(const struct ctl_list *list, struct json *object)
{
	struct row row = { .json = NULL };

	for (size_t i = 0; i < list->column_count; i++)
		row.cell[i] = cell_of(
			list->arena, &list->columns[i], json_get(object, list->columns[i].member));
	if (list->as_json)
		row.json = arena_strdup(list->arena, json_format(object));
	return row;
}

/* Characters as a terminal counts them, nearly: a wide one is rare in a name. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* The last column is not filled up. */
static void print_cells(const struct ctl_list *list, const char *const *cell)
{
	for (size_t i = 0; i < list->column_count; i++) {
		bool last = i + 1 == list->column_count;
		int fill = last ? 0 : list->width[i] - width_of(cell[i]);

		printf("%s%*s", cell[i], last ? 0 : (fill > 0 ? fill : 0) + 2, "");
	}
	putchar('\n');
}

static void print_row(struct ctl_list *list, const struct row *row)
{
	if (list->as_json)
		printf("%s%s", list->printed > 0 ? ",\n " : "[", row->json);
	else
		print_cells(list, row->cell);
	list->printed++;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *one = a, *other = b;

	for (size_t i = 0; i < CTL_LIST_COLUMNS_MAX && one->cell[i]; i++) {
		int order = strcmp(one->cell[i], other->cell[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

static void measure(struct ctl_list *list)
{
	for (size_t c = 0; c < list->column_count; c++) {
		list->width[c] = width_of(list->columns[c].title);
		for (size_t r = 0; r < list->held_count; r++) {
			int width = width_of(list->held[r].cell[c]);

			list->width[c] = width > list->width[c] ? width : list->width[c];
		}
	}
}

static void print_held(struct ctl_list *list)
{
	const char *titles[CTL_LIST_COLUMNS_MAX] = { NULL };

	qsort(list->held, list->held_count, sizeof *list->held, compare_rows);
	measure(list);
	for (size_t i = 0; i < list->column_count; i++)
		titles[i] = list->columns[i].title;
	if (!list->as_json && list->held_count > 0)
		print_cells(list, titles);
	for (size_t i = 0; i < list->held_count; i++)
		if (i == 0 || compare_rows(&list->held[i - 1], &list->held[i]) != 0)
			print_row(list, &list->held[i]);
	list->held_count = 0;
	arena_reset(list->arena);
}

void ctl_list_add(struct ctl_list *list, struct json *row)
{
	struct row next = row_of(list, row);

	json_free(row);
	if (list->streaming) {
		print_row(list, &next);
		arena_reset(list->arena);
		return;
	}
	list->held[list->held_count++] = next;
	if (list->held_count == HELD_MAX) {
		print_held(list);
		list->streaming = true;
	}
}

void ctl_list_end(struct ctl_list *list, const char *none)
{
	if (!list->streaming)
		print_held(list);
	if (list->as_json)
		puts(list->printed > 0 ? "]" : "[]");
	else if (list->printed == 0 && none)
		puts(none);
	arena_free(list->arena);
	free(list);
}
