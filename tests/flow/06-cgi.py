"""The pages as plain CGI, the checks by the daemon."""

import harness
from harness import ACCESS, Browser, check_equal, check_in, check_status, test


@test
def signing_in_works(site):
    browser = Browser(site)
    page = browser.navigate("/private/whoami?a=1")
    check_equal(page.field("next"), "/private/whoami?a=1")
    told = browser.sign_in("alice", next_path="/private/whoami?a=1", follow=True).environment()
    check_equal((told.get("REMOTE_USER"), told.get("QUERY_STRING")), ("alice", "a=1"))


@test
def a_wrong_password_is_refused(site):
    browser = Browser(site)
    check_status(browser.sign_in("alice", "wrong-password-here"), 401)
    check_equal(browser.cookie(ACCESS), None)


@test
def refreshing_and_signing_out_work(site):
    browser = Browser(site).signed_in("bob")
    before = browser.cookie(ACCESS)
    check_status(browser.refresh(), 200)
    assert browser.cookie(ACCESS) != before
    check_status(browser.navigate("/admin/"), 403)
    thief = browser.copy()
    check_status(browser.sign_out(), 303)
    # By another process than the one that checks, which hears of it within its lease.
    harness.wait_until(lambda: thief.fetch("/private/1k.txt").status == 401, 1, "the session goes on")


@test
def status_codes_and_headers_arrive_whole(site):
    check_status(Browser(site).navigate("/auth/nothing-here"), 404)
    check_status(Browser(site).fetch("/auth/login", "PUT"), 405)
    check_status(Browser(site).submit("/auth/login", {"username": "x"}), 403)
    reply = Browser(site).submit("/auth/login", "x" * 20000)
    check_status(reply, 413)
    check_in("frame-ancestors 'none'", reply.headers["Content-Security-Policy"])


# The program is started by the web server for each page: without sanitizers and moved clocks.
harness.main(cgi=True, sanitized=False, clock=False)
