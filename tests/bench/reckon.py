#!/usr/bin/python3
"""reckon.py: what make scale measured, in words, and what follows for ten million sessions. Run as a program, it writes
both into docs/scale.md, between its markers.

DOORWARD_BUILD: the folder of scale.json, default build."""

import json
import os
import sys

sys.dont_write_bytecode = True
from report import ROOT, aligned, fill

SESSIONS, CHECKS, ACTIVE, NODES, MASTERS = 10_000_000, 100_000, 1_000_000, 10, 6
LIFETIME_SEC, STAY_SEC = 900, 8 * 3600


def us(value):
    return f"{max(value, 0):.{0 if value >= 99.5 else 1}f}"


def work_rows(r):
    """What each costs: at the node, at the master and the replica, and how often Redis is asked."""
    rows = [("what", "node µs", "master µs", "replica µs", "exchanges", "told B", "told")]
    names = (("checks", "hit1", "check, known to the node"), ("checks", "hit4", "the same on 4 nodes at once"),
             ("checks", "off1", "check, [mirror] enabled = no"), ("checks", "off4", "the same on 4 nodes at once"),
             ("many", "first", "first check of a session (ES256)"), ("many", "again", f"one of {r['many']['count']:,} again"),
             ("noted", "written", "a minute later: last use noted"),
             ("noted", "unwritten", "noted by another node just before"),
             ("rotations", "rs256", "refresh, RS256 (3072 bits)"), ("rotations", "es256", "refresh, ES256"),
             ("sign_ins", None, "sign-in, without the hash (RS256)"), ("sign_outs", None, "sign-out"))
    for part, kind, title in names:
        row = r[part][kind] if kind else r[part]
        rows.append((title, us(row["node_us"]), us(row["master_us"]), us(row["replica_us"]), f"{row['exchanges']:.2f}",
                     f"{row['bytes']:.0f}" if "bytes" in row else "-", f"{row['keys']:.2f}" if "keys" in row else "-"))
    return rows


def fault(name, part):
    waits = part["longest_ms"]
    return (f"{name}: {part['answers']:,} answers, {part['refused']:,} of them 503; wrong allows {part['wrong_allows']}, "
            f"sessions lost {part['lost']}, other wrong answers {part['others']}; longest check "
            f"{waits.get('check', 0):.0f} ms, refresh {waits.get('refresh', 0):.0f} ms, sign-in with its password hash "
            f"{waits.get('sign-in', 0):.0f} ms")


def measured(r):
    m, memory, msg, idle = r["machine"], r["memory"], r["messages"], r["idle"]
    out = [f"{m['date']}: {m['cpu']}, {m['cores']} cores, {m['versions']['system']}; doorward {m['versions']['doorward']}, "
           f"redis {m['versions']['redis']}; 3 masters, 3 replicas, 4 nodes, one machine, {r['took_seconds']} s"
           f"{' (SCALE=quick)' if r['quick'] else ''}", "", *aligned(work_rows(r)), ""]
    single, batched = msg["single"], msg["batched"]
    out += [f"a change told to a node, alone: {single['bytes']:.0f} bytes; {us(single['node_us'])} µs of the node, "
            f"{single['listener_us']:.2f} µs of the master for each node that listens",
            f"the same, {1 / batched['messages']:.0f} in a message: {batched['bytes']:.0f} bytes; "
            f"{batched['node_us']:.2f} µs of the node, {max(batched['listener_us'], 0):.2f} µs of the master for each",
            f"a node that nobody asks: {1000 * idle['node']:.1f} ms of CPU a second, {idle['reads_per_node']:.0f} exchanges "
            f"a second with the 3 masters, {1000 * idle['master_per_node']:.2f} ms of CPU a second of each master",
            f"connections of a node to a master, all its {r['connections']['threads']} threads asked: "
            f"{r['connections']['most']:.1f} at most",
            f"Redis memory, {memory['count']:,} sessions, one a user: {memory['session_master']:.0f} bytes each on the masters, "
            f"{memory['session_replica']:.0f} on the replicas (by MEMORY USAGE: session {memory['keys']['session']:.0f}, last "
            f"use {memory['keys']['seen']:.0f}, the user's index {memory['keys']['sessions']:.0f}); a user's record with a "
            f"hash of SHA-512 {memory['user_master']:.0f}",
            f"memory of a node for a session that it knows: {r['many']['node_bytes']:.0f} bytes, of which its token "
            f"{r['many']['token_bytes']:.0f}",
            f"sessions over the slots: {memory['slot_mean']:.1f} on average, {memory['slot_min']} to {memory['slot_max']}; over "
            f"the masters: {100 * memory['share_min']:.1f} to {100 * memory['share_max']:.1f} %",
            fault(f"{r['reshard']['slots']} slots with {r['reshard']['keys']:,} keys moved in {r['reshard']['seconds']} s",
                  r["reshard"]),
            fault(f"a master killed (cluster-node-timeout {r['failover']['node_timeout_ms']} ms), its replica elected after "
                  f"{r['failover']['elected_s']:.1f} s, the last 503 after {r['failover']['recovered_s']:.1f} s; "
                  f"{r['failover']['tried']:,} tries with sessions that had been signed out",
                  r["failover"])]
    return "\n".join(out)


def per_second(number):
    return f"{number:,.0f}/s" if number >= 10 else f"{number:.1f}/s"


def cores(number):
    return f"{number:.2f} cores"


class Sum:
    """Lines of arithmetic: what is written is what was computed."""

    def __init__(self):
        self.lines = []

    def head(self, text):
        self.lines += ["", text] if self.lines else [text]

    def line(self, text, arithmetic, result):
        self.lines.append((text, f"{arithmetic} = {result}" if arithmetic else result))

    def text(self):
        width = max(len(line[0]) for line in self.lines if isinstance(line, tuple))
        return "\n".join(line if isinstance(line, str) else f"  {line[0].ljust(width)}  {line[1]}".rstrip()
                         for line in self.lines)


def assumptions(s):
    s.head("Assumed")
    s.line("sessions that are open", "", f"{SESSIONS:,}")
    s.line("in use (a check in the last access_lifetime)", "", f"{ACTIVE:,}")
    s.line("checks", "", per_second(CHECKS))
    s.line("nodes", "", f"{NODES}")
    s.line("masters, each with one replica", "", f"{MASTERS}")
    s.line("a session stays for", "", f"{STAY_SEC // 3600} h of use a day: as many sign-ins and ends a second as "
           f"{ACTIVE:,} / {STAY_SEC:,} s")


class Load:
    """How often what happens, in a second: with sticky, each session's requests come to one node alone."""

    def __init__(self, sticky):
        self.sticky = sticky
        self.rotations, self.ins = ACTIVE / LIFETIME_SEC, ACTIVE / STAY_SEC
        self.told = self.rotations + 2 * self.ins
        self.seen_by = 1 if sticky else NODES  # how many nodes see a session
        self.first = self.seen_by * (self.rotations + self.ins)
        self.in_a_minute = CHECKS * 60 / ACTIVE
        self.noted, self.noted_arithmetic = self.notes(60)
        self.written = ACTIVE / 60

    def notes(self, every_sec):
        """How often a session's use is noted, by each node for itself: at the nodes that it comes to in that time."""
        checks = CHECKS * every_sec / ACTIVE
        nodes_ = self.seen_by * (1 - (1 - 1 / self.seen_by) ** checks)
        shown = "" if self.sticky else f" × {NODES} × (1 - (1 - 1/{NODES})^{checks:.0f})"
        return ACTIVE * nodes_ / every_sec, f"{ACTIVE:,}{shown} / {every_sec} s"

    def master_notes(self, r, every_sec):
        """CPU seconds a second of all masters: each session is written once in that time, the others find it so."""
        written = ACTIVE / every_sec
        others = max(0, self.notes(every_sec)[0] - written)
        return (written * r["noted"]["written"]["master_us"] + others * r["noted"]["unwritten"]["master_us"]) / 1e6


def rates(s, spread, sticky):
    s.head("How often")
    s.line("refreshes", f"{ACTIVE:,} / {LIFETIME_SEC} s", per_second(spread.rotations))
    s.line("sign-ins", f"{ACTIVE:,} / {STAY_SEC:,} s", per_second(spread.ins))
    s.line("ends (sign-outs, expiry)", "as many", per_second(spread.ins))
    s.line("changes that every node is told of", "refreshes + sign-ins + ends", per_second(spread.told))
    s.line("checks of a session in a minute", f"{CHECKS:,} × 60 / {ACTIVE:,}", f"{spread.in_a_minute:.0f}")
    for load, word in ((spread, "any request to any node"), (sticky, "a session's requests to one node")):
        s.line(f"{word}:", "", "")
        s.line("  checks that a node cannot know yet", f"{load.seen_by} × (refreshes + sign-ins)", per_second(load.first))
        s.line("  checks that note the last use", load.noted_arithmetic, per_second(load.noted))
        s.line("  the same with seen_every = 15m", load.notes(900)[1], per_second(load.notes(900)[0]))


def memory_lines(s, r):
    memory = r["memory"]
    session, user = memory["session_master"], memory["user_master"]
    each = SESSIONS * (session + user)
    s.head("Redis memory")
    s.line("sessions", f"{SESSIONS:,} × {session:.0f} B", f"{SESSIONS * session / 2**30:.1f} GiB")
    s.line("users, if each session is another's", f"{SESSIONS:,} × {user:.0f} B", f"{SESSIONS * user / 2**30:.1f} GiB")
    s.line("a master", f"{each / 2**30:.1f} GiB / {MASTERS}", f"{each / MASTERS / 2**30:.1f} GiB")
    s.line("all, with a replica each", f"2 × {each / 2**30:.1f} GiB", f"{2 * each / 2**30:.1f} GiB")
    s.line("room for copies while Redis writes its file", "as much again at worst: maxmemory at half of the machine",
           f"{2 * each / MASTERS / 2**30:.1f} GiB for a machine with one master")


def node_lines(s, r, load):
    single, batched, each = r["messages"]["single"], r["messages"]["batched"], CHECKS / NODES
    hit, first, noted = r["checks"]["hit4"]["node_us"], r["many"]["first"]["node_us"], r["noted"]["written"]["node_us"]
    s.head("A node, " + ("a session's requests to one node" if load.sticky else "any request to any node"))
    known = each - (load.first + load.noted) / NODES
    total = 0
    for name, rate, cost in (("checks from memory", known, hit), ("checks that it cannot know yet", load.first / NODES, first),
                             ("checks that note the last use", load.noted / NODES, noted)):
        s.line(name, f"{rate:,.0f}/s × {cost:.0f} µs", cores(rate * cost / 1e6))
        total += rate * cost / 1e6
    if not load.sticky:
        s.line("being told of changes, one by one", f"{load.told:,.0f}/s × {single['node_us']:.1f} µs",
               cores(load.told * single["node_us"] / 1e6))
        s.line("  bytes", f"{load.told:,.0f}/s × {single['bytes']:.0f} B", f"{load.told * single['bytes'] * 8 / 1e6:.1f} Mbit/s")
        s.line("  a node spends a core on it at", f"1 / {single['node_us']:.1f} µs", per_second(1e6 / single["node_us"]) +
               f" one by one, {per_second(1e6 / batched['node_us'])} if many come at once")
        for alg, name in (("rs256", "RS256"), ("es256", "ES256")):
            cost = r["rotations"][alg]["node_us"]
            s.line(f"refreshes, {name}", f"{load.rotations:,.0f}/s / {NODES} × {cost / 1000:.1f} ms",
                   cores(load.rotations / NODES * cost / 1e6))
        s.line("sign-ins: Argon2id, 64 MiB (docs/performance.md)", f"{load.ins:.0f}/s / {NODES} × 95 ms",
               cores(load.ins / NODES * 0.095))
    s.line("checks together", "", cores(total))
    entries = ACTIVE * load.seen_by / NODES
    s.line("memory for what it knows", f"{entries:,.0f} × {r['many']['node_bytes']:.0f} B",
           f"{entries * r['many']['node_bytes'] / 2**30:.1f} GiB; max_entries = {6 * entries:,.0f}")


def master_lines(s, r, load):
    """Of one of the masters: its one thread is full at 1 core."""
    costs = (("checks that no node can know yet", load.first, r["many"]["first"]["master_us"]),
             ("refreshes", load.rotations, r["rotations"]["rs256"]["master_us"]),
             ("sign-ins", load.ins, r["sign_ins"]["master_us"]))
    s.head("A master, " + ("a session's requests to one node" if load.sticky else "any request to any node"))
    total = 0
    for name, rate, cost in costs:
        s.line(name, f"{rate:,.0f}/s × {cost:.0f} µs / {MASTERS}", cores(rate * cost / MASTERS / 1e6))
        total += rate * cost / MASTERS / 1e6
    notes = load.master_notes(r, 60) / MASTERS
    written, unwritten = r["noted"]["written"]["master_us"], r["noted"]["unwritten"]["master_us"]
    s.line("last uses", f"({load.written:,.0f}/s × {written:.0f} µs + {load.noted - load.written:,.0f}/s × {unwritten:.0f} µs) / "
           f"{MASTERS}", cores(notes))
    total += notes
    listen = max(r["messages"]["single"]["listener_us"], 0.01)
    tell, beat = load.told / MASTERS * NODES * listen / 1e6, NODES * r["idle"]["master_per_node"]
    s.line("telling the nodes", f"{load.told:,.0f}/s / {MASTERS} × {NODES} × {listen:.2f} µs", cores(tell))
    s.line("heartbeats", f"{NODES} × {1000 * r['idle']['master_per_node']:.2f} ms a second", cores(beat))
    s.line("sum", "", cores(total + tell + beat))
    seldom = load.master_notes(r, 900) / MASTERS
    s.line("sum with seen_every = 15m", f"sum - {notes:.2f} + {seldom:.2f}", cores(total + tell + beat - notes + seldom))
    if load.sticky:
        return
    off, threads = r["checks"]["off4"]["master_us"], r["connections"]["threads"]
    s.line("[mirror] enabled = no: the checks alone", f"{CHECKS:,}/s × {off:.0f} µs / {MASTERS}",
           cores(CHECKS * off / 1e6 / MASTERS))
    s.line("connections", f"{NODES} × ({threads} threads + 2)", f"{NODES * (threads + 2)} (maxclients is 10,000)")
    # Both grow with the nodes.
    most = 1 / (load.told / MASTERS * listen / 1e6 + r["idle"]["master_per_node"])
    s.line("nodes whose heartbeats and news alone fill it", f"1 / ({(tell + beat) / NODES:.5f} cores for each)", f"{most:,.0f}")


def reckoned(r):
    s, spread, sticky = Sum(), Load(False), Load(True)
    assumptions(s)
    rates(s, spread, sticky)
    memory_lines(s, r)
    for load in (spread, sticky):
        node_lines(s, r, load)
        master_lines(s, r, load)
    return s.text()


def wrong(r):
    """A sentence when something was seen that must not be."""
    for name in ("reshard", "failover"):
        part = r[name]
        if part["wrong_allows"] or part["lost"] or part["others"]:
            return f"{name}: {part['wrong']}"
    return None


def main():
    build = os.environ.get("DOORWARD_BUILD", f"{ROOT}/build")
    page = f"{ROOT}/docs/scale.md"
    with open(f"{build}/scale.json") as f:
        result = json.load(f)
    if result["quick"]:
        sys.exit(f"{build}/scale.json is of SCALE=quick: too little for the page")
    with open(page) as f:
        text = f.read()
    for name, make in (("measured", measured), ("reckoned", reckoned)):
        text = fill(text, name, make(result))
    with open(page, "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
