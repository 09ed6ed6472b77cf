"""www/doorward.js in pages of an application: an expired token is renewed once, for all tabs."""

import os

import chromium
from chromium import PAGE, ROOT, Stranger, test
from harness import check_equal, check_in, wait_until

QUARTER = 16 * 60  # seconds: an access token is older then than it lives
FETCH = "const r = await doorward.fetch(given[0] || '/private/1k.txt'); return [r.status, (await r.text()).length]"
# Starts 20 requests; their statuses will be in self.statuses.
START_TWENTY = """self.statuses = null;
Promise.all(Array.from({ length: 20 }, (_, i) => doorward.fetch('/private/1k.txt?' + i).then((r) => r.status, String)))
  .then((all) => { self.statuses = all; })"""
COUNT_EVENTS = "self.signedOut = 0; addEventListener('doorward:signed-out', () => { self.signedOut++; })"


def rotations(window):
    return len(window.site.audit("refresh.ok"))


def statuses(window):
    wait_until(lambda: window.script("return self.statuses"), 20, "the requests were not answered")
    return set(window.script("return self.statuses"))


def open_tabs(window, count):
    window.sign_in("alice")
    return [window.tab] + [window.new_tab(PAGE) for _ in range(count - 1)]


@test
def it_is_small(window):
    assert os.path.getsize(f"{ROOT}/www/doorward.js") < 3072


@test
def a_request_after_the_token_has_expired_is_repeated_after_one_renewal(window):
    window.sign_in("alice")
    check_equal(window.run(FETCH), [200, 1024])
    window.site.shift_clock(QUARTER)
    before = rotations(window)
    window.requests()
    check_equal(window.run(FETCH), [200, 1024])
    check_equal(window.requests(), [("GET", "/private/1k.txt"), ("POST", "/auth/refresh"), ("GET", "/private/1k.txt")])
    check_equal(rotations(window) - before, 1)


@test
def a_request_with_a_body_is_repeated_whole(window):
    window.sign_in("alice")
    window.site.shift_clock(QUARTER)
    said = window.run("""const body = new Blob(['x'.repeat(100000)]);
        const r = await doorward.fetch(new Request('/app/save', { method: 'PUT', body, headers: { 'X-Mark': 'kept' } }));
        return r.json()""")
    check_equal((said["method"], said["body_length"]), ("PUT", 100000))
    check_in(["X-Mark", "kept"], said["headers"])


@test
def twenty_requests_of_one_page_renew_once(window):
    window.sign_in("alice")
    window.site.shift_clock(QUARTER)
    before = rotations(window)
    window.script(START_TWENTY)
    check_equal(statuses(window), {200})
    check_equal(rotations(window) - before, 1)


@test
def a_hundred_requests_of_five_tabs_renew_once(window):
    tabs = open_tabs(window, 5)
    window.site.shift_clock(QUARTER)
    before = rotations(window)
    for tab in tabs:
        window.switch(tab)
        window.script(START_TWENTY)
    for tab in tabs:
        window.switch(tab)
        check_equal(statuses(window), {200})
    check_equal(rotations(window) - before, 1)


@test
def five_tabs_that_begin_at_the_same_moment_renew_once(window):
    tabs = open_tabs(window, 5)
    for tab in tabs:
        window.switch(tab)
        window.script("new BroadcastChannel('begin').onmessage = () => {" + START_TWENTY + "}")
    window.site.shift_clock(QUARTER)
    before = rotations(window)
    window.script("new BroadcastChannel('begin').postMessage(1);" + START_TWENTY)
    for tab in tabs:
        window.switch(tab)
        check_equal(statuses(window), {200})
    check_equal(rotations(window) - before, 1)


@test
def without_web_locks_all_requests_still_succeed(window):
    window.sign_in("alice")
    window.script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    window.site.shift_clock(QUARTER)
    window.script(START_TWENTY)
    check_equal(statuses(window), {200})
    check_equal(window.run(FETCH), [200, 1024])


@test
def signing_out_in_one_tab_is_seen_by_the_others(window):
    tabs = open_tabs(window, 3)
    for tab in tabs:
        window.switch(tab)
        window.script(COUNT_EVENTS)
    window.run("await doorward.signOut()")
    check_equal(window.cookies(), {})
    for tab in tabs:
        window.switch(tab)
        wait_until(lambda: window.script("return self.signedOut"), 5, "no event")
        check_equal(window.script("return self.signedOut"), 1)
    check_equal(window.run(FETCH)[0], 401)
    window.open(PAGE)
    window.check_form()


@test
def the_end_of_the_session_is_told_to_all_tabs(window):
    tabs = open_tabs(window, 2)
    for tab in tabs:
        window.switch(tab)
        window.script(COUNT_EVENTS)
    window.site.ctl("session", "end", "--user", "alice")
    window.site.shift_clock(QUARTER)
    window.requests()
    check_equal(window.run(FETCH)[0], 401)
    check_equal(window.requests(), [("GET", "/private/1k.txt"), ("POST", "/auth/refresh")])
    for tab in tabs:
        window.switch(tab)
        wait_until(lambda: window.script("return self.signedOut"), 5, "no event")


@test
def the_end_of_the_session_before_the_token_has_expired_is_told_as_well(window):
    window.sign_in("alice")
    window.script(COUNT_EVENTS)
    window.site.ctl("session", "end", "--user", "alice")
    check_equal(window.run(FETCH)[0], 401)
    wait_until(lambda: window.script("return self.signedOut"), 5, "no event")


@test
def a_renewal_that_changes_nothing_is_tried_once(window):
    window.sign_in("alice")
    check_equal(window.run("""let calls = []; const real = fetch;
        self.fetch = (...given) => { calls.push(given[0]); return String(given[0]).endsWith('/refresh') ?
            real(...given) : Promise.resolve(Object.defineProperty(Response.json({ error: 'expired', refresh: '/auth/refresh' },
            { status: 401 }), 'type', { value: 'basic' })); };
        const r = await doorward.fetch('/private/1k.txt');
        return [r.status, calls.length]"""), [401, 3])


@test
def a_refusal_that_is_not_ours_is_handed_on(window):
    stranger = Stranger({"/api": (401, {"Access-Control-Allow-Origin": window.site.url, "Content-Type": "application/json"},
                                  '{"error": "expired", "refresh": "/auth/refresh"}')})
    window.sign_in("alice")
    window.requests()
    check_equal(window.run(FETCH, stranger.url + "/api")[0], 401)
    for body in ("null", "", "{}", '"text"', "<p>"):
        check_equal(window.run("""const real = fetch;
            self.fetch = async () =>
                Object.defineProperty(new Response(given[0], { status: 401 }), 'type', { value: 'basic' });
            try { return (await doorward.fetch('/')).status } finally { self.fetch = real; }""", body), 401, body)
    check_equal(window.requests(), [])
    stranger.close()


@test
def when_the_store_cannot_say_nobody_is_signed_out(window):
    window.sign_in("alice")
    window.script(COUNT_EVENTS)
    before = window.cookies()
    window.site.stop("redis")
    check_equal(window.run("return fetch('/auth/refresh', { method: 'POST' }).then((r) => r.status)"), 503)
    check_equal(window.run("return doorward.refresh().then(() => 'done', (e) => e.message)"), "doorward: 503")
    check_equal(window.run("return doorward.signOut().then(() => 'done', (e) => e.message)"), "doorward: 503")
    check_equal(window.cookies(), before)
    check_equal(window.script("return self.signedOut"), 0)
    window.site.go_on("redis")
    wait_until(lambda: window.run(FETCH) == [200, 1024], 5, "Redis is back, the page is not")


@test
def a_script_without_it_can_do_the_same_by_itself(window):
    window.sign_in("alice", "/private/whoami")
    window.site.shift_clock(QUARTER)
    check_equal(window.run("""const first = await fetch('/private/1k.txt');
        const said = await first.json();
        const renewed = await fetch(said.refresh, { method: 'POST' });
        const again = await fetch('/private/1k.txt');
        return [first.status, said.error, renewed.status, (await renewed.json()).expires_in, again.status]"""),
                [401, "expired", 200, 900, 200])


@test
def the_tokens_of_one_tab_serve_the_navigation_of_another(window):
    first, second = open_tabs(window, 2)
    window.site.shift_clock(QUARTER)
    check_equal(window.run(FETCH), [200, 1024])
    window.switch(first)
    before = rotations(window)
    window.open(PAGE)
    check_equal((window.title, rotations(window) - before), ("Private page", 0))


chromium.main()
