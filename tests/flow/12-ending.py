"""What ends a session or a token, or changes what its user may do: denial, reuse, users, limits."""

import base64
import json

import harness
from harness import ACCESS, REFRESH, Browser, check_equal, check_in, check_not_in, check_status, test, uid_of, wait_for
from reloading import settings

MINUTE, HOUR = 60, 3600


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def error(reply, status=401):
    check_status(reply, status)
    return reply.json()["error"]


def environment(browser):
    return browser.navigate("/private/whoami").environment()


def new_user(site, name, *roles):
    site.ctl("user", "add", name, *[word for role in roles for word in ("--role", role)],
             stdin=harness.PASSWORD + "\n")
    return name


# ---- one token ----

@test
def a_denied_token_is_refused_and_its_session_goes_on(site):
    browser, other = Browser(site).signed_in("alice"), Browser(site).signed_in("alice")
    token = browser.cookie(ACCESS)
    check_status(browser.fetch("/private/1k.txt"), 200)
    site.ctl("token", "deny", "-", stdin=token)
    wait_for(lambda: error(browser.fetch("/private/1k.txt")), "token_revoked")
    check_equal(error(browser.fetch("/auth/session")), "token_revoked")
    check_status(other.fetch("/private/1k.txt"), 200)
    # The browser gets a new one, with another jti.
    check_status(browser.refresh(), 200)
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_in(claims(token)["jti"], site.events("admin.token_denied")[-1]["detail"])


@test
def a_denial_lasts_as_long_as_the_token_and_one_that_expired_is_not_stored(site):
    browser = Browser(site).signed_in("alice")
    told = claims(browser.cookie(ACCESS))
    key = f"dw:deny:{{{told['sub']}}}:{told['jti']}"
    try:
        site.shift_clock(10 * MINUTE)
        site.ctl("token", "deny", "-", stdin=browser.cookie(ACCESS))
        ttl = int(site.redis("ttl", key))
        assert 4 * MINUTE < ttl <= told["exp"] - int(site.now()) + 1, f"the denial lives for {ttl} s"
        site.shift_clock(14 * MINUTE)
        check_equal(error(browser.fetch("/private/1k.txt")), "token_revoked")
        site.shift_clock(15 * MINUTE + 1)
        check_equal(site.redis("exists", key), "0")
        check_equal(error(browser.fetch("/private/1k.txt")), "expired")
        done = site.ctl("token", "deny", "-", stdin=browser.cookie(ACCESS), status=None)
        check_in("expired", done.stdout + done.stderr)
        check_equal(site.redis("keys", "dw:deny:*"), "")
    finally:
        site.shift_clock(0)


# ---- reuse ----

def reused(site, name):
    """A browser whose old refresh token comes back from elsewhere, after the grace: (browser, another session
    of the user, the thief, the answer to the thief)."""
    browser, other = Browser(site).signed_in(name), Browser(site).signed_in(name)
    thief = browser.copy()
    thief.agent, thief.source = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", "127.0.1.1"
    check_status(browser.refresh(), 200)
    site.shift_clock(30)
    return browser, other, thief, thief.refresh()


@test
def reuse_ends_the_session_for_both_and_names_both_contexts(site):
    try:
        browser, other, thief, reply = reused(site, "bob")
        check_equal(error(reply), "refresh_reused")
        check_equal(error(thief.fetch("/private/1k.txt")), "no_token")
        check_equal(error(browser.fetch("/private/1k.txt")), "session_ended")
        check_equal(error(browser.refresh()), "session_ended")
        check_status(other.fetch("/private/1k.txt"), 200)
        check_status(other.refresh(), 200)
    finally:
        site.shift_clock(0)
    line, event = site.audit("refresh.reused")[-1], site.events("refresh.reused")[-1]
    for told in (line, event):
        check_equal([told.get(f) for f in ("user", "reason", "address")], ["bob", "refresh_reused", "127.0.1.1"])
        # Each is a digest of the agent and one of the address.
        (agent, address), (other_agent, other_address) = ((c[:7], c[7:]) for c in (told["detail"], told["other"]))
        assert len(address) == 7 and agent != other_agent and address != other_address, f"{told}"
    check_equal(line["detail"], event["detail"])
    check_equal(line["other"], event["other"])


@test
def the_user_is_told_once_at_the_next_sign_in(site):
    user = new_user(site, "grace")
    try:
        reused(site, user)
    finally:
        site.shift_clock(0)
    browser = Browser(site)
    reply = browser.sign_in(user, next_path="/private/1k.txt")
    check_status(reply, 303)
    check_in("/auth/sessions", reply.location)
    page = browser.navigate(browser.resolve(reply.location, "/auth/login"))
    for part in ("used a second time", "Firefox on Windows", "127.0.1.1", "UTC", "password",
                 'href="/private/1k.txt"'):
        check_in(part, page.text)
    check_not_in("used a second time", browser.navigate("/auth/sessions").text)
    check_equal(Browser(site).sign_in(user, next_path="/private/1k.txt").location, "/private/1k.txt")


@test
def reuse_can_end_every_session_of_the_user(site):
    with settings(site, "session.on_reuse=user"):
        stranger = Browser(site).signed_in("bob")
        browser, other, thief, reply = reused(site, "alice")
        check_equal(error(reply), "refresh_reused")
        for victim in (browser, other):
            assert error(victim.copy().fetch("/private/1k.txt")) in ("session_ended", "version_superseded")
            check_status(victim.refresh(), 401)
        check_status(stranger.fetch("/private/1k.txt"), 200)
        check_status(Browser(site).sign_in("alice"), 303)


# ---- users ----

@test
def a_disabled_user_is_out_at_the_next_request_and_in_again_when_enabled(site):
    user = new_user(site, "heidi", "staff")
    browser = Browser(site).signed_in(user)
    check_status(browser.fetch("/private/1k.txt"), 200)
    site.ctl("user", "disable", user)
    wait_for(lambda: browser.copy().fetch("/private/1k.txt").status, 401)
    check_status(browser.copy().refresh(), 401)
    check_status(Browser(site).sign_in(user), 401)
    site.ctl("user", "enable", user)
    check_status(browser.copy().refresh(), 401)
    # The documented field, written by any program: the sessions are only held up.
    browser = Browser(site).signed_in(user)
    key = f"dw:user:{{{uid_of(user)}}}"
    site.redis("hset", key, "disabled", "1")
    check_equal(error(browser.copy().fetch("/private/1k.txt")), "user_disabled")
    check_equal(error(browser.copy().refresh()), "user_disabled")
    site.redis("hdel", key, "disabled")
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(browser.refresh(), 200)


@test
def a_deleted_user_is_out_and_stays_out_when_the_name_is_given_again(site):
    user = new_user(site, "ivan", "staff")
    browser = Browser(site).signed_in(user)
    site.ctl("user", "delete", user)
    check_status(browser.copy().fetch("/private/1k.txt"), 401)
    check_status(browser.copy().refresh(), 401)
    check_status(Browser(site).sign_in(user), 401)
    new_user(site, user)
    check_status(browser.copy().fetch("/private/1k.txt"), 401)
    check_status(browser.refresh(), 401)


@test
def a_changed_role_counts_at_the_next_request(site):
    user = new_user(site, "judy", "staff")
    browser = Browser(site).signed_in(user)
    token = browser.cookie(ACCESS)
    check_equal(browser.fetch("/admin/").status, 403)
    site.ctl("user", "role", user, "+admin")
    wait_for(lambda: browser.fetch("/admin/").status, 200)
    check_equal(set(environment(browser)["AUTH_ROLES"].split(",")), {"staff", "admin"})
    site.redis("hset", f"dw:user:{{{uid_of(user)}}}", "roles", "guest")
    wait_for(lambda: browser.fetch("/admin/").status, 403)
    check_equal(environment(browser)["AUTH_ROLES"], "guest")
    check_equal(browser.cookie(ACCESS), token)


# ---- limits ----

@test
def a_sign_in_above_the_limit_is_refused_and_the_first_ones_stay(site):
    user = new_user(site, "lena")
    with settings(site, "session.max_sessions=2", "session.on_limit=refuse"):
        first, second = Browser(site).signed_in(user), Browser(site).signed_in(user)
        third = Browser(site)
        reply = third.sign_in(user)
        check_status(reply, 403)
        check_in("on as many devices as allowed", reply.text)
        check_equal([third.cookie(ACCESS), third.cookie(REFRESH)], [None, None])
        for browser in (first, second):
            check_status(browser.fetch("/private/1k.txt"), 200)
            check_status(browser.refresh(), 200)
        # The same browser takes its own place, and who signs out makes room.
        del first.jar[ACCESS]
        check_status(first.sign_in(user), 303)
        check_status(first.sign_out(), 303)
        check_status(third.sign_in(user), 303)
        check_status(second.fetch("/private/1k.txt"), 200)
        # A wrong password is told nothing of it.
        check_status(Browser(site).sign_in(user, "wrong-password-here"), 401)
        # One that ended by itself makes room too.
        site.shift_clock(8 * 24 * HOUR)
        check_status(Browser(site).sign_in(user), 303)


harness.main(servers=("lighttpd",))
