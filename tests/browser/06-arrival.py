"""Links from other sites: who is signed in arrives signed in, although all cookies are SameSite=Strict."""

import http.client

import chromium
import reloading
from chromium import PAGE, Stranger, test
from harness import ACCESS, check_equal, check_in, check_not_in, wait_until

DEEP = "/private/whoami?a=1&b=%2F+2#part-2"
NAVIGATION = "AUTH_NAVIGATION=cross-site"


def once(function):
    """A test of what is the same behind every web server."""
    def run(window):
        if window.site.server == "lighttpd":
            function(window)
    run.__name__ = function.__name__
    return test(run)


def arrive(window, body, at, links=True):
    """A page of another site with this body (a path of ours: a script that goes there); waits until `at` is shown."""
    if body.startswith("/"):
        body = f'<a href="{window.site.url}{body}">a link</a>' + "<script>document.links[0].click()</script>" * links
    stranger = Stranger({"/": body})
    window.requests()
    window.open(stranger.url)
    if not links:
        window.find("a").click()
    wait_until(lambda: window.address.split("?")[0].split("#")[0] == at and not window.title.startswith("Stranger") and
               window.script("return document.readyState === 'complete' && !document.scripts.length || "
                             "document.title === 'Private page'"), 10, f"not at {at}")
    return stranger


def paths(window):
    """Of the requests for pages since the last look."""
    return [path for method, path in window.requests() if not path.endswith((".js", "/session"))]


@test
def a_link_lands_signed_in_with_query_and_fragment(window):
    window.sign_in("bob")
    arrive(window, DEEP, "/private/whoami").close()
    check_equal(window.address, DEEP)
    check_in("AUTH_USER=bob", window.text)
    check_in(NAVIGATION, window.text)
    check_equal(paths(window), ["/private/whoami"] * 2)


@once
def a_click_leaves_one_step_back_and_what_follows_is_not_called_cross_site(window):
    window.sign_in("bob")
    stranger = arrive(window, PAGE, PAGE, links=False)
    window.back()
    check_equal(window.address, stranger.url + "/")
    window.driver.forward()
    stranger.close()
    wait_until(lambda: window.title == "Private page", 10, "not forward")
    window.click("what a program is told about you")
    check_in("AUTH_USER=bob", window.text)
    check_not_in(NAVIGATION, window.text)
    said = window.run("return (await fetch('/app/x')).json()")
    check_not_in("authnavigation", [name.lower() for name, _ in said["headers"]])


@test
def a_proxied_application_is_told_and_nobody_can_say_it_for_doorward(window):
    window.sign_in("bob")
    arrive(window, "/app/x?y=1", "/app/x").close()
    check_in('["authnavigation", "cross-site"]', window.text.lower())  # Caddy writes Authnavigation
    cookie = f"{ACCESS}={window.cookie_value(ACCESS)}"
    connection = http.client.HTTPSConnection("localhost", window.site.port, context=window.site.tls)
    for name in ("AuthNavigation", "authnavigation", "Auth-Navigation", "Auth_Navigation", "AUTH_NAVIGATION"):
        for path in ("/private/whoami", "/app/x"):
            connection.request("GET", path, headers={"Cookie": cookie, name: "planted"})
            answer = connection.getresponse()
            text = answer.read().decode()
            # A server may also refuse a header with "_" altogether.
            assert answer.status == 400 or "bob" in text, (name, path, answer.status)
            check_not_in("planted", text, f"{name} {path}")
    connection.close()


@test
def an_expired_access_token_is_renewed_on_the_way(window):
    window.sign_in("bob")
    window.delete_cookie(ACCESS)
    arrive(window, DEEP, "/private/whoami").close()
    check_equal(window.address, DEEP)
    check_in("AUTH_USER=bob", window.text)
    check_in(NAVIGATION, window.text)
    check_equal(paths(window), ["/private/whoami", "/private/whoami", "/auth/refresh", "/private/whoami"])


@test
def a_post_is_never_repeated(window):
    window.sign_in("bob")
    form = f'<form method=post action="{window.site.url}/private/whoami?a=1"><input name=x></form>' \
        "<script>document.forms[0].submit()</script>"
    arrive(window, form, "/auth/login").close()
    window.check_form()
    check_equal(paths(window), ["/private/whoami", "/auth/refresh", "/auth/login"])
    check_equal([name for name in window.cookies() if name.endswith("-arrival")], [])


@once
def a_frame_gets_nothing_of_it(window):
    window.sign_in("bob")
    stranger = Stranger({"/": f'<iframe src="{window.site.url}/private/whoami"></iframe>'})
    window.requests()
    window.open(stranger.url)
    wait_until(lambda: "/auth/login" in paths_so_far(window), 5, "the frame asked for nothing")
    check_equal(window.seen, ["/private/whoami", "/auth/refresh", "/auth/login"])
    check_equal([name for name in window.cookies() if name.endswith("-arrival")], [])
    stranger.close()
    window.gather()
    # A refused frame is an error in the console, by the browser's own wish.
    window.complaints = [line for line in window.complaints if "frame" not in line]


def paths_so_far(window):
    window.seen = getattr(window, "seen", []) + paths(window)
    return window.seen


@once
def who_is_not_signed_in_is_sent_round_once_and_gets_the_form(window):
    arrive(window, PAGE + "#part-2", "/auth/login").close()
    window.check_form()
    check_equal(paths(window), ["/private/", "/private/", "/auth/refresh", "/auth/login"])
    window.submit("bob")
    check_equal((window.title, window.address), ("Private page", PAGE + "#part-2"))


@once
def our_own_pages_are_arrived_at_as_well(window):
    window.sign_in("bob")
    arrive(window, "/auth/sessions", "/auth/sessions").close()
    check_equal(window.title, "Your sessions · Doorward")
    arrive(window, "/auth/logout", "/auth/logout").close()
    check_equal(window.has("form"), True)


@once
def without_scripts_it_works_and_only_the_fragment_is_lost(window):
    window.sign_in("bob")
    stranger = Stranger({"/": f'<meta http-equiv=refresh content="0;url={window.site.url}{DEEP}">'})
    window.command("Emulation.setScriptExecutionDisabled", value=True)
    window.open(stranger.url)
    wait_until(lambda: "AUTH_USER=bob" in window.driver.page_source, 10, "not arrived")
    check_equal(window.address, DEEP.split("#")[0])
    check_in(NAVIGATION, window.text)
    stranger.close()


@once
def a_path_that_is_left_out_shows_the_form(window):
    window.sign_in("alice")
    arrive(window, "/admin/", "/auth/login").close()
    window.check_form()
    check_equal(paths(window), ["/admin/", "/auth/refresh", "/auth/login"])


@once
def switched_off_a_link_shows_the_form(window):
    window.sign_in("bob")
    with reloading.settings(window.site, "arrival.page=off"):
        arrive(window, PAGE, "/auth/login").close()
    arrive(window, PAGE, PAGE).close()


chromium.main(("lighttpd", "apache", "nginx", "apache-fcgid", "caddy"),
              settings=["arrival.paths=/private/*, /app/*, /auth/*"])
