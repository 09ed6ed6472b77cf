/* One request being answered: what every endpoint reads, and the ways in which all of them answer.
 */
#ifndef DOORWARD_ENDPOINTS_EXCHANGE_H
#define DOORWARD_ENDPOINTS_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/access.h"
#include "auth/auth.h"
#include "auth/csrf.h"
#include "auth/reason.h"
#include "auth/rotation.h"
#include "http/request.h"
#include "http/response.h"

struct form_field;
struct json;
struct language;
struct site;

struct exchange {
	const struct site *site;
	const struct auth *auth;
	const struct settings *settings;
	struct request request;
	struct response *response;
	struct caller caller;
	struct arena *arena;
	const struct language *language; /* use exchange_language */
};

typedef void endpoint(struct exchange *x);

/* ---- who asks ---- */

/* The access token: our cookie, else Authorization: Bearer. Fills token, token_len, token_reason,
 * method and navigation; uri stays NULL. */
void exchange_token(struct exchange *x, struct access_request *out);
/* Who is signed in here, whatever the rules say of a path. */
enum access_result exchange_identify(struct exchange *x, struct access *out);
/* The refresh cookie's claim, its MAC valid; REASON_NO_TOKEN, DUPLICATE_COOKIE or MALFORMED
 * otherwise. No I/O. *text (may be NULL) is the token as presented. */
enum reason exchange_refresh_claim(
	struct exchange *x, struct rotation_claim *out, const char **text);
/* The sessions that this browser brings: by its refresh token, and by a well-signed access token
 * (expired or not) where that is of another session. The store is not asked: this is to end them,
 * and to bind forms to them. Returns how many. */
struct exchange_session {
	struct user_id uid;
	char handle[23];
};
enum { EXCHANGE_SESSIONS_MAX = 2 };
size_t exchange_sessions(struct exchange *x, struct exchange_session out[EXCHANGE_SESSIONS_MAX]);

/* ---- forms ---- */

/* Cookie for the next form, and the field that belongs to it (in the arena). */
const char *exchange_csrf_field(struct exchange *x);
/* Does the request bring the cookie that every form of ours comes with? */
bool exchange_has_csrf_cookie(struct exchange *x);
/* May this POST change something? By where it comes from, and the form's token. `need_token`:
 * the same origin alone is not enough, but a token got without a session is. A refusal is audited.
 */
bool exchange_form_is_ours(struct exchange *x, const char *field, bool need_token);
/* Reads the body into fields; when it cannot be, the answer (400 or 413) is made: false. */
bool exchange_read_form(struct exchange *x, struct form_field *fields, size_t count);

/* ---- cookies ---- */

/* New cookies of a session that was started or rotated. False when no token could be made. */
bool exchange_give_session(struct exchange *x, const struct session *session,
	const struct user *user, const struct rotation_token *refresh, int64_t *expires_in_sec);
/* The name of the cookie by which refresh.c notices that it goes round in circles. */
const char *exchange_hop_name(struct exchange *x);
/* Expires every cookie we ever set, each with its own attributes. */
void exchange_take_cookies(struct exchange *x);
void exchange_set_cookie(struct exchange *x, const char *name, const char *value, const char *path,
	int64_t max_age_sec);

/* ---- answers ---- */

/* Headers of every answer of ours, and Cache-Control: no-store. */
void exchange_headers(struct exchange *x, int status);
/* The same, status 200, of what is public and the same for everybody: may be kept. */
void exchange_public_headers(struct exchange *x);
/* The language of the pages: chosen when first asked for. */
const struct language *exchange_language(struct exchange *x);
/* A sentence of it (languages/en.json), without values. */
const char *exchange_text(struct exchange *x, const char *key);
/* Data for a page: what all of them need. Yours until exchange_page takes it. */
struct json *exchange_page_data(struct exchange *x);
/* Renders a template; takes data over. A script never gets HTML: use exchange_json for it. */
void exchange_page(struct exchange *x, int status, const char *template, struct json *data);
/* Takes data over. */
void exchange_json(struct exchange *x, int status, struct json *data);
/* {"error": code}, with "refresh" where refreshing may help. */
void exchange_json_error(struct exchange *x, int status, enum reason reason);
/* A page with the sentence of that key, or for a script {"error": word}. */
void exchange_error(struct exchange *x, int status, const char *word, const char *key);
/* 503 with Retry-After: the store does not answer. Cookies stay untouched. A page, or for a script
 * (and where nothing but a script asks) JSON. */
void exchange_unavailable(struct exchange *x);
void exchange_json_unavailable(struct exchange *x);
/* Only relative targets. status 302 or 303. */
void exchange_redirect(struct exchange *x, int status, const char *target);

#endif
