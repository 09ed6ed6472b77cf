/* A private redis-server for a unit test: on a unix socket in a temporary folder, nothing on disk.
 *
 * redis_start() ... redis_stop(). It dies with the test, whatever happens to the test. A server
 * that does not come up ends the test program. */
#ifndef DOORWARD_TESTS_REDIS_H
#define DOORWARD_TESTS_REDIS_H

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
	pid_t pid;
	char folder[64];
	char path[96];
	char url[112];
	char config[96];
	char log[96];
} redis_server;

static inline void redis_die(const char *what)
{
	perror(what);
	exit(2);
}

/* For [store] url. */
static inline const char *redis_url(void)
{
	return redis_server.url;
}

static inline void redis_sleep_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	nanosleep(&pause, NULL);
}

/* Sends one inline command such as "CONFIG SET appendonly no" on a connection of its own and
 * returns the first line of the answer ("+OK", "$-1", ":3", "-ERR ..."), NULL when there is none.
 */
static inline const char *redis_command(const char *text)
{
	static char answer[512];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", redis_server.path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		redis_die("socket");
	size_t len = 0;
	answer[0] = '\0';
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		char line[1024];
		int line_len = snprintf(line, sizeof(line), "%s\r\n", text);
		ssize_t got = send(fd, line, (size_t)line_len, MSG_NOSIGNAL);
		while (got > 0 && len < sizeof(answer) - 1 && !strstr(answer, "\r\n")) {
			got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
			len += got > 0 ? (size_t)got : 0;
			answer[len] = '\0';
		}
	}
	close(fd);
	answer[strcspn(answer, "\r\n")] = '\0';
	return len > 0 ? answer : NULL;
}

static inline void redis_spawn(void)
{
	const char *chosen = getenv("REDIS_SERVER");
	const char *program = chosen && *chosen ? chosen : "redis-server";
	pid_t parent = getpid();
	redis_server.pid = fork();
	if (redis_server.pid < 0)
		redis_die("fork");
	if (redis_server.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		execlp(program, program, redis_server.config, "--port", "0", "--unixsocket",
			redis_server.path, "--save", "", "--appendonly", "no", "--dir",
			redis_server.folder, "--daemonize", "no", "--logfile", redis_server.log,
			(char *)NULL);
		perror(program);
		_exit(1);
	}
	for (int i = 0; i < 2000; i++) {
		const char *answer = redis_command("PING");
		if (answer && (strcmp(answer, "+PONG") == 0 || strncmp(answer, "-NOAUTH", 7) == 0))
			return;
		if (waitpid(redis_server.pid, NULL, WNOHANG) == redis_server.pid)
			break;
		redis_sleep_ms(5);
	}
	fprintf(stderr, "redis-server does not come up\n");
	exit(2);
}

/* Kills it; keys and scripts are gone. */
static inline void redis_kill(void)
{
	if (redis_server.pid <= 0)
		return;
	kill(redis_server.pid, SIGKILL);
	waitpid(redis_server.pid, NULL, 0);
	redis_server.pid = 0;
	unlink(redis_server.path);
}

/* After redis_kill: a new one on the same socket. */
static inline void redis_revive(void)
{
	redis_spawn();
}

static inline void redis_restart(void)
{
	redis_kill();
	redis_spawn();
}

/* Hung: takes connections (the kernel does) and answers nothing. */
static inline void redis_pause(void)
{
	kill(redis_server.pid, SIGSTOP);
}

static inline void redis_resume(void)
{
	kill(redis_server.pid, SIGCONT);
}

static inline void redis_stop(void)
{
	redis_kill();
	DIR *folder = redis_server.folder[0] ? opendir(redis_server.folder) : NULL;
	if (!folder)
		return;
	const struct dirent *entry;
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	rmdir(redis_server.folder);
	redis_server.folder[0] = '\0';
}

/* With lines of redis.conf, such as "requirepass x\n". */
static inline void redis_start_with(const char *config)
{
	snprintf(redis_server.folder, sizeof(redis_server.folder), "/tmp/doorward-test-XXXXXX");
	if (!mkdtemp(redis_server.folder))
		redis_die("mkdtemp");
	snprintf(
		redis_server.path, sizeof(redis_server.path), "%s/redis.sock", redis_server.folder);
	snprintf(redis_server.url, sizeof(redis_server.url), "unix:%s", redis_server.path);
	snprintf(redis_server.config, sizeof(redis_server.config), "%s/redis.conf",
		redis_server.folder);
	snprintf(redis_server.log, sizeof(redis_server.log), "%s/redis.log", redis_server.folder);
	FILE *file = fopen(redis_server.config, "w");
	if (!file || fputs(config, file) < 0 || fclose(file) != 0)
		redis_die(redis_server.config);
	static bool at_exit;
	if (!at_exit)
		atexit(redis_stop);
	at_exit = true;
	redis_spawn();
}

static inline void redis_start(void)
{
	redis_start_with("");
}

#endif
