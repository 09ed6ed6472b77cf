"""www/doorward.js in pages of an application: an expired token is renewed once, for all tabs."""

import os
import time

import chromium
from chromium import PAGE, ROOT, Stranger, test
from harness import HEARTBEATS, check_equal, check_in, wait_until

QUARTER = 16 * 60  # seconds: an access token is older then than it lives
FETCH = "const r = await doorward.fetch(given[0] || '/private/1k.txt'); return [r.status, (await r.text()).length]"
# Starts 20 requests; their statuses will be in self.statuses.
START_TWENTY = """self.statuses = null;
Promise.all(Array.from({ length: 20 }, (_, i) => doorward.fetch('/private/1k.txt?' + i).then((r) => r.status, String)))
  .then((all) => { self.statuses = all; })"""
COUNT_EVENTS = "self.signedOut = 0; addEventListener('doorward:signed-out', () => { self.signedOut++; })"


def rotations(window):
    return len(window.site.audit("refresh.ok"))


def requests(window):
    """Since the last look, without the questions how long the session lasts."""
    return [request for request in window.requests() if request[1] != "/auth/session"]


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
    check_equal(requests(window), [("GET", "/private/1k.txt"), ("POST", "/auth/refresh"), ("GET", "/private/1k.txt")])
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
    check_equal(requests(window), [("GET", "/private/1k.txt"), ("POST", "/auth/refresh")])
    for tab in tabs:
        window.switch(tab)
        wait_until(lambda: window.script("return self.signedOut"), 5, "no event")


@test
def the_end_of_the_session_before_the_token_has_expired_is_told_as_well(window):
    window.sign_in("alice")
    window.script(COUNT_EVENTS)
    window.site.ctl("session", "end", "--user", "alice")
    time.sleep(HEARTBEATS)
    check_equal(window.run(FETCH)[0], 401)
    wait_until(lambda: window.script("return self.signedOut"), 5, "no event")


@test
def a_renewal_that_changes_nothing_is_tried_once(window):
    window.sign_in("alice")
    check_equal(window.run("""let calls = []; const real = fetch;
        self.fetch = (...given) => { if (!String(given[0]).endsWith('/session')) calls.push(given[0]); return String(given[0]).endsWith('/refresh') ?
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
    check_equal(requests(window), [])
    stranger.close()


@test
def an_applications_own_401_signs_nobody_out(window):
    window.sign_in("alice")
    window.script(COUNT_EVENTS)
    check_equal(window.run("""const real = fetch;
        self.fetch = (url, ...rest) => String(url).endsWith('/session') ? real(url, ...rest) :
            Promise.resolve(Object.defineProperty(Response.json({ error: 'no such thing' }, { status: 401 }), 'type', { value: 'basic' }));
        try { const r = await doorward.fetch('/');
              await new Promise((done) => setTimeout(done, 300));
              return [r.status, (await r.json()).error]; } finally { self.fetch = real; }"""), [401, "no such thing"])
    check_equal(window.script("return self.signedOut"), 0)


def let_it_end_in(window, seconds):
    for key in window.site.redis("keys", "dw:session:*").split():
        window.site.redis("expire", key, str(seconds))


COUNT_DOWN = "self.left = []; addEventListener('doorward:idle', (e) => { self.left.push(e.detail); })"


@test
def before_the_session_ends_unused_the_seconds_are_counted_down(window):
    window.sign_in("alice")
    let_it_end_in(window, 6)
    window.open(PAGE)
    window.script(COUNT_DOWN)
    wait_until(lambda: 0 in window.script("return self.left"), 10, "no end of the countdown")
    left = window.script("return self.left")
    assert left == sorted(left, reverse=True) and len(left) >= 3 and left[0] <= 6, left
    wait_until(lambda: window.run(FETCH)[0] == 401, 3, "the session goes on")


@test
def a_renewal_stops_the_countdown(window):
    window.sign_in("alice")
    let_it_end_in(window, 30)
    window.open(PAGE)
    window.script(COUNT_DOWN)
    wait_until(lambda: window.script("return self.left.length"), 5, "no countdown")
    check_equal(window.run("return doorward.refresh()"), True)
    wait_until(lambda: window.script("return self.left.at(-1) > 3600"), 5, "the countdown goes on")
    count = window.script("return self.left.length")
    window.run("await new Promise((done) => setTimeout(done, 1500))")
    check_equal(window.script("return self.left.length"), count)


@test
def asking_how_long_it_lasts_does_not_prolong_it(window):
    window.sign_in("alice")
    let_it_end_in(window, 30)
    window.open(PAGE)
    window.script(COUNT_DOWN)
    wait_until(lambda: len(window.script("return self.left")) >= 2, 6, "no countdown")
    ttl = [int(window.site.redis("ttl", key)) for key in window.site.redis("keys", "dw:session:*").split()]
    assert ttl and max(ttl) <= 30, ttl


@test
def a_sign_out_by_the_page_in_another_tab_is_seen_when_a_tab_is_looked_at(window):
    first, second = open_tabs(window, 2)
    window.switch(first)
    window.script(COUNT_EVENTS)
    window.switch(second)
    window.command("Page.bringToFront")
    window.open("/auth/logout")
    window.click("Sign out")
    window.switch(first)
    window.command("Page.bringToFront")
    wait_until(lambda: window.script("return self.signedOut"), 5, "no event")


@test
def signing_in_again_in_a_pop_up_keeps_a_half_filled_form(window):
    window.sign_in("alice")
    window.script("""document.body.insertAdjacentHTML('beforeend', '<form><textarea id=draft></textarea></form><button id=again>Again</button>');
        document.querySelector('#again').onclick = () => { doorward.signIn(); };
        self.signedIn = 0; addEventListener('doorward:signed-in', () => { self.signedIn++; });""")
    window.find("#draft").send_keys("half a letter")
    window.site.ctl("session", "end", "--user", "alice")
    time.sleep(HEARTBEATS)
    check_equal(window.run(FETCH)[0], 401)
    first = window.tab
    window.find("#again").click()
    wait_until(lambda: len(window.driver.window_handles) == 2, 5, "no pop-up")
    window.switch([tab for tab in window.driver.window_handles if tab != first][0])
    wait_until(lambda: window.has("#username"), 5, "no form")
    window.check_form()
    window.fill_in("alice")
    window.find("form button").click()
    wait_until(lambda: len(window.driver.window_handles) == 1, 5, "the pop-up does not close")
    window.driver.switch_to.window(first)
    wait_until(lambda: window.script("return self.signedIn"), 5, "no event")
    check_equal(window.find("#draft").get_property("value"), "half a letter")
    check_equal(window.run(FETCH), [200, 1024])


@test
def the_end_of_a_pop_up_is_for_who_is_signed_in(window):
    window.open("/auth/signed-in")
    window.check_form()
    check_in("next=/auth/signed-in", window.driver.current_url)


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
