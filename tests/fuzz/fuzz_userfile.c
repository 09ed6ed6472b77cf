/* A htpasswd file and, behind a NUL byte, a group file. Every name is in its one spelling, there
 * once, and found again by its id; a refusal names the file. */
#include "auth/name.h"
#include "auth/usertable.h"
#include "fuzz/fuzz.h"

static void judge_roles(const struct usertable_entry *entry)
{
	size_t count = 0;
	for (const struct usertable_role *role = entry->roles; role; role = role->next) {
		HOLDS(role->role && *role->role && !strchr(role->role, ','));
		HOLDS(++count <= entry->role_count);
	}
	HOLDS(count == entry->role_count);
}

static void judge(const struct usertable *table)
{
	char folded[1024];
	for (size_t i = 0; i < usertable_count(table); i++) {
		const struct usertable_entry *entry = usertable_at(table, i);
		HOLDS(name_fold(entry->name, sizeof folded, folded, sizeof folded));
		HOLDS(strcmp(entry->name, folded) == 0);
		HOLDS(usertable_find(table, entry->id.text) == entry);
		HOLDS(!entry->hash || (*entry->hash && !strchr("*!", *entry->hash)));
		judge_roles(entry);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_file users, groups;
	const uint8_t *mark = size ? memchr(data, '\0', size) : NULL;
	size_t users_len = mark ? (size_t)(mark - data) : size;
	char error[1024] = "";

	fuzz_begin();
	fuzz_file_write(&users, data, users_len);
	fuzz_file_write(&groups, mark ? mark + 1 : data, mark ? size - users_len - 1 : 0);
	struct usertable *table =
		usertable_load(users.path, mark ? groups.path : "", error, sizeof error);
	HOLDS(table || strstr(error, "/proc/self/fd/"));
	if (table)
		judge(table);
	usertable_free(table);
	return 0;
}
