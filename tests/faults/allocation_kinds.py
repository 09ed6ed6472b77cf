"""The kinds of request for allocations.py: how each is asked, and what must be true of its answer and afterwards."""

import re
import time

import nodes
from allocation_site import BACKGROUND, MAIN, REQUESTS, Control
from nodes import ACCESS, PASSWORD, REFRESH, Client, claims


class Wrong(Exception):
    """A promise that was broken; `what` is the column of the table that counts it."""

    def __init__(self, what, text):
        super().__init__(text)
        self.what = what


def expect(condition, what, text):
    if not condition:
        raise Wrong(what, text)


def settled(text):
    """A page without what is new each time."""
    return re.sub(r'value="[^"]*"', "", text)


class Kind:
    """One kind. good: the statuses that it has without a fault; any other but 503 is wrong."""

    name, good = "", (200,)
    denies = False  # 2xx would let in whom it must not
    takes_cookies = False  # a good answer ends a session
    mirror, whose = "yes", REQUESTS

    def __init__(self, world):
        self.world, self.site, self.control = world, world.site, world.site.control
        self.row = None  # where it may count
        self.page = None  # of a good answer, where it must always be the same

    def prepare(self):
        """What one request needs, before anything fails."""
        return self.world.alice

    def ask(self, client):
        raise NotImplementedError

    def whole(self, reply, client):
        """Nothing is missing in a good answer."""
        return True

    def settle(self, reply, client, ended):
        """What must be true after it; reply is None when the connection was closed without one."""

    def ended(self, reply):
        """Whether the process ended, and what it logged."""
        if not self.site.ended(1.0 if reply is None else 0.0):
            return False, ""
        return True, self.site.said()

    def start_again(self):
        self.site.start_again()

    def end(self):
        """No more of this kind."""


class Check(Kind):
    """From memory: the session was seen a moment ago."""

    name = "check, a hit"

    def prepare(self):
        expect(self.world.alice.check().status == 200, "sessions_lost", "the check before")
        return self.world.alice

    def ask(self, client):
        return client.check()

    def whole(self, reply, client):
        got = reply.answer.variables
        return {n: got.get(n) for n in ("AUTH_USER", "AUTH_ROLES", "REMOTE_USER")} == \
            {"AUTH_USER": "alice", "AUTH_ROLES": "staff", "REMOTE_USER": "alice"} and len(got) == self.world.variables


class FirstCheck(Check):
    """A token that was never seen, of a session that memory does not know."""

    name = "check, asks Redis"

    def prepare(self):
        return self.world.another()


class PlainCheck(Check):
    name, mirror = "check, no mirror", "no"


class Denied(Kind):
    good, denies = (401,), True

    def whole(self, reply, client):
        return not reply.answer.variables


class NoCookie(Denied):
    name = "denial, no cookie"

    def prepare(self):
        return Client(self.site)

    def ask(self, client):
        return client.check()


class Ended(NoCookie):
    name = "denial, ended session"

    def prepare(self):
        client = self.world.another()
        user, sid = (claims(client.jar[ACCESS])[name] for name in ("sub", "sid"))
        self.site.redis("DEL", f"dw:session:{{{user}}}:{sid}")
        return client


class Forged(NoCookie):
    name = "denial, forged token"

    def prepare(self):
        client = Client(self.site)
        head, body, signature = self.world.another().jar[ACCESS].split(".")
        client.jar[ACCESS] = f"{head}.{body}.{'A' * 8}{signature[8:]}"
        return client


class RoleMissing(Denied):
    name, good = "denial, no such role", (403,)

    def ask(self, client):
        return client.check(uri="/admin/")


class LoginPage(Kind):
    name = "login page"

    def prepare(self):
        return Client(self.site)

    def ask(self, client):
        return client.page("GET", "/auth/login?next=/private/", navigation=True)

    def whole(self, reply, client):
        self.page = self.page or settled(reply.text)
        return re.search(r'name="csrf" value="[^"]{20,}"', reply.text) and settled(reply.text) == self.page and \
            "</html>" in self.page and reply.given(nodes.CSRF)


class SignIn(Kind):
    """With the right password. Whatever fails, that is no failed attempt."""

    name, good, password = "sign-in", (303,), PASSWORD
    hashes = 0  # that had no memory, which libsodium's own check would call a wrong password

    def end(self):
        if not self.hashes and type(self) is SignIn:
            raise AssertionError("Argon2 was never without memory")

    def prepare(self):
        self.world.forget_attempts()
        self.site.said()
        client = Client(self.site)
        form = client.page("POST", "/auth/login", 0, {"username": "alice"}, navigation=True)
        client.csrf = re.search(r'name="csrf" value="([^"]+)"', form.text).group(1)
        return client

    def ask(self, client):
        fields = {"username": "alice", "password": self.password, "next": "/private/", "csrf": client.csrf}
        return client.page("POST", "/auth/login", 0, fields, navigation=True)

    def whole(self, reply, client):
        return reply.given(ACCESS) and reply.given(REFRESH) and reply.answer.header("Location") == "/private/"

    def settle(self, reply, client, ended):
        if reply and reply.status == 303:
            expect(client.check().status == 200, "sessions_lost", "a session that was just begun does not pass")
            return
        expect(not client.jar.get(ACCESS), "wrong_allows", f"{reply} gave an access token")
        attempts = self.world.attempts()
        # A process that ends gives nothing back, and whoever loses Redis' answer does not know what to give back. Any
        # other fault must, and none may count for more than the one try that it was.
        said = self.site.said()
        self.hashes += "the password hash cannot be computed" in said
        excused = ended or '"reason":"store_unavailable"' in said
        self.row.left_counted += bool(attempts)
        expect(not attempts or (excused and set(attempts.values()) == {"1"}), "counted_attempts",
               f"{reply}: counted as a failed sign-in: {attempts}")


class WrongPassword(SignIn):
    name, good, password, denies = "sign-in, wrong password", (401,), PASSWORD + "x", True

    def whole(self, reply, client):
        return not reply.given(ACCESS) and "</html>" in reply.text

    def settle(self, reply, client, ended):
        if not reply or reply.status != 401:
            super().settle(reply, client, ended)


class Upgrade(SignIn):
    """The password's hash is of an old form: the sign-in replaces it."""

    name = "sign-in, new hash"

    def prepare(self):
        self.site.add_user("alice", "staff")
        return super().prepare()


class Refresh(Kind):
    name = "refresh POST"

    def prepare(self):
        client = self.world.alice
        client.jar.pop(nodes.HOP, None)  # which counts returns within some seconds, as of a browser without cookies
        client.before = dict(client.jar)
        return client

    def ask(self, client):
        return client.refresh()

    def whole(self, reply, client):
        return reply.given(ACCESS) and reply.given(REFRESH) and reply.json["expires_in"] > 0

    def settle(self, reply, client, ended):
        if not reply or reply.status not in self.good:
            expect(client.jar == client.before, "cookies_deleted", f"{reply} changed cookies")
            again = self.world.patient(client.refresh)
            expect(again.status == 200, "sessions_lost", f"the same refresh token afterwards: {again}")


class RefreshPage(Refresh):
    name, good = "refresh GET", (303,)

    def ask(self, client):
        return client.page("GET", "/auth/refresh?next=/private/", navigation=True)

    def whole(self, reply, client):
        return reply.given(ACCESS) and reply.answer.header("Location") == "/private/"


class SignOut(Kind):
    """Either it is done and says so, or the session is what it was or ended: never a "done" that is not."""

    name, good, takes_cookies = "logout POST", (303, 200), True

    def prepare(self):
        client = self.world.another()
        client.before = dict(client.jar)
        return client

    def ask(self, client):
        return client.page("POST", "/auth/logout", 0)

    def settle(self, reply, client, ended):
        if reply and reply.status in self.good:
            after = self.world.patient(lambda: client.check(jar=client.before))
            expect(after.status == 401, "wrong_allows", f"a session that was ended: {after}")


class Sessions(Kind):
    name = "sessions page"

    def __init__(self, world):
        super().__init__(world)
        world.another()  # the own one has no button

    def ask(self, client):
        return client.page("GET", "/auth/sessions", navigation=True)

    def whole(self, reply, client):
        return "</html>" in reply.text and 'name="end"' in reply.text


class EndSession(SignOut):
    name, good = "sessions page, end one", (303, 200)

    def ask(self, client):
        handle = claims(client.jar[ACCESS])["sid"]
        return self.world.alice.page("POST", "/auth/sessions", 0, {"end": handle})


class SessionJson(Kind):
    name = "session JSON"

    def ask(self, client):
        return client.page("GET", "/auth/session")

    def whole(self, reply, client):
        return reply.json["user"] == "alice" and set(reply.json) == self.world.session_members


class Unauthenticated(Kind):
    name, good = "error document, 401", (401,)

    def prepare(self):
        return Client(self.site)

    def ask(self, client):
        return client.page("GET", "/auth/unauthenticated")

    def whole(self, reply, client):
        return reply.error == "no_token"


class DeniedPage(Kind):
    name, good = "error document, 403", (403,)

    def ask(self, client):
        return client.page("GET", "/auth/denied", navigation=True)

    def whole(self, reply, client):
        self.page = self.page or settled(reply.text)
        return settled(reply.text) == self.page and "</html>" in self.page


class Metrics(Kind):
    name = "metrics"

    def prepare(self):
        return Client(self.site, address="127.0.0.1")

    def ask(self, client):
        return client.page("GET", "/auth/metrics")

    def whole(self, reply, client):
        names = set(re.findall(r"(?m)^(\w+)", reply.text))
        return names >= self.world.metric_names and reply.text.endswith("\n")


class Ready(Kind):
    name = "health/ready"

    def ask(self, client):
        return client.page("GET", "/auth/health/ready")


class Live(Kind):
    name = "health/live"

    def ask(self, client):
        return client.page("GET", "/auth/health/live")


class Jwks(Kind):
    name = "jwks.json"

    def ask(self, client):
        return client.page("GET", "/auth/jwks.json")

    def whole(self, reply, client):
        return reply.text == self.world.jwks


class Cgi(Kind):
    """A process for one request: it reads its settings, keys, templates and users first."""

    name, whose, path = "CGI, login page", MAIN, "/auth/login"

    def __init__(self, world):
        super().__init__(world)
        self.control = Control(f"{self.site.state}/control-cgi")
        self.done = None

    def ask(self, client):
        jar = {} if self.path == "/auth/login" else client.jar
        out, *self.done = self.site.cgi(self.control, client._params("GET", self.path, jar, nodes.NAVIGATION))
        return nodes.Reply(nodes.fastcgi.Answer(out)) if out else None

    def whole(self, reply, client):
        return re.search(r'name="csrf" value="[^"]{20,}"', reply.text) and "</html>" in reply.text

    def ended(self, reply):
        """A process that has answered has done what it is for."""
        return reply is None, self.done[1]

    def start_again(self):
        pass


class CgiSession(Cgi):
    name, path = "CGI, session JSON", "/auth/session"

    def whole(self, reply, client):
        return reply.json["user"] == "alice"


class Told:
    """A reload's outcome in the place of an answer."""

    status, cookies = 200, {}

    def __init__(self, text):
        self.text, self.answer = text, nodes.fastcgi.Answer(b"Status: 200\r\n\r\n")


class Reload(Kind):
    """New settings as a whole, or the ones before: rules, keys and pages never in part."""

    name, whose = "SIGHUP", MAIN

    def prepare(self):
        self.site.said()
        return self.world.alice

    def ask(self, client):
        self.log = ""
        self.site.reload()
        end = time.monotonic() + 20
        while "reloaded" not in self.log and not self.site.ended() and time.monotonic() < end:
            self.log += self.site.said()
            time.sleep(0.001)
        return Told(self.log) if "reloaded" in self.log else None

    def ended(self, reply):
        ended, said = super().ended(reply)
        return ended, self.log + said

    def settle(self, reply, client, ended):
        self.stays("403 for whom the role is missing", 403, lambda: client.check(uri="/admin/").status)
        self.stays("the keys", self.world.jwks, lambda: client.page("GET", "/auth/jwks.json").text)
        self.stays("the page", self.world.login_page, self.world.show_login_page)

    def stays(self, what, expected, look):
        found = look()
        expect(found == expected, "half_answers", f"after a reload ({self.log[-200:]!r}): {what}: {str(found)[:200]}")

    def end(self):
        """The mirror's threads are others now: the next kind gets a process whose threads are known."""
        self.site.node.terminate()
        self.site.node.wait(20)
        self.site.start_again()


class Background(Kind):
    """The thread that keeps the mirror connects anew, beats and hears of changes, while checks go on."""

    name, whose = "the mirror's thread", BACKGROUND

    def prepare(self):
        return self.world.another()

    def ask(self, client):
        """Until it has connected and beaten some times."""
        self.site.redis("CLIENT", "KILL", "TYPE", "pubsub")
        end, reply = time.monotonic() + 0.35, None
        while time.monotonic() < end:
            reply = client.check()
            if reply.status not in (200, 503):
                break
            time.sleep(0.005)
        return reply

    def settle(self, reply, client, ended):
        """It still hears of changes, or what it heard last does not count for long."""
        user, sid = (claims(client.jar[ACCESS])[name] for name in ("sub", "sid"))
        expect(self.world.patient(client.check).status == 200, "sessions_lost", "a session")
        self.site.redis("DEL", f"dw:session:{{{user}}}:{sid}")
        time.sleep(0.3)
        reply = self.world.patient(client.check)
        expect(reply.status == 401, "wrong_allows", f"an ended session after the lease: {reply}")


KINDS = (Reload, Cgi, SignIn, Refresh, Check, Background, FirstCheck, PlainCheck, NoCookie, Ended, Forged, RoleMissing, LoginPage,
         WrongPassword, Upgrade, RefreshPage, SignOut, Sessions, EndSession, SessionJson, Unauthenticated, DeniedPage,
         Metrics, Ready, Live, Jwks, CgiSession)
