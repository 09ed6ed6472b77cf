"""What people do in a browser: sign in, come back to where they were, stay signed in, sign out."""

import urllib.parse

import chromium
from chromium import PAGE, Keys, test
from harness import ACCESS, CSRF, REFRESH, Browser, check_equal, check_in, check_not_in, check_status

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
def an_unknown_name_is_answered_alike(window):
    window.open(PAGE)
    window.submit("nobody-here")
    check_in(WRONG, window.text)
    check_equal(window.find("#username").get_property("value"), "nobody-here")


@test
def the_keyboard_alone_is_enough(window):
    window.open(PAGE)
    window.press("alice", Keys.TAB)
    check_equal(window.focus, "password")
    window.press(chromium.harness.PASSWORD, Keys.TAB, Keys.TAB)
    check_equal(window.focus, "Sign in")
    check_equal(window.script("return getComputedStyle(document.activeElement).outlineStyle"), "solid")
    window.leave(lambda: window.press(Keys.ENTER))
    check_equal(window.title, "Private page")


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
def the_sign_in_page_leads_on_who_is_signed_in(window):
    window.sign_in("alice")
    window.open("/auth/login?next=/private/1k.txt")
    check_equal(window.address, "/private/1k.txt")


@test
def no_address_of_another_site_is_gone_to(window):
    for next_path in ("//127.0.0.1/", "https://127.0.0.1/", "/\\127.0.0.1/", "javascript:alert(1)"):
        window.command("Network.clearBrowserCookies")
        window.open("/auth/login?next=" + urllib.parse.quote(next_path, safe=""))
        window.submit("alice")
        check_equal(window.address, "/", next_path)


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
    check_equal(sorted(cookies), [ACCESS, REFRESH])
    check_equal((cookies[ACCESS]["path"], cookies[REFRESH]["path"]), ("/", "/auth"))
    for cookie in cookies.values():
        check_equal((cookie["secure"], cookie["httpOnly"], cookie.get("sameSite")), (True, True, "Strict"))
        check_equal(cookie["session"], True)
    assert sum(len(c["name"]) + len(c["value"]) for c in cookies.values()) < 2048


@test
def who_wants_to_stay_signed_in_keeps_the_cookies_over_a_restart(window):
    window.open(PAGE)
    window.find("input[name=remember]").click()
    window.submit("alice")
    cookies = window.cookies()
    check_equal((cookies[ACCESS]["session"], cookies[REFRESH]["session"]), (False, False))
    assert cookies[REFRESH]["expires"] - window.site.now() <= 30 * 86400 + 5


@test
def scripts_can_neither_read_nor_replace_our_cookies(window):
    name = ACCESS
    window.open("/")
    for text in (f"{name}=x", f"{name}=x; Path=/; Secure", f"{CSRF}=x; Path=/; Secure", f"__Host-http-doorward=x; Path=/; Secure"):
        window.script("document.cookie = arguments[0]", text)
    check_equal((window.script("return document.cookie"), window.cookies()), ("", {}))
    window.sign_in("alice")
    before = {n: c["value"] for n, c in window.cookies().items()}
    check_equal(window.script("return document.cookie"), "")
    for text in (f"{name}=x; Path=/; Secure", f"{REFRESH}=x; Path=/auth; Secure", f"{name}=; Path=/; Secure; Max-Age=0"):
        window.script("document.cookie = arguments[0]", text)
    check_equal({n: c["value"] for n, c in window.cookies().items()}, before)


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
def the_way_forward_after_signing_in_does_not_lead_back_to_the_form(window):
    window.open("/")
    window.open(PAGE)
    window.submit("alice")
    window.back()
    assert window.address in ("/", PAGE), window.address


@test
def another_device_is_seen_and_ended(window):
    phone = Browser(window.site, agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1").signed_in("alice")
    window.sign_in("alice")
    window.open("/auth/sessions")
    check_in("Safari on iPhone", window.text)
    end = window.find("button[aria-label^='End the session of Safari on iPhone']")
    window.leave(end.click)
    check_equal((window.title, window.address), ("Your sessions · Doorward", "/auth/sessions"))
    check_status(phone.fetch("/private/1k.txt"), 401)
    window.open(PAGE)
    check_equal(window.title, "Private page")


@test
def signing_out_everywhere_ends_the_other_device_too(window):
    phone = Browser(window.site).signed_in("alice")
    window.sign_in("alice")
    window.open("/auth/logout")
    window.click("Sign out on all devices")
    check_equal(window.title, "Signed out · Doorward")
    check_status(phone.fetch("/private/1k.txt"), 401)


@test
def who_was_signed_out_from_elsewhere_is_told_so(window):
    window.sign_in("bob")
    window.site.ctl("session", "end", "--user", "bob")
    window.open("/private/?a=1#part-2")
    window.check_form()
    check_in("Your session has ended. Please sign in again.", window.text)
    window.submit("bob")
    check_equal(window.address, "/private/?a=1#part-2")


@test
def a_stolen_token_used_again_ends_the_session_and_the_user_is_told(window):
    window.sign_in("alice")
    thief = Browser(window.site, agent="Thief/1.0")
    thief.set_cookie(REFRESH, window.cookie_value(REFRESH), "/auth")
    check_status(thief.refresh(), 200)
    window.site.shift_clock(QUARTER)
    window.open("/private/?a=1")
    window.check_form()
    check_in("ended for your safety", window.text)
    check_status(thief.refresh(), 401)
    window.submit("alice")
    check_equal(window.title, "Your sessions · Doorward")
    check_in("an old sign-in token of yours was used a second time", window.text)
    window.click("Go on to where you were going")
    check_equal(window.address, "/private/?a=1")
    window.open("/auth/sessions")
    check_not_in("used a second time", window.text)


@test
def a_second_form_sent_after_signing_in_asks_once_more(window):
    first = window.tab
    window.open(PAGE)
    window.new_tab(PAGE)
    window.submit("alice")
    check_equal(window.title, "Private page")
    window.switch(first)
    window.submit("alice")
    check_in("Please sign in now.", window.text)
    window.submit("alice")
    check_equal(window.address, PAGE)


@test
def a_button_pressed_twice_signs_in_once(window):
    window.open(PAGE)
    window.fill_in("alice")
    button = window.find("button.primary")
    window.leave(lambda: window.script("arguments[0].click(); setTimeout(() => arguments[0].click(), 5)", button))
    check_equal(window.title, "Private page")


chromium.main(("apache", "lighttpd"))
