/* /auth/metrics: what this process has decided since its start, as Prometheus reads it. */
#ifndef DOORWARD_ENDPOINTS_METRICS_H
#define DOORWARD_ENDPOINTS_METRICS_H

#include "auth/access.h"
#include "auth/credentials.h"
#include "auth/rotation.h"

struct exchange;

/* One relaxed addition each. */
void metrics_count_check(enum access_result result, const struct access *access);
void metrics_count_sign_in(enum credentials_result result);
void metrics_count_refresh(enum rotation_result result, enum reason why);

/* An endpoint; to an address that [metrics] allow does not list there is no such page. */
void metrics_show(struct exchange *x);

#endif
