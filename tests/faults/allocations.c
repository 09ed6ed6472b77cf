/* Loaded before libc (LD_PRELOAD) into the program as it is shipped: counts its allocations, and
 * refuses the one that tests/faults/allocations.py names, through a file that both map (struct
 * control, FAULTS_CONTROL in the environment).
 *
 * Whose allocations: those of the threads that answer requests, of the main one, which reloads, or
 * of those that work in the background: whoever allocates besides the main one while the program
 * starts and nobody asks (LEARN). FAULTS_SHOW in the environment: says on standard error who asked
 * for what was refused. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEPTH = 24, PLACES_MAX = 1 << 16 };
enum mode { PASS, LEARN, COUNT, FAIL_ONE, FAIL_FROM };
enum whose { REQUESTS, MAIN, BACKGROUND };

struct control {
	_Atomic uint32_t mode, whose, target;
	_Atomic uint32_t count, failed;
	_Atomic uint32_t learned; /* how many threads work in the background */
	uint64_t place[PLACES_MAX]; /* COUNT: for each allocation a digest of who asked for it */
};

/* glibc's own, under the names that it keeps for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* This object, by the linker. */
extern const char __ehdr_start[] __attribute__((visibility("hidden"))),
	_end[] __attribute__((visibility("hidden")));

static struct control *control;
static bool shows;
static uintptr_t program_start, program_bytes;
static _Thread_local bool inside;
static _Thread_local enum whose whose;

static uint64_t place_of(void *const *frames, int count)
{
	uint64_t digest = 1469598103934665603U;
	for (int i = 0; i < count; i++)
		digest = (digest ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211U;
	return digest;
}

static bool is_program(const void *address)
{
	return (uintptr_t)address - program_start < program_bytes;
}

static bool is_here(const void *address)
{
	return (const char *)address >= __ehdr_start && (const char *)address < _end;
}

/* Where the program asks in the name of a library (crypto_init), it decides there what becomes of a
 * failure, whoever asked the library for what. */
static void note_place(uint32_t number)
{
	void *frames[DEPTH];
	int depth = backtrace(frames, DEPTH), first = 0;
	while (first + 1 < depth && is_here(frames[first]))
		first++;
	if (first + 1 < depth && is_program(frames[first]) && !is_program(frames[first + 1]))
		depth = first + 1;
	if (number <= PLACES_MAX)
		control->place[number - 1] = place_of(frames, depth);
}

static void show(const char *what)
{
	void *frames[DEPTH];
	int depth = backtrace(frames, DEPTH);
	if (write(STDERR_FILENO, what, strlen(what)) > 0)
		backtrace_symbols_fd(frames, depth, STDERR_FILENO);
}

static void learn(void)
{
	if (whose == REQUESTS)
		atomic_fetch_add(&control->learned, 1);
	whose = whose == MAIN ? MAIN : BACKGROUND;
}

static bool is_refused(void)
{
	uint32_t mode = atomic_load(&control->mode);
	if (mode == LEARN)
		learn();
	if (mode <= LEARN || whose != atomic_load(&control->whose))
		return false;
	uint32_t number = atomic_fetch_add(&control->count, 1) + 1,
		 target = atomic_load(&control->target);
	if (mode == COUNT)
		note_place(number);
	if (mode == COUNT || number < target || (mode == FAIL_ONE && number > target))
		return false;
	if (atomic_fetch_add(&control->failed, 1) == 0 && shows)
		show("refused at\n");
	return true;
}

/* backtrace() itself may allocate. */
static bool refused(void)
{
	int before = errno;
	if (!control || inside)
		return false;
	inside = true;
	bool answer = is_refused();
	inside = false;
	errno = answer ? ENOMEM : before;
	return answer;
}

void *malloc(size_t size)
{
	return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return refused() ? NULL : __libc_calloc(count, size);
}

/* Of nothing and to nothing are no allocations. */
void *realloc(void *old, size_t size)
{
	return size > 0 && refused() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

void *memalign(size_t alignment, size_t size)
{
	return refused() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *got = memalign(alignment, size);
	if (!got)
		return ENOMEM;
	*out = got;
	return 0;
}

/* libsodium's memory for a password hash; what glibc maps for itself does not come by here. */
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if ((flags & MAP_ANONYMOUS) && refused())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return mmap(at, size, protection, flags, fd, offset);
}

/* Where a program that does not bear it died: into its log. */
static void died(int number)
{
	inside = true;
	show("died by a signal at\n");
	signal(number, SIG_DFL);
	raise(number);
}

/* The first object is the program. */
static int find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	program_start = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t end = info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
		if (info->dlpi_phdr[i].p_type == PT_LOAD && end > program_bytes)
			program_bytes = end;
	}
	return 1;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTS_CONTROL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *frames[1];
	if (fd < 0)
		return;
	(void)backtrace(frames, 1); /* loads what it needs */
	void *shared = (void *)syscall(
		SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)0);
	close(fd);
	if (shared == MAP_FAILED)
		abort();
	for (size_t i = 0; i < 4; i++)
		signal((int[]){ SIGSEGV, SIGABRT, SIGBUS, SIGFPE }[i], died);
	dl_iterate_phdr(find_program, NULL);
	whose = MAIN;
	shows = getenv("FAULTS_SHOW") != NULL;
	control = shared;
}
