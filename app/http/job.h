/* A FastCGI connection and the request on it, while it goes from one thread to another; job.c is
 * the only file with libfcgi.
 *
 * A job is init, then any number of times: peer set, begin, answered (send), end. */
#ifndef DOORWARD_HTTP_JOB_H
#define DOORWARD_HTTP_JOB_H

#include <stdbool.h>

#include "http/gateway.h"
#include "http/response.h"

struct FCGX_Request;

struct job {
	int peer; /* the accepted connection */
	bool begun; /* the parameters are read, and the call is filled */
	bool cut; /* what was read is not whole */
	struct gateway_call call; /* its arena is made when first needed, and kept */
	struct response response;
	struct FCGX_Request *fcgi;
};

/* Once, before any job. */
void job_start_library(void);
void job_init(struct job *job);
void job_free(struct job *job);

/* Has all of the request come? Does not wait. */
bool job_has_come(const struct job *job);
/* Once begun: is it a check for sure, whose answer is short and which has no body? */
bool job_is_check(const struct job *job);
/* From now on the peer is waited for, for some seconds at a time. */
void job_wait_for_peer(const struct job *job);
/* Reads the parameters. False when there is no request; then the connection is closed. */
bool job_begin(struct job *job, enum gateway_takes takes);
/* Sends the response as it is: at first a bare 503. */
void job_send(struct job *job);
/* Ends the request, closes the connection, wipes the arena. */
void job_end(struct job *job);

#endif
