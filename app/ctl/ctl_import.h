/* doorwardctl user import: accounts from an htpasswd file. */
#ifndef DOORWARD_CTL_CTL_IMPORT_H
#define DOORWARD_CTL_CTL_IMPORT_H

#include "ctl/ctl.h"

/* CTL_NO when a line was refused; the others are imported all the same. */
enum ctl_status ctl_import_users(struct ctl *ctl);

#endif
