"""What people do in a browser: sign in, come back to where they were, stay signed in, sign out."""

import time

import chromium
from chromium import PAGE, Keys, test
from harness import ACCESS, CSRF, HEARTBEATS, REFRESH, check_equal, check_in, check_not_in

WRONG = "The name or the password is not right."
QUARTER = 16 * 60  # seconds: an access token is older then than it lives


@test
def a_page_with_query_and_fragment_is_there_after_signing_in(window):
    window.open("/private/?a=1&b=%26x#part-2")
    window.check_form()
    check_equal(window.find("input[name=next]").get_property("value"), "/private/?a=1&b=%26x")
    window.submit("alice")
    check_equal((window.title, window.address), ("Private page", "/private/?a=1&b=%26x#part-2"))


@test
def a_program_is_told_who_is_there(window):
    window.sign_in("alice", "/private/whoami")
    check_in("AUTH_USER=alice", window.text)
    check_in("REMOTE_USER=alice", window.text)


@test
def a_wrong_password_is_answered_by_one_sentence_and_the_name_stays(window):
    window.open("/private/?a=1#part-2")
    check_equal(window.focus, "username")
    window.submit("alice", "wrong-horse-battery")
    window.check_form()
    check_equal([e.text for e in window.driver.find_elements("css selector", "[role=alert]")], [WRONG])
    check_equal(window.find("#username").get_property("value"), "alice")
    check_equal(window.find("#password").get_property("value"), "")
    check_equal(window.focus, "password")
    window.leave(lambda: window.press(chromium.harness.PASSWORD, Keys.ENTER))
    check_equal(window.address, "/private/?a=1#part-2")


@test
def all_pages_work_without_scripts(window):
    window.command("Emulation.setScriptExecutionDisabled", value=True)
    window.open("/private/?a=1#part-2")
    window.check_form()
    window.submit("bob", "wrong-horse-battery")
    check_in(WRONG, window.text)
    window.submit("bob")
    check_equal(window.address, "/private/?a=1#part-2")
    window.open("/admin/")
    check_in("needs the role “admin”", window.text)
    window.open("/auth/sessions")
    check_in("This one", window.text)
    window.open("/auth/logout")
    window.click("Sign out")
    check_equal(window.title, "Signed out · Doorward")
    window.open(PAGE)
    window.check_form()


@test
def who_lacks_a_role_is_told_which_and_not_sent_round(window):
    window.sign_in("bob")
    window.requests()
    window.open("/admin/")
    check_equal((window.title, window.address), ("No access · Doorward", "/admin/"))
    check_in("It needs the role “admin”, which your account does not have.", window.text)
    check_not_in("Admin page", window.text)
    check_equal(window.requests(), [("GET", "/admin/")])
    window.click("To the start page")
    check_equal(window.address, "/")
    window.open("/auth/logout")
    window.click("Sign out")
    window.sign_in("alice", "/admin/")
    check_equal(window.title, "Admin page")


@test
def a_navigation_renews_an_expired_access_token_by_itself(window):
    window.sign_in("alice")
    before = window.cookie_value(ACCESS), window.cookie_value(REFRESH)
    count = len(window.site.audit("refresh.ok"))
    window.site.shift_clock(QUARTER)
    window.requests()
    window.open("/private/?a=1&b=2#part-2")
    check_equal((window.title, window.address), ("Private page", "/private/?a=1&b=2#part-2"))
    check_equal(window.requests()[:3], [("GET", "/private/"), ("GET", "/auth/refresh"), ("GET", "/private/")])
    check_equal(len(window.site.audit("refresh.ok")) - count, 1)
    assert window.cookie_value(ACCESS) != before[0] and window.cookie_value(REFRESH) != before[1]


@test
def a_navigation_renews_an_access_cookie_that_the_browser_has_dropped(window):
    window.sign_in("alice")
    window.delete_cookie(ACCESS)
    window.open("/private/?a=1#part-2")
    check_equal((window.title, window.address), ("Private page", "/private/?a=1#part-2"))


@test
def cookies_have_their_names_and_flags(window):
    window.sign_in("alice")
    cookies = window.cookies()
    check_equal(sorted(cookies), [ACCESS, CSRF, REFRESH])
    check_equal((cookies[ACCESS]["path"], cookies[REFRESH]["path"]), ("/", "/auth"))
    for cookie in cookies.values():
        check_equal((cookie["secure"], cookie["httpOnly"], cookie.get("sameSite")), (True, True, "Strict"))
        check_equal(cookie["session"], cookie["name"] != CSRF)
    assert sum(len(c["name"]) + len(c["value"]) for c in cookies.values()) < 2048


@test
def back_after_signing_out_shows_no_page_of_ours(window):
    window.sign_in("alice", "/private/whoami")
    window.open("/auth/sessions")
    check_in("Signed in as alice", window.text)
    window.click("Sign out")
    check_equal(window.title, "Signed out · Doorward")
    check_equal(window.cookies(), {})
    window.back()
    check_not_in("Signed in as alice", window.text)
    window.check_form()
    window.back()
    check_not_in("AUTH_USER", window.text)
    window.check_form()


@test
def who_was_signed_out_from_elsewhere_is_told_so(window):
    window.sign_in("bob")
    window.site.ctl("session", "end", "--user", "bob")
    time.sleep(HEARTBEATS)
    window.open("/private/?a=1#part-2")
    window.check_form()
    check_in("Your session has ended. Please sign in again.", window.text)
    window.submit("bob")
    check_equal(window.address, "/private/?a=1#part-2")


chromium.main(("apache", "lighttpd"))
