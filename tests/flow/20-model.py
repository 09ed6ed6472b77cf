"""The rules of sessions as a small model, and the real program beside it: after each of thousands of random
steps both must say the same.

SEED=n repeats a run (each prints its own), STEPS=n makes it longer. Arguments: words in the names of the
variants to run.
"""

import json
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import ACCESS, CSRF, PASSWORD, REFRESH, Client, Site, check_equal, claims, parallel, settled, uid_of

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
STEPS = int(os.environ.get("STEPS") or 120)
DAY = 86400
NEVER = float("inf")
# The model's times are off by the length of a request and by the fraction of a second that Redis cuts off; no
# request is made so near to a point in time at which an answer changes.
NEAR = 2.5
MARK_LIFETIME = DAY

REFRESHABLE = {"no_token", "malformed", "bad_signature", "expired", "token_revoked"}
KEEPS_COOKIES = {"no_token", "duplicate_cookie", "malformed"}
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", "Mozilla/5.0 (Windows NT 10.0) Chrome/128.0 Safari/537",
          "curl/8.5.0")
ADDRESSES = ("192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8:1:1::5", "2001:db8:1:2::5", "2001:db8:9:1::5")


def net(address):
    if ":" in address:
        return address.split(":")[2] + ("-" + address.split(":")[3][:-2] if len(address.split(":")[3]) > 2 else "")
    return address.rsplit(".", 1)[0]


class User:
    def __init__(self, name, roles):
        self.name, self.roles, self.uid = name, roles, uid_of(name)
        self.ver, self.disabled = 0, False


class Session:
    """end: when its record goes; rotated: when the generation became the current one."""

    def __init__(self, user, handle, context, ver):
        self.user, self.handle, self.context, self.ver = user, handle, context, ver
        self.generation, self.marked, self.gone = 1, False, False
        self.refresh_of, self.access_of, self.rotated_at = {}, {}, {}


class Model:
    """What must be so. Nothing here asks the program."""

    def __init__(self, settings):
        self.set = {"style": "rotate", "access_lifetime": 900, "idle_timeout": 7 * DAY, "absolute_timeout": 30 * DAY,
                    "remember_idle": 30 * DAY, "remember_absolute": 90 * DAY, "refresh_grace": 10, "max_sessions": 0,
                    "on_limit": "end_oldest", "bind": "none", "on_reuse": "session", "activity": "any",
                    "renew_below": 3600, "renew_by": 3600}
        for setting in settings:
            key, value = setting.split("=", 1)
            name = key.partition(".")[2]
            self.set[name] = int(value) if value.isdigit() else value
        self.sliding = self.set["style"] == "sliding"
        self.users, self.sessions, self.realm, self.denied = {}, [], 0, set()

    def ver(self, user):
        return user.ver + self.realm

    def there(self, session, now):
        """Its record exists, marked or not."""
        return not session.gone and now < session.end

    def living(self, user, now):
        found = [s for s in self.sessions if s.user is user and self.there(s, now) and not s.marked]
        return sorted(found, key=lambda s: (s.auth_time, s.handle))

    def same(self, session, context, parts):
        pairs = {"agent": 0, "address": 1}
        return all(session.context[pairs[p]] == context[pairs[p]] for p in parts)

    def bound(self, session, context):
        parts = {"none": (), "both": ("agent", "address")}.get(self.set["bind"], (self.set["bind"],))
        return self.same(session, context, parts)

    # token: None, a word for what is wrong with it, or (session, exp, jti, ver)
    def check(self, token, context, now):
        if token is None:
            return "no_token"
        if isinstance(token, str):
            return token
        session, exp, jti, ver = token
        if now >= exp:
            limits = (self.set["absolute_timeout"], self.set["remember_absolute"])
            return "absolute_timeout" if exp - session.auth_time in limits else "expired"
        if not self.there(session, now) or session.marked:
            return "session_ended"
        if jti in self.denied:
            return "token_revoked"
        if session.user.disabled:
            return "user_disabled"
        if ver < self.ver(session.user) or session.ver < self.ver(session.user):
            return "version_superseded"
        if not self.bound(session, context):
            return "context_changed"
        return "ok"

    def use(self, session, counts, now):
        """A check said ok: a sliding session is prolonged, one of the other style where refreshing does not do it."""
        left = session.end - now
        if self.sliding and counts and left < self.set["renew_below"]:
            session.end = min(session.end + self.set["renew_by"], now + session.idle, session.absolute_end)
        if not self.sliding and self.set["activity"] == "navigation" and counts and left < session.idle - 60:
            session.end = min(now + session.idle, session.absolute_end)

    # claim: None, a word, or (session, generation)
    def refresh(self, claim, context, now):
        """(reason, "ok" or "repeat" when it is ok)"""
        if claim is None:
            return "no_token", None
        if isinstance(claim, str):
            return claim, None
        session, g = claim
        if not self.there(session, now) or session.marked:
            return "session_ended", None
        if session.user.disabled:
            return "user_disabled", None
        if session.ver < self.ver(session.user):
            self.end(session)
            return "version_superseded", None
        if not self.bound(session, context):
            self.end(session)
            return "context_changed", None
        how = "ok"
        if g < session.generation:
            how = "repeat"
            early = now < session.rotated + self.set["refresh_grace"]
            if not (g == session.generation - 1 and early and self.same(session, context, ("agent",))):
                self.end(session)
                if self.set["on_reuse"] == "user":
                    self.end_all(session.user, now)
                return "refresh_reused", None
        else:
            session.generation, session.rotated, session.context = g + 1, now, context
            if self.set["activity"] == "any":  # they are all a script's
                session.end = min(now + session.idle, session.absolute_end)
        return "ok", how

    def end(self, session):
        session.gone = True

    def end_all(self, user, now):
        user.ver += 1
        for session in self.living(user, now):
            self.end(session)

    def may_start(self, user, now, previous):
        limit, others = self.set["max_sessions"], [s for s in self.living(user, now) if s is not previous]
        return not limit or self.set["on_limit"] == "end_oldest" or len(others) < limit

    def make_room(self, user, now):
        limit = self.set["max_sessions"]
        if limit:
            living = self.living(user, now)
            for session in living[:max(0, len(living) - limit + 1)]:
                session.marked = True
                session.end = min(session.end, now + MARK_LIFETIME)

    def points(self, now):
        """When answers change."""
        for s in self.sessions:
            if not s.gone:
                yield from (s.end, s.absolute_end, s.auth_time + self.set["absolute_timeout"],
                            s.rotated + self.set["refresh_grace"])
                yield s.end - (self.set["renew_below"] if self.sliding else s.idle - 60)
        for s in self.sessions:
            for access in s.access_of.values():
                yield claims_of(access)["exp"]


_claims = {}


def claims_of(token):
    if token not in _claims:
        _claims[token] = claims(token)
    return _claims[token]


class Browser:
    def __init__(self, world, number):
        self.client = Client(world.site, AGENTS[number % len(AGENTS)], ADDRESSES[number % len(ADDRESSES)])
        self.world, self.number = world, number
        self.old = []  # earlier cookies: a thief's, or those of a reply that got lost

    @property
    def context(self):
        return self.client.agent, net(self.client.address)

    def remember(self):
        jar = {n: v for n, v in self.client.jar.items() if n in (ACCESS, REFRESH)}
        if jar and jar not in self.old:
            self.old = self.old[-5:] + [jar]


class World:
    """The program and the model, step by step."""

    def __init__(self, name, settings, seed):
        self.random = random.Random(seed)
        self.model = Model(settings)
        self.site = Site(f"model-{name}", 3, settings)
        self.tokens, self.refreshes = {}, {}  # text of each token that there ever was: what it means
        self.browsers = [Browser(self, i) for i in range(6)]
        self.history = []
        for user in ("alice", "bob", "carol"):
            self.site.add_user(user, "staff")
            self.model.users[user] = User(user, "staff")

    def node(self):
        return self.random.randrange(self.site.count)

    # ---- time ----

    def now(self):
        """A moment at which no answer is about to change."""
        while True:
            now = self.site.now()
            if not any(abs(point - now) < NEAR for point in self.model.points(now)):
                return now
            self.site.move(5)

    def move(self):
        span = self.random.choice((1, 4, 8, 11, 12, 60, 300, 890, 905, 1800, 3000, 3700, 7300, DAY // 2, DAY, 3 * DAY,
                                   8 * DAY))
        if span > 8000 and self.random.random() < 0.6:
            span = 15
        self.note(f"time passes: {span} s")
        self.site.move(span)

    def note(self, text):
        self.history.append(text)

    # ---- what tokens mean ----

    def token(self, jar):
        text = jar.get(ACCESS)
        return None if text is None else self.tokens.get(text, "bad_signature")

    def claim(self, jar):
        text = jar.get(REFRESH)
        return None if text is None else self.refreshes.get(text, "malformed")

    def learn(self, session, reply):
        """The cookies of an answer that gave a session, or its next generation: always the same ones."""
        access, refresh = reply.given(ACCESS), reply.given(REFRESH)
        said = claims_of(access)
        g = session.generation
        # What is said about the user in it is what is so now.
        profile = session.user.roles if self.model.set.get("claims") == "profile" else None
        check_equal(access, session.access_of.setdefault((g, profile), access), f"access token of generation {g}")
        check_equal(bool(refresh), not self.model.sliding, "a refresh cookie was set")
        if refresh:
            check_equal(refresh, session.refresh_of.setdefault(g, refresh), f"refresh token of generation {g}")
            self.refreshes[refresh] = (session, g)
        check_equal((said["sub"], said["sid"], said["ver"]), (session.user.uid, session.handle, session.ver), "claims")
        self.near(said["iat"], session.rotated, "iat")
        life = NEVER if self.model.sliding else self.model.set["access_lifetime"]
        self.near(said["exp"], min(said["iat"] + life, session.absolute_end), "exp")
        check_equal(said["auth_time"], session.auth_time, "auth_time")
        self.tokens[access] = (session, said["exp"], said["jti"], said["ver"])

    @staticmethod
    def near(got, expected, what):
        if abs(got - expected) > 2:
            raise AssertionError(f"{what}: got {got}, expected about {expected}")

    # ---- steps ----

    def sign_in(self, browser):
        user = self.random.choice(list(self.model.users.values()))
        persist = self.random.random() < 0.2
        now = self.now()
        jar = dict(browser.client.jar)
        self.note(f"browser {browser.number} signs in as {user.name}{' for long' if persist else ''}")
        browser.remember()
        reply = browser.client.sign_in(user.name, self.node(), **({"remember": "1"} if persist else {}))
        # The browser's own session gives way and does not count.
        previous = next((s for s in self.brought(jar) if s.user is user), None)
        status = 401 if user.disabled else 403 if not self.model.may_start(user, now, previous) else 303
        check_equal(reply.status, status, "sign-in")
        if status != 303:
            check_equal((reply.given(ACCESS), reply.taken(ACCESS)), (None, False), "cookies of a refused sign-in")
            return
        for old in self.brought(jar):
            self.model.end(old)
        self.started(user, browser, reply, persist, now)

    def started(self, user, browser, reply, persist, now):
        said = claims_of(reply.given(ACCESS))
        self.near(said["auth_time"], now, "auth_time")
        self.model.make_room(user, now)
        session = Session(user, said["sid"], browser.context, self.model.ver(user))
        session.auth_time = said["auth_time"]
        session.idle = self.model.set["remember_idle" if persist else "idle_timeout"]
        session.absolute_end = session.auth_time + self.model.set["remember_absolute" if persist else
                                                                  "absolute_timeout"]
        session.rotated = now
        session.end = min(now + session.idle, session.absolute_end)
        self.model.sessions.append(session)
        self.learn(session, reply)
        return session

    def brought(self, jar):
        """The sessions that sign-in and sign-out end: of the refresh token, and of the access token."""
        found = []
        for meaning in (self.claim(jar), self.token(jar)):
            if isinstance(meaning, tuple) and meaning[0] not in found:
                found.append(meaning[0])
        return found

    def some_jar(self, browser):
        """Mostly the browser's own cookies; old ones, a mix, none, or forged ones at times."""
        if browser.old and self.random.random() < 0.15:
            return dict(self.random.choice(browser.old)), "old cookies"
        jar = {n: v for n, v in browser.client.jar.items() if n in (ACCESS, REFRESH)}
        if self.random.random() < 0.03:
            for name in jar:
                text = jar[name]
                at = self.random.randrange(len(text) - 40, len(text) - 5)
                jar[name] = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]
            return jar, "forged cookies"
        return jar, "its cookies"

    def wander(self, browser):
        """Another network, or an update of the browser."""
        if self.random.random() < 0.7:
            browser.client.address = self.random.choice(ADDRESSES)
        else:
            browser.client.agent = self.random.choice(AGENTS)
        self.note(f"browser {browser.number} is now {browser.context}")

    def check(self, browser):
        jar, which = self.some_jar(browser)
        navigation = self.random.random() < 0.3
        now = self.now()
        token = self.token(jar)
        expected = self.model.check(token, browser.context, now)
        node = self.node()
        self.note(f"browser {browser.number} is checked at node {node} with {which}: {expected}")
        settled(self.site, lambda: self.compare_check(
            browser.client.check(node, navigation=navigation, jar=jar), expected, token, navigation))
        if expected == "ok":
            self.model.use(token[0], navigation or self.model.set["activity"] == "any", now)
            self.snap(token[0])

    def compare_check(self, reply, expected, token, navigation):
        check_equal(reply.cookies, {}, "cookies of a check")
        if expected == "ok":
            session = token[0]
            check_equal((reply.status, reply.answer.variables),
                        (200, {"AUTH_USER": session.user.name, "REMOTE_USER": session.user.name,
                               "AUTH_ROLES": session.user.roles, "AUTH_SESSION": session.handle,
                               "AUTH_TIME": str(session.auth_time)}), "check")
        elif navigation:
            where = "refresh" if expected in REFRESHABLE else "login"
            target = f"/auth/{where}?next=%2Fprivate%2F"
            if expected == "session_ended":
                there = not token[0].gone and token[0].marked and self.site.now() < token[0].end
                target += "&notice=" + ("elsewhere" if there else "ended")
            check_equal((reply.status, reply.answer.header("Location").replace("/private/", "%2Fprivate%2F")),
                        (302, target), "check")
        else:
            body = {"error": expected}
            if expected in REFRESHABLE:
                body["refresh"] = "/auth/refresh"
            check_equal((reply.status, reply.json), (401, body), "check")

    def refresh(self, browser):
        jar, which = self.some_jar(browser)
        now = self.now()
        claim = self.claim(jar)
        own = which == "its cookies"
        expected, how = self.model.refresh(claim, browser.context, now)
        node = self.node()
        self.note(f"browser {browser.number} refreshes at node {node} with {which}: {expected} ({how})")
        if own:
            browser.remember()
        lost = self.random.random() < 0.1
        reply = browser.client.refresh(node, jar=jar, keep=own and not lost)
        self.compare_refresh(reply, expected, claim, now)

    def compare_refresh(self, reply, expected, claim, now):
        if expected == "ok":
            check_equal(reply.status, 200, f"refresh: {reply}")
            self.learn(claim[0], reply)
            left = claims_of(reply.given(ACCESS))["exp"] - self.site.now()
            at = reply.json["expires_in"]
            check_equal(left - 2 < at < left + 2 + self.site.now() - now, True, f"expires_in {at}, {left} are left")
            self.snap(claim[0])
            return
        check_equal((reply.status, reply.json), (401, {"error": expected}), "refresh")
        check_equal((reply.given(ACCESS), reply.given(REFRESH)), (None, None), "cookies of a refused refresh")
        taken = expected not in KEEPS_COOKIES
        check_equal((reply.taken(ACCESS), reply.taken(REFRESH)), (taken, taken), "cookies taken by a refused refresh")

    def refresh_at_once(self, browser):
        """Many tabs, or a thief at the same moment: one successor."""
        jar = {n: v for n, v in browser.client.jar.items() if n in (ACCESS, REFRESH)}
        claim = self.claim(jar)
        count = self.random.choice((2, 3, 5, 8, 20, 60, 200))
        now = self.now()
        expected, how = self.model.refresh(claim, browser.context, now)
        self.note(f"browser {browser.number} refreshes {count} times at once: {expected} ({how})")
        browser.remember()
        replies = parallel([lambda n=self.node(): browser.client.refresh(n, jar=jar, keep=False)
                            for _ in range(count)])
        if how == "ok" and self.model.set["refresh_grace"] == 0:
            self.one_wins(browser, claim, expected, replies)
            return
        # The first one ended it, or found it ended.
        ends = ("context_changed", "refresh_reused", "version_superseded")
        after = "session_ended" if expected in ends else expected
        first = [r for r in replies if r.status != 200 and r.json == {"error": expected}]
        if expected != after:
            check_equal(len(first), 1, f"answers {expected}")
            self.compare_refresh(first[0], expected, claim, now)
            replies = [r for r in replies if r is not first[0]]
        for reply in replies:
            self.compare_refresh(reply, after, claim, now)
        if replies:
            browser.client.keep(replies[0])

    def one_wins(self, browser, claim, expected, replies):
        """Without a grace whoever comes second has, for all that is known, a copy."""
        words = sorted("ok" if r.status == 200 else r.error for r in replies)
        told = [expected, "refresh_reused"] + ["session_ended"] * (len(replies) - 2)
        check_equal(words, sorted(told), "without a grace")
        if expected == "ok":
            self.learn(claim[0], next(r for r in replies if r.status == 200))
        self.model.end(claim[0])
        if self.model.set["on_reuse"] == "user":
            self.model.end_all(claim[0].user, self.site.now())
        browser.client.jar.clear()

    def sign_in_at_once(self, browser):
        """Of many sign-ins at the same moment no more live than are allowed."""
        user = self.random.choice(list(self.model.users.values()))
        if user.disabled:
            return
        now = self.now()
        limit, before = self.model.set["max_sessions"], self.model.living(user, now)
        others = [Browser(self, browser.number) for _ in range(self.random.choice((2, 4, 8)))]
        self.note(f"{len(others)} browsers sign in as {user.name} at once")
        replies = parallel([lambda b=b, n=self.node(): b.client.sign_in(user.name, n) for b in others])
        good = [(r, b) for r, b in zip(replies, others) if r.status == 303]
        bad = [r for r in replies if r.status != 303]
        allowed = len(others)
        if limit and self.model.set["on_limit"] == "refuse":
            allowed = max(0, min(allowed, limit - len(before)))
        check_equal((len(good), {r.status for r in bad}), (allowed, {403} if bad else set()), "sign-ins at once")
        # Which of those that began in the same second was the last one, only Redis knows.
        new = []
        for reply, other in good:
            saved, self.model.set["max_sessions"] = limit, 0
            new.append(self.started(user, other, reply, False, now))
            self.model.set["max_sessions"] = saved
        if limit:
            living = self.model.living(user, self.site.now())
            extra = max(0, len(living) - limit)
            marked = [s for s in living if self.record(s)["ended"]]
            check_equal(len(marked), extra, "sessions ended by the limit")
            stay = [s.auth_time for s in living if s not in marked]
            check_equal(max((s.auth_time for s in marked), default=0) <= min(stay), True, "the oldest end first")
            for s in marked:
                s.marked, s.end = True, min(s.end, now + MARK_LIFETIME)
        for reply, other in good[:1]:
            browser.remember()
            browser.client.jar, browser.client.ends = dict(other.client.jar), dict(other.client.ends)

    def sign_out(self, browser):
        jar, which = self.some_jar(browser)
        everywhere = self.random.random() < 0.3
        now = self.now()
        self.note(f"browser {browser.number} signs out{' everywhere' if everywhere else ''} with {which}")
        browser.remember()
        reply = browser.client.page("POST", "/auth/logout", self.node(), {"all": "1"} if everywhere else {}, jar=jar)
        check_equal((reply.status, reply.taken(ACCESS), reply.taken(REFRESH)), (200, True, True), f"sign-out {reply}")
        for session in self.brought(jar):
            # Who holds the token of a session that has ended has no say over the others.
            if session not in self.model.living(session.user, now):
                continue
            if everywhere:
                self.model.end_all(session.user, now)
            else:
                self.model.end(session)

    def sign_out_while_refreshing(self, browser):
        """Whoever comes first: afterwards nobody is signed in."""
        jar = {n: v for n, v in browser.client.jar.items() if n in (ACCESS, REFRESH)}
        found = self.brought(jar)
        now = self.now()
        if self.model.sliding or len(found) != 1 or not isinstance(self.claim(jar), tuple) or \
                found[0] not in self.model.living(found[0].user, now):
            return
        self.note(f"browser {browser.number} signs out while it refreshes")
        replies = parallel([lambda n=self.node(): browser.client.refresh(n, jar=jar, keep=False) for _ in range(3)] +
                           [lambda n=self.node(): browser.client.page("POST", "/auth/logout", n, jar=jar)] +
                           [lambda n=self.node(): browser.client.refresh(n, jar=jar, keep=False) for _ in range(3)])
        self.model.end(found[0])
        for reply in replies:
            if reply.given(ACCESS):
                node = self.node()
                settled(self.site, lambda: self.compare_check(browser.client.check(
                    node, jar={ACCESS: reply.given(ACCESS)}), "session_ended", None, False))
        # It may have been a reuse, which ends more and raises the version: as it is, not as foreseen.
        user = found[0].user
        if self.model.set["on_reuse"] == "user":
            now = self.site.now()
            user.ver = int(self.site.redis("HGET", f"dw:user:{{{user.uid}}}", "ver") or 0)
            for session in self.model.living(user, now):
                session.gone = self.record(session)["generation"] is None

    def end_one(self, browser):
        """On the page of sessions."""
        now = self.now()
        jar = {n: v for n, v in browser.client.jar.items() if n in (ACCESS, REFRESH)}
        token = self.token(jar)
        expected = self.model.check(token, browser.context, now)
        node = self.node()
        self.note(f"browser {browser.number} asks for its sessions at node {node}: {expected}")
        reply = settled(self.site, lambda: self.ask_sessions(browser, node, jar, expected))
        if expected != "ok":
            return
        session = token[0]
        counts = self.model.set["activity"] == "any"
        self.model.use(session, counts, now)
        living = self.model.living(session.user, now)
        check_equal({(row["handle"], row["current"]) for row in reply.json["sessions"]},
                    {(s.handle, s is session) for s in living}, "sessions on the page")
        if self.random.random() < 0.3:
            self.note(f"browser {browser.number} ends all other sessions")
            reply = browser.client.page("POST", "/auth/sessions", node, {"others": "1"}, jar=jar)
            ended = [s for s in living if s is not session]
        else:
            ended = [self.random.choice(living)]
            self.note(f"browser {browser.number} ends session {ended[0].handle}")
            reply = browser.client.page("POST", "/auth/sessions", node, {"end": ended[0].handle}, jar=jar)
        check_equal((reply.status, reply.json), (200, {}), "ending on the page of sessions")
        for s in ended:
            self.model.end(s)

    def ask_sessions(self, browser, node, jar, expected):
        reply = browser.client.page("GET", "/auth/sessions", node, jar=jar)
        told = (200, None) if expected == "ok" else (401, expected)
        check_equal((reply.status, reply.error), told, "page of sessions")
        return reply

    def ask_status(self, browser):
        now = self.now()
        jar, which = self.some_jar(browser)
        token = self.token(jar)
        expected = self.model.check(token, browser.context, now)
        node = self.node()
        self.note(f"browser {browser.number} asks who it is at node {node} with {which}: {expected}")
        settled(self.site, lambda: self.compare_status(
            browser.client.page("GET", "/auth/session", node, jar=jar, keep=False), expected, token, now))

    def compare_status(self, reply, expected, token, now):
        if expected != "ok":
            check_equal((reply.status, reply.error), (401, expected), "status")
            return
        session, said = token[0], reply.json
        check_equal((said["user"], said["roles"], said["session"]),
                    (session.user.name, [r for r in session.user.roles.split(",") if r], session.handle), "status")
        for key, end in (("access_expires_in", token[1]), ("idle_expires_in", session.end),
                         ("absolute_expires_in", session.absolute_end)):
            self.near(said[key], end - now, key)

    def administer(self, browser):
        user = self.random.choice(list(self.model.users.values()))
        key = f"dw:user:{{{user.uid}}}"
        redis = self.site.redis
        act = self.random.choice(("disable", "enable", "enable", "role", "ver", "deny", "realm", "command"))
        self.note(f"{act} ({user.name})")
        now = self.now()
        if act == "disable":
            redis("HSET", key, "disabled", "1")
            user.disabled = True
        elif act == "enable":
            redis("HDEL", key, "disabled")
            user.disabled = False
        elif act == "role":
            user.roles = self.random.choice(("", "staff", "admin", "admin,staff"))
            redis("HSET", key, "roles", user.roles)
        elif act == "ver":
            redis("HINCRBY", key, "ver", 1)
            user.ver += 1
        elif act == "realm" and self.random.random() < 0.3:
            redis("HINCRBY", "dw:realm", "ver", 1)
            self.model.realm += 1
        elif act == "deny":
            self.deny(browser)
        elif act == "command":
            self.command(user, now)

    def deny(self, browser):
        token = self.token(browser.client.jar)
        if isinstance(token, tuple) and self.site.now() < token[1]:
            self.site.redis("SET", f"dw:deny:{{{token[0].user.uid}}}:{token[2]}", "1", "EXAT", token[1])
            self.model.denied.add(token[2])

    def command(self, user, now):
        act = self.random.choice(("disable", "enable", "end", "role"))
        self.note(f"doorwardctl {act} {user.name}")
        if act == "disable":
            self.site.ctl("user", "disable", user.name)
            user.disabled = True
            self.model.end_all(user, now)
        elif act == "enable":
            self.site.ctl("user", "enable", user.name)
            user.disabled = False
        elif act == "end":
            self.site.ctl("session", "end", "--user", user.name)
            self.model.end_all(user, now)
        else:
            self.site.ctl("user", "role", user.name, "+auditor")
            roles = [r for r in user.roles.split(",") if r]
            user.roles = ",".join(roles if "auditor" in roles else roles + ["auditor"])

    def lose_last_write(self, browser):
        """Redis failed over to a replica that had not got the last rotation."""
        claim = self.claim(browser.client.jar)
        if not isinstance(claim, tuple):
            return
        session, now = claim[0], self.now()
        if session.generation - 1 not in session.rotated_at or session.marked or not self.model.there(session, now):
            return
        self.note(f"Redis forgets generation {session.generation} of {session.handle}")
        session.generation -= 1
        rotated_at = session.rotated_at[session.generation]
        self.site.redis("HSET", self.key(session), "generation", session.generation, "rotated_at", rotated_at)
        session.rotated = int(rotated_at) / 1000
        # The next rotation: its refresh token comes out the same, its access token is of another time.
        session.access_of = {key: t for key, t in session.access_of.items() if key[0] <= session.generation}

    # ---- beside the answers: what Redis holds ----

    def key(self, session):
        return f"dw:session:{{{session.user.uid}}}:{session.handle}"

    def record(self, session):
        fields = ("generation", "ended", "rotated_at")
        return dict(zip(fields, self.site.redis("HMGET", self.key(session), *fields)))

    def snap(self, session):
        """The model's end and Redis' differ by fractions of a second, which must not add up."""
        end = self.site.redis("EXPIRETIME", self.key(session))
        self.near(end, session.end, "end of the session's record")
        session.end = end
        record = self.record(session)
        if record["generation"] == str(session.generation):
            session.rotated_at[session.generation] = record["rotated_at"]

    def compare_store(self):
        now = self.now()
        for user in self.model.users.values():
            for session in [s for s in self.model.sessions if s.user is user]:
                record = self.record(session)
                there = self.model.there(session, now)
                generation = str(session.generation) if there else None
                check_equal((record["generation"], bool(record["ended"])), (generation, there and session.marked),
                            f"record of {session.handle}")
            index = self.site.redis("ZRANGEBYSCORE", f"dw:sessions:{{{user.uid}}}", int(now), "+inf")
            living = {s.handle for s in self.model.living(user, now)}
            check_equal(living <= set(index), True, f"the index of {user.name} names all that live")
            ended = {s.handle for s in self.model.sessions if s.gone or s.marked}
            check_equal(set(index) & ended, set(), f"the index of {user.name} names what was ended")
        # Of what is over for long, only the tokens are kept, to be tried again.
        self.model.sessions = [s for s in self.model.sessions if self.model.there(s, now)]

    STEPS = (("check", 30), ("refresh", 25), ("move", 14), ("sign_in", 12), ("administer", 6), ("wander", 4),
             ("sign_out", 3), ("end_one", 4), ("ask_status", 4), ("refresh_at_once", 2), ("sign_in_at_once", 1),
             ("sign_out_while_refreshing", 1), ("lose_last_write", 1))

    def run(self, steps):
        names, weights = zip(*self.STEPS)
        for step in range(steps):
            name = self.random.choices(names, weights)[0]
            browser = self.random.choice(self.browsers)
            browser.client.forget_old()
            if not browser.client.jar and name != "move" and self.random.random() < 0.5:
                name = "sign_in"
            if name == "move":
                self.move()
            else:
                getattr(self, name)(browser)
            if step % 20 == 19:
                self.compare_store()


VARIANTS = {
    "rotate": (),
    "mirror": ("mirror.enabled=yes",),
    "mirror-one-session": ("mirror.enabled=yes", "session.max_sessions=1"),
    "one-session": ("session.max_sessions=1",),
    "three-sessions-refuse": ("session.max_sessions=3", "session.on_limit=refuse"),
    "three-sessions": ("session.max_sessions=3", "token.claims=profile"),
    "many-sessions": ("session.max_sessions=30",),
    "bound": ("session.bind=both",),
    "bound-to-agent": ("mirror.enabled=yes", "session.bind=agent", "session.idle_timeout=7200",
                       "session.absolute_timeout=43200"),
    "reuse-ends-user": ("session.on_reuse=user", "session.refresh_grace=3"),
    "sliding": ("mirror.enabled=yes", "session.style=sliding", "session.activity=navigation",
                "session.idle_timeout=7200"),
    "sliding-any": ("session.style=sliding", "session.idle_timeout=7200", "session.bind=address",
                    "session.max_sessions=2"),
    "navigation": ("mirror.enabled=yes", "session.activity=navigation", "session.idle_timeout=7200"),
    "no-grace": ("session.refresh_grace=0",),
}


def run(variant):
    world = World(variant, VARIANTS[variant], f"{SEED} {variant}")
    try:
        world.run(STEPS)
    except Exception as error:
        world.site.keep = True
        last = "\n    ".join(world.history[-25:])
        raise AssertionError(f"SEED={SEED}, step {len(world.history)}, state {world.site.state}: {error}\n    {last}") \
            from error
    finally:
        wrong = world.site.close()
    if wrong:
        raise AssertionError(wrong)


def limit_above_twenty(on_limit):
    """A user with many sessions reaches the limit, and one that is lowered later, as with any other number."""
    site = Site("limit", 2, ("session.max_sessions=25", f"session.on_limit={on_limit}"))
    try:
        site.add_user("alice")
        clients = []
        for i in range(30):
            clients.append(Client(site))
            reply = clients[-1].sign_in("alice", i % 2)
            expected = 403 if on_limit == "refuse" and i >= 25 else 303
            check_equal(reply.status, expected, f"sign-in {i + 1} with at most 25 sessions")
            site.move(1)
        living = [i for i in range(30) if clients[i].check(i % 2).status == 200]
        check_equal(living, list(range(25)) if on_limit == "refuse" else list(range(5, 30)), "sessions that live")
    finally:
        wrong = site.close()
    if wrong:
        raise AssertionError(wrong)


def limit_that_is_lowered():
    """The next sign-in ends all that are too many, the oldest first, however many they are."""
    site = Site("lowered", 2)
    try:
        site.add_user("alice")
        clients = []
        for i in range(60):
            clients.append(Client(site).signed_in("alice", i % 2))
            site.move(1)
        site.write_settings({"session.max_sessions": "3"}, 2)
        for node in range(2):
            site.restart_node(node)
        clients.append(Client(site).signed_in("alice"))
        living = [i for i, client in enumerate(clients) if client.check(i % 2).status == 200]
        check_equal(living, [58, 59, 60], "sessions that live")
    finally:
        wrong = site.close()
    if wrong:
        raise AssertionError(wrong)


if __name__ == "__main__":
    print(f"SEED={SEED}", flush=True)
    nodes.main([(variant, lambda v=variant: run(v)) for variant in VARIANTS] +
               [(f"limit-above-twenty-{on_limit}", lambda o=on_limit: limit_above_twenty(o))
                for on_limit in ("refuse", "end_oldest")] +
               [("limit-that-is-lowered", limit_that_is_lowered)])
