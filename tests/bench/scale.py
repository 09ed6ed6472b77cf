"""make scale: what many nodes and a Redis Cluster cost, counted on one machine: 3 masters, 3 replicas, 4 nodes.

Prints the figures and what follows from them for ten million sessions, and writes BUILD/scale.json; tests/bench/reckon.py
puts both into docs/scale.md. What is counted is work: CPU seconds, bytes, messages, exchanges. Times on the clock are
printed for the longest waits only.

From the environment: DOORWARD_BUILD; SCALE=quick for small numbers of everything; ONLY=word for the parts whose name
contains it (then nothing but build/scale-part.json is written).
"""

import json
import os
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True
import machine
import plant
import reckon
import scale_faults
import scale_parts
from clustered import ClusterPlant, Count
from plant import BUILD
from rounds import Progress

NODES = (0, 1, 2, 3)


class Scale:
    def __init__(self):
        self.quick = os.environ.get("SCALE") == "quick"
        self.only = os.environ.get("ONLY", "")
        self.rounds = 1 if self.quick else 3
        self.progress = Progress()
        self.state = plant.temporary_folder()
        self.site = ClusterPlant(self.state)
        self.site.count = len(NODES)

    def start_nodes(self):
        for name in NODES:
            self.site.node(name)
        self.site.add_users(["alice"])
        self.client = self.site.sign_in("alice", 0)

    def median(self, measure):
        """Of so many rounds, each figure's median; measure returns a flat dictionary."""
        found = [measure() for _ in range(self.rounds)]
        return {key: statistics.median(f[key] for f in found) for key in found[0]}

    def counted(self, names, run, number):
        """What run() costs for each of number, without what idle nodes cost meanwhile."""
        count = Count(self.site, names)
        run()
        used = count.stop()
        seconds, idle = used["at"], self.idle
        mirrored = sum(1 for n in (names or NODES) if n in NODES)
        return {"node_us": 1e6 * (used["node"] - mirrored * idle["node"] * seconds) / number,
                "master_us": 1e6 * (used["master"] - idle["master"] * seconds) / number,
                "replica_us": 1e6 * (used["replica"] - idle["replica"] * seconds) / number,
                "exchanges": (used["reads"] - idle["reads"] * seconds) / number,
                "commands": (used["commands"] - idle["commands"] * seconds) / number}

    def measure_idle(self):
        """CPU seconds and exchanges in each second: of the cluster alone, and of nodes that nobody asks."""
        seconds = 3 if self.quick else 12

        def rates(names):
            count = Count(self.site, names)
            time.sleep(seconds)
            used = count.stop()
            return {key: used[key] / used["at"] for key in used}
        alone = rates([])
        self.start_nodes()
        time.sleep(1)
        with_nodes = rates(NODES)
        self.idle = {**with_nodes, "node": with_nodes["node"] / len(NODES)}
        each = len(NODES)
        return {"alone_master": alone["master"] / 3, "node": self.idle["node"],
                "master_per_node": (with_nodes["master"] - alone["master"]) / 3 / each,
                "reads_per_node": (with_nodes["reads"] - alone["reads"]) / each}

    def run(self):
        out = {"machine": machine.describe(BUILD), "quick": self.quick, "nodes": len(NODES), "masters": 3}
        parts = [("idle", Scale.measure_idle), ("checks", scale_parts.checks), ("many", scale_parts.many),
                 ("rotations", scale_parts.rotations), ("sign_ins", scale_parts.sign_ins),
                 ("sign_outs", scale_parts.sign_outs), ("messages", scale_parts.messages),
                 ("connections", scale_parts.connections), ("memory", scale_parts.memory), ("noted", scale_parts.noted),
                 ("reshard", scale_faults.reshard), ("failover", scale_faults.failover)]
        for name, measure in parts:
            if self.only in name or name == "idle" or (name == "many" and self.only == "noted"):
                self.progress.say(name)
                out[name] = measure(self)
        return out

    def close(self):
        self.site.close()


def stop(*unused):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    started, scale = time.monotonic(), Scale()
    try:
        result = scale.run()
    except KeyboardInterrupt:
        print("scale: stopped", file=sys.stderr)
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        scale.close()
        plant.end_all()
    result["took_seconds"] = round(time.monotonic() - started)
    path = f"{BUILD}/scale-part.json" if scale.only else f"{BUILD}/scale.json"
    with open(path, "w") as f:
        json.dump(result, f, indent=1)
    if scale.only:
        print(json.dumps(result, indent=1))
        return
    print()
    print(reckon.measured(result))
    print()
    print(reckon.reckoned(result))
    print(f"\n{path}")
    wrong = reckon.wrong(result)
    if wrong:
        sys.exit(f"scale: {wrong}")


if __name__ == "__main__":
    main()
