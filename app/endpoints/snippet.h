/* A page of ours whose work is one script: allowed by the digest of that very text, and nothing
 * else on the page may run, load, send or be framed. */
#ifndef DOORWARD_ENDPOINTS_SNIPPET_H
#define DOORWARD_ENDPOINTS_SNIPPET_H

struct exchange;

struct snippet {
	const char *title;
	const char *script; /* without "</script" and "<!--" */
	const char *head, *body; /* HTML that is ours; what is not is escaped (snippet_escape) */
	const char *referrer_policy;
};

/* Answers with it; kept by nobody. */
void snippet_page(struct exchange *x, int status, const struct snippet *snippet);
/* As text or as a quoted attribute's value, in the request's arena. */
const char *snippet_escape(struct exchange *x, const char *text);

#endif
