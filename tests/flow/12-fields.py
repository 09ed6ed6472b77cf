"""Fields of the user's record, named in [users] extra_fields, for the application behind each web server."""

import harness
from harness import Browser, check_equal, check_not_in, test, uid_of, wait_for
from reloading import settings

KEY = f"dw:user:{{{uid_of('kim')}}}"

# nginx hands over what its configuration names.
NAMED = r"""/# auth_request_set $doorward_mail /{s/# //;p;s/mail/cost_centre/g}
/# fastcgi_param AUTH_MAIL /{s/# //;p;s/MAIL/COST_CENTRE/;s/mail/cost_centre/}"""


def told(browser, headers=()):
    return browser.navigate("/private/whoami", headers=headers).environment()


@test
def extra_fields_reach_the_application_as_they_are_now(site):
    site.ctl("user", "add", "kim", stdin=harness.PASSWORD + "\n")
    browser = Browser(site).signed_in("kim")
    site.redis("hset", KEY, "mail", "kim@example.org", "phone", "12")
    check_not_in("AUTH_MAIL", told(browser))
    with settings(site, "users.extra_fields=mail, cost_centre"):
        names = told(browser)
        check_equal([names.get(n) for n in ("AUTH_MAIL", "AUTH_COST_CENTRE", "AUTH_PHONE")],
                    ["kim@example.org", None, None])
        site.redis("hset", KEY, "mail", "k@example.com", "cost_centre", "Köln, 7%")
        wait_for(lambda: [told(browser).get(n) for n in ("AUTH_MAIL", "AUTH_COST_CENTRE")],
                 ["k@example.com", "K%C3%B6ln, 7%25"])


@test
def what_the_record_does_not_say_no_header_says_either(site):
    browser = Browser(site).signed_in("kim")
    with settings(site, "users.extra_fields=mail"):
        site.redis("hdel", KEY, "mail")
        names = told(browser, {"AUTH-MAIL": "boss", "Auth_Mail": "boss", "Variable-AUTH_MAIL": "boss"})
        check_not_in("AUTH_MAIL", names)
        check_equal(names.get("AUTH_USER"), "kim")


harness.main(servers=("apache", "lighttpd", "nginx"), edit=NAMED)
