"""Redis hung, gone, read-only, full, wiped: a fault lets nobody in and signs nobody out."""

import contextlib
import os
import subprocess
import time

import harness
from harness import ACCESS, PASSWORD, REFRESH, Browser, check_equal, check_in, check_not_in, check_status, test, wait_until


@contextlib.contextmanager
def hung(site):
    site.stop("redis")
    try:
        yield
    finally:
        site.go_on("redis")


def cut_connections(*connect):
    """Those of Doorward: for commands, and for what Redis tells of changes."""
    for kind in ("normal", "pubsub"):
        subprocess.run(["redis-cli", *connect, "client", "kill", "type", kind], stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def gone(site):
    """No socket to connect to, and the connections that were there broken."""
    path = f"{site.state}/redis.sock"
    os.rename(path, path + ".away")
    try:
        cut_connections("-s", path + ".away")
        yield
    finally:
        os.rename(path + ".away", path)


@contextlib.contextmanager
def configured(site, name, value, before):
    check_equal(site.redis("config", "set", name, value), "OK")
    try:
        yield
    finally:
        check_equal(site.redis("config", "set", name, before), "OK")


@contextlib.contextmanager
def password_demanded(site):
    password = "a-redis-password"
    connect = ["-s", f"{site.state}/redis.sock", "-a", password, "--no-auth-warning"]
    harness.remember_secret(password)
    site.redis("config", "set", "requirepass", password)
    try:
        cut_connections(*connect)
        yield
    finally:
        subprocess.run(["redis-cli", *connect, "config", "set", "requirepass", ""], stdout=subprocess.DEVNULL)


def is_back(site, browser):
    wait_until(lambda: browser.fetch("/private/1k.txt", keep=False).status == 200, 10, "not signed in 10 s after the fault")


def check_unavailable(reply, seconds=None):
    check_status(reply, 503)
    check_equal(reply.cookies, [], repr(reply))
    assert int(reply.headers.get("Retry-After", "0")) > 0, f"{reply}: no Retry-After"
    check_equal(reply.headers["Content-Type"].split(";")[0], "application/json" if reply.text.startswith("{") else "text/html", repr(reply))
    check_not_in("xxxx", reply.text)
    check_not_in("redis", reply.text.lower())


# Beyond the store's time and the breaker's, within that of a request.
LATE = 5  # s


def timed(what, *arguments, **named):
    started = time.monotonic()
    reply = what(*arguments, **named)
    took = time.monotonic() - started
    assert took < LATE, f"{reply} took {took:.2f} s"
    return reply


def everything_is_unavailable(site, browser):
    """No answer, no redirect, no cookie touched; within a bound."""
    jar = dict(browser.jar)
    wait_until(lambda: timed(browser.fetch, "/private/1k.txt").status != 200, 1, "what was read before is believed for too long")
    check_unavailable(timed(browser.fetch, "/private/1k.txt"))
    check_unavailable(timed(browser.navigate, "/private/1k.txt", follow=False))
    check_unavailable(timed(browser.fetch, "/app/x"))
    check_unavailable(timed(browser.refresh))
    check_unavailable(timed(browser.navigate, "/auth/refresh?next=/private/", follow=False))
    check_unavailable(timed(browser.fetch, "/auth/session"))
    check_status(timed(browser.submit, "/auth/logout", {}), 503)
    check_status(timed(browser.fetch, "/auth/health/ready"), 503)
    check_status(timed(browser.fetch, "/auth/health/live"), 200)
    check_equal(browser.jar, jar, "cookies changed")


def sign_in_is_unavailable(site):
    stranger = Browser(site)
    page = stranger.navigate("/auth/login", follow=False)
    check_status(page, 200)
    reply = timed(stranger.submit, "/auth/login", {"username": "alice", "password": PASSWORD, "next": "/", "csrf": page.field("csrf")})
    check_status(reply, 503)
    assert stranger.cookie(ACCESS) is None and stranger.cookie(REFRESH) is None
    check_not_in(PASSWORD, reply.text)


def survives(site, fault):
    """The whole course of a fault that Redis comes back from with its data."""
    browser = Browser(site).signed_in("alice", remember="1")
    check_status(browser.fetch("/private/1k.txt"), 200)
    with fault:
        everything_is_unavailable(site, browser)
        sign_in_is_unavailable(site)
    is_back(site, browser)
    check_status(browser.refresh(), 200)
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(Browser(site).sign_in("alice"), 303)


@test
def a_hung_redis_is_no_answer(site):
    survives(site, hung(site))


@test
def a_redis_that_is_gone_is_no_answer(site):
    survives(site, gone(site))


@test
def a_redis_that_wants_a_password_is_no_answer(site):
    survives(site, password_demanded(site))
    check_in("NOAUTH", site.log_text())


@test
def a_paused_redis_is_no_answer(site):
    browser = Browser(site).signed_in("alice")
    site.redis("client", "pause", "6000", "all")
    time.sleep(0.5)
    check_unavailable(timed(browser.fetch, "/private/1k.txt"))
    check_unavailable(timed(browser.refresh))
    is_back(site, browser)
    check_status(browser.refresh(), 200)


@test
def a_busy_script_is_no_answer(site):
    browser = Browser(site).signed_in("alice")
    with configured(site, "busy-reply-threshold", "100", "5000"):
        endless = subprocess.Popen(["redis-cli", "-s", f"{site.state}/redis.sock", "eval", "while true do end", "0"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: "BUSY" in site.redis("ping"), 10, "the script does not run")
        time.sleep(0.4)
        check_unavailable(timed(browser.fetch, "/private/1k.txt"))
        check_unavailable(timed(browser.refresh))
        site.redis("script", "kill")
        endless.wait(10)
    is_back(site, browser)
    check_status(browser.refresh(), 200)


@test
def a_hundred_requests_to_a_hung_redis_cost_one_time_out_not_a_hundred(site):
    browser = Browser(site).signed_in("alice")
    with hung(site):
        time.sleep(0.5)
        started = time.monotonic()
        for _ in range(100):
            check_status(browser.fetch("/private/1k.txt"), 503)
        took = time.monotonic() - started
    assert took < 40, f"100 requests took {took:.1f} s"
    is_back(site, browser)


@test
def a_stranger_is_refused_as_ever_while_redis_hangs(site):
    with hung(site):
        check_status(timed(Browser(site).fetch, "/private/1k.txt"), 401, 503)
        check_status(timed(Browser(site).fetch, "/private/1k.txt", headers={"Cookie": f"{ACCESS}=x.y.z"}), 401, 503)


@test
def a_read_only_redis_still_answers_checks(site):
    browser = Browser(site).signed_in("alice")
    site.redis("replicaof", "127.0.0.1", "1")
    try:
        check_status(browser.fetch("/private/1k.txt"), 200)
        check_unavailable(browser.refresh())
        sign_in_is_unavailable(site)
    finally:
        site.redis("replicaof", "no", "one")
    check_status(browser.refresh(), 200)
    check_status(browser.fetch("/private/1k.txt"), 200)


@test
def a_full_redis_still_answers_checks(site):
    browser = Browser(site).signed_in("alice")
    with configured(site, "maxmemory", "1", "0"):
        check_status(browser.fetch("/private/1k.txt"), 200)
        check_unavailable(browser.refresh())
        sign_in_is_unavailable(site)
    check_status(browser.refresh(), 200)
    check_status(Browser(site).sign_in("alice"), 303)


@test
def a_fault_is_not_counted_as_a_failed_sign_in(site):
    with configured(site, "maxmemory", "1", "0"):
        for _ in range(12):
            sign_in_is_unavailable(site)
    check_status(Browser(site).sign_in("alice"), 303)


@test
def forgotten_scripts_are_loaded_again(site):
    browser = Browser(site).signed_in("alice")
    check_equal(site.redis("script", "flush"), "OK")
    check_status(browser.refresh(), 200)
    check_equal(site.redis("script", "flush"), "OK")
    check_status(Browser(site).sign_in("bob"), 303)


@test
def a_damaged_record_harms_its_own_session_only(site):
    browser, other = Browser(site).signed_in("alice"), Browser(site).signed_in("alice")
    handle = browser.navigate("/private/whoami").environment()["AUTH_SESSION"]
    (key,) = [k for k in site.redis("keys", "dw:session:*").split() if k.endswith(handle)]
    site.redis("set", key, "not a hash", "ex", "600")
    wait_until(lambda: browser.fetch("/private/1k.txt").status in (401, 503), 2, "what was read before counts for too long")
    check_in(browser.refresh().status, (401, 503))
    check_status(other.fetch("/private/1k.txt"), 200)
    site.redis("del", key)


@test
def the_log_names_the_fault_and_does_not_flood(site):
    browser = Browser(site).signed_in("alice")
    before = len(site.log_text().splitlines())
    with gone(site):
        time.sleep(0.5)
        for _ in range(200):
            browser.fetch("/private/1k.txt")
    lines = site.log_text().splitlines()[before:]
    others = [line for line in lines if '"event":"access.fault"' not in line]
    assert others, "nothing in the log"
    assert len(others) < 60, f"{len(others)} lines about the store"
    is_back(site, browser)


@test
def a_wiped_redis_asks_everyone_to_sign_in_anew(site):
    browser = Browser(site).signed_in("alice")
    site.redis("flushall")
    try:
        check_status(browser.fetch("/private/1k.txt"), 401)
        page = browser.navigate("/private/1k.txt")
        check_status(page, 200)
        check_in('name="password"', page.text)
        check_status(Browser(site).sign_in("alice"), 401)
    finally:
        site.ctl("user", "add", "alice", "--role", "admin", "--role", "staff", stdin=PASSWORD + "\n")
    check_status(Browser(site).sign_in("alice"), 303)


harness.main()
