/* doorwardctl user ...: accounts. */
#ifndef DOORWARD_CTL_CTL_USER_H
#define DOORWARD_CTL_CTL_USER_H

#include "ctl/ctl.h"

enum ctl_status ctl_user_add(struct ctl *ctl);
enum ctl_status ctl_user_passwd(struct ctl *ctl);
enum ctl_status ctl_user_role(struct ctl *ctl);
enum ctl_status ctl_user_disable(struct ctl *ctl);
enum ctl_status ctl_user_enable(struct ctl *ctl);
enum ctl_status ctl_user_delete(struct ctl *ctl);
enum ctl_status ctl_user_list(struct ctl *ctl);
enum ctl_status ctl_user_show(struct ctl *ctl);
/* doorwardctl unblock */
enum ctl_status ctl_user_unblock(struct ctl *ctl);

#endif
