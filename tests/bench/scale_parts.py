"""What make scale counts while nothing is broken. Each takes a Scale and returns figures."""

import secrets
import subprocess
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
import machine
import nodes
import plant
from asked import page_bytes, write_raw, write_requests
from clustered import Ears, slot_of
from plant import ADDRESS, AGENT, BUILD, Client

NODES = (0, 1, 2, 3)


def drives(scale, role, names, path, count, first=0, connections=4):
    """The requests of a file from `first` on, so many for each node, all nodes at once."""
    running = [subprocess.Popen([f"{BUILD}/bench/drive", "load", scale.site.socket_path(role, name), path,
                                 str(connections), str(count), "0", "0", str(first + i * count)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for i, name in enumerate(names)]
    for process in running:
        out, error = process.communicate(timeout=300)
        if process.returncode != 0 or out.split()[2] != "0":
            raise RuntimeError(f"drive: {out}{error}")


def users(scale, word, count):
    names = [f"{word}{i}" for i in range(count)]
    scale.site.add_users(names)
    return names


def tokens(scale, word, count):
    site = scale.site
    return site.mint(site.sessions(users(scale, word, count), scale.client), scale.client)


def check_file(scale, name, some):
    path = f"{scale.state}/{name}.requests"
    write_requests(path, [plant.web_params(token) for token in some])
    return path


def page_file(scale, name, pages):
    """pages: (path, cookies, fields or None) of POST requests."""
    client, requests = Client(scale.site, AGENT, ADDRESS), []
    for path, jar, fields in pages:
        body = urllib.parse.urlencode(fields or {}).encode()
        requests.append(page_bytes(client._params("POST", path, jar, list(
            nodes.NAVIGATION if fields else nodes.SCRIPT) + [
                ("HTTP_ORIGIN", nodes.ORIGIN), ("CONTENT_LENGTH", str(len(body))),
                ("CONTENT_TYPE", "application/x-www-form-urlencoded")]), body))
    file = f"{scale.state}/{name}.requests"
    write_raw(file, requests)
    return file


def heard(scale, names, run, number):
    """What run() costs, and what each node hears of it, for each of number."""
    ears = Ears(scale.site.cluster.masters)
    used = scale.counted(names, run, number)
    octets, messages_, keys = (sum(column) for column in zip(*ears.stop()))
    return {**used, "bytes": octets / number, "messages": messages_ / number, "keys": keys / number}


# ---- checks ----

def checks(scale):
    site = scale.site
    path = check_file(scale, "checks", tokens(scale, "check", 100))
    hits, others = (20000, 4000) if scale.quick else (60000, 12000)
    off = [f"off{n}" for n in NODES]
    for name in off:
        site.node(name, ("mirror.enabled=no",))
    out = {}
    for name in (*NODES, *off):
        drives(scale, "authorizer", [name], path, 300)
    for kind, names, number in (("hit", NODES, hits), ("off", off, others)):
        for count in (1, 4):
            each = number // count
            out[f"{kind}{count}"] = scale.median(lambda: scale.counted(
                names[:count], lambda: drives(scale, "authorizer", names[:count], path, each), each * count))
    for name in off:
        site.end_node(name)
    return out


def rss(site, name):
    return machine.memory([site.nodes[name].pid])[0] * 1024 * 1024


def many(scale):
    """More sessions than fit into few tables: each checked for the first time, and then again and again."""
    site, count, es = scale.site, 3000 if scale.quick else 24000, f"token.keys_dir={scale.state}/keys-es"
    for name in ("many", "other"):
        site.node(name, (es, f"mirror.max_entries={6 * count}"))
    site.node("tokens", (es, "mirror.enabled=no"))
    client = site.sign_in("alice", "many")

    def made(word, number):
        return check_file(scale, word, site.mint_es(site.sessions(users(scale, word, number), scale.client), client))
    path, some = made("many", count), made("some", 100)
    for name in ("many", "other", "tokens"):
        drives(scale, "authorizer", [name], some, 200)
    # The table of the mirror is there from the start, but not in memory before it is used.
    before, out = rss(site, "many"), {"count": count}

    def visit(name):
        drives(scale, "authorizer", [name], path, count)
    out["first"] = heard(scale, ["many"], lambda: visit("many"), count)
    out["node_bytes"] = (rss(site, "many") - before) / count
    out["again"] = scale.median(lambda: scale.counted(["many"], lambda: visit("many"), count))
    visit("other")
    scale.visit, scale.visited_at = visit, time.monotonic()
    few = min(count, 12000)
    before = rss(site, "tokens")
    drives(scale, "authorizer", ["tokens"], path, few)
    out["token_bytes"] = (rss(site, "tokens") - before) / few
    site.end_node("tokens")
    return out


def noted(scale):
    """The same sessions more than a minute later: nothing changed, but that each was used is to be noted. Then at
    another node, which asks for the same."""
    count, out = 3000 if scale.quick else 24000, {}
    time.sleep(max(0, scale.visited_at + 61 - time.monotonic()))
    for kind, name in (("written", "many"), ("unwritten", "other")):
        out[kind] = heard(scale, [name], lambda n=name: scale.visit(n), count)
        scale.site.end_node(name)
    return out


# ---- what writes ----

def rotations(scale):
    site, each = scale.site, 150 if scale.quick else 250
    site.node("es", (f"token.keys_dir={scale.state}/keys-es",))
    out = {}
    for alg, names in (("rs256", NODES), ("es256", ["es"])):
        total = each * len(names) * (scale.rounds + 1)
        sids = [secrets.token_bytes(16) for _ in range(total)]
        people = users(scale, f"turn-{alg}-", total)
        site.sessions(people, scale.client, sids)
        path = page_file(scale, alg, [("/auth/refresh", {nodes.REFRESH: token}, None)
                                      for token in site.refresh_tokens(people, sids)])
        done = 0

        def rotate():
            nonlocal done
            drives(scale, "responder", names, path, each, done)
            done += each * len(names)
        rotate()  # the scripts are loaded, the connections made
        out[alg] = scale.median(lambda: heard(scale, names, rotate, each * len(names)))
    site.end_node("es")
    return out


def hash_us():
    """CPU of the hash that sign_ins uses, alone."""
    script = ("my $n = 300; my ($a) = times; crypt($ARGV[0], $ARGV[1]) for 1..$n; my ($b) = times; "
              "print 1e6 * ($b - $a) / $n")
    return float(subprocess.run(["perl", "-e", script, nodes.PASSWORD, nodes.HASH], capture_output=True, text=True,
                                check=True).stdout)


def sign_ins(scale):
    """Users in a file with a quick hash, which is never replaced by a dear one."""
    site, count = scale.site, 150 if scale.quick else 250
    names = [f"person{i}" for i in range(count * (scale.rounds + 1))]
    with open(f"{scale.state}/users", "w") as f:
        f.writelines(f"{name}:{nodes.quick_hash()}\n" for name in names)
    site.node("file", ("users.source=file", f"users.users_file={scale.state}/users"))
    client = Client(site, AGENT, ADDRESS)
    form = client.page("POST", "/auth/login", "file", {"username": "x"}, navigation=True)
    csrf = form.text.partition('name="csrf" value="')[2].partition('"')[0]
    path = page_file(scale, "sign-in", [("/auth/login", client.jar, {
        "username": name, "password": nodes.PASSWORD, "next": "/", "csrf": csrf}) for name in names])
    done = 0

    def sign_in():
        nonlocal done
        drives(scale, "responder", ["file"], path, count, done)
        done += count
    sign_in()
    out = scale.median(lambda: heard(scale, ["file"], sign_in, count))
    out["hash_us"] = hash_us()
    out["node_us"] -= out["hash_us"]
    site.end_node("file")
    return out


def sign_outs(scale):
    each = 75 if scale.quick else 200
    per_round = each * len(NODES)
    some = tokens(scale, "out", per_round * (scale.rounds + 1))
    path = page_file(scale, "sign-out", [("/auth/logout", {plant.ACCESS: token}, None) for token in some])
    done = 0

    def leave():
        nonlocal done
        drives(scale, "responder", NODES, path, each, done)
        done += per_round
    leave()
    return scale.median(lambda: heard(scale, NODES, leave, per_round))


# ---- broadcasting ----

def keys_at_first_master(count):
    out = []
    while len(out) < count:
        uid, handle = nodes.b64(secrets.token_bytes(16)), nodes.b64(secrets.token_bytes(16))
        key = f"dw:session:{{{uid}}}:{handle}"
        if slot_of(key) < 16384 // 3:
            out.append(key)
    return out


EARS = 16


def write_all(scale, keys, batch):
    link = scale.site.redis.link(0)
    for at in range(0, len(keys), batch):
        link.pipeline([("HSET", key, "generation", at) for key in keys[at:at + batch]])


def messages(scale):
    """Writes by somebody else, one by one and many at a time: what each costs at the nodes, and what it costs Redis for
    each that listens."""
    count = 4000 if scale.quick else 12000
    keys = keys_at_first_master(count)
    write_all(scale, keys, 500)
    out = {"ears": EARS}
    for kind, batch in (("single", 1), ("batched", 200)):
        number = count if batch == 1 else 5 * count

        def run():
            for _ in range(number // count):
                write_all(scale, keys, batch)

        def round_():
            few = heard(scale, NODES, run, number)
            ears = Ears([scale.site.cluster.masters[0]] * EARS)
            more = scale.counted(NODES, run, number)
            got = {keys_ for _, _, keys_ in ears.stop()}
            if got != {number}:
                raise RuntimeError(f"not every change was told: {got}, of {number}")
            return {**few, "listener_us": (more["master_us"] - few["master_us"]) / EARS,
                    "node_us": few["node_us"] / len(NODES)}
        out[kind] = scale.median(round_)
    for at in range(0, count, 500):
        scale.site.redis.link(0).pipeline([("DEL", key) for key in keys[at:at + 500]])
    return out


def connections(scale):
    """Of each node at each master, after all threads of all nodes had something to ask."""
    path = check_file(scale, "threads", tokens(scale, "thread", 600))
    for name in NODES:
        drives(scale, "authorizer", [name], path, 600, connections=64)
    found = [len(master.clients()) for master in scale.site.cluster.masters]
    return {"most": max(found) / len(NODES), "threads": 4 + 8}


# ---- memory ----

def used(servers):
    return sum(int(server.info("used_memory")) for server in servers)


def settle(scale):
    time.sleep(1.5)  # the tables have time to finish growing
    for master, replica in zip(scale.site.cluster.masters, scale.site.cluster.replicas):
        while master.info("master_repl_offset") != replica.info("master_repl_offset"):
            time.sleep(0.1)


def memory(scale):
    cluster, count = scale.site.cluster, 20000 if scale.quick else 120000
    servers = {"master": cluster.masters, "replica": cluster.replicas}
    sizes = []

    def weigh():
        settle(scale)
        sizes.append({kind: used(some) for kind, some in servers.items()})
    weigh()
    names = users(scale, "crowd", count)
    weigh()
    made = scale.site.sessions(names, scale.client)
    weigh()
    out = {"count": count}
    for kind in servers:
        out[f"user_{kind}"] = (sizes[1][kind] - sizes[0][kind]) / count
        out[f"session_{kind}"] = (sizes[2][kind] - sizes[1][kind]) / count
    keys = {kind: 0 for kind in ("session", "seen", "sessions")}
    for uid, handle, _ in made[:300]:
        for kind in keys:
            key = f"dw:{kind}:{{{uid}}}" + ("" if kind == "sessions" else f":{handle}")
            keys[kind] += (scale.site.redis.link(slot_of(key))("MEMORY", "USAGE", key, "SAMPLES", 0) or 0) / 300
    slots = [0] * 16384
    for uid, _, _ in made:
        slots[slot_of(f"{{{uid}}}")] += 1
    third = [sum(slots[16384 * i // 3:16384 * (i + 1) // 3]) / count for i in range(3)]
    return {**out, "keys": keys, "slot_mean": count / 16384, "slot_min": min(slots), "slot_max": max(slots),
            "share_min": min(third), "share_max": max(third)}
