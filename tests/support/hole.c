/* Loaded before libc into a Doorward in its sandbox: code of somebody else's, run by a thread that
 * takes connections. It tries what a sandbox is there to refuse, once, and says on standard error
 * what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void say(const char *what, int failed)
{
	(void)dprintf(STDERR_FILENO, "hole: %s: %s\n", what, failed ? strerror(errno) : "DONE");
}

static int write_file(const char *name, int flags)
{
	char path[256];
	(void)snprintf(path, sizeof path, "%s/%s", getenv("HOLE_FOLDER"), name);
	return open(path, flags, 0600);
}

static void try_all(void)
{
	static char name[] = "false";
	char *const argv[] = { name, NULL };
	say("a program", execve("/bin/false", argv, NULL) < 0);
	say("another process", syscall(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0) < 0);
	say("a new file", write_file("new", O_WRONLY | O_CREAT) < 0);
	say("a file of before", write_file("before", O_WRONLY) < 0);
	say("its end", unlink(getenv("HOLE_FILE")) < 0);
	say("its content", write_file("before", O_RDWR | O_TRUNC) < 0);
	say("a raw socket", socket(AF_PACKET, SOCK_RAW, 0) < 0);
	say("reading", write_file("before", O_RDONLY) < 0);
}

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	if (strcmp(program_invocation_short_name, "doorward") == 0)
		(void)pthread_once(&once, try_all);
	return (int)syscall(SYS_accept4, fd, address, len, flags);
}
