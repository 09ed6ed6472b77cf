/* Gives a fuzz target the files of its corpus, one after the other: what once went wrong is tried
 * again by every `make test`, without clang. */
#include <dirent.h>
#include <signal.h>

#include "fuzz/fuzz.h"

enum { REPLAY_MAX_BYTES = 1 << 20 };

static char current[600];

/* ASan and HOLDS end the program by abort: it says which file did it. */
static void on_abort(int signal_number)
{
	(void)signal_number;
	ssize_t put = write(STDERR_FILENO, current, strlen(current));
	_exit(put < 0 ? 2 : 1);
}

static void replay(const char *path)
{
	static uint8_t bytes[REPLAY_MAX_BYTES];
	FILE *file = fopen(path, "re");
	HOLDS(file != NULL);
	size_t len = fread(bytes, 1, sizeof bytes, file);
	HOLDS(len < sizeof bytes);
	(void)fclose(file);
	(void)snprintf(current, sizeof current, "the input was %s\n", path);
	uint8_t *exact = (uint8_t *)fuzz_bytes(bytes, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

int main(int argc, char **argv)
{
	char path[512];
	int count = 0;
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

	if (!folder) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	(void)signal(SIGABRT, on_abort);
	replay("/dev/null"); /* the empty input is in every corpus */
	for (const struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
		replay(path);
		count++;
	}
	(void)closedir(folder);
	if (fuzz_arena)
		arena_free(fuzz_arena);
	printf("%d inputs\n1 passed, 0 failed\n", count);
	return 0;
}
