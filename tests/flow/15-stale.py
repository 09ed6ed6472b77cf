"""[failure] on_store_failure: whom a Redis that does not answer keeps out, and whom it does not."""

import contextlib
import os
import subprocess
import time

import harness
from harness import HEARTBEATS, Browser, check_equal, check_status, test, wait_until

STALE_MAX = 6


@contextlib.contextmanager
def hung(site):
    site.stop("redis")
    try:
        yield
    finally:
        site.go_on("redis")


@contextlib.contextmanager
def gone(site):
    """No socket to connect to, and the connections that were there broken."""
    path = f"{site.state}/redis.sock"
    os.rename(path, path + ".away")
    try:
        for kind in ("normal", "pubsub"):
            subprocess.run(["redis-cli", "-s", path + ".away", "client", "kill", "type", kind], stdout=subprocess.DEVNULL)
        yield
    finally:
        os.rename(path + ".away", path)


def seen(site, name="alice"):
    """Signed in, and seen alive by the process that will be asked."""
    browser = Browser(site).signed_in(name)
    environment = browser.navigate("/private/whoami").environment()
    check_equal(environment["AUTH_USER"], name)
    assert "AUTH_DEGRADED" not in environment, environment
    return browser


def is_unavailable(reply):
    check_status(reply, 503)
    check_equal(reply.cookies, [], repr(reply))


def passes_degraded(browser):
    reply = browser.navigate("/private/whoami", follow=False)
    check_status(reply, 200)
    environment = reply.environment()
    check_equal((environment["AUTH_USER"], environment.get("AUTH_DEGRADED")), ("alice", "1"))
    check_equal(reply.cookies, [], repr(reply))


def is_back(browser):
    def answer():
        reply = browser.navigate("/private/whoami", follow=False)
        return reply.status == 200 and "AUTH_DEGRADED" not in reply.environment()
    wait_until(answer, 4, "not as before 4 s after the fault")


def set_policy(site, policy, extra_rule=""):
    path = f"{site.state}/doorward.conf"
    with open(path) as f:
        lines = [line for line in f.read().split("\n") if "on_store_failure" not in line]
    if extra_rule:
        at = lines.index("[rules]")
        lines.insert(at + 1, extra_rule)
    if policy:
        at = lines.index("[failure]")
        lines.insert(at + 1, f"on_store_failure = {policy}")
    with open(path, "w") as f:
        f.write("\n".join(lines))
    before = site.log_text().count("reloaded ")
    os.kill(site.parts["doorward"], 1)
    wait_until(lambda: site.log_text().count("reloaded ") > before, 10, "not reloaded:\n" + site.log_text()[-500:])
    time.sleep(HEARTBEATS)


def goes_through(site, fault):
    """The course of a fault with stale: the known pass until stale_max, the others never."""
    browser, unseen, ended = seen(site), Browser(site).signed_in("alice"), seen(site)
    copy = ended.copy()
    ended.sign_out()
    jar = dict(browser.jar)
    last = len(site.audit("access.degraded"))
    check_status(browser.fetch("/private/1k.txt"), 200)
    with fault:
        started = time.monotonic()
        wait_until(lambda: browser.navigate("/private/whoami", follow=False).environment().get("AUTH_DEGRADED") == "1",
                   2, "what was read before counts for too long")
        assert time.monotonic() - started < STALE_MAX - 1, "the machine is too slow for this test"
        passes_degraded(browser)
        passes_degraded(browser)
        is_unavailable(unseen.fetch("/private/1k.txt"))
        is_unavailable(copy.fetch("/private/1k.txt"))
        is_unavailable(browser.refresh())
        is_unavailable(browser.fetch("/auth/session"))
        check_equal(len(site.audit("access.degraded")), last + 1, "a line for a session and minute")
        time.sleep(max(0.0, started + STALE_MAX + 1 - time.monotonic()))
        is_unavailable(browser.fetch("/private/1k.txt"))
        check_equal(browser.jar, jar, "cookies changed")
    is_back(browser)
    check_status(unseen.fetch("/private/1k.txt"), 200)
    check_status(copy.fetch("/private/1k.txt"), 401)
    check_status(browser.refresh(), 200)


@test
def by_default_a_fault_keeps_everybody_out(site):
    set_policy(site, None)
    browser = seen(site)
    with hung(site):
        wait_until(lambda: browser.fetch("/private/1k.txt").status == 503, 2)
        is_unavailable(browser.fetch("/private/1k.txt"))
    is_back(browser)


@test
def one_rule_may_let_in_what_the_others_do_not(site):
    set_policy(site, "deny", "/private/who* = signed-in on_store_failure:stale")
    browser = seen(site)
    with hung(site):
        wait_until(lambda: browser.fetch("/private/1k.txt").status == 503, 2)
        passes_degraded(browser)
        is_unavailable(browser.fetch("/private/1k.txt"))
    is_back(browser)


@test
def a_hung_redis_keeps_out_whom_nobody_saw(site):
    set_policy(site, "stale")
    goes_through(site, hung(site))


@test
def so_does_one_that_is_gone(site):
    goes_through(site, gone(site))


harness.main(("nginx",), settings=(f"failure.stale_max={STALE_MAX}", "failure.on_store_failure=deny", "store.timeout_ms=250"))
