#include "base/slice.h"
#include "check.h"

#include <linux/sched/types.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct sched_attr now(void)
{
	struct sched_attr attr = { .size = sizeof attr };
	CHECK_INT(syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0), 0);
	return attr;
}

static bool kernel_listens(void)
{
	struct utsname name;
	int major = 0, minor = 0;
	CHECK_INT(uname(&name), 0);
	(void)sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 12);
}

static void a_long_slice_is_over_when_the_usual_one_is_set(void)
{
	struct sched_attr before = now();
	slice_long();
	struct sched_attr during = now();
	slice_usual();
	struct sched_attr after = now();
	CHECK(!kernel_listens() || during.sched_runtime == 100 * 1000 * 1000);
	CHECK_INT(after.sched_runtime, before.sched_runtime);
}

static void the_priority_stays_as_it_is(void)
{
	CHECK(nice(3) != -1);
	slice_long();
	CHECK_INT(now().sched_nice, 3);
	slice_usual();
	CHECK_INT(now().sched_nice, 3);
	CHECK_INT(now().sched_policy, 0);
}

int main(void)
{
	RUN(a_long_slice_is_over_when_the_usual_one_is_set);
	RUN(the_priority_stays_as_it_is);
	return check_result();
}
