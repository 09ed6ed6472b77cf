/* A list of things: a table for people, an array with --json.
 *
 * A short list is sorted and aligned. A long one (ten million sessions) is printed while it is
 * read: its first rows are held, which settle the widths, the others follow as they come. */
#ifndef DOORWARD_CTL_CTL_LIST_H
#define DOORWARD_CTL_CTL_LIST_H

#include <stddef.h>

struct ctl;
struct json;
struct ctl_list;

enum { CTL_LIST_COLUMNS_MAX = 8 };

enum ctl_list_kind { CTL_LIST_TEXT, CTL_LIST_TIME, CTL_LIST_FLAG };

/* A member of the row's object; an array is shown with commas. */
struct ctl_list_column {
	const char *title, *member;
	enum ctl_list_kind kind;
};

/* columns end with one whose title is NULL, and are borrowed. Rows are sorted by the first column,
 * then the second, and so on. */
struct ctl_list *ctl_list_new(const struct ctl *ctl, const struct ctl_list_column *columns);
/* Takes over the row, an object. A row equal to the one before is left out. */
void ctl_list_add(struct ctl_list *list, struct json *row);
/* Prints what is left, or the sentence `none` (NULL for none) when there is nothing, and frees
 * the list. */
void ctl_list_end(struct ctl_list *list, const char *none);

#endif
