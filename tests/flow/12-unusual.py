"""Refreshing that is unusual is reported, in the log and in the event stream, and changes nothing else."""

import concurrent.futures

import harness
from harness import Browser, check_equal, check_status, test
from reloading import settings

HOUR = 3600
PLACES = ("127.0.0.1", "127.0.1.1")


def reports(site):
    """What was reported since the last call."""
    lines = [line["detail"] for line in site.audit("refresh.unusual")]
    check_equal([event["detail"] for event in site.events("refresh.unusual")], lines, "events as lines of the log")
    new = lines[reports.known:]
    reports.known = len(lines)
    return new


reports.known = 0


def refresh(browser, count):
    for _ in range(count):
        check_status(browser.refresh(), 200)


@test
def more_than_36_refreshes_in_an_hour_with_an_access_lifetime_of_15_minutes(site):
    browser = Browser(site).signed_in("alice")
    try:
        refresh(browser, 36)
        check_equal(reports(site), [])
        refresh(browser, 1)
        check_equal(reports(site), ["often"])
        line = site.audit("refresh.unusual")[-1]
        check_equal([line.get(f) for f in ("user", "address")], ["alice", "127.0.0.1"])
        # Once an hour, and the session goes on.
        refresh(browser, 40)
        check_equal(reports(site), [])
        check_status(browser.fetch("/private/1k.txt"), 200)
        site.shift_clock(HOUR + 1)
        refresh(browser, 36)
        check_equal(reports(site), [])
        refresh(browser, 1)
        check_equal(reports(site), ["often"])
    finally:
        site.shift_clock(0)


@test
def a_shorter_access_lifetime_asks_for_more_refreshes(site):
    with settings(site, "session.access_lifetime=5m"):
        browser = Browser(site).signed_in("alice")
        refresh(browser, 20 + 4 * 12)
        check_equal(reports(site), [])
        refresh(browser, 1)
        check_equal(reports(site), ["often"])


@test
def more_than_200_repeats_within_the_grace(site):
    with settings(site, "session.refresh_grace=60"), concurrent.futures.ThreadPoolExecutor(8) as pool:
        browser = Browser(site).signed_in("alice")
        check_status(browser.refresh(keep=False), 200)
        replies = list(pool.map(lambda _: browser.copy().refresh(), range(200)))
        check_equal({reply.status for reply in replies}, {200})
        check_equal(reports(site), [])
        check_status(browser.refresh(keep=False), 200)
        check_equal(reports(site), ["repeats"])
        check_status(browser.refresh(), 200)
        check_equal(reports(site), [])


@test
def more_than_5_changes_of_the_network_in_an_hour(site):
    browser = Browser(site).signed_in("alice")
    refresh(browser, 1)
    for change in range(1, 8):
        browser.source = PLACES[change % 2]
        refresh(browser, 2)
        check_equal(reports(site), ["places"] if change == 6 else [], f"after {change} changes")


harness.main(servers=("apache",))
