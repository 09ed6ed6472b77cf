"""Firefox: links from other sites land signed in there as well (06-arrival.py says what is meant)."""

import time

import chromium
from chromium import PAGE, Stranger
from firefox import Firefox
from harness import ACCESS, check_equal, check_in, check_not_in, test, wait_until

DEEP = "/private/whoami?a=1&b=%2F+2#part-2"
NAVIGATION = "AUTH_NAVIGATION=cross-site"
browsers = {}


def browser_of(site):
    for state in [state for state in browsers if state != site.state]:
        browsers.pop(state).quit()
    if site.state not in browsers:
        browsers[site.state] = Firefox(site)
    browsers[site.state].forget()
    return browsers[site.state]


def arrive(browser, body, at):
    """A page of another site with this body (a path of ours: a link that is clicked on)."""
    if body.startswith("/"):
        body = f'<a href="{browser.site.url}{body}">a link</a><script>document.links[0].click()</script>'
    stranger = Stranger({"/": body})
    browser.open(stranger.url)
    wait_until(lambda: browser.address.split("?")[0].split("#")[0] == at and
               browser.script("return document.readyState === 'complete' && document.title !== 'Doorward'"), 10, f"not at {at}")
    stranger.close()


@test
def a_link_lands_signed_in_with_query_and_fragment(site):
    browser = browser_of(site)
    browser.sign_in("bob")
    arrive(browser, DEEP, "/private/whoami")
    check_equal(browser.address, DEEP)
    check_in("AUTH_USER=bob", browser.text)
    check_in(NAVIGATION, browser.text)


@test
def what_is_clicked_on_next_is_not_called_cross_site(site):
    browser = browser_of(site)
    browser.sign_in("bob")
    # lighttpd does not say that the page is not to be kept: an address that was not asked for before.
    arrive(browser, f"{PAGE}?{time.time()}", PAGE)
    browser.script("document.links[0].click()")
    wait_until(lambda: "AUTH_USER=bob" in browser.text, 10, "not gone on")
    check_not_in(NAVIGATION, browser.text)


@test
def an_expired_access_token_is_renewed_on_the_way(site):
    browser = browser_of(site)
    browser.sign_in("bob")
    browser.delete_cookie(ACCESS)
    before = len(site.audit("refresh.ok"))
    arrive(browser, DEEP, "/private/whoami")
    check_equal(browser.address, DEEP)
    check_in("AUTH_USER=bob", browser.text)
    check_in(NAVIGATION, browser.text)
    check_equal(len(site.audit("refresh.ok")) - before, 1)


@test
def a_post_is_never_repeated(site):
    browser = browser_of(site)
    browser.sign_in("bob")
    arrive(browser, f'<form method=post action="{site.url}/private/whoami"></form>'
                    "<script>document.forms[0].submit()</script>", "/auth/login")
    check_equal(browser.title, "Sign in · Doorward")
    check_equal([name for name in browser.cookies() if name.endswith("-arrival")], [])


@test
def a_frame_gets_nothing_of_it(site):
    browser = browser_of(site)
    browser.sign_in("bob")
    refused = len(site.audit("access.refused"))
    stranger = Stranger({"/": f'<iframe src="{site.url}/private/whoami"></iframe>'})
    browser.open(stranger.url)
    wait_until(lambda: len(site.audit("access.refused")) > refused, 5, "the frame asked for nothing")
    stranger.close()
    browser.open("/")
    check_equal(len(site.audit("access.refused")), refused + 1)
    check_equal([name for name in browser.cookies() if name.endswith("-arrival")], [])


@test
def who_is_not_signed_in_is_sent_round_once_and_gets_the_form(site):
    browser = browser_of(site)
    refused = len(site.audit("access.refused"))
    arrive(browser, "/private/whoami#part-2", "/auth/login")
    check_equal((browser.title, browser.address), ("Sign in · Doorward", "/auth/login?next=/private/whoami#part-2"))
    check_equal(len(site.audit("access.refused")) - refused, 2)


chromium.main(("lighttpd", "nginx"))
