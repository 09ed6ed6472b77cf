#include "auth/token.h"

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/keys.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/settings.h"

#include <jwt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_MAX_BYTES = 256,
	PAYLOAD_MAX_BYTES = TOKEN_MAX_BYTES / 4 * 3,
	SIGNATURE_MAX_BYTES = 1024, /* RSA of 8192 bits */
	ID_BYTES = 16, /* of sub, sid and jti */
	/* A cookie may have 4096 bytes with its name (RFC 6265bis section 5.6). */
	MINT_MAX_BYTES = 3900,
	GRANTS_MAX_BYTES = 1024 * 1024, /* so much fits, before it is found too much for a cookie */
};

/* A cookie lives 400 days at most (RFC 6265bis section 5.5), and so may what is in it. */
static const int64_t lifetime_max_sec = INT64_C(400) * 24 * 3600;

/* JWS compact serialization (RFC 7515 section 3.1), decoded. */
struct jws {
	char header[HEADER_MAX_BYTES];
	char payload[PAYLOAD_MAX_BYTES];
	uint8_t signature[SIGNATURE_MAX_BYTES];
	size_t header_len, payload_len, signature_len;
	size_t input_len; /* of the text that is signed */
};

/* Exactly three parts, each not empty and in the one canonical spelling of its bytes. */
static bool split(struct jws *jws, const char *text, size_t len)
{
	const char *end = text + len;
	const char *dot = memchr(text, '.', len);
	if (!dot || dot == text)
		return false;
	const char *payload = dot + 1;
	const char *last = memchr(payload, '.', (size_t)(end - payload));
	if (!last || last == payload || last + 1 == end)
		return false;
	jws->input_len = (size_t)(last - text);
	return encode_base64url_decode(jws->header, sizeof(jws->header), &jws->header_len, text,
		       (size_t)(dot - text)) &&
	       encode_base64url_decode(jws->payload, sizeof(jws->payload), &jws->payload_len,
		       payload, (size_t)(last - payload)) &&
	       encode_base64url_decode(jws->signature, sizeof(jws->signature), &jws->signature_len,
		       last + 1, (size_t)(end - last - 1));
}

/* Exactly these three members: with them nothing else can ask for anything (crit, jwk, jku, x5u,
 * x5c, zip, b64; RFC 8725 section 3.10). */
static bool read_header(struct jws *jws, struct claims *header)
{
	if (!claims_parse(header, jws->header, jws->header_len) || header->count != 3)
		return false;
	const char *typ = claims_text(header, "typ");
	return claims_text(header, "alg") && claims_text(header, "kid") && typ &&
	       strcmp(typ, "JWT") == 0;
}

static enum reason check_signature(const struct keys *keys, struct jws *jws, const char *text)
{
	struct claims header;
	if (!read_header(jws, &header))
		return REASON_MALFORMED;
	const char *kid = claims_text(&header, "kid");
	const struct keys_sign *sign = keys_find(keys, kid, strlen(kid));
	if (!sign)
		return REASON_UNKNOWN_KEY;
	/* The key says the algorithm, the token only repeats it (RFC 8725 section 3.1). */
	const char *alg = crypto_alg_name(crypto_key_alg(sign->key));
	if (strcmp(claims_text(&header, "alg"), alg) != 0)
		return REASON_BAD_SIGNATURE;
	return crypto_verify(sign->key, text, jws->input_len, jws->signature, jws->signature_len)
		       ? REASON_OK
		       : REASON_BAD_SIGNATURE;
}

/* A value of our own making: 16 bytes in base64url. */
static bool copy_id(char *out, const struct claims *claims, const char *name)
{
	uint8_t bytes[ID_BYTES];
	size_t len = 0;
	const char *text = claims_text(claims, name);
	if (!text || !encode_base64url_decode(bytes, sizeof(bytes), &len, text, strlen(text)) ||
		len != ID_BYTES)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

/* Every member that must be there, typed, and no member that we do not write. */
static bool read_claims(const struct claims *claims, struct token *out)
{
	size_t known = 11;
	const char *use = claims_text(claims, "use");
	if (!use || strcmp(use, "access") != 0 || !claims_text(claims, "iss") ||
		!claims_text(claims, "aud"))
		return false;
	if (!copy_id(out->sub.text, claims, "sub") || !copy_id(out->sid, claims, "sid") ||
		!copy_id(out->jti, claims, "jti"))
		return false;
	if (!claims_int(claims, "ver", &out->ver) || !claims_int(claims, "iat", &out->iat) ||
		!claims_int(claims, "nbf", &out->nbf) || !claims_int(claims, "exp", &out->exp) ||
		!claims_int(claims, "auth_time", &out->auth_time))
		return false;
	known += claims_text(claims, "name") ? 1 : 0;
	known += claims_text(claims, "roles") ? 1 : 0;
	return claims->count == known && out->exp > out->iat &&
	       out->exp - out->iat <= lifetime_max_sec;
}

enum reason token_check_times(const struct token *token)
{
	int64_t now = clock_agreed_sec();
	if (token->nbf > now + TOKEN_LEEWAY_SEC || token->iat > now + TOKEN_LEEWAY_SEC)
		return REASON_NOT_YET_VALID;
	return now >= token->exp ? REASON_EXPIRED : REASON_OK;
}

/* All but the times. */
static enum reason read_token(const struct keys *keys, const struct settings *settings,
	const char *text, size_t len, struct token *out)
{
	struct jws jws;
	struct claims claims;
	struct token token = { 0 };
	*out = token;
	if (len > TOKEN_MAX_BYTES || !split(&jws, text, len))
		return REASON_MALFORMED;
	enum reason reason = check_signature(keys, &jws, text);
	if (reason != REASON_OK)
		return reason;
	/* Only what we signed ourselves comes as far as here. */
	if (!claims_parse(&claims, jws.payload, jws.payload_len) || !read_claims(&claims, &token))
		return REASON_MALFORMED;
	if (strcmp(claims_text(&claims, "iss"), settings->token.issuer) != 0)
		return REASON_WRONG_ISSUER;
	if (strcmp(claims_text(&claims, "aud"), settings->token.audience) != 0)
		return REASON_WRONG_AUDIENCE;
	*out = token;
	return REASON_OK;
}

enum reason token_verify(const struct keys *keys, const struct settings *settings, const char *text,
	size_t len, struct token *out)
{
	enum reason reason = read_token(keys, settings, text, len, out);
	return reason == REASON_OK ? token_check_times(out) : reason;
}

/* The same for the same generation of a session, whoever mints it, and different for every other:
 * who repeats a refresh gets the token that the first try got. */
static void set_jti(const struct session *session, char out[TOKEN_JTI_LEN + 1])
{
	static const char label[3] = { 'j', 't', 'i' };
	uint8_t input[sizeof(label) + SESSION_SID_BYTES + 4], digest[CRYPTO_SHA256_BYTES];
	uint8_t *next = input;
	memcpy(next, label, sizeof(label));
	next += sizeof(label);
	memcpy(next, session->sid, SESSION_SID_BYTES);
	next += SESSION_SID_BYTES;
	for (int shift = 24; shift >= 0; shift -= 8)
		*next++ = (uint8_t)(session->generation >> shift & 0xff);
	crypto_sha256(digest, input, sizeof(input));
	encode_base64url(out, digest, ID_BYTES);
	crypto_wipe(input, sizeof(input));
}

/* 0 when the session is over. */
static int64_t expiry_of(const struct settings *settings, const struct session *session)
{
	int64_t iat = session->rotated_at_sec, exp = session->absolute_end;
	if (!session->sliding && exp - iat > settings->session.access_lifetime)
		exp = iat + settings->session.access_lifetime;
	if (exp - iat > lifetime_max_sec)
		exp = iat + lifetime_max_sec;
	return exp > iat ? exp : 0;
}

/* What our own scanner would refuse must not get into a token: any program may write the user's
 * record. */
static bool is_plain(const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	}
	return encode_is_utf8(text, strlen(text));
}

static void add_profile(struct json *claims, const struct user *user, bool with_roles)
{
	if (user->name && is_plain(user->name))
		json_set(claims, "name", json_text(user->name));
	if (with_roles && user->roles && is_plain(user->roles))
		json_set(claims, "roles", json_text(user->roles));
}

static struct json *claims_of(
	const struct settings *settings, const struct session *session, int64_t exp)
{
	char jti[TOKEN_JTI_LEN + 1];
	struct json *claims = json_object();
	set_jti(session, jti);
	json_set(claims, "iss", json_text(settings->token.issuer));
	json_set(claims, "aud", json_text(settings->token.audience));
	json_set(claims, "sub", json_text(session->uid.text));
	json_set(claims, "sid", json_text(session->handle));
	json_set(claims, "jti", json_text(jti));
	json_set(claims, "use", json_text("access"));
	/* The session's version, not the user's of today: a refresh heals nothing that was ended.
	 */
	json_set(claims, "ver", json_int(session->ver));
	json_set(claims, "iat", json_int(session->rotated_at_sec));
	json_set(claims, "nbf", json_int(session->rotated_at_sec));
	json_set(claims, "exp", json_int(exp));
	json_set(claims, "auth_time", json_int(session->auth_time));
	return claims;
}

/* By libjwt, which sorts the members: the same claims give the same text. */
static const char *sign(struct arena *arena, const struct keys_sign *key, struct json *claims)
{
	jwt_t *jwt = NULL;
	char *text = NULL;
	const char *result = NULL;
	bool is_rsa = crypto_key_alg(key->key) == CRYPTO_RS256;
	struct buf grants;

	buf_init(&grants, arena, GRANTS_MAX_BYTES);
	json_write(&grants, claims);
	if (!buf_ok(&grants) || key->pem_len > INT_MAX || jwt_new(&jwt) != 0)
		goto out;
	if (jwt_set_alg(jwt, is_rsa ? JWT_ALG_RS256 : JWT_ALG_ES256,
		    (const unsigned char *)key->pem, (int)key->pem_len) != 0)
		goto out;
	if (jwt_add_header(jwt, "kid", key->kid) != 0 || jwt_add_grants_json(jwt, grants.data) != 0)
		goto out;
	text = jwt_encode_str(jwt);
	if (text)
		result = arena_strdup(arena, text);
out:
	if (text)
		crypto_wipe(text, strlen(text));
	/* jwt_free_str of later versions is free() as well, as long as jwt_set_alloc is not called.
	 */
	free(text);
	if (jwt)
		jwt_free(jwt);
	return result;
}

/* When memory is short libjwt leaves out parts and signs the rest: a token that we would refuse
 * ends the session of whoever gets it in place of the one before. */
static bool is_mistaken(
	const struct auth *auth, const struct session *session, const char *text, int64_t exp)
{
	struct token token;
	char jti[TOKEN_JTI_LEN + 1];
	set_jti(session, jti);
	return read_token(auth->keys, auth->settings, text, strlen(text), &token) != REASON_OK ||
	       strcmp(token.jti, jti) != 0 || token.exp != exp;
}

static const char *mint(const struct auth *auth, const struct caller *caller,
	const struct session *session, const struct user *user, bool with_roles)
{
	int64_t exp = expiry_of(auth->settings, session);
	if (exp == 0) {
		log_error("no access token: session %s is at its end", session->handle);
		return NULL;
	}
	const struct keys_sign *key = keys_signing_at(auth->keys, session->rotated_at_sec);
	struct json *claims = claims_of(auth->settings, session, exp);
	if (auth->settings->token.claims == SETTINGS_CLAIMS_PROFILE)
		add_profile(claims, user, with_roles);
	const char *text = sign(caller->arena, key, claims);
	json_free(claims);
	/* A longer one is not handed out. */
	if (text && strlen(text) <= MINT_MAX_BYTES && is_mistaken(auth, session, text, exp))
		text = NULL;
	if (!text)
		log_error("no access token: libjwt did not sign with the key %s", key->kid);
	return text;
}

const char *token_mint(const struct auth *auth, const struct caller *caller,
	const struct session *session, const struct user *user)
{
	const char *text = mint(auth, caller, session, user, true);
	if (!text || strlen(text) <= MINT_MAX_BYTES)
		return text;
	log_warn("the roles of %s do not fit into a cookie and were left out of the token",
		session->uid.text);
	return mint(auth, caller, session, user, false);
}
