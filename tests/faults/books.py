"""The books of the traffic: what was asked when, what was true then, and what came. The verdict is reckoned from
them when all is over.

Three laws: nobody is let in who should not be (W), nobody is thrown out (N), nobody waits for ever (B). A request that
an alive session makes is answered as ever, or by "I don't know" (503) while a fault is on; nothing else.
"""

import base64
import threading
import time

import nodes
from nodes import ACCESS, REFRESH

LEASE_SEC = 0.3  # [mirror] lease_ms: who was signed out elsewhere is believed for so long, and no longer
RECOVERY_SEC = 3.0  # after a fault's end, unless a scenario says otherwise
GOOD = {"check": 200, "refresh": 200, "sign-in": 303, "sign-out": 200, "page": 200}


def generation_of(token):
    """Of a refresh token, whose MAC only Doorward can tell."""
    return int.from_bytes(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[37:41], "big")


class Session:
    """What one browser holds, and what must be true of it."""

    def __init__(self, user, client, began):
        self.user, self.client, self.began = user, client, began
        claims = nodes.claims(client.jar[ACCESS])
        self.handle, self.uid = claims["sid"], claims["sub"]
        self.key = f"dw:session:{{{self.uid}}}:{self.handle}"
        self.generation = generation_of(client.jar[REFRESH])
        self.state = "alive"  # or ended, unknown (a sign-out without an answer), thrown out
        self.ended = None  # when that was certain

    def end(self):
        self.state, self.ended = "ended", time.monotonic()

    def __repr__(self):
        return f"{self.user}'s session {self.handle[:6]}"


class Event:
    """One request. truth: what the one who asked was: alive, ended, forged or nobody; or the
    error that only says that an access token's time is not now (with the sessions' clock), which a refresh repairs."""

    __slots__ = ("kind", "truth", "session", "since", "began", "done", "status", "retry_after", "taken", "said")

    def __init__(self, kind, truth, session, began, reply, error):
        self.kind, self.truth, self.session, self.began, self.done = kind, truth, session, began, time.monotonic()
        self.since = session.ended if session else None
        self.status = reply.status if reply else 0
        self.retry_after = bool(reply and (reply.answer.header("Retry-After") or "").isdigit())
        self.taken = [name for name in (ACCESS, REFRESH) if reply and reply.taken(name)]
        self.said = repr(reply)[:200] if reply else f"no answer: {error}"

    @property
    def took(self):
        return self.done - self.began

    @property
    def good(self):
        return self.status == GOOD.get(self.kind)

    def __repr__(self):
        return f"{self.kind} of {self.session or self.truth}, {self.took:.2f} s, {'' if self.retry_after else 'no '}Retry-After: {self.said}"


class Books:
    """Thread-safe to write; read when the traffic is over."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events, self.sessions, self.wrong = [], [], []
        self.tokens = {}  # (handle, generation) -> refresh token: never two of one
        self.windows = []  # [a fault's begin, its end, when all was well again]
        self.errors = ()  # statuses of the web server's own, where Doorward itself is hit
        self.silence = False  # whether a fault may cut answers off: of the program itself, not of its store
        self.store_lost = set()  # handles whose data the store lost, or whose time was over
        self.refused = 0.0  # the latest refusal

    # ---- writing ----

    def note(self, event):
        with self.lock:
            self.events.append(event)
            if event.truth == "alive" and not event.good:
                self.refused = max(self.refused, event.done)

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)

    def open(self, session):
        with self.lock:
            self.sessions.append(session)
        self.learn(session, session.client.jar[REFRESH])

    def learn(self, session, token):
        """A refresh token that was handed out: the successor of a generation is always the same."""
        with self.lock:
            place = (session.handle, generation_of(token))
            if self.tokens.setdefault(place, token) != token:
                self.wrong.append(f"{session}: two tokens of generation {place[1]}")

    # ---- the verdict ----

    def excused(self, event):
        """True when a fault was on at some moment of the request."""
        return any(event.began <= until and event.done >= began for began, _, until in self.windows)

    def is_wrong_allow(self, event):
        if event.truth == "alive" or not 200 <= event.status < 400:
            return False
        # Decided after it was asked: a mirror may be late by the lease.
        return event.since is None or event.began >= event.since + LEASE_SEC

    def is_false_refusal(self, event):
        if event.truth != "alive" or event.good:
            return False
        if event.session and event.session.handle in self.store_lost and event.status == 401:
            return False
        if event.status in self.errors:
            return not self.excused(event)
        if event.status == 503:
            return not self.excused(event) or not event.retry_after
        return not (event.status == 0 and self.silence and self.excused(event))

    def is_deletion(self, event):
        lost = event.session and event.session.handle in self.store_lost
        meant = lost or (event.kind == "sign-out" and event.good)
        return bool(event.taken) and event.truth not in ("ended", "forged", "nobody") and not meant

    def placed(self, event):
        """With when it was asked."""
        ends = [f"{event.began - ended:+.2f} s of a fault's end" for _, ended, _ in self.windows if ended < float("inf")]
        return f"{event}, asked {ends[-1] if ends else 'without a fault'}"

    def counted(self, which):
        return [event for event in self.events if which(event)]

    def during(self, began, ended):
        return [e for e in self.events if e.truth == "alive" and e.began >= began and e.done <= ended]

    def longest(self):
        return max((event.took for event in self.events), default=0.0)

    def first_good(self, ended, kind):
        """Seconds from a fault's end to the first good answer."""
        found = [e.done - ended for e in self.events if e.kind == kind and e.truth == "alive" and e.good and e.began >= ended]
        return min(found, default=None)
