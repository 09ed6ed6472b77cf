/* Access tokens that were verified, so that a signature is computed once a token and not once a
 * request. Kept by the whole text, until their exp; bounded; belongs to one set of keys and
 * settings (a reload begins anew). A forged token never enters, so it puts nothing out: to fill a
 * place one needs a token that we signed. */
#ifndef DOORWARD_AUTH_REMEMBERED_H
#define DOORWARD_AUTH_REMEMBERED_H

#include <stdbool.h>
#include <stddef.h>

struct remembered;
struct token;

struct remembered *remembered_new(size_t max_tokens);
/* remembered_free(NULL) does nothing. */
void remembered_free(struct remembered *remembered);
/* True when this very text was verified before; its times are still to be compared. */
bool remembered_find(
	struct remembered *remembered, const char *text, size_t len, struct token *out);
/* After REASON_OK only. */
void remembered_add(
	struct remembered *remembered, const char *text, size_t len, const struct token *token);

#endif
