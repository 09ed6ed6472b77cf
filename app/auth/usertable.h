/* The content of a users file and a group file, parsed whole: never changed after usertable_load.
 */
#ifndef DOORWARD_AUTH_USERTABLE_H
#define DOORWARD_AUTH_USERTABLE_H

#include <stddef.h>

#include "auth/user.h"

struct usertable;

/* A role of a user. */
struct usertable_role {
	const char *role;
	struct usertable_role *next; /* in the order of the group file */
};

struct usertable_entry {
	struct user_id id;
	const char *name; /* normalised */
	const char *hash; /* NULL: none */
	struct usertable_role *roles;
	size_t role_count;
	size_t line;
};

/* groups_path "" for none. NULL with a sentence in error. */
struct usertable *usertable_load(
	const char *users_path, const char *groups_path, char *error, size_t error_size);
void usertable_free(struct usertable *table);
size_t usertable_count(const struct usertable *table);
const struct usertable_entry *usertable_at(const struct usertable *table, size_t index);
/* NULL when there is none. */
const struct usertable_entry *usertable_find(const struct usertable *table, const char *uid);

#endif
