/* doorwardctl token ...: one access token, from standard input. */
#ifndef DOORWARD_CTL_CTL_TOKEN_H
#define DOORWARD_CTL_CTL_TOKEN_H

#include "ctl/ctl.h"

/* What is in it, and whether it verifies: CTL_OK only then. */
enum ctl_status ctl_token_decode(struct ctl *ctl);
/* Refuses it from the next check on. */
enum ctl_status ctl_token_deny(struct ctl *ctl);

#endif
