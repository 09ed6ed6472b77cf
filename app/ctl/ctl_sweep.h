/* Walks over the session records of everybody. */
#ifndef DOORWARD_CTL_CTL_SWEEP_H
#define DOORWARD_CTL_CTL_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/ctl.h"

/* The store's clock, seconds since 1970; -1 when it does not say. */
int64_t ctl_sweep_now(struct ctl *ctl);
/* Ends every session that began at that moment or before. False when the store failed. */
bool ctl_sweep_sessions(struct ctl *ctl, int64_t until_sec, size_t *ended);
/* Whose session that is: out->id, and out->name when there is a record ("" otherwise). CTL_NO, and
 * said, when there is none. */
enum ctl_status ctl_sweep_find(struct ctl *ctl, const char *handle, struct user *out);

#endif
