#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- files ---- */

enum { SANDBOX_PATH_MAX = 4096 };

/* Later than the headers of Debian 12: version 2 and 3 of the interface. */
#define SANDBOX_FS_REFER (UINT64_C(1) << 13)
#define SANDBOX_FS_TRUNCATE (UINT64_C(1) << 14)

static uint64_t sandbox_handled(long version)
{
	uint64_t handled = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
			   LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			   LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
			   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
			   LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
			   LANDLOCK_ACCESS_FS_MAKE_SYM;

	if (version >= 2)
		handled |= SANDBOX_FS_REFER;
	if (version >= 3)
		handled |= SANDBOX_FS_TRUNCATE;
	return handled;
}

static uint64_t sandbox_allowed(enum sandbox_use use)
{
	switch (use) {
	case SANDBOX_LOG:
		return LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
	case SANDBOX_SOCKET:
		return LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	}
	return 0;
}

/* A folder that is not there will be missed by whoever opens the log or the socket. */
static void sandbox_allow(int rules, const struct sandbox_path *path)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access =
							      sandbox_allowed(path->use) };
	char folder[SANDBOX_PATH_MAX];
	const char *end = strrchr(path->path, '/');
	size_t len = end ? (size_t)(end - path->path) : 0;

	if (!end || len >= sizeof folder)
		return;
	memcpy(folder, path->path, len);
	folder[len] = '\0';
	beneath.parent_fd = open(len > 0 ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
}

bool sandbox_files(const struct sandbox_path *paths)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { .handled_access_fs = sandbox_handled(version) };

	if (version < 1)
		return false;
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (rules < 0)
		return false;
	for (const struct sandbox_path *path = paths; path->path; path++)
		sandbox_allow(rules, path);
	bool done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done;
}

/* ---- calls ---- */

/* Little-endian all of them: the low half of an argument comes first. */
#if defined __x86_64__
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define SANDBOX_ARCH AUDIT_ARCH_RISCV64
#else
#define SANDBOX_ARCH 0
#endif

/* What nothing here needs, and whoever got in by a hole does. */
static const int sandbox_refused[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_userfaultfd,
	SYS_open_by_handle_at,
	SYS_personality,
	SYS_truncate,
	SYS_mknodat,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
	SYS_mknod,
#endif
};

enum { SANDBOX_FILTER_MAX = 128 };

struct sandbox_filter {
	struct sock_filter code[SANDBOX_FILTER_MAX];
	size_t len;
};

static void sandbox_add(struct sandbox_filter *filter, struct sock_filter instruction)
{
	if (filter->len < SANDBOX_FILTER_MAX)
		filter->code[filter->len] = instruction;
	filter->len++;
}

static void sandbox_load(struct sandbox_filter *filter, size_t offset)
{
	sandbox_add(
		filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void sandbox_return(struct sandbox_filter *filter, uint32_t verdict)
{
	sandbox_add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

/* test: BPF_JEQ, BPF_JGE or BPF_JSET; goes on behind so many instructions if it holds, or not. */
static void sandbox_jump(
	struct sandbox_filter *filter, int test, uint32_t value, int hold, int not )
{
	sandbox_add(filter, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | test | BPF_K), value,
				    (uint8_t)hold, (uint8_t) not ));
}

static const uint32_t sandbox_eperm = SECCOMP_RET_ERRNO | EPERM;

static void sandbox_refuse(struct sandbox_filter *filter, int call, uint32_t verdict)
{
	sandbox_jump(filter, BPF_JEQ, (uint32_t)call, 0, 1);
	sandbox_return(filter, verdict);
}

/* The call passes when its argument has one of these bits, or (must_not) when it has none. */
static void sandbox_bits(
	struct sandbox_filter *filter, int call, int argument, uint32_t bits, bool must_not)
{
	sandbox_jump(filter, BPF_JEQ, (uint32_t)call, 0, 4);
	sandbox_load(filter, offsetof(struct seccomp_data, args) + (size_t)argument * 8);
	sandbox_jump(filter, BPF_JSET, bits, must_not, !must_not);
	sandbox_return(filter, SECCOMP_RET_ALLOW);
	sandbox_return(filter, sandbox_eperm);
}

static void sandbox_sockets(struct sandbox_filter *filter)
{
	sandbox_jump(filter, BPF_JEQ, SYS_socket, 0, 6);
	sandbox_load(filter, offsetof(struct seccomp_data, args));
	sandbox_jump(filter, BPF_JEQ, AF_UNIX, 3, 0);
	sandbox_jump(filter, BPF_JEQ, AF_INET, 2, 0);
	sandbox_jump(filter, BPF_JEQ, AF_INET6, 1, 0);
	sandbox_return(filter, sandbox_eperm);
	sandbox_return(filter, SECCOMP_RET_ALLOW);
}

static void sandbox_no_writing(struct sandbox_filter *filter)
{
	const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

	sandbox_bits(filter, SYS_openat, 2, writing, true);
	/* Its flags are in memory, which a filter cannot see; the C library does not use it. */
	sandbox_refuse(filter, SYS_openat2, SECCOMP_RET_ERRNO | ENOSYS);
#ifdef SYS_open
	sandbox_bits(filter, SYS_open, 1, writing, true);
	sandbox_refuse(filter, SYS_creat, sandbox_eperm);
#endif
}

static void sandbox_compose(struct sandbox_filter *filter, bool no_writing)
{
	sandbox_load(filter, offsetof(struct seccomp_data, arch));
	sandbox_jump(filter, BPF_JEQ, SANDBOX_ARCH, 1, 0);
	sandbox_return(filter, sandbox_eperm);
	sandbox_load(filter, offsetof(struct seccomp_data, nr));
	/* The same calls by the numbers of x32. */
	sandbox_jump(filter, BPF_JGE, 0x40000000, 0, 1);
	sandbox_return(filter, sandbox_eperm);
	for (size_t i = 0; i < sizeof sandbox_refused / sizeof *sandbox_refused; i++)
		sandbox_refuse(filter, sandbox_refused[i], sandbox_eperm);
	/* Threads, no processes. clone3 hides its flags; without it the C library takes clone. */
	sandbox_refuse(filter, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	sandbox_bits(filter, SYS_clone, 0, CLONE_THREAD, false);
	sandbox_sockets(filter);
	if (no_writing)
		sandbox_no_writing(filter);
	sandbox_return(filter, SECCOMP_RET_ALLOW);
}

bool sandbox_calls(bool no_writing)
{
	struct sandbox_filter filter = { .len = 0 };

	sandbox_compose(&filter, no_writing);
	if (SANDBOX_ARCH == 0 || filter.len > SANDBOX_FILTER_MAX ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	struct sock_fprog program = { .len = (unsigned short)filter.len, .filter = filter.code };
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) ==
	       0;
}
