/* The null authorizer: what libfcgi alone costs. Always 200 with one Variable.
 *
 * null SOCKET THREADS; SOCKET as libfcgi writes it, a path or ":PORT". Without arguments descriptor
 * 0, one thread, as mod_fcgid starts it. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

static int listening;

static void *work(void *unused)
{
	FCGX_Request request;

	(void)unused;
	FCGX_InitRequest(&request, listening, 0);
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_PutS("Status: 200 OK\r\nVariable-AUTH_USER: alice\r\n\r\n", request.out);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	long threads = argc > 2 ? strtol(argv[2], NULL, 10) : 1;

	if (FCGX_Init() != 0)
		return 1;
	if (argc > 1) {
		umask(0);
		listening = FCGX_OpenSocket(argv[1], 1024);
	}
	while (--threads > 0)
		pthread_create(&thread, NULL, work, NULL);
	work(NULL);
	return 0;
}
