/* doorwardctl keys ...: the files of [token] keys_dir on this machine. */
#ifndef DOORWARD_CTL_CTL_KEY_H
#define DOORWARD_CTL_CTL_KEY_H

#include "ctl/ctl.h"

enum ctl_status ctl_key_new(struct ctl *ctl);
enum ctl_status ctl_key_rotate(struct ctl *ctl);
enum ctl_status ctl_key_retire(struct ctl *ctl);
enum ctl_status ctl_key_list(struct ctl *ctl);

#endif
