/* Plain CGI (RFC 3875): the one request of this process, from the environment and standard input.
 * FCGX_Accept_r has no fall-back of its own to CGI. */
#ifndef DOORWARD_HTTP_CGI_H
#define DOORWARD_HTTP_CGI_H

#include <stdbool.h>

#include "http/gateway.h"

/* True when a web server started this process as CGI. */
bool cgi_is_asked(void);
/* Answers on standard output; the exit status of the process. */
int cgi_run(gateway_handler *handle, void *context);

#endif
