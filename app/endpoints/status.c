#include "endpoints/status.h"

#include "auth/keys.h"
#include "base/clock.h"
#include "base/json.h"
#include "endpoints/exchange.h"
#include "store/store.h"

static int64_t status_left(int64_t end)
{
	int64_t left = end - clock_agreed_sec();

	return left > 0 ? left : 0;
}

void status_session(struct exchange *x)
{
	struct access_request request;
	struct access access;
	struct json *data = NULL;

	/* A page that counts down the time that is left must not make it more by asking. */
	exchange_token(x, &request);
	request.passive = true;
	switch (access_decide(x->auth, &x->caller, &request, &access)) {
	case ACCESS_ALLOWED:
		data = json_set(json_object(), "user", json_text(access.user.name));
		json_set(data, "roles", json_text_list(access.user.roles));
		json_set(data, "session", json_text(access.token.sid));
		json_set(data, "access_expires_in", json_int(status_left(access.token.exp)));
		json_set(data, "idle_expires_in", json_int(access.idle_left_sec));
		json_set(data, "absolute_expires_in", json_int(status_left(access.absolute_end)));
		exchange_json(x, 200, data);
		return;
	case ACCESS_FAULT:
		exchange_json_unavailable(x);
		return;
	case ACCESS_UNAUTHENTICATED:
	case ACCESS_DENIED:
		exchange_json_error(x, 401, access.reason);
		return;
	}
}

void status_jwks(struct exchange *x)
{
	struct json *keys = keys_jwks(x->auth->keys);

	exchange_public_headers(x);
	response_header(x->response, "Content-Type", "application/jwk-set+json");
	json_write(&x->response->body, keys);
	json_free(keys);
}

void status_live(struct exchange *x)
{
	exchange_json(x, 200, json_set(json_object(), "status", json_text("ok")));
}

void status_ready(struct exchange *x)
{
	struct store_value reply = { 0 };
	struct store_command ping = store_read("PING", NULL);
	bool ok = store_run_one(x->auth->store, x->arena, x->caller.deadline, &ping, &reply) ==
		  STORE_OK;

	exchange_json(x, ok ? 200 : 503,
		json_set(json_object(), "status", json_text(ok ? "ok" : "store_unavailable")));
	if (!ok)
		response_header(x->response, "Retry-After", "5");
}
