"""Threads that sign in, check, refresh, sign out and try what must not work, all the time, and keep books."""

import random
import threading
import time

import fastcgi
import nodes
from books import Event, Session, generation_of
from nodes import ACCESS, PASSWORD, REFRESH

SEED = 1
PAUSE_SEC = 0.002
FORM = 'name="csrf" value="'


class Client(nodes.Client):
    """A browser whose requests are asked by FastCGI."""

    @staticmethod
    def identity(reply):
        return [reply.answer.variables.get(name) for name in ("AUTH_USER", "AUTH_SESSION")]


class Visitor:
    """One user's browser, or several after another. Every answer goes into the books."""

    def __init__(self, stage, user, number):
        self.stage, self.books, self.user = stage, stage.books, user
        self.address = f"192.0.2.{number % 200 + 1}"
        self.chance = random.Random(f"{SEED} {user}")

    def ask(self, kind, truth, session, function):
        began, reply, error = time.monotonic(), None, None
        try:
            reply = function()
        except (OSError, fastcgi.Silence) as failure:
            error = f"{type(failure).__name__}: {failure}"
        self.latest = Event(kind, truth, session, began, reply, error)
        self.books.note(self.latest)
        return reply

    def node(self):
        return self.chance.choice(self.stage.nodes)

    # ---- what an honest browser does ----

    def sign_in(self, node=None):
        """A session, or None."""
        node = self.node() if node is None else node
        client, began = self.stage.client(self.stage.site, address=self.address), time.monotonic()
        form = self.ask("page", "alive", None, lambda: client.page("GET", "/auth/login", node, navigation=True))
        if not form or FORM not in form.text:
            return None
        fields = {"username": self.user, "password": PASSWORD, "next": "/", "csrf": form.text.split(FORM)[1].split('"')[0]}
        reply = self.ask("sign-in", "alive", None, lambda: client.page("POST", "/auth/login", node, fields, navigation=True))
        if not reply or not reply.given(ACCESS) or not reply.given(REFRESH):
            return None
        session = Session(self.user, client, began)
        self.books.open(session)
        return session

    def check(self, session, node=None):
        node = self.node() if node is None else node
        reply = self.ask("check", "alive", session, lambda: session.client.check(node))
        if reply and reply.status == 200:
            who = self.stage.client.identity(reply)
            if who not in (None, [session.user, session.handle]):
                self.books.complain(f"WRONG IDENTITY: {session} was taken for {who}")
        if reply and reply.status == 401 and reply.error in self.stage.repairs:
            self.latest.truth = reply.error
            return self.refresh(session, node)
        return self.judge(session, reply)

    def refresh(self, session, node=None):
        """The answer's generation is the next one, whatever became of the tries before."""
        node = self.node() if node is None else node
        jar, client = dict(session.client.jar), session.client
        reply = self.ask("refresh", "alive", session, lambda: client.refresh(node, jar=jar, keep=False))
        if reply and reply.status == 200:
            self.take(session, reply)
        return self.judge(session, reply)

    def take(self, session, reply):
        token = reply.given(REFRESH)
        if not token or not reply.given(ACCESS):
            self.books.complain(f"{session}: a refresh without tokens: {reply}")
            return
        if generation_of(token) != session.generation + 1:
            self.books.complain(f"{session}: from generation {session.generation} to {generation_of(token)}")
        self.books.learn(session, token)
        session.client.keep(reply)
        session.generation = generation_of(token)

    def judge(self, session, reply):
        """True for a good answer. Whoever is thrown out stays out; whether that was right the books say."""
        if reply and reply.status != 200 and reply.status < 500:
            session.state, session.thrown = "thrown out", time.monotonic()
        return bool(reply) and reply.status == 200

    def sign_out(self, session):
        jar = dict(session.client.jar)
        reply = self.ask("sign-out", "alive", session,
                         lambda: session.client.page("POST", "/auth/logout", self.node(), jar=jar, keep=False))
        if reply and reply.status == 200:
            session.end()
        else:
            session.state = "unknown"

    # ---- what must not work ----

    def steal(self):
        """A copy of a refresh token, used two generations later: that ends the session, for both."""
        session = self.sign_in()
        old = dict(session.client.jar) if session else None
        if not session or not (self.refresh(session) and self.refresh(session)):
            self.drop(session)
            return None
        reply = self.ask("reuse", "forged", None, lambda: session.client.refresh(self.node(), jar=old, keep=False))
        if reply and reply.status == 401:
            session.end()
        else:
            session.state = "unknown"
        return session

    def drop(self, session):
        if session and session.state == "alive":
            self.sign_out(session)

    def check_ended(self, session):
        self.ask("check", "ended", session, lambda: session.client.check(self.node()))

    def refresh_ended(self, session):
        jar = dict(session.client.jar)
        self.ask("refresh", "ended", session, lambda: session.client.refresh(self.node(), jar=jar, keep=False))

    def forged(self, token):
        """Another signature: one character of it, not the last, which has unused bits."""
        at = self.chance.randrange(len(token) - 40, len(token) - 2)
        return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]

    def forge(self, session):
        jar = {name: self.forged(session.client.jar[name]) for name in (ACCESS, REFRESH)}
        self.ask("check", "forged", None, lambda: session.client.check(self.node(), jar=jar))
        self.ask("refresh", "forged", None, lambda: session.client.refresh(self.node(), jar=jar, keep=False))

    def stranger(self):
        self.ask("check", "nobody", None, lambda: self.stage.client(self.stage.site, address=self.address).check(self.node()))


class Thread(Visitor, threading.Thread):
    """Visits until over is set. One session at a time, and the ended ones, which are tried again and again."""

    KINDS = {"check": 60, "refresh": 10, "ended": 12, "forge": 4, "stranger": 3, "sign_out": 2, "steal": 0.5}

    def __init__(self, stage, number):
        Visitor.__init__(self, stage, f"traffic{number}", number)
        threading.Thread.__init__(self, daemon=True)
        self.session, self.ended, self.over = None, [], threading.Event()
        self.mine = threading.Event()  # there is a session

    def run(self):
        try:
            while not self.over.is_set():
                self.step()
                time.sleep(self.stage.pace)
        except Exception as error:
            self.books.complain(f"{self.user}: {type(error).__name__}: {error}")
            raise

    def step(self):
        if not self.session or self.session.state != "alive":
            if self.session and self.session.state == "ended":
                self.ended = self.ended[-5:] + [self.session]
            self.session = self.sign_in()
            if self.session:
                self.mine.set()
            return
        kind = self.chance.choices(*zip(*self.KINDS.items()))[0]
        if kind in ("sign_out", "steal") and not self.stage.endings:
            return
        if kind == "ended":
            self.try_ended()
        elif kind == "steal":
            stolen = self.steal()
            self.ended += [stolen] if stolen and stolen.state == "ended" else []
        elif kind == "stranger":
            self.stranger()
        else:
            getattr(self, kind)(self.session)

    def try_ended(self):
        if self.ended:
            (self.check_ended if self.chance.random() < 0.8 else self.refresh_ended)(self.chance.choice(self.ended))


