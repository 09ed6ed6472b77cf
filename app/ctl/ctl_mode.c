#include "ctl/ctl_mode.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/keyfile.h"
#include "auth/keys.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/encode.h"
#include "base/settings.h"
#include "ctl/ctl_doctor.h"

enum { GROUPS_MAX = 64, ERROR_MAX = 1024, PORT_NEEDS_PRIVILEGE = 1024 };

/* Whom web servers run as. */
static const char *const web_users[] = { "www-data", "apache", "nginx", "lighttpd", "http",
	"wwwrun", "caddy" };

struct account {
	const char *name;
	uid_t uid;
	gid_t gid[GROUPS_MAX];
	int gids;
};

static bool find_account(const char *name, struct account *out)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return false;
	out->name = name;
	out->uid = entry->pw_uid;
	out->gids = GROUPS_MAX;
	if (getgrouplist(name, entry->pw_gid, out->gid, &out->gids) < 0)
		out->gids = GROUPS_MAX;
	return true;
}

/* bit: S_IROTH or S_IXOTH. */
static bool allows(const struct stat *file, const struct account *account, mode_t bit)
{
	if (file->st_uid == account->uid)
		return (file->st_mode & (bit << 6)) != 0;
	for (int i = 0; i < account->gids; i++)
		if (file->st_gid == account->gid[i])
			return (file->st_mode & (bit << 3)) != 0;
	return (file->st_mode & bit) != 0;
}

static const char *parent_of(struct ctl_doctor *doctor, const char *path)
{
	return dirname(arena_strdup(doctor->ctl->caller.arena, path));
}

/* Who is neither root nor its owner may write it, or put another in its place. */
static bool is_writable(struct ctl_doctor *doctor, const char *path)
{
	struct stat file, folder;

	if (stat(path, &file) != 0 || stat(parent_of(doctor, path), &folder) != 0)
		return false;
	return (file.st_mode & S_IWOTH) || ((file.st_mode & S_IWGRP) && file.st_gid != 0) ||
	       (!(folder.st_mode & S_ISVTX) &&
		       ((folder.st_mode & S_IWOTH) ||
			       ((folder.st_mode & S_IWGRP) && folder.st_gid != 0)));
}

/* Every folder on the way is open to everybody. */
static bool is_reachable(struct ctl_doctor *doctor, const char *path)
{
	struct stat folder;

	for (const char *at = parent_of(doctor, path); strcmp(at, "/") != 0 && strcmp(at, ".") != 0;
		at = parent_of(doctor, at))
		if (stat(at, &folder) != 0 || !(folder.st_mode & S_IXOTH))
			return false;
	return true;
}

static void check_settings(struct ctl_doctor *doctor)
{
	const char *path = doctor->ctl->settings->path;

	if (is_writable(doctor, path))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_SETTINGS_WRITABLE,
			"the settings %s, or the folder they are in, can be changed by other users of this machine.",
			path);
}

/* The name of a key that others may read; NULL: none. */
static const char *find_open_key(struct ctl_doctor *doctor, const char *folder)
{
	struct arena *arena = doctor->ctl->caller.arena;
	DIR *stream = opendir(folder);
	const struct dirent *entry;
	const char *found = NULL;

	while (stream && !found && (entry = readdir(stream)) != NULL) {
		struct keyfile parsed;
		struct stat file;
		const char *path = arena_printf(arena, "%s/%s", folder, entry->d_name);

		if (keyfile_parse_name(entry->d_name, &parsed) != KEYFILE_FOREIGN &&
			stat(path, &file) == 0 && (file.st_mode & (S_IRWXG | S_IRWXO)))
			found = path;
	}
	if (stream)
		closedir(stream);
	return found;
}

static void check_keys(struct ctl_doctor *doctor)
{
	const char *folder = doctor->ctl->settings->token.keys_dir;
	const char *open_key = find_open_key(doctor, folder);
	char error[ERROR_MAX] = "";
	struct stat file;

	if (stat(folder, &file) == 0 && (file.st_mode & (S_IWGRP | S_IWOTH))) {
		ctl_finding_add(&doctor->findings, CTL_REMEDY_KEYS_UNSAFE,
			"the directory of the keys, %s, has mode %04o: others can put a key of their own there.",
			folder, file.st_mode & 07777);
	} else if (open_key) {
		ctl_finding_add(&doctor->findings, CTL_REMEDY_KEYS_UNSAFE,
			"the key %s is open to other users of this machine; with it they can sign in as anybody.",
			open_key);
	} else if (!(doctor->ctl->auth.keys = keys_load(folder, error, sizeof error))) {
		ctl_finding_add(&doctor->findings, CTL_REMEDY_KEYS_REFUSED,
			"the keys cannot be used: %s.", error);
	}
}

static void check_password_file(struct ctl_doctor *doctor)
{
	const char *path = doctor->ctl->settings->store.password_file;
	struct stat file;

	if (!*path)
		return;
	if (stat(path, &file) != 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_PASSWORD_FILE,
			"the password for Redis, %s, cannot be looked at: %s.", path,
			strerror(errno));
	else if ((file.st_mode & (S_IRWXO | S_IWGRP)) || is_writable(doctor, path))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_PASSWORD_FILE,
			"the password for Redis, %s, has mode %04o: other users of this machine can read or change it.",
			path, file.st_mode & 07777);
}

static void check_users_file(struct ctl_doctor *doctor, const char *path, bool has_hashes)
{
	struct stat file;

	if (!*path || stat(path, &file) != 0)
		return;
	if (is_writable(doctor, path))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_USERS_FILE,
			"%s, or the folder it is in, can be changed by other users of this machine.",
			path);
	else if (has_hashes && (file.st_mode & S_IROTH))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_USERS_FILE,
			"the password hashes in %s can be read by every user of this machine.",
			path);
}

static void check_users(struct ctl_doctor *doctor)
{
	const struct settings *set = doctor->ctl->settings;
	char error[ERROR_MAX] = "";

	if (set->users.source != SETTINGS_USERS_FILE)
		return;
	check_users_file(doctor, set->users.users_file, true);
	check_users_file(doctor, set->users.groups_file, false);
	doctor->ctl->auth.userfile =
		userfile_load(set->users.users_file, set->users.groups_file, error, sizeof error);
	if (!doctor->ctl->auth.userfile)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_USERS_FILE,
			"the users cannot be read: %s.", error);
}

static bool reads(const struct account *account, const char *folder, const char *path)
{
	struct stat file, above;

	return stat(path, &file) == 0 && stat(folder, &above) == 0 &&
	       allows(&above, account, S_IXOTH) && allows(&file, account, S_IROTH);
}

/* Where the web server itself starts Doorward, it must be able to. */
static void check_web_server(struct ctl_doctor *doctor)
{
	const struct settings *set = doctor->ctl->settings;
	struct arena *arena = doctor->ctl->caller.arena;
	const struct keys *keys = doctor->ctl->auth.keys;
	struct account account;

	if (!*set->server.listen_authorizer && !*set->server.listen_responder)
		return;
	for (size_t i = 0; i < sizeof web_users / sizeof *web_users; i++) {
		const char *path = set->store.password_file;
		struct keyfile key = { .kind = KEYFILE_SIGN };
		char name[KEYFILE_NAME_SIZE];

		if (!find_account(web_users[i], &account))
			continue;
		bool found = *path && reads(&account, parent_of(doctor, path), path);
		for (size_t k = 0; keys && !found && k < keys_count(keys); k++) {
			key.from_sec = keys_at(keys, k)->from_sec;
			memcpy(key.id, keys_at(keys, k)->kid, sizeof key.id);
			if (!keyfile_format_name(&key, name))
				continue;
			path = arena_printf(arena, "%s/%s", set->token.keys_dir, name);
			found = reads(&account, set->token.keys_dir, path);
		}
		if (found)
			ctl_finding_add(&doctor->findings, CTL_REMEDY_WEB_SERVER_READS,
				"the web server's user, %s, can read %s.", account.name, path);
	}
}

static void check_unix_socket(struct ctl_doctor *doctor, const char *setting, const char *spec)
{
	const char *path =
		arena_strndup(doctor->ctl->caller.arena, spec + 5, strcspn(spec + 5, " \t"));
	struct stat file;

	if (stat(path, &file) == 0 && (file.st_mode & S_IWOTH) && is_reachable(doctor, path))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_SOCKET_OPEN,
			"the socket %s ([server] %s) is open to every user of this machine, who can ask there in the name of any address.",
			path, setting);
}

static void check_port(struct ctl_doctor *doctor, const char *setting, const char *spec)
{
	const char *colon = strrchr(spec, ':');
	long long port = 0;
	bool loopback = strncmp(spec, "127.", 4) == 0 || strncmp(spec, "[::1]:", 6) == 0 ||
			strncmp(spec, "localhost:", 10) == 0;

	if (!colon || !encode_parse_uint(colon + 1, 1, 65535, &port))
		return;
	if (!loopback)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_LISTENER_EXPOSED,
			"[server] %s = %s can be reached from other machines.", setting, spec);
	/* A site named localhost is somebody's trial on a machine of their own. */
	else if (strcmp(setting, "listen_authorizer") == 0 && port >= PORT_NEEDS_PRIVILEGE &&
		 strncmp(doctor->origin, "https://localhost", 17) != 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_AUTHORIZER_PORT,
			"any user of this machine can take the port of [server] %s = %s while Doorward is down, and let everybody in.",
			setting, spec);
}

static void check_listener(struct ctl_doctor *doctor, const char *setting, const char *spec)
{
	if (strncmp(spec, "unix:", 5) == 0)
		check_unix_socket(doctor, setting, spec);
	else if (*spec)
		check_port(doctor, setting, spec);
}

void ctl_mode_check(struct ctl_doctor *doctor)
{
	const struct settings *set = doctor->ctl->settings;

	check_settings(doctor);
	check_keys(doctor);
	check_password_file(doctor);
	check_users(doctor);
	check_web_server(doctor);
	check_listener(doctor, "listen_authorizer", set->server.listen_authorizer);
	check_listener(doctor, "listen_responder", set->server.listen_responder);
}
