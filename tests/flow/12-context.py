"""Sessions bound to their browser and its network: at the check, at the refresh, and by whose word."""

import harness
from harness import Browser, check_equal, check_in, check_status, test
from reloading import settings

HOME, NEIGHBOUR, ELSEWHERE = "127.0.0.1", "127.0.0.9", "127.0.1.1"


class Placed(Browser):
    """From an address of its own, and with what a proxy before it says of it."""

    def __init__(self, site, source=HOME, forwarded=None):
        super().__init__(site)
        self.source, self.forwarded = source, forwarded

    def request(self, method, path, headers=(), *arguments, **options):
        sent = {"X-Forwarded-For": self.forwarded, **dict(headers)}
        return super().request(method, path, sent, *arguments, **options)

    def moved(self, **changes):
        other = Placed(self.site, self.source, self.forwarded)
        other.jar = dict(self.jar)
        for name, value in changes.items():
            setattr(other, name, value)
        return other


MOVES = {"another browser": {"agent": "Mozilla/5.0 (Windows NT 10.0) Other/2.0"},
         "another network": {"source": ELSEWHERE},
         "the same network": {"source": NEIGHBOUR}}
REFUSED = {"none": (), "agent": ("another browser",), "address": ("another network",),
           "both": ("another browser", "another network")}


def check_reason(browser, reason):
    """Of a check; None: it passes."""
    reply = browser.fetch("/private/1k.txt")
    got = None if reply.status == 200 else (reply.status, reply.json()["error"])
    check_equal(got, reason and (401, reason))


def seen_addresses(browser):
    return {row["address"] for row in browser.fetch("/auth/sessions").json()["sessions"] if row["current"]}


def compare_moves(site, bind):
    for name, change in MOVES.items():
        refused = name in REFUSED[bind]
        with_name = f"bind = {bind}, {name}"
        browser = Placed(site).signed_in("alice")
        other = browser.moved(**change)
        check = other.fetch("/private/1k.txt")
        check_equal(check.status, 401 if refused else 200, f"check, {with_name}")
        # A refused check ends nothing.
        check_status(browser.fetch("/private/1k.txt"), 200)
        refresh = other.refresh()
        check_equal(refresh.status, 401 if refused else 200, f"refresh, {with_name}")
        if refused:
            check_equal(check.json()["error"], "context_changed", with_name)
            check_equal(refresh.json(), {"error": "context_changed"}, with_name)
            check_equal(site.audit("refresh.refused")[-1]["reason"], "context_changed", with_name)
            # A refused refresh does: that cookie was stolen.
            check_reason(browser, "session_ended")
        else:
            # The session goes with the refresh.
            check_status(other.fetch("/private/1k.txt"), 200)
            check_status(other.refresh(), 200)


@test
def without_binding_a_session_moves_freely(site):
    compare_moves(site, "none")


@test
def bound_to_the_browser(site):
    with settings(site, "session.bind=agent"):
        compare_moves(site, "agent")


@test
def bound_to_the_network(site):
    with settings(site, "session.bind=address"):
        compare_moves(site, "address")


@test
def bound_to_both(site):
    with settings(site, "session.bind=both"):
        compare_moves(site, "both")


@test
def a_page_load_from_elsewhere_ends_at_the_sign_in_page_and_ends_nothing(site):
    with settings(site, "session.bind=address"):
        browser = Placed(site).signed_in("alice")
        page = browser.moved(source=ELSEWHERE).navigate("/private/")
        check_status(page, 200)
        check_in('name="password"', page.text)
        check_status(browser.navigate("/private/1k.txt"), 200)


@test
def a_refresh_from_elsewhere_is_an_event(site):
    with settings(site, "session.bind=address"):
        browser = Placed(site).signed_in("alice")
        check_status(browser.moved(source=ELSEWHERE).refresh(), 401)
        event = site.events()[-1]
        check_equal([event.get(f) for f in ("event", "reason", "user", "address")],
                    ["refresh.refused", "context_changed", "alice", ELSEWHERE])


@test
def a_forwarded_address_counts_from_a_trusted_proxy_only(site):
    proxy = NEIGHBOUR
    with settings(site, "session.bind=address", f"server.trusted_proxies={proxy}"):
        browser = Placed(site, proxy, "198.51.100.7").signed_in("alice")
        check_equal(seen_addresses(browser), {"198.51.100.7"})
        check_reason(browser.moved(forwarded="198.51.100.250"), None)
        check_reason(browser.moved(forwarded="198.51.101.7"), "context_changed")
        check_reason(browser.moved(forwarded=None), "context_changed")
        # Left of what the proxy added stands whatever the browser invented.
        check_reason(browser.moved(forwarded="198.51.100.7, 198.51.101.7"), "context_changed")
        check_reason(browser.moved(forwarded="203.0.113.1, 198.51.100.8"), None)
        # Who is no proxy can say what he likes.
        check_reason(browser.moved(source=HOME), "context_changed")
        direct = Placed(site, HOME, "198.51.100.7").signed_in("bob")
        check_equal(seen_addresses(direct), {HOME})
        check_reason(direct.moved(forwarded="203.0.113.1"), None)
        check_status(browser.moved(source=HOME).refresh(), 401)
        check_reason(browser, "session_ended")


@test
def without_trusted_proxies_nobody_is_believed(site):
    with settings(site, "session.bind=address"):
        browser = Placed(site, HOME, "198.51.100.7").signed_in("alice")
        check_equal(seen_addresses(browser), {HOME})
        check_reason(browser.moved(forwarded="203.0.113.1"), None)
        check_reason(browser.moved(source=ELSEWHERE), "context_changed")


@test
def a_network_of_ipv6_has_56_bits(site):
    with settings(site, "session.bind=address", "server.trusted_proxies=127.0.0.0/8"):
        browser = Placed(site, HOME, "2001:db8:0:1100::1").signed_in("alice")
        check_equal(seen_addresses(browser), {"2001:db8:0:1100::1"})
        check_reason(browser.moved(forwarded="2001:db8:0:11ff:ffff::2"), None)
        check_reason(browser.moved(forwarded="[2001:db8:0:1142::7]:50000"), None)
        check_reason(browser.moved(forwarded="2001:db8:0:1200::1"), "context_changed")
        check_reason(browser.moved(forwarded="198.51.100.7"), "context_changed")
        check_status(browser.moved(forwarded="2001:db8:0:11aa::3").refresh(keep=False), 200)
        check_status(browser.moved(forwarded="2001:db8:0:1000::1").refresh(), 401)


@test
def an_ipv4_address_written_as_ipv6_is_the_same_network(site):
    with settings(site, "session.bind=address", "server.trusted_proxies=127.0.0.0/8"):
        browser = Placed(site, HOME, "198.51.100.7").signed_in("alice")
        check_reason(browser.moved(forwarded="::ffff:198.51.100.77"), None)
        check_reason(browser.moved(forwarded="::ffff:198.51.101.7"), "context_changed")


harness.main(servers=("nginx",))
