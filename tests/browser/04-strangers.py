"""Other sites and odd browsers: forged forms, frames, links from elsewhere, cookies refused or lost."""

import chromium
from chromium import FORGETFUL, LOSES_COOKIE, PAGE, Stranger, Window, test
from harness import ACCESS, PASSWORD, REFRESH, Browser, check_equal, check_in, check_not_in


def forged_form(window, path, **fields):
    """A page of another site that sends this form to us as soon as it is opened."""
    inputs = "".join(f'<input type=hidden name="{name}" value="{value}">' for name, value in fields.items())
    return f'<form method=post action="{window.site.url}{path}">{inputs}</form><script>document.forms[0].submit()</script>'


def open_stranger(window, body):
    """Opens a page of another site with this body, and waits for what its script leads to."""
    stranger = Stranger({"/": body})
    window.open(stranger.url)
    chromium.harness.wait_until(lambda: not window.driver.current_url.startswith(stranger.url), 10, "still on the other site")
    chromium.harness.wait_until(lambda: window.script("return document.readyState") == "complete", 10, "still loading")
    stranger.close()


def check_unchanged(window, before):
    """Still signed in with the cookies that it had."""
    cookies = window.cookies()
    check_equal({name: cookies[name]["value"] for name in (ACCESS, REFRESH)}, before)
    window.open("/private/whoami")
    check_in("AUTH_USER=bob", window.text)


def signed_in_cookies(window):
    window.sign_in("bob")
    return {name: window.cookie_value(name) for name in (ACCESS, REFRESH)}


@test
def another_site_cannot_sign_anybody_out(window):
    before = signed_in_cookies(window)
    for fields in ({}, {"all": "1"}, {"csrf": "x"}):
        open_stranger(window, forged_form(window, "/auth/logout", **fields))
        check_in("did not come from a page of this site", window.text)
    check_unchanged(window, before)


@test
def another_site_cannot_sign_anybody_in(window):
    before = signed_in_cookies(window)
    own = Browser(window.site)
    token = own.navigate("/auth/login", follow=False).field("csrf")
    started = len(window.site.audit("session.started"))
    open_stranger(window, forged_form(window, "/auth/login", username="alice", password=PASSWORD, next="/", csrf=token))
    window.check_form()
    check_in("was not ours", window.text)
    check_equal(len(window.site.audit("session.started")), started)
    check_unchanged(window, before)


@test
def another_site_cannot_renew_or_end_sessions(window):
    before = signed_in_cookies(window)
    count = len(window.site.audit("refresh.ok"))
    open_stranger(window, forged_form(window, "/auth/refresh"))
    open_stranger(window, forged_form(window, "/auth/sessions", others="1"))
    check_equal(len(window.site.audit("refresh.ok")), count)
    check_unchanged(window, before)


@test
def a_script_of_another_site_gets_nothing(window):
    before = signed_in_cookies(window)
    stranger = Stranger({"/": "a page"})
    window.open(stranger.url)
    for path, method in (("/auth/logout", "POST"), ("/auth/refresh", "POST"), ("/auth/session", "GET"),
                         ("/private/1k.txt", "GET")):
        said = window.run("""const url = given[0], method = given[1];
            const ask = (mode) => fetch(url, { method, credentials: 'include', mode }).then((r) => r.type, () => 'refused');
            return [await ask('cors'), await ask('no-cors')]""", window.site.url + path, method)
        check_equal(said[0], "refused", path)
        check_in(said[1], ("opaque", "refused"), path)
    window.gather()
    # It is the stranger's page that complains.
    window.complaints = []
    stranger.close()
    check_unchanged(window, before)


@test
def a_link_from_another_site_does_not_end_the_session(window):
    before = signed_in_cookies(window)
    open_stranger(window, f'<script>location = "{window.site.url}{PAGE}"</script>')
    check_unchanged(window, before)


@test
def who_comes_from_another_site_and_signs_in_does_so_once(window):
    # On an expired session's cookies; 06-arrival.py is about the living ones.
    window.sign_in("bob")
    window.site.ctl("session", "end", "--user", "bob")
    open_stranger(window, f'<script>location = "{window.site.url}{PAGE}#part-2"</script>')
    chromium.harness.wait_until(lambda: window.has("#username"), 10, "no form")
    window.check_form()
    window.submit("bob")
    check_equal((window.title, window.address), ("Private page", PAGE + "#part-2"))


@test
def our_pages_show_nothing_in_a_frame(window):
    window.sign_in("alice")
    for path in ("/auth/logout", "/auth/sessions", "/auth/denied", "/auth/no-such-page", "/auth/login"):
        if path == "/auth/login":
            window.command("Network.clearBrowserCookies")
        for host in ("own", "foreign"):
            stranger = Stranger({"/": f'<iframe src="{window.site.url}{path}"></iframe>'})
            if host == "own":
                window.open("/")
                window.run("""const frame = document.createElement('iframe'); frame.src = given[0];
                    const loaded = new Promise((done) => { frame.onload = done; });
                    document.body.append(frame); await loaded""", path)
            else:
                window.open(stranger.url)
            window.driver.switch_to.frame(0)
            check_equal(window.script("return location.protocol"), "chrome-error:", f"{host} {path}")
            check_not_in("Sign", window.text)
            check_equal(window.has("form"), False)
            window.driver.switch_to.default_content()
            stranger.close()
    window.gather()
    # A refused frame is an error in the console, by the browser's own wish.
    window.complaints = [line for line in window.complaints if "frame" not in line]


@test
def a_window_opened_by_another_site_is_out_of_its_reach(window):
    stranger = Stranger({"/": "a page"})
    window.open(stranger.url)
    window.script("self.opened = open(arguments[0])", window.site.url + "/auth/login")
    chromium.harness.wait_until(lambda: len(window.driver.window_handles) == 2)
    other = [tab for tab in window.driver.window_handles if tab != window.tab][0]
    first = window.tab
    window.switch(other)
    chromium.harness.wait_until(lambda: window.title == "Sign in · Doorward")
    check_equal(window.script("return opener"), None)
    window.switch(first)
    check_equal(window.script("return opened.closed"), True)
    stranger.close()


@test
def who_refuses_cookies_gets_the_form_and_no_endless_redirect(window):
    window = Window.of(window.site, cookies=False)
    window.reset()
    window.open(PAGE)
    window.check_form()
    check_equal([request[1] for request in window.requests()], ["/private/", "/auth/refresh", "/auth/login"])
    window.fill_in("alice")
    window.click("Sign in")
    window.check_form()
    assert len(window.requests()) <= 3
    check_equal(window.cookies(), {})
    window.check_no_complaints()


@test
def a_browser_that_loses_the_access_cookie_is_told_so_after_some_turns(window):
    window.sign_in("alice")
    window.delete_cookie(ACCESS)
    window.command("Network.setUserAgentOverride", userAgent=FORGETFUL)
    window.requests()
    window.open(PAGE)
    check_equal(window.title, "Cookies are not kept · Doorward")
    turns = window.requests().count(("GET", "/auth/refresh"))
    assert 2 <= turns <= 8, turns
    window.command("Network.setUserAgentOverride", userAgent=FORGETFUL.replace("Forgetful", "Mindful"))
    window.delete_cookie(f"{REFRESH}-hop")
    window.click("Try again")
    check_equal(window.title, "Private page")


@test
def a_browser_that_loses_the_access_cookie_can_sign_out(window):
    window.sign_in("alice")
    window.delete_cookie(ACCESS)
    window.command("Network.setUserAgentOverride", userAgent=FORGETFUL)
    window.open(PAGE)
    window.click("Sign out")
    check_equal(window.title, "Signed out · Doorward")
    check_equal([name for name in window.cookies() if not name.endswith("-hop")], [])


@test
def a_damaged_access_cookie_is_replaced(window):
    window.sign_in("alice")
    window.plant_cookie(ACCESS, "e30.e30.AAAA", "/")
    window.open("/private/?a=1#part-2")
    check_equal((window.title, window.address), ("Private page", "/private/?a=1#part-2"))


@test
def a_damaged_refresh_cookie_leads_to_the_form(window):
    window.sign_in("alice")
    window.delete_cookie(ACCESS)
    window.plant_cookie(REFRESH, "AbBo3Cgr2A", "/auth")
    window.open(PAGE)
    window.check_form()
    window.submit("alice")
    check_equal(window.title, "Private page")


@test
def a_form_left_open_for_hours_asks_once_more_and_keeps_the_name(window):
    window.open("/private/?a=1#part-2")
    window.site.shift_clock(5 * 3600)
    window.submit("alice")
    window.check_form()
    check_in("open for too long", window.text)
    check_equal(window.find("#username").get_property("value"), "alice")
    window.submit("alice")
    check_equal(window.address, "/private/?a=1#part-2")


chromium.main(edit=LOSES_COOKIE)
