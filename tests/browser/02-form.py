"""The sign-in form, the own sessions and our cookies, as people and their browsers use them."""

import urllib.parse

import chromium
from chromium import PAGE, Keys, test
from harness import ACCESS, CSRF, REFRESH, Browser, check_equal, check_in, check_not_in, check_status

WRONG = "The name or the password is not right."
QUARTER = 16 * 60  # seconds: an access token is older then than it lives


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
    for text in (f"{name}=x", f"{name}=x; Path=/; Secure", f"{CSRF}=x; Path=/; Secure",
                 "__Host-http-doorward=x; Path=/; Secure"):
        window.script("document.cookie = arguments[0]", text)
    check_equal((window.script("return document.cookie"), window.cookies()), ("", {}))
    window.sign_in("alice")
    before = {n: c["value"] for n, c in window.cookies().items()}
    check_equal(window.script("return document.cookie"), "")
    for text in (f"{name}=x; Path=/; Secure", f"{REFRESH}=x; Path=/auth; Secure", f"{name}=; Path=/; Secure; Max-Age=0"):
        window.script("document.cookie = arguments[0]", text)
    check_equal({n: c["value"] for n, c in window.cookies().items()}, before)


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
def a_second_form_that_was_open_signs_in_as_well(window):
    first = window.tab
    window.open(PAGE)
    window.new_tab(PAGE)
    window.submit("alice")
    check_equal(window.title, "Private page")
    window.switch(first)
    window.submit("alice")
    check_equal(window.address, PAGE)


@test
def a_form_that_was_open_for_too_long_asks_once_more(window):
    window.open(PAGE)
    window.site.shift_clock(3700)
    window.submit("alice")
    check_in("This page was open for too long", window.text)
    window.submit("alice")
    check_equal(window.address, PAGE)


@test
def a_button_pressed_twice_signs_in_once(window):
    window.open(PAGE)
    window.fill_in("alice")
    button = window.find("button.primary")
    window.leave(lambda: window.script("arguments[0].click(); setTimeout(() => arguments[0].click(), 5)", button))
    check_equal(window.title, "Private page")


chromium.main()
