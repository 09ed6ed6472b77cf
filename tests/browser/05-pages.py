"""How our pages look and whom they serve: photographs of each at two sizes, light and dark, in
build/screenshots, and what can be judged without eyes."""

import chromium
from chromium import FORGETFUL, LOSES_COOKIE, PAGE, SCREENSHOTS, test
from harness import ACCESS, PASSWORD, REFRESH, Browser, check_equal, check_in, wait_until

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}

# Sentences about what is wrong with a page. Contrast as WCAG 2.2 counts it.
JUDGE = """
const wrong = [], say = (element, what) => wrong.push(`${element.tagName} "${element.textContent.trim().slice(0, 30)}": ${what}`);
const shown = (element) => element.getClientRects().length > 0;
const surplus = document.documentElement.scrollWidth - innerWidth;
if (surplus > 0) wrong.push(`${surplus} pixels wider than the window`);
if (!document.documentElement.lang) wrong.push('no language');
if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
if (document.querySelectorAll('main').length !== 1) wrong.push('not one main');
for (const element of document.querySelectorAll('input:not([type=hidden])'))
  if (!element.labels.length) say(element, 'no label');
for (const element of document.querySelectorAll('button, .button, label.check, input[type=text], input[type=password]')) {
  const { height, width } = element.getBoundingClientRect();
  if (shown(element) && (height < 44 || width < 44)) say(element, `${width} x ${height} pixels`);
}
const rgb = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const paper = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const colour = (text) => { paper.clearRect(0, 0, 1, 1); paper.fillStyle = text; paper.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = paper.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (element) => { for (; element; element = element.parentElement) {
  const c = colour(getComputedStyle(element).backgroundColor); if (c[3] > 0.5) return c; } return [255, 255, 255, 1]; };
for (const element of document.querySelectorAll('main *')) {
  if (!shown(element) || ![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  const [a, b] = [light(colour(getComputedStyle(element).color)), light(ground(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) say(element, `contrast ${contrast.toFixed(2)}`);
}
return wrong;
"""


def show(window, name):
    """Photographs and judges the page shown."""
    wrong = []
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            window.emulate(width, height, scheme)
            window.photograph(f"{SCREENSHOTS}/{name}-{size}-{scheme}.png")
            wrong += [f"{size} {scheme}: {what}" for what in window.script(JUDGE)]
    check_equal(wrong, [], name)


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
    window.open(PAGE)
    check_in("has ended", window.text)
    show(window, "login-notice")


@test
def the_refusal_for_a_missing_role(window):
    window.sign_in("bob")
    window.open("/admin/")
    check_in("admin", window.text)
    show(window, "denied")


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
    check_in("Too many attempts", window.text)
    show(window, "login-throttled")


@test
def the_page_of_an_address_that_is_none(window):
    window.open("/auth/no-such-page")
    show(window, "error")


chromium.main(edit=LOSES_COOKIE)
