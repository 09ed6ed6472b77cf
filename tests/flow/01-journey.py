"""A user's way: refused, sign in, content, not allowed, tokens that expire, sign out."""

import harness
from harness import ACCESS, REFRESH, Browser, check_equal, check_in, check_not_in, check_status, test, wait_for


@test
def a_public_page_needs_no_sign_in(site):
    reply = Browser(site).navigate("/")
    check_status(reply, 200)
    check_in("Doorward demo", reply.text)
    check_equal(reply.cookies, [])


@test
def a_navigation_to_a_protected_page_ends_at_the_sign_in_form(site):
    browser = Browser(site)
    first = browser.navigate("/private/whoami?a=1&b=2", follow=False)
    check_status(first, 302, 303)
    check_in("no-store", first.headers["Cache-Control"])
    assert first.location.startswith("/auth/"), first.location
    page = browser.navigate("/private/whoami?a=1&b=2")
    check_status(page, 200)
    check_equal(page.field("next"), "/private/whoami?a=1&b=2")


@test
def a_script_gets_401_and_json_instead(site):
    reply = Browser(site).fetch("/private/whoami")
    check_status(reply, 401)
    check_in("application/json", reply.headers["Content-Type"])
    check_equal(reply.json(), {"error": "no_token", "refresh": "/auth/refresh"})


@test
def signing_in_leads_back_to_the_page_asked_for(site):
    browser = Browser(site)
    reply = browser.sign_in("alice", next_path="/private/whoami?a=1&b=2")
    check_status(reply, 303)
    check_equal(reply.location, "/private/whoami?a=1&b=2")
    check_status(browser.navigate(reply.location), 200)


@test
def a_program_is_told_who_is_there(site):
    told = Browser(site).signed_in("alice").navigate("/private/whoami").environment()
    check_equal(told.get("REMOTE_USER"), "alice")
    check_equal(told.get("AUTH_USER"), "alice")
    check_equal(sorted(told.get("AUTH_ROLES", "").split(",")), ["admin", "staff"])
    assert told.get("AUTH_SESSION"), "no AUTH_SESSION"
    assert abs(int(told["AUTH_TIME"]) - site.now()) < 60, told["AUTH_TIME"]
    told = Browser(site).signed_in("bob").navigate("/private/whoami").environment()
    check_equal((told.get("REMOTE_USER"), told.get("AUTH_ROLES")), ("bob", "staff"))


@test
def a_program_never_sees_the_refresh_token(site):
    browser = Browser(site).signed_in("alice")
    check_not_in(browser.cookie(REFRESH), browser.navigate("/private/whoami").text)


@test
def a_proxied_application_is_told_who_is_there(site):
    reply = Browser(site).signed_in("alice").navigate("/app/hello?x=1")
    check_status(reply, 200)
    headers = {name.lower(): value for name, value in reply.json()["headers"]}
    check_equal(headers.get("authuser"), "alice")
    check_equal(sorted(headers.get("authroles", "").split(",")), ["admin", "staff"])
    check_status(Browser(site).fetch("/app/hello"), 401)


@test
def the_same_address_for_every_name_in_one_spelling(site):
    told = Browser(site).signed_in("  ALICE ").navigate("/private/whoami").environment()
    check_equal(told.get("AUTH_USER"), "alice")


@test
def a_wrong_password_and_an_unknown_name_are_answered_alike(site):
    answers = []
    for name, password in (("alice", "wrong-horse-battery"), ("nobody-here", harness.PASSWORD)):
        browser = Browser(site)
        reply = browser.sign_in(name, password)
        check_status(reply, 401)
        assert browser.cookie(ACCESS) is None and browser.cookie(REFRESH) is None
        check_not_in(password, reply.text)
        text = reply.text.replace(name, "NAME").replace(reply.field("csrf"), "CSRF")
        answers.append((text, sorted(reply.headers.keys())))
    check_equal(answers[0], answers[1])
    refused = [line["reason"] for line in site.audit("login.refused")]
    check_equal(refused[-2:], ["bad_credentials", "bad_credentials"])


@test
def bob_is_refused_where_the_role_admin_is_needed(site):
    reply = Browser(site).signed_in("bob").navigate("/admin/")
    check_status(reply, 403)
    check_not_in("Admin page", reply.text)
    script = Browser(site).signed_in("bob").fetch("/admin/")
    check_status(script, 403)
    check_equal(script.json().get("error"), "role_missing")
    check_in("Admin page", Browser(site).signed_in("alice").navigate("/admin/").text)


@test
def the_sign_in_form_asked_for_again_leads_on(site):
    browser = Browser(site).signed_in("alice")
    reply = browser.navigate("/auth/login?next=/private/1k.txt", follow=False)
    check_status(reply, 303)
    check_equal(reply.location, "/private/1k.txt")


@test
def the_session_endpoint_tells_a_script_how_long_it_lasts(site):
    reply = Browser(site).signed_in("alice").fetch("/auth/session")
    check_status(reply, 200)
    check_equal(reply.json().get("user"), "alice")


@test
def an_expired_access_token_is_renewed_by_a_navigation(site):
    browser = Browser(site).signed_in("alice")
    before = browser.cookie(ACCESS), browser.cookie(REFRESH)
    try:
        site.shift_clock(16 * 60)
        script = browser.fetch("/private/1k.txt")
        check_status(script, 401)
        check_equal(script.json(), {"error": "expired", "refresh": "/auth/refresh"})
        page = browser.navigate("/private/1k.txt")
        check_status(page, 200)
        check_equal(len(page.body), 1024)
        assert browser.cookie(ACCESS) != before[0], "same access token"
        assert browser.cookie(REFRESH) != before[1], "same refresh token"
    finally:
        site.shift_clock(0)


@test
def a_script_renews_by_the_refresh_endpoint(site):
    browser = Browser(site).signed_in("alice")
    try:
        site.shift_clock(16 * 60)
        check_status(browser.fetch("/private/1k.txt"), 401)
        reply = browser.refresh()
        check_status(reply, 200)
        assert 0 < reply.json()["expires_in"] <= 900, reply.text
        check_status(browser.fetch("/private/1k.txt"), 200)
    finally:
        site.shift_clock(0)


@test
def a_session_not_used_for_a_week_is_over(site):
    browser = Browser(site).signed_in("alice")
    try:
        site.shift_clock(7 * 86400 + 60)
        check_status(browser.refresh(), 401)
        page = browser.navigate("/private/1k.txt")
        check_in('name="password"', page.text)
    finally:
        site.shift_clock(0)


@test
def a_session_ends_after_thirty_days_however_much_it_is_used(site):
    browser = Browser(site).signed_in("alice")
    try:
        for day in range(6, 30, 6):
            site.shift_clock(day * 86400)
            check_status(browser.refresh(), 200)
        site.shift_clock(30 * 86400 + 60)
        check_status(browser.refresh(), 401)
    finally:
        site.shift_clock(0)


@test
def after_signing_out_the_old_cookies_are_worth_nothing(site):
    browser = Browser(site).signed_in("alice")
    thief = browser.copy()
    reply = browser.sign_out()
    check_status(reply, 303)
    assert browser.cookie(ACCESS) is None and browser.cookie(REFRESH) is None, browser.jar
    refused = thief.fetch("/private/1k.txt")
    check_status(refused, 401)
    check_equal(refused.json()["error"], "session_ended")
    check_status(thief.refresh(), 401)


@test
def after_signing_out_another_browser_stays_signed_in(site):
    here, there = Browser(site).signed_in("alice"), Browser(site).signed_in("alice")
    check_status(here.sign_out(), 303)
    check_status(there.fetch("/private/1k.txt"), 200)


@test
def signing_out_everywhere_ends_the_other_browser_too(site):
    here, there = Browser(site).signed_in("alice"), Browser(site).signed_in("alice")
    bob = Browser(site).signed_in("bob")
    check_status(here.sign_out(everywhere=True), 303)
    check_status(there.fetch("/private/1k.txt"), 401)
    check_status(there.refresh(), 401)
    check_status(bob.fetch("/private/1k.txt"), 200)
    check_status(Browser(site).signed_in("alice").fetch("/private/1k.txt"), 200)


@test
def signing_in_again_ends_the_session_before(site):
    browser = Browser(site).signed_in("alice")
    old = browser.copy()
    page = Browser(site)
    form = page.navigate("/auth/login", follow=False)
    # The form of a browser that is signed in: by its own cookies it would be led on at once.
    browser.set_cookie(harness.CSRF, page.cookie(harness.CSRF))
    reply = browser.submit("/auth/login", {"username": "bob", "password": harness.PASSWORD, "csrf": form.field("csrf"),
                                           "next": "/"})
    if reply.status == 403:
        # The token was bound to nobody; the refused form brings one for this session.
        reply = browser.submit("/auth/login", {"username": "bob", "password": harness.PASSWORD,
                                               "csrf": reply.field("csrf"), "next": "/"})
    check_status(reply, 303)
    check_equal(browser.navigate("/private/whoami").environment().get("AUTH_USER"), "bob")
    check_status(old.fetch("/private/1k.txt"), 401)
    check_status(old.refresh(), 401)


@test
def a_user_sees_and_ends_single_sessions(site):
    here, there = Browser(site).signed_in("bob"), Browser(site, agent="Other/2.0").signed_in("bob")
    page = here.navigate("/auth/sessions")
    check_status(page, 200)
    handles = harness.Fields(page.text).handles
    there_handle = there.navigate("/private/whoami").environment()["AUTH_SESSION"]
    here_handle = here.navigate("/private/whoami").environment()["AUTH_SESSION"]
    check_in(there_handle, handles)
    check_not_in(here_handle, handles)
    check_status(here.submit("/auth/sessions", {"csrf": page.field("csrf"), "end": there_handle}), 303)
    check_status(there.fetch("/private/1k.txt"), 401)
    check_status(here.fetch("/private/1k.txt"), 200)


@test
def another_users_session_cannot_be_ended(site):
    bob, alice = Browser(site).signed_in("bob"), Browser(site).signed_in("alice")
    handle = alice.navigate("/private/whoami").environment()["AUTH_SESSION"]
    page = bob.navigate("/auth/sessions")
    real = bob.submit("/auth/sessions", {"csrf": page.field("csrf"), "end": handle})
    none = bob.submit("/auth/sessions", {"csrf": page.field("csrf"), "end": "A" * 22})
    check_equal((real.status, real.location), (none.status, none.location))
    check_status(alice.fetch("/private/1k.txt"), 200)


@test
def the_administrator_ends_sessions_and_disables_users(site):
    site.ctl("user", "add", "carol", "--role", "staff", stdin=harness.PASSWORD + "\n")
    browser = Browser(site).signed_in("carol")
    site.ctl("session", "end", "--user", "carol")
    check_status(browser.fetch("/private/1k.txt"), 401)
    browser = Browser(site).signed_in("carol")
    site.ctl("user", "disable", "carol")
    check_status(browser.fetch("/private/1k.txt"), 401)
    check_status(browser.refresh(), 401)
    check_status(Browser(site).sign_in("carol"), 401)
    site.ctl("user", "enable", "carol")
    check_status(Browser(site).sign_in("carol"), 303)


@test
def a_new_role_counts_at_the_next_request(site):
    site.ctl("user", "add", "dave", "--role", "staff", stdin=harness.PASSWORD + "\n")
    browser = Browser(site).signed_in("dave")
    check_status(browser.navigate("/admin/"), 403)
    site.ctl("user", "role", "dave", "+admin")
    wait_for(lambda: browser.navigate("/admin/").status, 200)
    site.ctl("user", "role", "dave", "-admin")
    wait_for(lambda: browser.navigate("/admin/").status, 403)


@test
def a_single_access_token_is_denied_while_its_session_lives(site):
    browser = Browser(site).signed_in("bob")
    site.ctl("token", "deny", "-", stdin=browser.cookie(ACCESS) + "\n")
    refused = browser.fetch("/private/1k.txt")
    check_status(refused, 401)
    check_equal(refused.json(), {"error": "token_revoked", "refresh": "/auth/refresh"})
    check_status(browser.refresh(), 200)
    check_status(browser.fetch("/private/1k.txt"), 200)


@test
def the_administrator_signs_everybody_out(site):
    browsers = [Browser(site).signed_in(name) for name in ("alice", "bob")]
    site.ctl("session", "end", "--all", "--yes")
    for browser in browsers:
        check_status(browser.fetch("/private/1k.txt"), 401)
        check_status(browser.refresh(), 401)
    check_status(Browser(site).sign_in("bob"), 303)


@test
def each_decision_leaves_one_line_in_the_audit_log(site):
    start = len(site.audit())
    browser = Browser(site).signed_in("bob")
    browser.navigate("/admin/")
    browser.refresh()
    browser.sign_out()
    events = [line["event"] for line in site.audit()[start:]]
    for event in ("login.ok", "access.denied", "refresh.ok", "logout.ok"):
        check_equal(events.count(event), 1, event)
    line = site.audit("login.ok")[-1]
    check_equal((line.get("user"), line.get("address")), ("bob", "127.0.0.1"))
    assert line["time"].endswith("Z"), line


harness.main()
