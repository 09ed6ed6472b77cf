"""Rotation of refresh tokens: many at once, lost answers, reuse, and what Redis holds."""

import base64
import concurrent.futures
import json
import os
import re
import signal

import jwt

import harness
from harness import ACCESS, REFRESH, Browser, check_equal, check_in, check_not_in, check_status, test


def at_once(count, work):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def pair(reply):
    access, refresh = reply.cookie(ACCESS), reply.cookie(REFRESH)
    return (access and access.value, refresh and refresh.value)


def sessions_of(site, handle):
    return [key for key in site.redis("keys", "dw:session:*").split() if key.endswith(":" + handle)]


def generation(site, handle):
    (key,) = sessions_of(site, handle)
    return int(site.redis("hget", key, "generation"))


def handle_of(browser):
    return browser.navigate("/private/whoami").environment()["AUTH_SESSION"]


@test
def a_hundred_refreshes_at_once_end_in_one_pair_of_tokens(site):
    browser = Browser(site).signed_in("alice")
    handle = handle_of(browser)
    before = generation(site, handle)
    replies = at_once(100, lambda _: browser.copy().refresh(timeout=60))
    check_equal({r.status for r in replies}, {200})
    pairs = {pair(r) for r in replies}
    check_equal(len(pairs), 1, "different pairs of tokens")
    check_equal(generation(site, handle), before + 1)
    access, refresh = pairs.pop()
    browser.set_cookie(ACCESS, access)
    browser.set_cookie(REFRESH, refresh, "/auth")
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(browser.refresh(), 200)


@test
def many_tabs_that_navigate_at_once_all_get_their_page(site):
    browser = Browser(site).signed_in("alice")
    try:
        site.shift_clock(16 * 60)
        replies = at_once(20, lambda _: browser.copy().navigate("/private/1k.txt"))
        check_equal({(r.status, len(r.body)) for r in replies}, {(200, 1024)})
    finally:
        site.shift_clock(0)


@test
def a_lost_answer_is_repaired_by_the_next_try(site):
    browser = Browser(site).signed_in("alice")
    lost = browser.refresh(keep=False)
    check_status(lost, 200)
    again = browser.refresh()
    check_status(again, 200)
    check_equal(pair(again), pair(lost))
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(browser.refresh(), 200)


@test
def the_grace_time_is_not_extended_by_repeats(site):
    browser = Browser(site).signed_in("alice")
    try:
        check_status(browser.refresh(keep=False), 200)
        site.shift_clock(4)
        check_status(browser.refresh(keep=False), 200)
        site.shift_clock(12)
        check_status(browser.refresh(), 401)
    finally:
        site.shift_clock(0)


@test
def an_old_token_after_the_grace_time_ends_the_session_for_both(site):
    browser = Browser(site).signed_in("alice")
    thief = browser.copy()
    thief.agent = "Thief/1.0"
    check_status(browser.refresh(), 200)
    try:
        site.shift_clock(15)
        before = len(site.audit("refresh.reused"))
        reply = thief.refresh()
        check_status(reply, 401)
        check_equal(reply.json(), {"error": "refresh_reused"})
        check_status(browser.refresh(), 401)
        check_status(browser.fetch("/private/1k.txt"), 401)
        reused = site.audit("refresh.reused")[before:]
        check_equal(len(reused), 1)
        check_equal(reused[0].get("reason"), "refresh_reused")
    finally:
        site.shift_clock(0)


@test
def reuse_in_one_session_leaves_the_others_alone(site):
    browser, other = Browser(site).signed_in("alice"), Browser(site).signed_in("alice")
    old = browser.copy()
    check_status(browser.refresh(), 200)
    try:
        site.shift_clock(15)
        check_status(old.refresh(), 401)
        check_status(other.refresh(), 200)
    finally:
        site.shift_clock(0)


@test
def a_thief_with_another_client_gets_nothing_within_the_grace_time(site):
    browser = Browser(site).signed_in("alice")
    thief = browser.copy()
    thief.agent = "Thief/1.0"
    check_status(browser.refresh(), 200)
    reply = thief.refresh()
    check_status(reply, 401)
    check_equal(pair(reply), ("", ""))


@test
def a_refused_refresh_takes_the_cookies_away(site):
    browser = Browser(site).signed_in("alice")
    browser.copy().sign_out()
    check_status(browser.refresh(), 401)
    assert browser.cookie(ACCESS) is None and browser.cookie(REFRESH) is None, browser.jar


@test
def a_browser_that_keeps_no_access_cookie_does_not_go_round_for_ever(site):
    browser = Browser(site).signed_in("alice")
    path = "/private/1k.txt"
    for _ in range(20):
        browser.jar.pop(ACCESS, None)
        reply = browser.navigate(path, follow=False)
        if reply.status not in (302, 303):
            break
        path = browser.resolve(reply.location, path)
    check_status(reply, 400)


@test
def a_changed_role_does_not_disturb_a_rotation(site):
    browser = Browser(site).signed_in("bob")
    site.ctl("user", "role", "bob", "+visitor")
    check_status(browser.refresh(), 200)
    check_in("visitor", browser.navigate("/private/whoami").environment()["AUTH_ROLES"])
    site.ctl("user", "role", "bob", "-visitor")


@test
def a_new_password_ends_every_session(site):
    site.ctl("user", "add", "erin", "--role", "staff", stdin=harness.PASSWORD + "\n")
    browser = Browser(site).signed_in("erin")
    harness.remember_secret("another-long-secret")
    site.ctl("user", "passwd", "erin", stdin="another-long-secret\n")
    check_status(browser.fetch("/private/1k.txt"), 401)
    check_status(browser.refresh(), 401)
    check_status(Browser(site).sign_in("erin"), 401)
    check_status(Browser(site).sign_in("erin", "another-long-secret"), 303)


@test
def keys_are_rotated_while_sessions_go_on(site):
    def key_of(access):
        return json.loads(decoded(access.split(".")[0]))["kid"]

    browser = Browser(site).signed_in("alice")
    old = browser.copy()
    site.ctl("keys", "rotate", "--in", "10m")
    before = site.log_text().count("reloaded")
    os.kill(site.parts["doorward"], signal.SIGHUP)
    harness.wait_until(lambda: site.log_text().count("reloaded") > before, what="no reload in the log")
    published = {key["kid"] for key in browser.fetch("/auth/jwks.json").json()["keys"]}
    check_equal(len(published), 2)
    check_status(browser.fetch("/private/1k.txt"), 200)
    try:
        site.shift_clock(11 * 60)
        check_status(browser.refresh(), 200)
        check_status(browser.fetch("/private/1k.txt"), 200)
        check_equal({key_of(old.cookie(ACCESS)), key_of(browser.cookie(ACCESS))}, published)
        check_status(old.fetch("/private/1k.txt"), 200)
        site.shift_clock(22 * 60)
        check_status(browser.refresh(), 200)
    finally:
        site.shift_clock(0)


def redis_dump(site):
    """Every key and value that Redis holds, as text."""
    parts = []
    for key in site.redis("keys", "*").split("\n"):
        kind = site.redis("type", key)
        read = {"hash": ("hgetall", key), "string": ("get", key), "zset": ("zrange", key, "0", "-1", "withscores"),
                "stream": ("xrange", key, "-", "+"), "set": ("smembers", key), "list": ("lrange", key, "0", "-1")}[kind]
        parts.append(key + "\n" + site.redis(*read))
    site.redis("save")
    with open(site.redis("config", "get", "dir").split("\n")[1] + "/dump.rdb", "rb") as f:
        parts.append(f.read().decode("latin-1"))
    return "\n".join(parts)


@test
def nothing_in_redis_is_a_token_or_signs_anybody_in(site):
    browser = Browser(site).signed_in("alice", remember="1")
    check_status(browser.refresh(), 200)
    dump = redis_dump(site)
    access, refresh = browser.cookie(ACCESS), browser.cookie(REFRESH)
    secrets = [access, refresh, harness.PASSWORD, *access.split(".")[1:]]
    # The parts of the refresh token: the session's own number and the MAC.
    raw = decoded(refresh)
    for part in (raw[21:37], raw[41:]):
        secrets += [base64.urlsafe_b64encode(part).rstrip(b"=").decode(), part.hex(), part.decode("latin-1")]
    for secret in secrets:
        check_not_in(secret, dump)
    # Every word of it, tried as either cookie.
    stranger = Browser(site)
    words = {w for w in re.findall(r"[A-Za-z0-9_.=-]{16,4000}", dump)}
    for word in sorted(words)[:150]:
        reply = stranger.fetch("/auth/refresh", "POST", {"Cookie": f"{REFRESH}={word}"}, keep=False)
        check_status(reply, 401)
        check_status(stranger.fetch("/private/1k.txt", headers={"Cookie": f"{ACCESS}={word}"}, keep=False), 401)


@test
def every_key_in_redis_but_users_and_realm_expires(site):
    Browser(site).sign_in("alice", "wrong-password-here")
    Browser(site).signed_in("alice").refresh()
    for key in site.redis("keys", "*").split("\n"):
        assert key.startswith("dw:"), key
        if not key.startswith("dw:user:") and key != "dw:realm":
            assert int(site.redis("ttl", key)) > 0, f"{key} never expires"


@test
def the_access_token_can_be_verified_with_the_published_keys(site):
    reply = Browser(site).fetch("/auth/jwks.json")
    check_status(reply, 200)
    keys = {key["kid"]: key for key in reply.json()["keys"]}
    browser = Browser(site).signed_in("alice")
    token = browser.cookie(ACCESS)
    head = json.loads(decoded(token.split(".")[0]))
    check_in(head["kid"], keys)
    for key in keys.values():
        check_equal([part for part in ("d", "p", "q", "dp", "dq", "qi", "k") if part in key], [])
    key = jwt.PyJWK(keys[head["kid"]]).key
    claims = jwt.decode(token, key, algorithms=[head["alg"]], audience="doorward", issuer="doorward")
    check_equal(claims["use"], "access")


harness.main()
