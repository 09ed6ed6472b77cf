"""How long a session lives: with and without "remember me", by navigation only, after a change of the style."""

import re
import time

import harness
from harness import ACCESS, REFRESH, Browser, check_equal, check_in, check_not_in, check_status, test
from reloading import settings

MINUTE, HOUR, DAY = 60, 3600, 86400
LIMITS = ("session.idle_timeout=2h", "session.absolute_timeout=8h", "session.remember_idle=3d",
          "session.remember_absolute=5d")


def closed_and_opened(browser):
    """What a browser keeps when it is closed: cookies with a Max-Age."""
    browser.jar = {name: entry for name, entry in browser.jar.items() if entry[2] is not None}
    return browser


def max_age(reply, name):
    return reply.cookie(name).max_age


def check_near(got, expected, what):
    assert got is not None and expected - 30 <= got <= expected, f"{what}: {got}, not {expected}"


@test
def without_remember_me_a_session_ends_with_the_browser(site):
    with settings(site, *LIMITS):
        browser = Browser(site)
        reply = browser.sign_in("alice")
        check_equal([max_age(reply, ACCESS), max_age(reply, REFRESH)], [None, None], "Max-Age at sign-in")
        reply = browser.refresh()
        check_equal([max_age(reply, ACCESS), max_age(reply, REFRESH)], [None, None], "Max-Age at refresh")
        check_equal(closed_and_opened(browser).fetch("/private/1k.txt").json()["error"], "no_token")


@test
def with_remember_me_it_outlives_the_browser(site):
    with settings(site, *LIMITS):
        browser = Browser(site)
        reply = browser.sign_in("alice", remember="1")
        check_near(max_age(reply, ACCESS), 15 * MINUTE, "access cookie")
        check_near(max_age(reply, REFRESH), 3 * DAY, "refresh cookie")
        check_status(closed_and_opened(browser).fetch("/private/1k.txt"), 200)
        reply = browser.refresh()
        check_near(max_age(reply, ACCESS), 15 * MINUTE, "access cookie refreshed")
        check_near(max_age(reply, REFRESH), 3 * DAY, "refresh cookie refreshed")
        # The access cookie is gone, the refresh cookie is not: a page load repairs that.
        site.shift_clock(16 * MINUTE)
        check_not_in(ACCESS + "=", closed_and_opened(browser).cookie_header("/private/"))
        check_equal(len(browser.navigate("/private/1k.txt").body), 1024)


@test
def remember_me_has_an_idle_limit_of_its_own(site):
    with settings(site, *LIMITS):
        plain, kept, long_kept = (Browser(site).signed_in("alice", **fields)
                                  for fields in ({}, {"remember": "1"}, {"remember": "1"}))
        site.shift_clock(2 * HOUR - MINUTE)
        copy = plain.copy()
        site.shift_clock(2 * HOUR + MINUTE)
        check_status(copy.refresh(), 401)
        site.shift_clock(3 * DAY - MINUTE)
        check_status(kept.refresh(), 200)
        site.shift_clock(3 * DAY + MINUTE)
        # Kept longer than its Max-Age: what the store says counts.
        stale = Browser(site)
        stale.set_cookie(REFRESH, long_kept.jar[REFRESH][0], "/auth")
        check_status(stale.refresh(), 401)
        check_status(kept.refresh(), 200)


@test
def remember_me_has_an_absolute_limit_of_its_own(site):
    with settings(site, *LIMITS):
        plain, kept = Browser(site).signed_in("alice"), Browser(site).signed_in("alice", remember="1")
        for hours in (1.5, 3, 4.5, 6, 7.5):
            site.shift_clock(int(hours * HOUR))
            reply = plain.refresh()
            check_status(reply, 200)
        site.shift_clock(8 * HOUR + MINUTE)
        check_status(plain.refresh(), 401)
        site.shift_clock(2 * DAY)
        check_near(max_age(kept.refresh(), REFRESH), 3 * DAY, "refresh cookie after 2 days")
        site.shift_clock(4 * DAY)
        check_near(max_age(kept.refresh(), REFRESH), DAY, "refresh cookie after 4 days")
        site.shift_clock(5 * DAY - 5 * MINUTE)
        reply = kept.refresh()
        check_near(max_age(reply, REFRESH), 5 * MINUTE, "refresh cookie at the end")
        check_near(max_age(reply, ACCESS), 5 * MINUTE, "access cookie at the end")
        token, refresh = kept.cookie(ACCESS), kept.cookie(REFRESH)
        site.shift_clock(5 * DAY + MINUTE)
        check_equal(kept.cookie_header("/auth/refresh"), "")
        kept.set_cookie(ACCESS, token)
        kept.set_cookie(REFRESH, refresh, "/auth")
        check_status(kept.fetch("/private/1k.txt"), 401)
        check_status(kept.refresh(), 401)


@test
def a_sliding_session_that_is_remembered_keeps_its_cookie(site):
    with settings(site, *LIMITS, "session.style=sliding"):
        plain, kept = Browser(site), Browser(site)
        check_equal(max_age(plain.sign_in("alice"), ACCESS), None, "Max-Age")
        check_near(max_age(kept.sign_in("alice", remember="1"), ACCESS), 5 * DAY, "Max-Age")
        site.shift_clock(2 * HOUR + MINUTE)
        check_status(plain.fetch("/private/1k.txt"), 401)
        check_status(closed_and_opened(kept).fetch("/private/1k.txt"), 200)
        site.shift_clock(3 * DAY + MINUTE)
        check_status(kept.fetch("/private/1k.txt"), 401)


SLIDING = ("session.style=sliding", "session.idle_timeout=2h", "session.absolute_timeout=8h")


def left(browser):
    return browser.fetch("/auth/session").json()["idle_expires_in"]


@test
def polling_alone_does_not_keep_a_session_alive(site):
    with settings(site, *SLIDING, "session.activity=navigation"):
        polls, reads = Browser(site).signed_in("alice"), Browser(site).signed_in("alice")
        for minutes in (70, 100, 119):
            site.shift_clock(minutes * MINUTE)
            check_status(polls.fetch("/private/1k.txt"), 200)
            check_status(polls.fetch("/auth/session"), 200)
            check_near(left(polls), (120 - minutes) * MINUTE, f"left after {minutes} minutes of polling")
            check_status(reads.navigate("/private/1k.txt"), 200)
        check_near(left(reads), (120 + 60 - 119) * MINUTE, "left after page loads")
        site.shift_clock(121 * MINUTE)
        check_equal(polls.fetch("/private/1k.txt").status, 401, "after two hours of polling")
        check_status(reads.fetch("/private/1k.txt"), 200)


@test
def polling_refreshes_a_rotating_session_and_does_not_keep_it_alive(site):
    with settings(site, "session.idle_timeout=2h", "session.absolute_timeout=8h", "session.activity=navigation"):
        polls, reads, loads = (Browser(site).signed_in("alice") for _ in range(3))
        for minutes in (40, 80, 100, 118):
            site.shift_clock(minutes * MINUTE)
            for browser in (polls, reads):
                check_status(browser.refresh(), 200)
                check_status(browser.fetch("/private/1k.txt"), 200)
            check_near(left(polls), (120 - minutes) * MINUTE, f"left after {minutes} minutes of polling")
            # With a good access token, and with none.
            check_equal(len(reads.navigate("/private/1k.txt").body), 1024)
            check_near(left(reads), 120 * MINUTE, "left after a page load")
            check_equal(len(loads.navigate("/private/1k.txt").body), 1024)
            check_near(left(loads), 120 * MINUTE, "left after a page load that refreshes")
        site.shift_clock(121 * MINUTE)
        check_status(polls.fetch("/private/1k.txt"), 401)
        check_status(polls.refresh(), 401)
        site.shift_clock((118 + 119) * MINUTE)
        for browser in (reads, loads):
            check_status(browser.refresh(), 200)
            check_status(browser.fetch("/private/1k.txt"), 200)


@test
def with_any_activity_polling_keeps_it_alive(site):
    with settings(site, *SLIDING):
        polls = Browser(site).signed_in("alice")
        for minutes in (70, 130, 190):
            site.shift_clock(minutes * MINUTE)
            check_status(polls.fetch("/private/1k.txt"), 200)


def prolongations(site, browser, count):
    """Writes of a session's end during so many requests."""
    def calls():
        found = re.search(r"cmdstat_expireat:calls=(\d+)", site.redis("info", "commandstats"))
        return int(found.group(1)) if found else 0

    check_status(browser.fetch("/private/1k.txt"), 200)
    before = calls()
    for _ in range(count):
        check_status(browser.fetch("/private/1k.txt"), 200)
    return calls() - before


@test
def a_session_in_use_is_written_once_a_minute_at_most(site):
    # Three keys have the session's end; where it was seen is one more, once.
    with settings(site, *SLIDING[:1], "session.idle_timeout=30m", "session.absolute_timeout=8h"):
        browser = Browser(site).signed_in("alice")
        time.sleep(1.1)
        assert prolongations(site, browser, 10) <= 4, "prolonged again and again"
        site.shift_clock(2 * MINUTE)
        assert prolongations(site, browser, 10) <= 4, "prolonged again and again after 2 minutes"
        check_near(left(browser), 30 * MINUTE, "left after a use")
    with settings(site, *SLIDING[:1], "session.idle_timeout=2h", "session.absolute_timeout=2h"):
        browser = Browser(site).signed_in("alice")
        site.shift_clock(70 * MINUTE)
        assert prolongations(site, browser, 10) <= 4, "prolonged in vain at the absolute end"


@test
def a_change_of_the_style_ends_no_session(site):
    rotating = Browser(site).signed_in("alice")
    with settings(site, *SLIDING):
        sliding = Browser(site).signed_in("alice")
        check_status(rotating.fetch("/private/1k.txt"), 200)
        check_status(rotating.refresh(), 200)
        check_status(rotating.fetch("/private/1k.txt"), 200)
        assert rotating.cookie(REFRESH) and not sliding.cookie(REFRESH)
    with settings(site, "session.access_lifetime=5m"):
        site.shift_clock(70 * MINUTE)
        check_status(sliding.fetch("/private/1k.txt"), 200)
        site.shift_clock(130 * MINUTE)
        check_status(sliding.fetch("/private/1k.txt"), 200)
        check_in("alice", rotating.navigate("/private/whoami").text)
    # No style is changed by where a request goes.
    check_status(sliding.refresh(), 401)
    check_status(sliding.fetch("/private/1k.txt"), 200)


harness.main(servers=("apache",))
