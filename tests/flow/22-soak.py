"""Many random operations by many browsers at once; afterwards the store must hold nothing but what it should.

SOAK_OPERATIONS (default 2500) says how many, SEED=n repeats their choice (not how they fall together).
"""

import os
import random
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import ACCESS, PASSWORD, REFRESH, Client, Site, check_equal, parallel, program, uid_of

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
OPERATIONS = int(os.environ.get("SOAK_OPERATIONS") or 2500)
THREADS, ROUND = 6, 40
USERS = [f"user{i}" for i in range(8)]
SETTINGS = ("mirror.enabled=yes", "session.max_sessions=4", "session.access_lifetime=600", "session.idle_timeout=7200",
            "session.absolute_timeout=86400", "session.remember_idle=172800", "session.remember_absolute=604800",
            "throttle.per_both=10")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", "curl/8.5.0")
STAYS = re.compile(r"dw:(user:\{[\w-]{22}\}|realm)$")


class Walker:
    """One thread's browsers and what they do. Every operation's answer must be one that the rules know."""

    def __init__(self, site, number):
        self.site, self.random = site, random.Random(f"{SEED} {number}")
        self.clients = [Client(site, AGENTS[i % 2], f"198.51.{number}.{i}") for i in range(8)]
        self.old = []
        self.counts = {}

    def node(self):
        return self.random.randrange(self.site.count)

    def expect(self, what, reply, *allowed):
        key = f"{what} {reply.status}"
        self.counts[key] = self.counts.get(key, 0) + 1
        if reply.status not in allowed:
            raise AssertionError(f"SEED={SEED}: {what}: {reply}")

    def step(self):
        client = self.random.choice(self.clients)
        kind = self.random.choices(("check", "refresh", "sign_in", "sign_out", "page", "use_old", "junk", "admin"),
                                   (40, 25, 12, 5, 8, 4, 3, 3))[0]
        if not client.jar and kind in ("check", "refresh") and self.random.random() < 0.6:
            kind = "sign_in"
        getattr(self, kind)(client)

    def check(self, client):
        navigation = self.random.random() < 0.3
        self.expect("check", client.check(self.node(), navigation=navigation), 200, 401, 302)

    def refresh(self, client):
        if self.random.random() < 0.2:
            self.old = self.old[-20:] + [dict(client.jar)]
        if self.random.random() < 0.3:
            reply = client.page("GET", "/auth/refresh?next=/x", self.node(), navigation=True)
            self.expect("refresh by navigation", reply, 303, 400)
        else:
            self.expect("refresh", client.refresh(self.node()), 200, 401)

    def sign_in(self, client):
        name = self.random.choice(USERS)
        fields = {"remember": "1"} if self.random.random() < 0.2 else {}
        if self.random.random() < 0.1:
            fields["password"] = "wrong"
        self.expect("sign-in", client.sign_in(name, self.node(), **fields), 303, 401, 429)

    def sign_out(self, client):
        fields = {"all": "1"} if self.random.random() < 0.2 else {}
        self.expect("sign-out", client.page("POST", "/auth/logout", self.node(), fields), 200)

    def page(self, client):
        uri = self.random.choice(("/auth/sessions", "/auth/session", "/auth/logout", "/auth/login", "/auth/jwks.json",
                                  "/auth/unauthenticated", "/auth/denied", "/auth/health/ready"))
        navigation = self.random.random() < 0.5
        reply = client.page("GET", uri, self.node(), navigation=navigation)
        self.expect(uri, reply, 200, 302, 303, 401, 403)
        if uri == "/auth/sessions" and reply.status == 200 and not navigation:
            rows = reply.json["sessions"]
            fields = {"end": self.random.choice(rows)["handle"]} if rows and self.random.random() < 0.7 else \
                {"others": "1"}
            self.expect("end sessions", client.page("POST", uri, self.node(), fields), 200, 401)

    def junk(self, client):
        jar = {ACCESS: "a.b.c", REFRESH: "x" * self.random.choice((1, 98, 300))}
        self.expect("junk", client.check(self.node(), jar=jar), 401)
        self.expect("junk", client.refresh(self.node(), jar=jar, keep=False), 401)

    def admin(self, client):
        key = f"dw:user:{{{uid_of(self.random.choice(USERS))}}}"
        redis = nodes.Redis(f"{self.site.state}/redis.sock")
        enable = ("HDEL", key, "disabled")
        act = self.random.choices((("HSET", key, "disabled", "1"), enable, ("HINCRBY", key, "ver", 1),
                                   ("HSET", key, "roles", "staff"), ("HINCRBY", "dw:realm", "ver", 1)),
                                  (2, 8, 4, 4, 0.3))[0]
        redis(*act)
        redis.socket.close()
        if ACCESS in client.jar and self.random.random() < 0.2:
            self.site.ctl("token", "deny", "-", stdin=client.jar[ACCESS], status=None)

    def use_old(self, client):
        if self.old:
            jar = self.random.choice(self.old)
            self.expect("old token", client.refresh(self.node(), jar=jar, keep=False), 200, 401)


def check_every_key_expires(site):
    keys = sorted(k for k in site.redis.keys() if not STAYS.match(k))
    lives = site.redis.pipeline([("PTTL", key) for key in keys]) if keys else []
    bad = [key for key, life in zip(keys, lives) if life == -1]
    check_equal(bad, [], "keys without an end")


def check_kinds(site):
    known = re.compile(r"dw:((user|sessions|notice):\{[\w-]{22}\}|(session|seen|deny):\{[\w-]{22}\}:[\w-]{22}"
                       r"|throttle:\w+:[^ ]+|realm|events)$")
    check_equal([k for k in site.redis.keys() if not known.match(k)], [], "keys of no known kind")


def check_indexes(site):
    """What an index names is there, but for what has gone by itself and is cleaned when touched: then it is late."""
    now = int(site.now())
    for key in [k for k in site.redis.keys() if k.startswith("dw:sessions:")]:
        uid = key.split(":", 2)[2]
        for handle in site.redis("ZRANGEBYSCORE", key, now + 2, "+inf"):
            record = f"dw:session:{uid}:{handle}"
            check_equal(site.redis("EXISTS", record), 1, f"{key} names {handle}: its record is there")
            end, score = site.redis("EXPIRETIME", record), int(site.redis("ZSCORE", key, handle))
            check_equal(score, end, f"the score of {handle} is its end")
        indexed = set(site.redis("ZRANGE", key, 0, -1))
        for record in [k for k in site.redis.keys() if k.startswith(f"dw:session:{uid}:")]:
            ended = site.redis("HGET", record, "ended")
            if ended is None and site.redis("EXISTS", record):
                check_equal(record.rsplit(":", 1)[1] in indexed, True, f"{key} names {record}")


def check_touched(site):
    """A sign-in cleans the index of its user."""
    for name in USERS:
        site.redis("HDEL", f"dw:user:{{{uid_of(name)}}}", "disabled")
        Client(site).signed_in(name)
        key, uid = f"dw:sessions:{{{uid_of(name)}}}", f"{{{uid_of(name)}}}"
        gone = [h for h in site.redis("ZRANGE", key, 0, -1) if not site.redis("EXISTS", f"dw:session:{uid}:{h}")]
        check_equal(gone, [], f"the index of {name} names sessions that are gone")
        count = site.redis("ZCARD", key)
        check_equal(count <= 4, True, f"{name} has {count} sessions")


def memory(site):
    return int(re.search(r"used_memory:(\d+)", site.redis("INFO", "memory")).group(1))


def resident(site):
    found = []
    for name, process in site.processes:
        if name.startswith("node"):
            with open(f"/proc/{process.pid}/status") as f:
                found.append(int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)))
    return max(found)


class Soak:
    """The cases are parts of one run, in this order."""

    def __init__(self):
        self.site = None

    def operations_at_random(self):
        print(f"SEED={SEED}", flush=True)
        self.site = site = Site("soak", 2, SETTINGS)
        for name in USERS:
            site.add_user(name, "staff")
        walkers = [Walker(site, i) for i in range(THREADS)]
        choice = random.Random(SEED)
        done, started = 0, time.monotonic()

        def some(walker):
            for _ in range(ROUND):
                walker.step()
        Client(site).signed_in(USERS[0])
        self.memory_before, self.resident_early = memory(site), None
        while done < OPERATIONS:
            parallel([lambda w=w: some(w) for w in walkers])
            done += THREADS * ROUND
            site.check_alive()
            check_every_key_expires(site)
            site.move(choice.choice((1, 1, 5, 12, 60, 60, 300, 700, 8000)))
            if self.resident_early is None and done * 4 >= OPERATIONS:
                self.resident_early = resident(site)
        counts = {}
        for walker in walkers:
            for key, n in walker.counts.items():
                counts[key] = counts.get(key, 0) + n
        print(f"{done} operations in {time.monotonic() - started:.0f} s: " +
              ", ".join(f"{key}: {n}" for key, n in sorted(counts.items())))
        for key in ("check 200", "check 401", "refresh 200", "refresh 401", "sign-in 303", "sign-out 200"):
            check_equal(counts.get(key, 0) > OPERATIONS / 1000, True, f"enough of {key!r}")

    def every_key_has_an_end(self):
        check_every_key_expires(self.site)
        check_kinds(self.site)

    def indexes_and_records_agree(self):
        check_indexes(self.site)

    def a_touched_index_names_no_session_that_is_gone(self):
        check_touched(self.site)
        check_indexes(self.site)

    def the_programs_do_not_grow(self):
        if "/san/" not in program("doorward"):
            grown = resident(self.site) - self.resident_early
            check_equal(grown < 20000, True, f"grown by {grown} KiB in the last three quarters")

    def after_all_ends_only_users_are_left(self):
        site = self.site
        site.move(8 * 86400)
        deadline = time.monotonic() + 20
        left = None
        while time.monotonic() < deadline:
            left = {k for k in site.redis.keys() if not STAYS.match(k) and k != "dw:events" and
                    not k.startswith("dw:notice:")}
            if not left:
                break
            time.sleep(0.1)
        check_equal(left, set(), "keys after all sessions' ends")
        site.move(400 * 86400)
        while time.monotonic() < deadline:
            left = {k for k in site.redis.keys() if not STAYS.match(k)}
            if not left:
                break
            time.sleep(0.1)
        check_equal(left, set(), "keys after all ends")

    def memory_is_back_where_it_was(self):
        grown = memory(self.site) - self.memory_before
        check_equal(grown < 1 << 20, True, f"grown by {grown} bytes")

    def the_parts_end_cleanly(self):
        wrong = self.site.close()
        if wrong:
            raise AssertionError(wrong)


if __name__ == "__main__":
    soak = Soak()
    names = ("operations_at_random", "every_key_has_an_end", "indexes_and_records_agree",
             "a_touched_index_names_no_session_that_is_gone", "the_programs_do_not_grow",
             "after_all_ends_only_users_are_left", "memory_is_back_where_it_was", "the_parts_end_cleanly")
    nodes.main([(name, getattr(soak, name)) for name in names])
