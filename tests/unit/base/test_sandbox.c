/* In a child, which tells by its exit status how many of its questions had a wrong answer:
 * what the sandbox takes away, and what it leaves. */
#include "base/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char folder[64];
static bool has_landlock;

static const char *in(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static int failures_of_child(int (*questions)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(questions());
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : -1;
}

#define ASK(condition)                                                                             \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%d: not true: %s (%s)\n", __LINE__, #condition,           \
				strerror(errno));                                                  \
			failed++;                                                                  \
		}                                                                                  \
	} while (0)

static void *in_a_thread(void *context)
{
	char *const argv[] = { (char[]){ "false" }, NULL };

	/* It would end the child, with status 1. */
	return (void *)(intptr_t)(context ||
				  (execve("/bin/false", argv, NULL) < 0 && errno == EPERM));
}

static int wait_pipe[2];

static void *early_thread(void *context)
{
	char byte;

	if (read(wait_pipe[0], &byte, 1) != 1)
		return NULL;
	return in_a_thread(context);
}

static int calls(void)
{
	char *const argv[] = { (char[]){ "false" }, NULL };
	struct stat info;
	int failed = 0;
	pthread_t early, late;
	void *early_refused = NULL, *late_ran = NULL;

	ASK(pipe(wait_pipe) == 0 && pthread_create(&early, NULL, early_thread, NULL) == 0);
	ASK(sandbox_calls(false));
	ASK(execve("/bin/false", argv, NULL) < 0 && errno == EPERM);
	ASK(syscall(SYS_execveat, AT_FDCWD, "/bin/false", argv, NULL, 0) < 0 && errno == EPERM);
	ASK(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM);
	ASK(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM);
	ASK(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM);
	ASK(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
	ASK(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	ASK(write(wait_pipe[1], "x", 1) == 1 && pthread_join(early, &early_refused) == 0);
	ASK(early_refused != NULL);
	/* What stays. */
	ASK(pthread_create(&late, NULL, in_a_thread, &failed) == 0);
	ASK(pthread_join(late, &late_ran) == 0 && late_ran != NULL);
	ASK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0 && socket(AF_INET, SOCK_STREAM, 0) >= 0 &&
		socket(AF_INET6, SOCK_STREAM, 0) >= 0);
	ASK(mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		MAP_FAILED);
	ASK(stat("/etc/passwd", &info) == 0 && open("/etc/passwd", O_RDONLY) >= 0);
	ASK(open(in("written"), O_WRONLY | O_CREAT, 0600) >= 0);
	return failed;
}

static int no_writing(void)
{
	int failed = 0;

	ASK(sandbox_calls(true));
	ASK(open(in("written"), O_WRONLY) < 0 && errno == EPERM);
	ASK(open(in("new"), O_RDONLY | O_CREAT, 0600) < 0 && errno == EPERM);
	ASK(open("/etc/passwd", O_RDONLY) >= 0);
	return failed;
}

static int files(void)
{
	char log[128], path[96];
	snprintf(log, sizeof log, "%s/log/doorward.log", folder);
	snprintf(path, sizeof path, "%s/run/a.sock", folder);
	const struct sandbox_path paths[] = { { log, SANDBOX_LOG }, { path, SANDBOX_SOCKET },
		{ "/no/such/folder/file", SANDBOX_LOG }, { NULL, SANDBOX_LOG } };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int failed = 0, local = socket(AF_UNIX, SOCK_STREAM, 0);

	if (!sandbox_files(paths))
		return 77;
	ASK(open(in("written"), O_WRONLY) < 0 && errno == EACCES);
	ASK(open(in("new"), O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	ASK(unlink(in("written")) < 0 && errno == EACCES);
	ASK(mkdir(in("made"), 0700) < 0 && errno == EACCES);
	ASK(open(in("run/file"), O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	ASK(unlink(log) < 0 && errno == EACCES);
	char *const argv[] = { (char[]){ "false" }, NULL };
	ASK(execve("/bin/false", argv, NULL) < 0 && errno == EACCES);
	/* What stays. */
	ASK(open(log, O_WRONLY | O_APPEND) >= 0);
	ASK(open(in("log/rotated.log"), O_WRONLY | O_CREAT | O_APPEND, 0600) >= 0);
	ASK(open("/etc/passwd", O_RDONLY) >= 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	ASK(bind(local, (const struct sockaddr *)&address, sizeof address) == 0);
	ASK(chmod(path, 0660) == 0 && unlink(path) == 0);
	return failed;
}

static void no_program_can_be_run_and_no_odd_socket_opened(void)
{
	CHECK_INT(failures_of_child(calls), 0);
}

static void without_landlock_no_file_can_be_opened_for_writing(void)
{
	CHECK_INT(failures_of_child(no_writing), 0);
}

static void files_are_written_in_the_folder_of_the_log_alone(void)
{
	int failures = failures_of_child(files);

	has_landlock = failures != 77;
	if (has_landlock)
		CHECK_INT(failures, 0);
	else
		fprintf(stderr, "this kernel has no Landlock: not tested\n");
}

int main(void)
{
	snprintf(folder, sizeof folder, "/tmp/doorward-sandbox-XXXXXX");
	if (!mkdtemp(folder))
		return 2;
	mkdir(in("log"), 0700);
	mkdir(in("run"), 0700);
	close(open(in("written"), O_WRONLY | O_CREAT, 0600));
	close(open(in("log/doorward.log"), O_WRONLY | O_CREAT, 0600));
	RUN(no_program_can_be_run_and_no_odd_socket_opened);
	RUN(without_landlock_no_file_can_be_opened_for_writing);
	RUN(files_are_written_in_the_folder_of_the_log_alone);
	static const char *const names[] = { "log/doorward.log", "log/rotated.log", "written",
		"log", "run" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		remove(in(names[i]));
	rmdir(folder);
	return check_result();
}
