"""How many sessions a user may have, and sessions bound to their browser."""

import harness
from harness import Browser, check_equal, check_in, check_status, test


def sign_ins(site, name, count):
    """Browsers that sign in one after the other: sign-ins of one second have no order."""
    browsers = []
    try:
        for i in range(count):
            site.shift_clock(2 * i)
            browsers.append(Browser(site).signed_in(name))
    finally:
        site.shift_clock(2 * count)
    return browsers


@test
def one_sign_in_too_many_ends_the_oldest(site):
    first, second, third = sign_ins(site, "alice", 3)
    check_status(first.fetch("/private/1k.txt"), 401)
    check_status(first.refresh(), 401)
    check_status(second.fetch("/private/1k.txt"), 200)
    check_status(third.fetch("/private/1k.txt"), 200)


@test
def the_user_is_told_why(site):
    first = sign_ins(site, "bob", 3)[0]
    page = first.navigate("/private/1k.txt")
    check_status(page, 200)
    check_in("signed in somewhere else", page.text)


@test
def a_session_does_not_move_to_another_browser(site):
    browser = Browser(site).signed_in("alice")
    thief = browser.copy()
    thief.agent = "Another/1.0"
    refused = thief.fetch("/private/1k.txt")
    check_status(refused, 401)
    check_equal(refused.json()["error"], "context_changed")
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(thief.refresh(), 401)
    # A refresh token elsewhere is a stolen one. The mirror hears of it within its lease.
    harness.wait_until(lambda: browser.fetch("/private/1k.txt").status == 401, 1, "the session goes on")


harness.main(settings=["session.max_sessions=2", "session.bind=agent"])
