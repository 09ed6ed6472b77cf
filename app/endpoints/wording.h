/* Values as the pages' language writes them: times, waits, devices. All text is in the arena. */
#ifndef DOORWARD_ENDPOINTS_WORDING_H
#define DOORWARD_ENDPOINTS_WORDING_H

#include <stdint.h>

struct exchange;

/* "2026-11-22 20:41 UTC"; "" for 0. In UTC: the program does not know where its reader is. */
const char *wording_moment(struct exchange *x, int64_t at);
/* "5 minutes ago"; "" for 0. */
const char *wording_ago(struct exchange *x, int64_t at);
/* "15 minutes", rounded up. */
const char *wording_wait(struct exchange *x, int64_t seconds);
/* From what auth/device.h has made of a User-Agent; "" is an unknown browser. */
const char *wording_device(struct exchange *x, const char *device);

#endif
