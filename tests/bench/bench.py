"""make bench: what a check costs, beside what it is compared with. Prints the table and writes BUILD/bench.json
(BUILD/bench-part.json with ONLY, so that a part does not take the place of the whole).

From the environment: DOORWARD_BUILD; BENCH=quick for few and short rounds; ONLY=word for the rows and parts whose name
contains it (nginx-hit, peer-..., sign-ins, refreshes, beside, revocation, memory, many, inside); ROUNDS=n; PEERS, the
folder of the peers. See docs/performance.md.
"""

import json
import os
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
import machine
import plant
import report
import specials
from checks import Checks, Peers
from plant import BUILD, Plant
from rounds import Progress, interleave

# Name, how long it takes (quick, full; seconds), what measures it.
PARTS = (("sign-ins", 25, 70, specials.sign_ins), ("refreshes", 20, 30, specials.refreshes),
         ("beside sign-ins", 25, 100, specials.beside_sign_ins), ("memory", 10, 40, specials.memory),
         ("many sessions", 40, 240, specials.population), ("revocation", 10, 40, specials.revocation),
         ("inside", 5, 10, specials.inside))


# Doorward remembers 16,384 verified tokens, four in a place: of twice as many, taken in turn, it knows next to none.
MANY = 32000


class Bench:
    def __init__(self):
        self.quick = os.environ.get("BENCH") == "quick"
        self.only = os.environ.get("ONLY", "")
        self.rounds = int(os.environ.get("ROUNDS") or (2 if self.quick else 5))
        self.seconds = int(os.environ.get("BENCH_SECONDS") or (1 if self.quick else 3))
        # So long it waits for a quiet machine before each measurement.
        self.patience = 0 if self.quick else 2
        self.progress = Progress()
        self.state = plant.temporary_folder()
        self._checks = None
        self.site = self.new_plant("plant")
        self.site.add_users(["alice"])
        self.site.node("plain")
        self.client = self.site.sign_in("alice", "plain")

    def new_plant(self, name):
        os.makedirs(f"{self.state}/{name}")
        return Plant(f"{self.state}/{name}")

    def wants(self, name):
        return self.only in name

    def checks(self):
        if not self._checks:
            count = 4000 if self.quick else MANY
            self.progress.say(f"{count:,} sessions and their tokens are being made")
            self._checks = Checks(self.site, self.state, count)
        return self._checks

    def check_rows(self, peers):
        what, peers.state = "checks behind web servers", self.state
        self.progress.announce(what, 47 * (self.rounds * (self.seconds + 0.8) + 1) + 60)
        rows = list(self.checks().rows(self.only, self.progress)) + list(peers.rows(self.only, self.progress))
        self.progress.steps[-1][1] = sum(self.rounds * ((row.seconds or self.seconds) + 0.8) + 1.2 for row in rows)
        if not rows:
            self.progress.done(what)
            return []
        self.progress.say(f"{len(rows)} rows are measured")
        rows = interleave(rows, self.rounds, self.seconds, self.patience, self.progress, what)
        return [row.result() for row in rows]

    def run(self, peers):
        result = {"machine": machine.describe(BUILD), "quick": self.quick, "rounds": self.rounds,
                  "seconds": self.seconds, "parts": {}}
        parts = [part for part in PARTS if self.wants(part[0])]
        for name, quick, full, _ in parts:
            self.progress.announce(name, quick if self.quick else full)
        result["checks"] = self.check_rows(peers)
        peers.end()
        for name, _, _, measure in parts:
            self.progress.say(name)
            try:
                result["parts"][name] = measure(self)
            except (RuntimeError, OSError, AssertionError) as error:
                self.progress.say(f"{name} is left out: {error}")
                result["parts"][name] = {"failed": f"{error}"[:500]}
            self.progress.done(name)
        return result

    def close(self):
        plant.end_all()
        shutil.rmtree(self.state, ignore_errors=True)


def stop(*unused):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    started, peers, bench = time.monotonic(), Peers(), None
    try:
        bench = Bench()
        result = bench.run(peers)
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        sys.exit(130)
    finally:
        # A second Ctrl-C must not leave servers behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        peers.end()
        if bench:
            bench.close()
        plant.end_all()
    result["took_seconds"] = round(time.monotonic() - started)
    path = f"{BUILD}/bench-part.json" if bench.only else f"{BUILD}/bench.json"
    with open(path, "w") as f:
        json.dump(result, f, indent=1)
    print()
    print(report.text(result))
    print(f"\nall figures of all rounds: {path}")


if __name__ == "__main__":
    main()
