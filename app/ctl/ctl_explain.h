/* doorwardctl explain: which decision a request would get, and why. Changes nothing. */
#ifndef DOORWARD_CTL_CTL_EXPLAIN_H
#define DOORWARD_CTL_CTL_EXPLAIN_H

#include "ctl/ctl.h"

/* CTL_OK when it would be let through (or, for a refresh token, accepted). */
enum ctl_status ctl_explain_request(struct ctl *ctl);

#endif
