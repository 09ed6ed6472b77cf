/* Refresh tokens and the tokens of forms. The first byte says what the rest is: 'f' a session, made
 * into a refresh token that must read as that session; 'e' edits of a valid one; 'c' a form's
 * cookie and, behind a line feed, its field; otherwise a refresh token as it came. What is taken is
 * byte for byte what we would hand out. */
#include "auth/auth.h"
#include "auth/csrf.h"
#include "auth/rotation.h"
#include "base/encode.h"
#include "fuzz/ring.h"

static struct session session_of(const uint8_t *data, size_t size)
{
	uint8_t bytes[16 + SESSION_SID_BYTES + 4] = { 0 };
	struct session session = { .rotated_at_sec = RING_NOW_SEC };
	if (size)
		memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
	encode_base64url(session.uid.text, bytes, 16);
	memcpy(session.sid, bytes + 16, sizeof session.sid);
	memcpy(&session.generation, bytes + 16 + SESSION_SID_BYTES, 4);
	return session;
}

static void judge_text(const char *text, const struct rotation_token *valid)
{
	struct rotation_claim claim;
	struct rotation_token again;
	struct session session = { .rotated_at_sec = RING_NOW_SEC };
	bool taken = rotation_parse(ring_keys(), text, strlen(text), &claim);
	HOLDS(!valid || taken == (strcmp(text, valid->text) == 0));
	if (!taken)
		return;
	session.uid = claim.uid;
	memcpy(session.sid, claim.sid, sizeof session.sid);
	session.generation = claim.generation;
	HOLDS(rotation_format(ring_keys(), &session, claim.mac_id, &again));
	HOLDS(strcmp(again.text, text) == 0);
}

static void judge_session(const uint8_t *data, size_t size)
{
	struct session session = session_of(data, size);
	struct rotation_token token;
	struct rotation_claim claim;
	HOLDS(rotation_format(ring_keys(), &session, NULL, &token));
	HOLDS(rotation_parse(ring_keys(), token.text, strlen(token.text), &claim));
	HOLDS(strcmp(claim.uid.text, session.uid.text) == 0);
	HOLDS(claim.generation == session.generation);
	HOLDS(memcmp(claim.sid, session.sid, sizeof session.sid) == 0);
}

/* Only a pair of ours is taken, and only for the session it was made for. */
static void judge_form(const uint8_t *data, size_t size)
{
	struct auth auth = { .keys = ring_keys(), .settings = &ring_settings };
	struct fuzz_parts parts = { data, data + size };
	char *cookie = fuzz_part(&parts, '\n'), *field = fuzz_part(&parts, '\0');
	struct csrf made, reused;

	csrf_make(&auth, "handle", &made);
	HOLDS(csrf_check(&auth, "handle", made.cookie, made.field));
	HOLDS(!csrf_check(&auth, cookie, made.cookie, made.field) || strcmp(cookie, "handle") == 0);
	HOLDS(!csrf_check(&auth, "handle", made.cookie, field));
	HOLDS(!csrf_check(&auth, "handle", cookie, made.field));
	HOLDS(!csrf_check(&auth, "handle", cookie, field));
	HOLDS(!csrf_reuse(&auth, "handle", cookie, &reused));
	char *edited = ring_edit(made.cookie, data, size);
	HOLDS(csrf_reuse(&auth, "handle", edited, &reused) == (strcmp(edited, made.cookie) == 0));
	free(edited);
	free(cookie);
	free(field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t someone[] = "0123456789abcdefFEDCBA9876543210";
	struct rotation_token valid;

	fuzz_begin();
	struct session session = session_of(someone, sizeof someone);
	HOLDS(rotation_format(ring_keys(), &session, NULL, &valid));
	if (size > 0 && *data == 'f') {
		judge_session(data + 1, size - 1);
	} else if (size > 0 && *data == 'c') {
		judge_form(data + 1, size - 1);
	} else if (size > 0 && *data == 'e') {
		char *text = ring_edit(valid.text, data + 1, size - 1);
		judge_text(text, &valid);
		free(text);
	} else {
		char *text = fuzz_text(data, size);
		judge_text(text, NULL);
		free(text);
	}
	return 0;
}
