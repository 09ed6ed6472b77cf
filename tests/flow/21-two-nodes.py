"""Two nodes whose clocks are five minutes apart, and a Redis with a third one: nobody is signed out by that, and
what ends, ends on both at the same moment, by Redis' clock."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import ACCESS, PASSWORD, REFRESH, Client, Site, check_equal, claims, parallel, settled, uid_of

CASES = []
BEHIND, AHEAD = 0, 1
APART = [-150, 150]


def case(offsets=APART, settings=(), **options):
    def mark(function):
        def run():
            site = Site("nodes", 2, settings, offsets, **options)
            try:
                site.add_user("alice", "staff")
                function(site)
            finally:
                wrong = site.close()
            if wrong:
                raise AssertionError(wrong)
        CASES.append((function.__name__, run))
        return function
    return mark


def user_key(name="alice"):
    return f"dw:user:{{{uid_of(name)}}}"


def passes(client, *at):
    for node in at or (BEHIND, AHEAD):
        reply = client.check(node)
        check_equal((reply.status, reply.text), (200, ""), f"check at node {node}")


def is_refused(client, reason, *at):
    """At once without a mirror, else within its lease."""
    def check(node):
        reply = client.check(node)
        check_equal((reply.status, reply.error), (401, reason), f"check at node {node}")
    for node in at or (BEHIND, AHEAD):
        settled(client.site, lambda n=node: check(n))


@case()
def a_new_session_counts_on_every_node_at_once(site):
    for node in (BEHIND, AHEAD, BEHIND):
        passes(Client(site).signed_in("alice", node))


@case()
def a_node_that_was_just_started_knows_what_time_it_is(site):
    client = Client(site).signed_in("alice", AHEAD)
    site.restart_node(BEHIND)
    passes(client, BEHIND)
    client = Client(site).signed_in("alice", BEHIND)
    site.restart_node(AHEAD)
    passes(client, AHEAD)
    # The last minutes of an access token: over by the clock of the node that is ahead.
    site.move(800)
    site.restart_node(AHEAD)
    passes(client, AHEAD)
    # Its time is over, but not by the clock of the node that is behind.
    site.move(110)
    site.restart_node(BEHIND)
    is_refused(client, "expired", BEHIND)


@case()
def nobody_goes_back_and_forth_between_two_nodes(site):
    client = Client(site).signed_in("alice", BEHIND)
    refreshed = 0
    for step in range(120):
        node = step % 2
        reply = client.check(node, navigation=True)
        if reply.status != 200:
            check_equal((reply.status, reply.answer.header("Location").split("?")[0]), (302, "/auth/refresh"), "check")
            reply = client.page("GET", "/auth/refresh?next=/private/", node, navigation=True)
            check_equal((reply.status, reply.answer.header("Location")), (303, "/private/"), "refresh")
            refreshed += 1
            # The next request goes to the other node.
            passes(client, 1 - node, node)
        site.move(60)
    # 120 minutes, 15 for each token.
    check_equal(7 <= refreshed <= 9, True, f"{refreshed} refreshes")


@case()
def a_refresh_is_the_same_on_both_nodes(site):
    client = Client(site).signed_in("alice", BEHIND)
    for _ in range(5):
        jar = dict(client.jar)
        site.move(400)
        replies = parallel([lambda n=n % 2: client.refresh(n, jar=jar, keep=False) for n in range(20)])
        site.move(5)
        replies += [client.refresh(node, jar=jar) for node in (AHEAD, BEHIND)]
        check_equal({r.status for r in replies}, {200}, "refreshes")
        check_equal(len({(r.given(ACCESS), r.given(REFRESH)) for r in replies}), 1, "different pairs of tokens")
        passes(client)
    check_equal(len([k for k in site.redis.keys() if k.startswith("dw:session:")]), 1, "sessions")


@case()
def the_grace_is_over_on_both_nodes_at_once(site):
    client = Client(site).signed_in("alice", AHEAD)
    old = dict(client.jar)
    check_equal(client.refresh(AHEAD).status, 200, "refresh")
    site.move(7)
    check_equal(client.refresh(BEHIND, jar=old, keep=False).status, 200, "a repeat within the grace")
    site.move(5)
    check_equal(client.refresh(BEHIND, jar=old, keep=False).error, "refresh_reused", "a repeat after the grace")
    is_refused(client, "session_ended")


@case()
def an_access_token_expires_on_both_nodes_at_once(site):
    client = Client(site).signed_in("alice", AHEAD)
    for node in (BEHIND, AHEAD):
        reply = client.page("GET", "/auth/session", node)
        check_equal(895 <= reply.json["access_expires_in"] <= 900, True, f"seconds left at node {node}: {reply}")
    site.move(893)
    passes(client)
    site.move(9)
    is_refused(client, "expired")
    check_equal(client.refresh(BEHIND).json, {"expires_in": 900}, "refresh")
    passes(client)


@case(settings=("session.idle_timeout=100", "session.absolute_timeout=1000", "session.access_lifetime=400"))
def idle_and_absolute_ends_are_by_the_clock_of_redis(site):
    idle = Client(site).signed_in("alice", AHEAD)
    site.move(95)
    passes(idle)
    site.move(8)
    is_refused(idle, "session_ended")
    busy = Client(site).signed_in("alice", BEHIND)
    for step in range(12):
        site.move(80)
        check_equal(busy.refresh(step % 2).status, 200, f"refresh {step}")
    left = [busy.page("GET", "/auth/session", node).json["absolute_expires_in"] for node in (BEHIND, AHEAD)]
    check_equal(max(left) <= 40 and min(left) >= 35, True, f"seconds to the absolute end: {left}")
    site.move(50)
    check_equal([busy.check(node).status for node in (BEHIND, AHEAD)], [401, 401], "checks after the absolute end")
    check_equal(busy.refresh(BEHIND).error, "session_ended", "refresh after the absolute end")


def end_in_every_way(site):
    def each(change, reason):
        for node in (BEHIND, AHEAD):
            client = Client(site).signed_in("alice", node)
            passes(client)
            change(client, node)
            is_refused(client, reason, 1 - node, node)
            site.redis("HDEL", user_key(), "disabled")

    def end_on_the_page(client, node):
        handle = claims(client.jar[ACCESS])["sid"]
        check_equal(client.page("POST", "/auth/sessions", node, {"end": handle}).status, 200, "end a session")

    each(lambda client, node: client.page("POST", "/auth/logout", node, jar=dict(client.jar), keep=False),
         "session_ended")
    each(end_on_the_page, "session_ended")
    each(lambda client, node: client.page("POST", "/auth/logout", node, {"all": "1"}, keep=False), "session_ended")
    each(lambda client, node: site.ctl("token", "deny", "-", stdin=client.jar[ACCESS], node=node), "token_revoked")
    each(lambda client, node: site.redis("HSET", user_key(), "disabled", "1"), "user_disabled")
    each(lambda client, node: site.redis("HINCRBY", user_key(), "ver", 1), "version_superseded")
    each(lambda client, node: site.redis("HINCRBY", "dw:realm", "ver", 1), "version_superseded")


@case()
def what_is_ended_on_one_node_is_refused_by_the_next_check_on_the_other(site):
    end_in_every_way(site)


@case(settings=("mirror.enabled=yes",))
def with_a_mirror_within_its_lease(site):
    end_in_every_way(site)


@case()
def a_denied_token_stays_denied_until_it_expires(site):
    """However the clock of the machine on which it was denied stands."""
    for node in (BEHIND, AHEAD):
        client = Client(site).signed_in("alice", node)
        site.ctl("token", "deny", "-", stdin=client.jar[ACCESS], node=node)
        is_refused(client, "token_revoked")
        site.move(890)
        is_refused(client, "token_revoked")
        site.move(15)
        is_refused(client, "expired")


@case()
def a_form_of_one_node_is_good_for_the_other(site):
    for node in (BEHIND, AHEAD):
        client = Client(site)
        form = client.page("GET", "/auth/login", node, navigation=True)
        field = form.text.split('name="csrf" value="')[1].split('"')[0]
        reply = client.page("POST", "/auth/login", 1 - node, {"username": "alice", "password": PASSWORD, "next": "/",
                                                              "csrf": field}, navigation=True)
        check_equal(reply.status, 303, f"a form of node {node}")


@case(settings=("session.style=sliding", "session.idle_timeout=7200", "session.absolute_timeout=20000"))
def a_sliding_session_slides_by_the_clock_of_redis(site):
    client = Client(site).signed_in("alice", AHEAD)
    for step in range(6):
        site.move(3000)
        passes(client, step % 2, 1 - step % 2)
    site.move(2100)
    check_equal([client.check(node).status for node in (BEHIND, AHEAD)], [401, 401], "checks after the absolute end")


@case(offsets=[0, 0], wall_only=True)
def setting_the_time_of_day_of_a_node_signs_nobody_in_or_out(site):
    client = Client(site).signed_in("alice", 0)
    passes(client)
    for offset in (300, -300, 86400, -86400):
        site.set_clock(1, offset)
        passes(client)
        check_equal(client.refresh(1).json, {"expires_in": 900}, "refresh")
        passes(client)
        site.restart_node(1)
        passes(client)
    # No revival either: an expired token, and a node that is put back to before its end.
    site.set_clock(1, 0)
    site.move(1000)
    time.sleep(0.1)
    passes_not = client.check(0)
    check_equal((passes_not.status, passes_not.error), (401, "expired"), "after its time by Redis")
    site.set_clock(1, -5000)
    is_refused(client, "expired")


@case(offsets=[-150, 150])
def keys_made_where_the_clock_is_ahead_work_everywhere(site):
    site.ctl("keys", "rotate", "--in", "1s", node=AHEAD)
    for node in (BEHIND, AHEAD):
        site.restart_node(node)
    client = Client(site).signed_in("alice", BEHIND)
    passes(client)
    before = site.now()
    jar = dict(client.jar)
    replies = [client.refresh(node, jar=jar) for node in (AHEAD, BEHIND)]
    check_equal(len({(r.given(ACCESS), r.given(REFRESH)) for r in replies}), 1, "different pairs of tokens")
    site.move(int(400 - (site.now() - before)))
    passes(client)
    check_equal(client.refresh(BEHIND).status, 200, "refresh with the new key")
    passes(client)


@case(offsets=[3600, -3600])
def an_hour_is_no_different(site):
    client = Client(site).signed_in("alice", 0)
    passes(client, 1, 0)
    jar = dict(client.jar)
    site.move(300)
    first, second = client.refresh(1, jar=jar), client.refresh(0, jar=jar)
    check_equal((first.given(ACCESS), first.given(REFRESH)), (second.given(ACCESS), second.given(REFRESH)), "tokens")
    passes(client, 1, 0)


def uses(site, client, after):
    """Of both nodes, so many seconds after each other: how often the last use was noted, and when last."""
    session = claims(client.jar[ACCESS])
    key = f"dw:seen:{{{session['sub']}}}:{session['sid']}"
    noted = [int(site.redis("HGET", key, "at"))]
    for seconds in after:
        site.move(seconds)
        passes(client)
        noted.append(int(site.redis("HGET", key, "at")))
    return len(set(noted)) - 1, site.now() - noted[-1]


@case(settings=("session.access_lifetime=8h",))
def a_use_is_noted_once_for_both_nodes_and_a_minute_later_again(site):
    """Once in 45 to 60 seconds, whichever node comes first."""
    client = Client(site).signed_in("alice")
    times, ago = uses(site, client, [20] * 18)
    check_equal((5 <= times <= 8, ago <= 70), (True, True), f"noted {times} times in 360 s, last {ago:.0f} s ago")


@case(settings=("session.access_lifetime=8h", "session.seen_every=20m"))
def a_use_is_noted_as_often_as_the_setting_says(site):
    client = Client(site).signed_in("alice")
    check_equal(uses(site, client, [240] * 3)[0], 0, "noted within a quarter of an hour")
    times, ago = uses(site, client, [240] * 27)
    check_equal((5 <= times <= 8, ago <= 1300), (True, True), f"noted {times} times in 2 h, last {ago:.0f} s ago")


if __name__ == "__main__":
    nodes.main(CASES)
