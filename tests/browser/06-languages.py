"""The pages in other languages, in the dress of a site, and with its own templates."""

import json
import os
import shutil
import signal

import chromium
import harness
import judge
from chromium import FORGETFUL, LOSES_COOKIE, PAGE, test
from harness import ACCESS, REFRESH, Browser, check_equal, check_in, check_not_in, wait_until

ROOT = harness.ROOT
LANGUAGES, TEMPLATES = f"{harness.FLOW}/languages", f"{harness.FLOW}/templates"
LOGO = ('<svg xmlns="http://www.w3.org/2000/svg" width="240" height="60" viewBox="0 0 240 60"><rect width="240" height="60" rx="30" '
        'fill="#ffd21f"/><circle cx="30" cy="30" r="18" fill="#333"/></svg>')
names = []


def sentences(language):
    with open(f"{ROOT}/languages/{language}.json", encoding="utf-8") as f:
        return json.load(f)


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def speak(window, accept):
    window.command("Network.setExtraHTTPHeaders", headers={"Accept-Language": accept})


def show(window, language, name):
    """Judges the page shown; there is no English on it, except the names of things."""
    names.append(f"{language}-{name}")
    check_equal(window.script("return document.documentElement.lang"), language)
    text = window.text + " ".join(element.get_attribute("aria-label") for element in
                                  window.driver.find_elements("css selector", "[aria-label]"))
    for english in sentences("en").values():
        for part in ([english] if isinstance(english, str) else english.values()):
            # Of a sentence with places: what stands before the first, and behind the last.
            for piece in (part.split("{")[0], part.rpartition("}")[2]):
                if len(piece.strip()) > 3:
                    check_not_in(piece.strip(), text, f"{language} {name}")
    judge.show(window, names[-1], sizes=("phone",), schemes=("light",))


def sign_in(window, name="alice"):
    window.fill_in(name)
    window.leave(window.find("button.primary").click)


def tour(window, language, accept):
    """Every page there is."""
    words = sentences(language)
    speak(window, accept)
    window.open(PAGE)
    check_equal(window.title, f"{words['sign_in']} · Bücherei")
    show(window, language, "login")
    for _ in range(4):
        window.fill_in("carol", "wrong-horse-battery")
        window.leave(window.find("button.primary").click)
    check_in(words["wait_minutes"]["other"].replace("{count}", "15") if language == "de" else "15 分钟", window.text)
    show(window, language, "login-throttled")
    window.open(PAGE)
    sign_in(window, "bob")
    window.open("/admin/")
    check_in("admin", window.text)
    show(window, language, "denied")
    window.open("/auth/logout")
    show(window, language, "logout")
    window.leave(window.find("button.primary").click)
    show(window, language, "signed-out")
    window.open("/auth/no-such-page")
    show(window, language, "error")
    for notice in ("elsewhere", "ended", "reused"):
        window.open(f"/auth/login?notice={notice}")
        show(window, language, f"login-{notice}")


def tour_of_accidents(window, language, accept):
    speak(window, accept)
    Browser(window.site, agent="A-program/1.0").signed_in("alice")
    window.open(PAGE)
    sign_in(window)
    thief = Browser(window.site, agent="Thief/1.0")
    thief.set_cookie(REFRESH, window.cookie_value(REFRESH), "/auth")
    thief.refresh()
    window.site.shift_clock(16 * 60)
    window.open(PAGE)
    sign_in(window)
    check_equal(window.address.split("?")[0], "/auth/sessions")
    show(window, language, "sessions-reused")
    window.delete_cookie(ACCESS)
    window.command("Network.setUserAgentOverride", userAgent=FORGETFUL)
    window.open(PAGE)
    show(window, language, "loop")
    window.command("Network.setUserAgentOverride", userAgent="")
    window.command("Network.clearBrowserCookies")
    window.open(PAGE)
    window.fill_in("bob")
    window.site.stop("redis")
    window.leave(window.find("button.primary").click)
    show(window, language, "login-unavailable")
    window.site.go_on("redis")


@test
def every_page_is_shown_in_german(window):
    tour(window, "de", "de-AT,de;q=0.9,en;q=0.8")
    tour_of_accidents(window, "de", "de-AT,de;q=0.9,en;q=0.8")


@test
def every_page_is_shown_in_chinese(window):
    tour(window, "zh", "zh-CN,zh;q=0.9,en;q=0.8")
    tour_of_accidents(window, "zh", "zh-CN,zh;q=0.9,en;q=0.8")


@test
def a_language_is_added_by_a_file_and_english_stands_in_for_what_it_lacks(window):
    speak(window, "nl-BE,en;q=0.5")
    window.open(PAGE)
    check_equal((window.title, window.script("return document.documentElement.lang")), ("Inloggen · Bücherei", "nl"))
    check_in("Password", window.text)
    check_in("Vraag de beheerder", window.text)  # own_help, of the site's own template
    speak(window, "fr,en;q=0.5")
    window.open(PAGE)
    check_equal(window.title, "Sign in · Bücherei")
    check_in("visit the desk", window.text)


@test
def a_mistake_in_a_language_is_named_at_a_reload_and_the_pages_stay(window):
    path = f"{LANGUAGES}/nl.json"
    with open(path, encoding="utf-8") as f:
        before = f.read()
    write(path, before.replace('"sign_in"', '"sign_inn"'))
    try:
        os.kill(window.site.parts["doorward"], signal.SIGHUP)
        wait_until(lambda: "nl.json: unknown key sign_inn; did you mean sign_in?" in window.site.log_text(), 5, "nothing was said")
    finally:
        write(path, before)
    speak(window, "nl")
    window.open(PAGE)
    check_equal(window.title, "Inloggen · Bücherei")


@test
def a_site_has_its_name_logo_colour_and_password_page_by_settings_alone(window):
    write(f"{window.site.state}/site/logo.svg", LOGO)
    window.open(PAGE)
    check_in("Bücherei", window.text)
    assert window.script("return document.querySelector('.logo').naturalWidth") > 0
    colours = "const s = getComputedStyle(document.querySelector('.primary')); return [s.backgroundColor, s.color]"
    check_equal(window.script(colours), ["rgb(255, 210, 31)", "rgb(0, 0, 0)"])
    judge.show(window, "site-login")
    sign_in(window)
    window.open("/auth/sessions")
    judge.show(window, "site-sessions")
    check_equal(window.find("main a").get_attribute("href"), f"{window.site.url}/password")
    names.extend(("site-login", "site-sessions"))


@test
def answers_say_in_which_language_they_are_and_scripts_get_codes(window):
    browser = Browser(window.site)
    for accept, language in (("de-AT", "de"), ("zh-Hant-TW", "zh"), ("fr", "en"), ("de;q=0.1, zh;q=0.2", "zh"), (None, "en")):
        page = browser.navigate("/auth/login", headers={"Accept-Language": accept})
        check_equal(page.headers["Content-Language"], language, accept)
        check_in("Accept-Language", page.headers["Vary"])
    german = {"Accept-Language": "de"}
    check_equal(browser.fetch("/private/1k.txt", headers=german).json()["error"], "no_token")
    check_equal(browser.fetch("/auth/no-such-page", headers=german).json(), {"error": "not_found"})
    bob = Browser(window.site).signed_in("bob")
    check_equal(bob.fetch("/admin/", headers=german).json(), {"error": "role_missing", "role": "admin"})
    row = bob.fetch("/auth/sessions", headers=german).json()["sessions"][0]
    check_in(" UTC", row["since"])
    check_equal((row["device"], "seen_ago" in row), ("A browser on Linux", False))


@test
def all_pages_are_valid_html(window):
    judge.check_valid(names)


shutil.rmtree(LANGUAGES, ignore_errors=True)
shutil.rmtree(TEMPLATES, ignore_errors=True)
shutil.copytree(f"{ROOT}/languages", LANGUAGES)
shutil.copytree(f"{ROOT}/templates", TEMPLATES)
write(f"{LANGUAGES}/en.json", '{ "own_help": "No account? Please visit the desk." }\n')
write(f"{LANGUAGES}/nl.json", '{ "sign_in": "Inloggen", "own_help": "Geen account? Vraag de beheerder." }\n')
with open(f"{TEMPLATES}/login.mustache", encoding="utf-8") as f:
    own = f.read().replace("</form>", "</form>\n{{#text.own_help}}<p>{{text.own_help}}</p>{{/text.own_help}}", 1)
write(f"{TEMPLATES}/login.mustache", own)

chromium.main(edit=LOSES_COOKIE, settings=("throttle.per_both=3", "page.site_name=Bücherei", "page.logo=/logo.svg", "page.accent=#ffd21f",
                                           "page.password_url=/password", f"page.languages_dir={LANGUAGES}",
                                           f"page.templates_dir={TEMPLATES}"))
