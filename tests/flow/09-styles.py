"""Sliding sessions: one cookie whose life is in Redis, prolonged by use."""

import harness
from harness import ACCESS, REFRESH, Browser, check_equal, check_in, check_status, test

MINUTE = 60


def use_at(site, browser, minutes, expected=200):
    site.shift_clock(minutes * MINUTE)
    check_equal(browser.fetch("/private/1k.txt").status, expected, f"after {minutes} minutes")


@test
def there_is_one_cookie_and_nothing_to_refresh(site):
    browser = Browser(site).signed_in("alice")
    assert browser.cookie(ACCESS) and not browser.cookie(REFRESH), browser.jar
    check_equal(browser.navigate("/private/whoami").environment().get("REMOTE_USER"), "alice")
    check_status(browser.refresh(), 401)


@test
def use_prolongs_it(site):
    browser = Browser(site).signed_in("alice")
    try:
        for minutes in (70, 130, 190, 250, 310):
            use_at(site, browser, minutes)
    finally:
        site.shift_clock(0)


@test
def being_away_ends_it(site):
    browser, other = Browser(site).signed_in("alice"), Browser(site).signed_in("alice")
    try:
        use_at(site, browser, 119)
        use_at(site, other, 121, 401)
        page = other.navigate("/private/1k.txt")
        check_in('name="password"', page.text)
    finally:
        site.shift_clock(0)


@test
def no_use_prolongs_it_past_its_absolute_end(site):
    browser = Browser(site).signed_in("alice")
    try:
        for minutes in range(50, 480, 50):
            use_at(site, browser, minutes)
        use_at(site, browser, 481, 401)
    finally:
        site.shift_clock(0)


@test
def signing_out_ends_it(site):
    browser = Browser(site).signed_in("alice")
    thief = browser.copy()
    check_status(browser.sign_out(), 303)
    assert not browser.cookie(ACCESS), browser.jar
    check_status(thief.fetch("/private/1k.txt"), 401)


harness.main(settings=["session.style=sliding", "session.idle_timeout=2h", "session.absolute_timeout=8h"])
