#include "http/listener.h"

#include "http/handover.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENER_BACKLOG = 1024, LISTENER_SPEC_MAX = 256 };

struct listener_unix {
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	mode_t mode;
	gid_t group;
	bool has_group;
};

__attribute__((format(printf, 3, 4))) static bool listener_fail(
	char *error, size_t error_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_size, format, args);
	va_end(args);
	return false;
}

static bool listener_parse_option(
	const char *word, struct listener_unix *out, char *error, size_t error_size)
{
	char *end = NULL;

	if (strncmp(word, "mode=", 5) == 0) {
		out->mode = (mode_t)strtoul(word + 5, &end, 8);
		if (!word[5] || *end || out->mode > 0777)
			return listener_fail(
				error, error_size, "'%s' is no mode, such as mode=0660", word);
		return true;
	}
	if (strncmp(word, "group=", 6) == 0) {
		const struct group *group = getgrnam(word + 6);
		if (!group)
			return listener_fail(error, error_size, "there is no group '%s'", word + 6);
		out->group = group->gr_gid;
		out->has_group = true;
		return true;
	}
	return listener_fail(error, error_size,
		"'%s' is not understood: after the path come mode=0660 and group=NAME", word);
}

static bool listener_parse_unix(
	const char *spec, struct listener_unix *out, char *error, size_t error_size)
{
	char text[LISTENER_SPEC_MAX], *rest = text, *word;

	memset(out, 0, sizeof *out);
	out->mode = 0660;
	if ((size_t)snprintf(text, sizeof text, "%s", spec) >= sizeof text)
		return listener_fail(error, error_size, "the socket '%s' is too long", spec);
	word = strsep(&rest, " ");
	if ((size_t)snprintf(out->path, sizeof out->path, "%s", word) >= sizeof out->path)
		return listener_fail(error, error_size,
			"the socket path '%s' is longer than the %zu bytes a unix socket allows",
			word, sizeof out->path - 1);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word && !listener_parse_option(word, out, error, error_size))
			return false;
	return true;
}

/* A path that nobody answers on is left over: remove it. Anything else stays untouched. */
static bool listener_clear_path(const struct sockaddr_un *address, char *error, size_t error_size)
{
	struct stat status;

	if (lstat(address->sun_path, &status) != 0)
		return true;
	if (!S_ISSOCK(status.st_mode))
		return listener_fail(
			error, error_size, "%s exists and is not a socket", address->sun_path);
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = probe >= 0 &&
		       connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
	if (probe >= 0)
		close(probe);
	if (answers)
		return listener_fail(
			error, error_size, "another process listens on %s", address->sun_path);
	unlink(address->sun_path);
	return true;
}

static int listener_open_unix(const char *spec, char *error, size_t error_size)
{
	struct listener_unix want;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!listener_parse_unix(spec, &want, error, error_size))
		return -1;
	memcpy(address.sun_path, want.path, sizeof address.sun_path);
	if (!listener_clear_path(&address, error, error_size))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Born closed: nobody may connect between bind and chmod. */
	mode_t before = umask(0777);
	bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	umask(before);
	if (bound && (!want.has_group || chown(want.path, (uid_t)-1, want.group) == 0) &&
		chmod(want.path, want.mode) == 0 && listen(fd, LISTENER_BACKLOG) == 0)
		return fd;
	listener_fail(error, error_size, "cannot listen on %s: %s", want.path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int listener_open_address(
	const struct addrinfo *found, const char *spec, char *error, size_t error_size)
{
	int on = 1;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		bind(fd, found->ai_addr, found->ai_addrlen) == 0 &&
		listen(fd, LISTENER_BACKLOG) == 0)
		return fd;
	listener_fail(error, error_size, "cannot listen on %s: %s", spec, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int listener_open_tcp(const char *spec, char *error, size_t error_size)
{
	static const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	char host[LISTENER_SPEC_MAX];
	struct addrinfo *found = NULL;
	const char *colon = strrchr(spec, ':');

	if (!colon || colon == spec || !colon[1] || strlen(spec) >= sizeof host) {
		listener_fail(error, error_size, "'%s' is no socket: unix:PATH or HOST:PORT", spec);
		return -1;
	}
	bool brackets = spec[0] == '[' && colon[-1] == ']';
	snprintf(host, sizeof host, "%.*s", (int)(colon - spec) - 2 * brackets, spec + brackets);
	int failed = getaddrinfo(host, colon + 1, &hints, &found);
	if (failed) {
		listener_fail(error, error_size, "'%s': %s", spec, gai_strerror(failed));
		return -1;
	}
	int fd = listener_open_address(found, spec, error, error_size);
	freeaddrinfo(found);
	return fd;
}

int listener_open(const char *spec, char *error, size_t error_size)
{
	if (strncmp(spec, "unix:", 5) == 0)
		return listener_open_unix(spec + 5, error, error_size);
	if (strncmp(spec, "systemd:", 8) == 0)
		return handover_find(spec + 8, error, error_size);
	return listener_open_tcp(spec, error, error_size);
}

void listener_close(const char *spec, int descriptor)
{
	struct listener_unix was;
	char ignored[LISTENER_SPEC_MAX];

	close(descriptor);
	if (strncmp(spec, "unix:", 5) == 0 &&
		listener_parse_unix(spec + 5, &was, ignored, sizeof ignored))
		unlink(was.path);
}

bool listener_is_listening(int descriptor)
{
	int on = 0;
	socklen_t len = sizeof on;

	return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

bool listener_is_exposed(int descriptor)
{
	struct sockaddr_storage own = { 0 };
	socklen_t len = sizeof own;
	char text[INET6_ADDRSTRLEN] = "";

	if (getsockname(descriptor, (struct sockaddr *)&own, &len) != 0)
		return false;
	if (own.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&own)->sin_addr, text, sizeof text);
	else if (own.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&own)->sin6_addr, text, sizeof text);
	else
		return false;
	return strncmp(text, "127.", 4) != 0 && strcmp(text, "::1") != 0;
}
