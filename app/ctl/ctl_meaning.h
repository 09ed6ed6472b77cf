/* The reason codes in words, for whoever was called at night. */
#ifndef DOORWARD_CTL_CTL_MEANING_H
#define DOORWARD_CTL_CTL_MEANING_H

#include "auth/reason.h"

/* A clause; static text. */
const char *ctl_meaning_of(enum reason reason);

#endif
