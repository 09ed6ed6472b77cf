"""doorwardctl doctor: nothing to say of the example configurations as they are, and the right thing of
each of many ways to break them.

A broken variant is the demo's own configuration with a mistake in it, run by a web server of its own
beside the demo's."""

import json
import os
import re
import shutil
import socket
import subprocess
import time

import harness
from harness import FLOW, check_equal, check_in, check_not_in, test, wait_until

PROGRAM = {"apache": "/usr/sbin/apache2", "apache-fcgid": "/usr/sbin/apache2", "lighttpd": "/usr/sbin/lighttpd",
           "nginx": "/usr/sbin/nginx", "caddy": "/usr/bin/caddy"}


def doctor(site, *arguments, url=None, conf=None, user="alice", echo="/private/whoami", http_port=None, status=None, cacert=True):
    """The report and the exit status."""
    command = [site.control, "-c", conf or f"{site.state}/doorward.conf", "--json", "doctor",
               "--http-port", str(http_port or site.ports["http_port"])]
    command += ["--cacert", f"{site.state}/cert.pem"] if cacert else []
    command += ["--user", user] if user else []
    command += ["--echo", echo] if echo else []
    done = subprocess.run([*command, *arguments, url or site.url], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("{"), f"exit status {done.returncode}: {done.stdout}{done.stderr}"
    report = json.loads(done.stdout)
    if status is not None:
        check_equal(done.returncode, status)
    return report


def one_page(site, *arguments, **options):
    """The same where the pages are not what matters."""
    return doctor(site, "--path", "/private/", *arguments, **options)


def codes(report):
    return {finding["code"] for finding in report["findings"]}


def check_codes(report, *expected, what=""):
    if codes(report) != set(expected):
        raise AssertionError(f"{what}: found {json.dumps(report['findings'], indent=1)}, expected {expected}")
    for finding in report["findings"]:
        assert finding["fix"] and finding["finding"] and finding["severity"] in ("fail", "warn"), finding
    check_equal(report["safe"], not expected, what)


class Variant:
    """The demo's web server once more, on other ports, with a mistake in its configuration."""

    count = 0

    def __init__(self, site, edit):
        Variant.count += 1
        self.folder = f"{site.state}/v{Variant.count}"
        self.port, self.http_port = harness.free_port(), harness.free_port()
        os.makedirs(f"{self.folder}/run")
        self.write(site, "site.conf", edit)
        if site.server == "caddy":
            command = [PROGRAM["caddy"], "run", "--adapter", "caddyfile", "--config", f"{self.folder}/site.conf"]
        else:
            self.write(site, "web.conf", replaced(f"{site.state}/site.conf", f"{self.folder}/site.conf"))
            command = [PROGRAM[site.server], "-f" if site.server != "nginx" else "-c", f"{self.folder}/web.conf"]
            command += {"lighttpd": ["-D"], "nginx": ["-e", f"{site.state}/log/error.log"]}.get(site.server, ["-D", "FOREGROUND"])
        self.log = open(f"{self.folder}/log", "w+")
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, env=dict(os.environ, HOME=self.folder))
        self.url = f"https://localhost:{self.port}"

    def wait(self):
        wait_until(self.answers, 10, "the variant does not start")

    def write(self, site, name, edit):
        with open(f"{site.state}/{name}") as f:
            text = f.read()
        changed = edit(text)
        assert changed != text, "the mistake is not in the configuration"
        for old, new in ((f"{site.state}/run", f"{self.folder}/run"), (str(site.port), str(self.port)),
                         (site.ports["http_port"], str(self.http_port))):
            changed = changed.replace(old, new)
        with open(f"{self.folder}/{name}", "w") as f:
            f.write(changed)

    def answers(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError("the variant did not start: " + self.log.read()[-1000:])
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def replaced(old, new="", count=-1):
    return lambda text: text.replace(old, new, count)


def without(pattern):
    """Without the lines that hold it."""
    return lambda text: re.sub(rf"^.*{pattern}.*\n", "", text, flags=re.M)


def both(*edits):
    def edit(text):
        for one in edits:
            text = one(text)
        return text
    return edit


def in_server(line):
    """A further line in the https server."""
    return lambda text: re.sub(r"(SSLEngine on\n|absolute_redirect off;\n)", rf"\1{line}\n", text, count=1)


# For each server: what is broken, how, what is found, and more options.
APACHE_PRIVATE = re.compile(r'(<Directory "[^"]*/private">\n)(.*?)(</Directory>)', re.S)
VARIANTS = {
    "apache": [
        ("no Require in one folder", lambda t: APACHE_PRIVATE.sub(lambda m: m.group(0).replace("Require Doorward\n", ""), t, 1),
         ["unprotected"]),
        ("Require all granted beside it", replaced("\t\tRequire Doorward\n", "\t\tRequire Doorward\n\t\tRequire all granted\n"),
         ["unprotected"]),
        ("the protection is for two methods", replaced("\t\tRequire Doorward\n", "\t\t<Limit GET POST>\n\t\tRequire Doorward\n\t\t</Limit>\n"),
         ["method"]),
        ("a pattern in place of the folder",
         lambda t: APACHE_PRIVATE.sub(lambda m: '<LocationMatch "^/private/$">\n' + m.group(2) + "</LocationMatch>", t, 1),
         ["path_trick", "missing_pages", "cacheable"], dict(echo=None)),
        ("no error documents", without("ErrorDocument"), ["no_redirect", "no_json"]),
        ("TRACE is on", replaced("TraceEnable off", "TraceEnable on"), ["trace"]),
        ("no HSTS", without("Strict-Transport-Security"), ["hsts"]),
        ("HSTS for a day", replaced("max-age=31536000", "max-age=86400"), ["hsts"]),
        ("a forged header for programs", without("RequestHeader unset X-Remote-User"), ["identity_forged"]),
        ("a forged twin for an application", without("RequestHeader unset X_Remote_User"), ["identity_forged"], dict(echo="/app/")),
        ("Connection takes the identity away", without(r"RequestHeader edit\* Connection"), ["identity_removed"], dict(echo="/app/")),
        ("no Secure", in_server('Header always edit* Set-Cookie "; Secure" ""\nHeader edit* Set-Cookie "; Secure" ""'), ["cookie_insecure"]),
        ("no HttpOnly", in_server('Header always edit* Set-Cookie "; HttpOnly" ""\nHeader edit* Set-Cookie "; HttpOnly" ""'),
         ["cookie_readable"]),
        ("SameSite=None", in_server('Header always edit* Set-Cookie "SameSite=Strict" "SameSite=None"\n'
                                    'Header edit* Set-Cookie "SameSite=Strict" "SameSite=None"'), ["cookie_same_site"]),
        ("a Domain", in_server('Header edit Set-Cookie "$" "; Domain=localhost"\nHeader always edit Set-Cookie "$" "; Domain=localhost"'),
         ["cookie_scope"]),
        ("no Set-Cookie", in_server("Header unset Set-Cookie\nHeader always unset Set-Cookie"), ["cookie_missing"]),
        ("everything may be cached", in_server('Header set Cache-Control "public, max-age=600"'), ["cacheable"]),
        ("plain http is served", replaced('\tRedirect permanent "/" "${DOORWARD_URL}/"', '\tDocumentRoot "${DOORWARD_SITE}"\n'
                                          '\t<Location "/">\n\tRequire all granted\n\t</Location>'), ["plain_http"]),
    ],
    "apache-fcgid": [
        ("variables reach the browser", without("unset Variable-AUTH_USER"), ["identity_leak"]),
        ("no access checker", both(without(r"FcgidAccessChecker\b"), without("Require expr")), ["unprotected"]),
        ("refresh is not handed on", replaced("login|logout|refresh|", "login|logout|"), ["session_refused"]),
    ],
    "lighttpd": [
        ("check-local", replaced('"mode" => "authorizer", "check-local" => "disable"', '"mode" => "authorizer"'), ["unprotected", "missing_pages"]),
        ("mod_proxy comes first", both(without('"mod_proxy",'), replaced('  "mod_redirect",\n', '  "mod_redirect",\n  "mod_proxy",\n')),
         ["unprotected"]),
        ("a pattern in place of the folder", lambda t: re.sub(r'^  "/private" => (.*\n.*)\)\),\n', "", t, flags=re.M) + (
            '\n$HTTP["url"] =~ "^/private/(index.html)?$" {\n  fastcgi.server = ( "" => (( "socket" => var.authorizer_socket, '
            '"mode" => "authorizer", "check-local" => "disable" )) )\n}\n'), ["missing_pages"], dict(echo=None)),
        ("nothing strips headers", without("magnet.attract-raw-url-to"), ["identity_forged"]),
        ("the application is told nothing", without("magnet.attract-raw-url-to"), ["identity_forged", "identity_missing"],
         dict(echo="/app/")),
        ("nothing marks protected pages", without("magnet.attract-response-start-to"), ["cacheable"]),
        ("no HSTS", without("Strict-Transport-Security"), ["hsts"]),
        ("plain http is served", without("url.redirect = "), ["plain_http"]),
        ("pages elsewhere", replaced('"/auth/" => ((', '"/login/" => (('), ["pages_missing"]),
    ],
    "nginx": [
        ("no auth_request and no gate", both(without("auth_request /"), replaced("${doorward_gate}")), ["unprotected"]),
        ("a pattern takes the address over", both(replaced("location ^~ /private {", "location /private {"), replaced(
            "\tlocation ^~ /admin {", "\tlocation ~ \\.html$ {\n\t\troot SITE;\n\t}\n\tlocation ^~ /admin {")), ["path_trick"]),
        ("a slash at the end", both(replaced("location ^~ /private {", "location ^~ /private/ {"), replaced(
            "\t\tindex index.html;", "\t\ttry_files $uri $uri/index.html =404;")), ["path_trick"]),
        ("OPTIONS is answered at once", replaced("\t\tauth_request /", "\t\tif ($request_method = OPTIONS) { return 204; }\n\t\tauth_request /"),
         ["method"]),
        ("a header chooses", replaced("\t\tauth_request /", '\t\tif ($http_x_forwarded_for = "127.0.0.1") { return 200 "inside"; }\n'
                                      "\t\tauth_request /"), ["request_header"]),
        ("no error_page", without("error_page 401 ="), ["no_redirect", "no_json"]),
        ("no HSTS", without("Strict-Transport-Security"), ["hsts"]),
        ("add_header in a location", replaced("\t\tauth_request /", '\t\tadd_header Cache-Control "private" always;\n\t\tauth_request /'),
         ["hsts"]),
        ("no Cache-Control", without(r"add_header Cache-Control \$doorward_cache"), ["cacheable"]),
        ("a forged header for programs", without("fastcgi_param HTTP_X_REMOTE_USER"), ["identity_forged"]),
        ("underscores in headers", replaced("underscores_in_headers off", "underscores_in_headers on"), ["identity_forged"],
         dict(echo="/app/")),
        ("a parameter of its own", replaced("\t\t\tfastcgi_pass ${doorward_gate}cgi;", "\t\t\tfastcgi_param REMOTE_USER \"\";\n\t\t\tfastcgi_param "
                                            "SCRIPT_FILENAME $document_root$uri;\n\t\t\tfastcgi_param REQUEST_METHOD GET;\n"
                                            "\t\t\tfastcgi_pass ${doorward_gate}cgi;"), ["identity_missing", "identity_forged"]),
        ("the user in the answer", in_server("add_header X-Auth-User $doorward_user always;"), ["identity_leak"]),
        ("plain http is served", replaced("return 301 https://", "root SITE; #"), ["plain_http"]),
        ("the pages are nowhere", replaced("location ^~ /auth/ {", "location ^~ /login/ {"), ["pages_missing"]),
        ("Doorward does not answer", replaced("/responder.sock", "/nobody.sock"),
         ["doorward_down", "refusal_broken"]),
        ("the check fails", replaced("/authorizer.sock", "/nobody.sock"), ["refusal_broken"]),
    ],
    "caddy": [
        ("no route, so that it sorts", replaced("\troute {\n", "\thandle {\n"), ["unprotected"]),
        ("a page in place of the folder", replaced("@protected path /private*", "@protected path /private/"),
         ["path_trick", "missing_pages"], dict(echo=None)),
        ("no HSTS", without("Strict-Transport-Security"), ["hsts"]),
        ("nothing strips headers", without("import doorward_gone$"), ["identity_forged"]),
        ("plain http is served", replaced("\tredir https://", "\troot * SITE;\n\tfile_server #"), ["plain_http"]),
    ],
}


@test
def of_the_example_as_it_is_nothing_is_said(site):
    for echo in ("/private/whoami", "/app/"):
        check_codes(doctor(site, echo=echo, status=0), what=echo)
    report = doctor(site, user=None, echo=None, url=f"{site.url}/private/", status=0)
    check_codes(report)
    check_in("--user", " ".join(report["not_looked_at"]))


@test
def every_mistake_is_named(site):
    wrong, variants = [], []
    for name, edit, expected, *options in VARIANTS[site.server]:
        try:
            variant = Variant(site, both(edit, replaced("SITE;", f"{site.state}/site" + (";" if site.server == "nginx" else ""))))
            variants.append(variant)
            variant.wait()
            report = doctor(site, url=variant.url, http_port=variant.http_port, status=1, **(options[0] if options else {}))
            check_codes(report, *expected, what=name)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
        # Apache takes a while to end; the next need not wait for it.
        variants[-1].process.terminate()
    for variant in variants:
        variant.close()
    assert not wrong, "\n".join(wrong)


def changed_settings(site, **settings):
    """A settings file of its own: "section_name" in place of "section.name"."""
    with open(f"{site.state}/doorward.conf") as f:
        text = f.read()
    for key, value in settings.items():
        section, _, name = key.partition("_")
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.M)
        if f"[{section}]" not in text:
            text += f"[{section}]\n"
        text = text.replace(f"[{section}]\n", f"[{section}]\n{name} = {value}\n")
    with open(f"{site.state}/changed.conf", "w") as f:
        f.write(text)
    return f.name


@test
def what_redis_does_wrong_is_named(site):
    if site.server != "nginx":
        return
    port = str(harness.free_port())
    for change, back, code in (
            (("maxmemory-policy", "allkeys-lru"), ("maxmemory-policy", "noeviction"), "redis_evicts"),
            (("appendonly", "no"), ("appendonly", "yes"), "redis_not_persistent"),
            (("port", port), None, "redis_no_password"),
            # The second address is nobody's.
            (("bind", "127.0.0.1 -192.0.2.1", "protected-mode", "no"), ("port", "0"), "redis_open")):
        check_equal(site.redis("config", "set", *change), "OK", code)
        check_codes(one_page(site, status=1), code, what=code)
        if back:
            check_equal(site.redis("config", "set", *back), "OK", code)
    os.chmod(f"{site.state}/redis.sock", 0o777)
    check_codes(one_page(site, status=1), "redis_open")
    check_codes(one_page(site, "--accept", "redis_open", status=0))
    os.chmod(f"{site.state}/redis.sock", 0o770)
    site.shift_clock(600)
    check_codes(one_page(site, status=1), "clock")
    site.shift_clock(0)
    report = one_page(site, conf=changed_settings(site, store_url=f"unix:{site.state}/nobody.sock"), status=3)
    check_codes(report, "store_unavailable")


@test
def open_files_and_sockets_are_named(site):
    if site.server != "nginx":
        return
    keys = f"{site.state}/keys"
    signing = f"{keys}/" + next(name for name in os.listdir(keys) if name.startswith("sign-"))
    for path, mode, code in ((signing, 0o644, "keys_unsafe"), (keys, 0o777, "keys_unsafe"), (f"{site.state}/doorward.conf", 0o666, "settings_writable"),
                             (f"{site.state}/responder.sock", 0o666, "socket_open")):
        before = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        check_codes(one_page(site, status=1), code, what=path)
        os.chmod(path, before)
    if os.getuid() == 0:
        for path in (keys, signing):
            shutil.chown(path, "www-data")
        check_codes(one_page(site, status=1), "web_server_reads")
        for path in (keys, signing):
            shutil.chown(path, "root")
    check_codes(one_page(site, status=0))


@test
def settings_that_do_not_fit_the_site_are_named(site):
    if site.server != "nginx":
        return
    for code, settings in (("base_url", dict(server_base_url="https://www.example.org")),
                           ("keys_refused", dict(token_keys_dir=f"{site.state}/no-keys")),
                           ("listener_exposed", dict(server_listen_responder="0.0.0.0:9001")),
                           ("session_refused", dict(token_audience="another"))):
        check_codes(one_page(site, conf=changed_settings(site, **settings), status=1), code, what=code)
    other = changed_settings(site, token_keys_dir=f"{site.state}/other-keys")
    subprocess.run([site.control, "-c", other, "keys", "new"], check=True, capture_output=True)
    check_codes(one_page(site, conf=other, status=1), "keys_differ", "session_refused")
    # A site that is not called localhost may share its machine with other users.
    other = changed_settings(site, server_listen_authorizer="127.0.0.1:12345")
    check_codes(one_page(site, conf=other, url=site.url.replace("localhost", "127.0.0.1"), status=1), "authorizer_port")

    users, password = f"{site.state}/htpasswd", f"{site.state}/password"
    for path in (users, password):
        with open(path, "w") as f:
            f.write("alice:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/\n")
        os.chmod(path, 0o644)
    conf = changed_settings(site, users_source="file", users_users_file=users)
    check_codes(one_page(site, conf=conf, user=None, echo=None, status=1), "users_file")
    os.chmod(users, 0o640)
    check_codes(one_page(site, conf=conf, user=None, echo=None, status=0))
    conf = changed_settings(site, store_password_file=password)
    check_in("password_file", codes(one_page(site, conf=conf, user=None, status=3)))


@test
def an_address_that_is_no_safe_site_is_named(site):
    if site.server != "nginx":
        return
    check_codes(doctor(site, cacert=False, status=1), "certificate")
    check_codes(doctor(site, url=f"https://localhost:{harness.free_port()}", status=1), "unreachable")
    check_codes(doctor(site, url=f"http://localhost:{site.ports['http_port']}", status=1), "not_https")
    check_codes(doctor(site, "--path", "/nothing/here", status=1), "not_asked")
    check_codes(doctor(site, url=f"{site.url}/index.html", status=1), "unprotected")
    for wrong in (["doctor"], ["doctor", "www.example.org"], ["doctor", "--accept", "nonsense", site.url],
                  ["doctor", "--path", "private", site.url], ["doctor", "--http-port", "x", site.url]):
        site.ctl(*wrong, status=2)
    site.ctl("doctor", "--user", "nobody-here", site.url, status=1)


@test
def the_manual_has_every_code(site):
    with open(f"{harness.ROOT}/app/ctl/ctl_remedy.c") as source, open(f"{harness.ROOT}/man/doorwardctl.8") as manual:
        there = set(re.findall(r'\] = \{ "(\w+)", (?:true|false)', source.read()))
        written = set(re.findall(r"^\.It Li (\w+)$", manual.read(), flags=re.M))
    assert len(there) > 40
    check_equal(written, there)


@test
def it_leaves_nothing_behind(site):
    before = set(site.redis("keys", "*").split())
    doctor(site, status=0)
    left = {key for key in site.redis("keys", "*").split() if key not in before and not key.startswith("dw:seen:")}
    check_equal(left, set())
    check_equal(site.ctl("session", "list", "--user", "alice").stdout.strip(), "there are no sessions")
    events = [json.loads(line)["event"] for line in site.ctl("events", "--count", "2", "--json").stdout.splitlines()]
    check_equal(events, ["admin.session_started", "admin.session_ended"])


@test
def a_person_reads_a_sentence_and_what_to_do(site):
    if site.server != "nginx":
        return
    said = site.ctl("doctor", "--cacert", f"{site.state}/cert.pem", f"{site.url}/index.html", status=1).stdout
    check_in(f"FAULT    unprotected\n         {site.url}/index.html answers 200 to somebody who is not signed in.\n         Fix: put auth_request",
             said)
    check_in(f"{site.url}/index.html: 1 fault, 0 warnings\n", said)
    check_in("Not looked at:\n", said)
    check_not_in("Traceback", said)


harness.main(("apache", "apache-fcgid", "lighttpd", "nginx", "caddy"), settings=["server.base_url="])
