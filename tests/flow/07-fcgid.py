"""Apache with mod_fcgid alone, which starts Doorward by itself."""

import concurrent.futures
import json

import harness
from harness import ACCESS, Browser, check_equal, check_in, check_not_in, check_status, test


@test
def a_navigation_ends_at_the_form_and_a_script_gets_json(site):
    page = Browser(site).navigate("/private/whoami?a=1")
    check_status(page, 200)
    check_equal(page.field("next"), "/private/whoami?a=1")
    reply = Browser(site).fetch("/private/whoami")
    check_status(reply, 401)
    check_equal(reply.json(), {"error": "no_token", "refresh": "/auth/refresh"})


@test
def the_journey_works(site):
    browser = Browser(site)
    told = browser.sign_in("alice", next_path="/private/whoami", follow=True).environment()
    check_equal((told.get("REMOTE_USER"), told.get("AUTH_USER")), ("alice", "alice"))
    check_equal(sorted(told["AUTH_ROLES"].split(",")), ["admin", "staff"])
    check_in("Admin page", browser.navigate("/admin/").text)
    check_status(browser.refresh(), 200)
    browser.jar.pop(ACCESS)
    check_equal(len(browser.navigate("/private/1k.txt").body), 1024)
    thief = browser.copy()
    check_status(browser.sign_out(), 303)
    check_status(thief.fetch("/private/1k.txt"), 401)
    check_status(thief.refresh(), 401)


@test
def a_missing_role_is_403_although_the_module_makes_it_401(site):
    browser = Browser(site).signed_in("bob")
    check_status(browser.navigate("/admin/"), 403)
    reply = browser.fetch("/admin/")
    check_status(reply, 403)
    check_equal(reply.json()["error"], "role_missing")


@test
def a_fault_is_503_although_the_module_makes_it_401(site):
    browser = Browser(site).signed_in("bob")
    site.stop("redis")
    reply = browser.fetch("/private/1k.txt")
    site.go_on("redis")
    check_status(reply, 503)
    check_equal(reply.cookies, [])
    harness.wait_until(lambda: browser.fetch("/private/1k.txt").status == 200, what="not signed in afterwards")


@test
def no_identity_variable_reaches_the_browser(site):
    browser = Browser(site).signed_in("alice")
    for path in ("/private/1k.txt", "/private/whoami", "/admin/", "/app/x"):
        reply = browser.fetch(path)
        check_status(reply, 200)
        check_equal([n for n in reply.headers if n.lower().startswith("variable")], [], path)


@test
def what_the_browser_claims_is_not_believed(site):
    browser = Browser(site).signed_in("bob")
    spoofed = {n: "alice" for n in ("Remote-User", "Remote_User", "AUTH_USER", "Auth-User", "Variable-AUTH_USER", "AuthUser",
                                    "X-Forwarded-User", "X_Forwarded_User", "REDIRECT_AUTH_USER")}
    told = browser.fetch("/private/whoami", headers=spoofed).environment()
    check_equal((told.get("REMOTE_USER"), told.get("AUTH_USER")), ("bob", "bob"))
    headers = {n.lower(): v for n, v in browser.fetch("/app/x", headers=spoofed).json()["headers"]}
    check_equal(headers.get("authuser"), "bob")
    check_not_in("x_forwarded_user", headers)
    stranger = Browser(site).fetch("/private/whoami", headers=spoofed)
    check_status(stranger, 401)


@test
def no_method_or_spelling_gets_anything_without_signing_in(site):
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO"):
        for path in ("/private/1k.txt", "/private/whoami", "/admin/", "/app/x"):
            answer = site.raw(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            check_in(int(answer[9:12]), (302, 401, 403, 405, 501), f"{method} {path}")
    for path in ("//private/1k.txt", "/%70rivate/1k.txt", "/auth/../private/1k.txt", "/auth/login/../../private/1k.txt",
                 "/private/./1k.txt", "/private/1k.txt/", "/auth/login/private/1k.txt", "/auth/%2e%2e/private/1k.txt"):
        answer = site.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        check_not_in(b"xxxxxxxx", answer, path)


@test
def many_requests_at_once_are_answered(site):
    browser = Browser(site).signed_in("alice")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = {r.status for r in pool.map(lambda _: browser.fetch("/private/1k.txt", timeout=60), range(80))}
    check_equal(statuses, {200})


# Apache starts the processes: without sanitizers and moved clocks.
harness.main(servers=("apache-fcgid",), sanitized=False, clock=False)
