/* What this process gives up once it has started, so that a hole in it is worth less: running
 * programs, writing files, sockets other than those of the Internet and the local ones, other
 * processes. By the kernel: Landlock for files, seccomp for calls, no new privileges. None of it
 * can be taken back. */
#ifndef DOORWARD_BASE_SANDBOX_H
#define DOORWARD_BASE_SANDBOX_H

#include <stdbool.h>

/* What may still be made in the folder of a path. */
enum sandbox_use { SANDBOX_LOG, SANDBOX_SOCKET };
struct sandbox_path {
	const char *path; /* absolute; NULL ends the list */
	enum sandbox_use use;
};

/* Of this thread, and those it makes from now on: to be called before there are others. False when
 * the kernel has no Landlock: nothing was given up. */
bool sandbox_files(const struct sandbox_path *paths);
/* Of all threads. no_writing: no file may be opened for writing either, for where sandbox_files
 * could do nothing. False when the kernel cannot, or this processor is none of those known here. */
bool sandbox_calls(bool no_writing);

#endif
