"""How our pages look and whom they serve: photographs of each at two sizes, light and dark, in
build/screenshots, and what can be judged without eyes (judge.py)."""

import time

import chromium
import harness
import judge
from chromium import FORGETFUL, LOSES_COOKIE, PAGE, test
from harness import ACCESS, PASSWORD, REFRESH, Browser, check_equal, check_in, wait_until

shown = []


def show(window, name):
    shown.append(name)
    judge.show(window, name)


@test
def the_sign_in_form(window):
    window.open(PAGE)
    show(window, "login")
    window.submit("alice", "wrong-horse-battery")
    show(window, "login-error")


@test
def the_sign_in_form_after_the_session_was_ended(window):
    window.sign_in("bob")
    window.site.ctl("session", "end", "--user", "bob")
    time.sleep(harness.HEARTBEATS)
    window.open(PAGE)
    check_in("has ended", window.text)
    show(window, "login-notice")
    window.open("/auth/login?notice=elsewhere")
    check_in("you signed in somewhere else", window.text)
    show(window, "login-elsewhere")


@test
def the_refusal_for_a_missing_role(window):
    window.sign_in("bob")
    window.open("/admin/")
    check_in("It needs the role “admin”", window.text)
    show(window, "denied")
    window.requests()
    window.open("/admin/")
    check_equal(window.requests(), [("GET", "/admin/")], "once, not round in circles")


@test
def the_own_sessions(window):
    for agent in ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1",
                  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                  "A-program-without-spaces/" + "x" * 120):
        Browser(window.site, agent=agent).signed_in("bob")
    window.sign_in("bob")
    window.open("/auth/sessions")
    check_in("Firefox on Windows", window.text)
    show(window, "sessions")


@test
def the_own_sessions_after_a_token_was_used_twice(window):
    window.sign_in("alice")
    thief = Browser(window.site, agent="Thief/1.0")
    thief.set_cookie(REFRESH, window.cookie_value(REFRESH), "/auth")
    thief.refresh()
    window.site.shift_clock(16 * 60)
    window.open(PAGE)
    show(window, "login-reused")
    window.submit("alice")
    check_in("used a second time", window.text)
    show(window, "sessions-reused")
    window.click("Go on to where you were going")


@test
def the_question_before_signing_out_and_the_page_after_it(window):
    window.sign_in("bob")
    window.open("/auth/logout")
    show(window, "logout")
    window.click("Sign out")
    show(window, "signed-out")


@test
def the_page_for_a_browser_that_loses_cookies(window):
    window.sign_in("bob")
    window.delete_cookie(ACCESS)
    window.command("Network.setUserAgentOverride", userAgent=FORGETFUL)
    window.open(PAGE)
    check_equal(window.title, "Cookies are not kept · Doorward")
    show(window, "loop")


@test
def the_page_when_the_store_is_down(window):
    window.sign_in("bob")
    window.site.stop("redis")
    wait_until(lambda: window.open("/private/?a=1") or window.title != "Private page", 10,
               "pages are still given out")
    check_equal(window.title, "Temporarily unavailable · Doorward")
    show(window, "unavailable")
    window.site.go_on("redis")
    wait_until(lambda: window.click("Try again") or window.title == "Private page", 10, "Redis is back, the page is not")
    check_equal(window.address, "/private/?a=1")


@test
def the_form_when_the_store_is_down(window):
    window.open(PAGE)
    window.fill_in("bob")
    window.site.stop("redis")
    window.click("Sign in")
    show(window, "login-unavailable")
    window.site.go_on("redis")
    window.find("#password").send_keys(PASSWORD)
    window.click("Sign in")
    check_equal(window.title, "Private page")


@test
def the_form_after_too_many_attempts(window):
    window.open(PAGE)
    for _ in range(12):
        window.submit("carol", "wrong-horse-battery")
    check_in("Too many attempts. Please wait 15 minutes before you try again.", window.text)
    show(window, "login-throttled")


@test
def the_page_of_an_address_that_is_none(window):
    window.open("/auth/no-such-page")
    check_equal(window.title, "There is no such page · Doorward")
    show(window, "error")


@test
def the_form_of_a_browser_that_refuses_cookies(window):
    window = chromium.Window.of(window.site, cookies=False)
    window.reset()
    window.open(PAGE)
    window.submit("alice")
    check_in("or your browser refuses cookies", window.text)
    show(window, "login-no-cookie")


@test
def all_pages_are_valid_html(window):
    judge.check_valid(shown)


chromium.main(edit=LOSES_COOKIE)
