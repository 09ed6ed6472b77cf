/* doorwardctl events: the stream dw:events, which auth/audit.c writes. */
#ifndef DOORWARD_CTL_CTL_EVENT_H
#define DOORWARD_CTL_CTL_EVENT_H

#include "ctl/ctl.h"

/* The latest ones, oldest first; with --follow then each one that comes. */
enum ctl_status ctl_event_show(struct ctl *ctl);

#endif
