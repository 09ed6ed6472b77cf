/* doorwardctl stats: how much there is. */
#ifndef DOORWARD_CTL_CTL_STAT_H
#define DOORWARD_CTL_CTL_STAT_H

#include "ctl/ctl.h"

enum ctl_status ctl_stat_show(struct ctl *ctl);

#endif
