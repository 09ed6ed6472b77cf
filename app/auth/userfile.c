#include "auth/userfile.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/password.h"
#include "auth/user.h"
#include "auth/usertable.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#ifdef DOORWARD_TESTING
enum { LOOK_EVERY_MS = 0 };
#else
enum { LOOK_EVERY_MS = 1000 };
#endif

/* In whole seconds of the wall clock: 2 are more than one. */
enum { SETTLED_SEC = 2, ROLES_MAX_BYTES = USER_ROLES_MAX * 65 };

/* What says that a file is another than before. */
struct stamp {
	bool exists;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed, modified;
};

struct userfile {
	pthread_mutex_t lock;
	struct usertable *table;
	char *path[2]; /* users, groups */
	struct stamp stamp[2]; /* of what was read last, or tried */
	int64_t looked_ms;
	bool loading; /* by one thread, without the lock; the others go on with what there is */
};

static struct stamp userfile_stamp(const char *path)
{
	struct stat stat_of;

	if (!*path || stat(path, &stat_of) != 0)
		return (struct stamp){ .exists = false };
	return (struct stamp){ .exists = true,
		.device = stat_of.st_dev,
		.inode = stat_of.st_ino,
		.size = stat_of.st_size,
		.changed = stat_of.st_ctim,
		.modified = stat_of.st_mtim };
}

static bool userfile_time_is_same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool userfile_is_same(const struct stamp *a, const struct stamp *b)
{
	if (!a->exists || !b->exists)
		return a->exists == b->exists;
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       userfile_time_is_same(a->changed, b->changed) &&
	       userfile_time_is_same(a->modified, b->modified);
}

/* A file that is being written would be taken for one with fewer users, and they would be refused.
 * A time in the future says nothing. */
static bool userfile_is_settled(const struct stamp *stamp)
{
	int64_t age_sec = clock_now_sec() - stamp->modified.tv_sec;

	return !stamp->exists || age_sec < 0 || age_sec >= SETTLED_SEC;
}

/* With the lock held; lets go of it while reading. */
static void userfile_reload(struct userfile *userfile, const struct stamp now[2])
{
	char error[512] = "";
	struct usertable *old = NULL;

	memcpy(userfile->stamp, now, sizeof userfile->stamp);
	userfile->loading = true;
	pthread_mutex_unlock(&userfile->lock);
	struct usertable *table =
		usertable_load(userfile->path[0], userfile->path[1], error, sizeof error);
	pthread_mutex_lock(&userfile->lock);
	userfile->loading = false;
	if (!table) {
		log_error("%s; the users stay as they were", error);
		return;
	}
	old = userfile->table;
	userfile->table = table;
	log_info("%s: %zu users", userfile->path[0], usertable_count(table));
	usertable_free(old);
}

/* With the lock held. */
static void userfile_look(struct userfile *userfile)
{
	int64_t now_ms = clock_mono_ms();

	if (userfile->loading || now_ms - userfile->looked_ms < LOOK_EVERY_MS)
		return;
	userfile->looked_ms = now_ms;
	struct stamp now[2] = { userfile_stamp(userfile->path[0]),
		userfile_stamp(userfile->path[1]) };
	if (userfile_is_same(&now[0], &userfile->stamp[0]) &&
		userfile_is_same(&now[1], &userfile->stamp[1]))
		return;
	if (!userfile_is_settled(&now[0]) || !userfile_is_settled(&now[1]))
		return;
	/* Takes a moment: what is judged afterwards is judged by the time it is then. */
	clock_go_on();
	userfile_reload(userfile, now);
}

struct userfile *userfile_load(
	const char *users_path, const char *groups_path, char *error, size_t error_size)
{
	/* The stamps first: what changes while it is read is read again. */
	struct stamp users = userfile_stamp(users_path), groups = userfile_stamp(groups_path);
	struct usertable *table = usertable_load(users_path, groups_path, error, error_size);
	struct userfile *userfile = table ? calloc(1, sizeof *userfile) : NULL;

	if (!table)
		return NULL;
	if (!userfile || !(userfile->path[0] = strdup(users_path)) ||
		!(userfile->path[1] = strdup(groups_path)) ||
		pthread_mutex_init(&userfile->lock, NULL) != 0)
		fatal("out of memory: the users file");
	userfile->table = table;
	userfile->stamp[0] = users;
	userfile->stamp[1] = groups;
	userfile->looked_ms = clock_mono_ms();
	return userfile;
}

void userfile_free(struct userfile *userfile)
{
	if (!userfile)
		return;
	usertable_free(userfile->table);
	free(userfile->path[0]);
	free(userfile->path[1]);
	pthread_mutex_destroy(&userfile->lock);
	free(userfile);
}

static void userfile_copy(
	const struct usertable_entry *entry, struct arena *arena, struct userfile_entry *out)
{
	struct buf roles;

	buf_init(&roles, arena, ROLES_MAX_BYTES);
	for (const struct usertable_role *role = entry->roles; role; role = role->next) {
		if (roles.len > 0)
			buf_add_char(&roles, ',');
		buf_add_text(&roles, role->role);
	}
	*out = (struct userfile_entry){ .name = arena_strdup(arena, entry->name),
		.hash = entry->hash ? arena_strdup(arena, entry->hash) : NULL,
		.roles = roles.data };
}

bool userfile_find_id(
	struct userfile *userfile, struct arena *arena, const char *uid, struct userfile_entry *out)
{
	pthread_mutex_lock(&userfile->lock);
	userfile_look(userfile);
	const struct usertable_entry *entry = usertable_find(userfile->table, uid);
	if (entry)
		userfile_copy(entry, arena, out);
	pthread_mutex_unlock(&userfile->lock);
	return entry != NULL;
}

bool userfile_find(struct userfile *userfile, struct arena *arena, const char *normalised,
	struct userfile_entry *out)
{
	struct user_id id;

	user_id_of(normalised, &id);
	return userfile_find_id(userfile, arena, id.text, out);
}

/* Where a name falls among `count`, by its uid. */
static size_t userfile_place_of(const char *normalised, size_t count)
{
	struct user_id id;
	uint64_t hash = 0;

	user_id_of(normalised, &id);
	for (const char *c = id.text; *c; c++)
		hash = hash * 131 + (unsigned char)*c;
	return (size_t)(hash % count);
}

const char *userfile_any_hash(
	struct userfile *userfile, struct arena *arena, const char *normalised)
{
	const char *hash = NULL;

	pthread_mutex_lock(&userfile->lock);
	userfile_look(userfile);
	size_t count = usertable_count(userfile->table);
	size_t place = count > 0 ? userfile_place_of(normalised, count) : 0;
	for (size_t i = 0; i < count && !hash; i++) {
		hash = usertable_at(userfile->table, (place + i) % count)->hash;
		hash = hash && password_is_known_form(hash) ? arena_strdup(arena, hash) : NULL;
	}
	pthread_mutex_unlock(&userfile->lock);
	return hash;
}

const char *userfile_name_at(struct userfile *userfile, struct arena *arena, size_t index)
{
	const char *name = NULL;

	pthread_mutex_lock(&userfile->lock);
	if (index < usertable_count(userfile->table))
		name = arena_strdup(arena, usertable_at(userfile->table, index)->name);
	pthread_mutex_unlock(&userfile->lock);
	return name;
}
