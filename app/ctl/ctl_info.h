/* What Redis says to INFO: "used_memory:1048576", a line each. */
#ifndef DOORWARD_CTL_CTL_INFO_H
#define DOORWARD_CTL_CTL_INFO_H

#include <stdint.h>

struct arena;

/* "" when it is not there. */
const char *ctl_info_text(struct arena *arena, const char *info, const char *name);
/* 0 when it is not there, or no number. */
int64_t ctl_info_int(struct arena *arena, const char *info, const char *name);

#endif
