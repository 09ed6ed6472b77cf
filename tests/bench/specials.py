"""What else there is to measure: sign-ins, refreshes, checks beside sign-ins, revocation, memory, many sessions, and the
time inside the process. Each takes a Bench and returns what goes into bench.json."""

import os
import secrets
import statistics
import subprocess
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
import machine
import nodes
import plant
from asked import check_bytes, page_bytes, write_raw, write_requests
from plant import ACCESS, ADDRESS, AGENT, BUILD, PASSWORD, Client, Plant
from rounds import Row, drive, interleave

OPSLIMIT, MEMLIMIT_MB, PARALLEL = 2, 64, 2  # Doorward's defaults


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def checks_file(bench, name, tokens):
    path = f"{bench.state}/{name}.requests"
    write_requests(path, [plant.web_params(token) for token in tokens])
    return path


def few_tokens(bench, site, client, count=100, word="some"):
    names = [f"{word}{i}" for i in range(count)]
    site.add_users(names)
    return site.mint(site.sessions(names, client), client)


def many_tokens(bench):
    with open(bench.checks().many) as f:
        return [line.strip().partition("=")[2] for line in f]


def check_row(bench, name, title, site, node, requests, connections=16):
    return Row(name, title, drive(site.socket_path("authorizer", node), requests, connections),
               lambda: [site.nodes[node].pid], lambda: [site.redis_process.pid], group="direct")


# ---- sign-ins ----

def sign_in_requests(bench, count):
    """Sign-ins of users with real Argon2id hashes, in forms of one browser."""
    path = f"{bench.state}/sign-in.requests"
    if os.path.exists(path):
        return path
    site, client = bench.site, Client(bench.site, AGENT, ADDRESS)
    form = client.page("POST", "/auth/login", "plain", {"username": "x"}, navigation=True)
    csrf = form.text.partition('name="csrf" value="')[2].partition('"')[0]
    names = [f"argon{i}" for i in range(count)]
    done = subprocess.run([f"{BUILD}/doorwardctl", "-c", f"{site.state}/ctl.conf", "user", "add", "argon"],
                          input=PASSWORD + "\n", capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"doorwardctl user add: {done.stderr}")
    hash_ = site.redis("HGET", f"dw:user:{{{nodes.uid_of('argon')}}}", "password")
    site.add_users(names)
    site.redis.pipeline([("HSET", f"dw:user:{{{nodes.uid_of(n)}}}", "password", hash_) for n in names])
    requests = []
    for name in names:
        fields = {"username": name, "password": PASSWORD, "next": "/", "csrf": csrf}
        body = urllib.parse.urlencode(fields).encode()
        params = client._params("POST", "/auth/login", client.jar, list(nodes.NAVIGATION) + [
            ("HTTP_ORIGIN", nodes.ORIGIN), ("CONTENT_LENGTH", str(len(body))),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded")])
        requests.append(page_bytes(params, body))
    write_raw(path, requests)
    return path


def argon(seconds):
    done = subprocess.run([f"{BUILD}/bench/argon", str(OPSLIMIT), str(MEMLIMIT_MB), str(PARALLEL), str(seconds)],
                          capture_output=True, text=True, check=True)
    count, took, cpu = done.stdout.split()
    return {"per_second": int(count) / float(took), "cpu_ms": float(cpu) / int(count) * 1000}


def sign_ins(bench):
    requests = sign_in_requests(bench, 200)
    site, seconds = bench.site, 2 if bench.quick else 5
    socket_path = site.socket_path("responder", "plain")
    row = Row("sign-in", "sign-ins", drive(socket_path, requests, 4), lambda: [site.nodes["plain"].pid],
              lambda: [site.redis_process.pid])
    bare = []
    for _ in range(bench.rounds):
        row.measure(seconds, bench.patience)
        bare.append(argon(seconds))
    result = row.result()
    out = {"per_second": result["rps"], "cpu_ms": result["cpu"], "p50_us": result["p50_us"], "p99_us": result["p99_us"],
           "bad": result["bad"], "argon_per_second": statistics.median(b["per_second"] for b in bare),
           "argon_cpu_ms": statistics.median(b["cpu_ms"] for b in bare), "rounds": result["rounds"], "argon_rounds": bare}
    if result["bad"]:
        raise RuntimeError(f"{result['bad']} sign-ins failed")
    return out


# ---- refreshes ----

def refreshes(bench):
    site, seconds = bench.site, 1 if bench.quick else 2
    count = 6000 * bench.rounds * seconds
    names = [f"fresh{i}" for i in range(count)]
    sids = [secrets.token_bytes(16) for _ in names]
    site.add_users(names)
    site.sessions(names, bench.client, sids)
    path, requests, client = f"{bench.state}/refresh.requests", [], Client(site, AGENT, ADDRESS)
    for token in site.refresh_tokens(names, sids):
        params = client._params("POST", "/auth/refresh", {nodes.REFRESH: token}, list(nodes.SCRIPT) + [
            ("HTTP_ORIGIN", nodes.ORIGIN), ("CONTENT_LENGTH", "0"),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded")])
        requests.append(page_bytes(params))
    write_raw(path, requests)
    row = Row("refresh", "refreshes", drive(site.socket_path("responder", "plain"), path, 4, once=True),
              lambda: [site.nodes["plain"].pid], lambda: [site.redis_process.pid])
    for _ in range(bench.rounds):
        row.measure(seconds, bench.patience)
    result = row.result()
    if result["bad"] or sum(r["requests"] for r in row.rounds) > count:
        raise RuntimeError(f"{result['bad']} refreshes failed")
    return {"per_second": result["rps"], "cpu_ms": result["cpu"], "p50_us": result["p50_us"],
            "p99_us": result["p99_us"], "rounds": result["rounds"]}


# ---- checks while people sign in ----

def beside_sign_ins(bench):
    """p99 of checks that come at their own pace (4 at a time, 1 ms after each), with 200 sign-ins at once and without."""
    site, seconds = bench.site, 2 if bench.quick else 4
    requests = checks_file(bench, "beside", few_tokens(bench, site, bench.client, 100, "beside"))
    sign_in = sign_in_requests(bench, 200)
    run = drive(site.socket_path("authorizer", "plain"), requests, 4, pause_us=1000)
    command = [f"{BUILD}/bench/drive", "load", site.socket_path("responder", "plain"), sign_in, "200", "0",
               str(seconds + 1), "0"]
    idle, beside = [], []
    run(1)
    for _ in range(bench.rounds):
        machine.wait_until_quiet(bench.patience)
        idle.append(run(seconds))
        crowd = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        beside.append(run(seconds))
        crowd.wait(120)
    if sum(r["bad"] for r in idle + beside):
        raise RuntimeError("checks failed while people signed in")
    return {"idle_p50_us": statistics.median(r["p50_us"] for r in idle),
            "idle_p99_us": statistics.median(r["p99_us"] for r in idle),
            "beside_p50_us": statistics.median(r["p50_us"] for r in beside),
            "beside_p99_us": statistics.median(r["p99_us"] for r in beside), "idle": idle, "beside": beside}


# ---- revocation ----

def revocation(bench):
    """One node ends a session; from its reply on, how long does the other let the session in?"""
    site, count = bench.site, 500 if bench.quick else 10000
    site.node("reader", ("mirror.enabled=yes",))
    tokens = many_tokens(bench)[:count]
    client, requests = Client(site, AGENT, ADDRESS), []
    for token in tokens:
        end = client._params("POST", "/auth/logout", {ACCESS: token}, list(nodes.SCRIPT) + [
            ("HTTP_ORIGIN", nodes.ORIGIN), ("CONTENT_LENGTH", "0"),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded")])
        requests += [check_bytes(plant.web_params(token)), page_bytes(end)]
    path = f"{bench.state}/revoke.requests"
    write_raw(path, requests)
    time.sleep(0.5)
    done = subprocess.run([f"{BUILD}/bench/drive", "revoke", site.socket_path("responder", "plain"),
                           site.socket_path("authorizer", "reader"), path, "0"], capture_output=True, text=True,
                          timeout=600)
    site.end_node("reader")
    took = [int(line) for line in done.stdout.split()]
    if done.returncode != 0 or len(took) != count:
        raise RuntimeError(f"after {len(took)} revocations: {done.stderr}")
    seen = [t for t in took if t >= 0]
    return {"count": count, "missed": took.count(-1), "p50_us": percentile(seen, 0.5), "p99_us": percentile(seen, 0.99),
            "max_us": max(seen), "lease_ms": 300}


# ---- memory ----

def memory(bench):
    """Bytes of Redis memory for each session, by used_memory and by key; one session a user, and four."""
    count = 10000 if bench.quick else 100000
    out = {"count": count}
    for each in (1, 4):
        site = bench.new_plant(f"memory{each}")
        try:
            site.node("plain")
            site.add_users(["alice"])
            client = site.sign_in("alice", "plain")
            if client.check("plain").status != 200:
                raise RuntimeError("the check of a new session")
            names = [f"m{i}" for i in range(count // each)]
            site.add_users(names)
            before = used_memory(site)
            made = site.sessions(names * each, client)
            grown = used_memory(site) - before
            model = nodes.claims(client.jar[ACCESS])
            out[f"per_session_{each}"] = grown / count
            out[f"keys_{each}"] = {kind: statistics.mean(key_bytes(site, kind, *m[:2]) for m in made[:500])
                                   for kind in ("session", "seen", "sessions")}
            real = {kind: key_bytes(site, kind, model["sub"], model["sid"]) for kind in ("session", "seen")}
            ours = {kind: out[f"keys_{each}"][kind] for kind in real}
            if any(abs(real[k] - ours[k]) > 16 for k in real) or \
                    set(site.record(*made[0][:2])) != set(site.record(model["sub"], model["sid"])):
                raise RuntimeError(f"sessions made in bulk differ from a real one: {ours}, {real}")
            out["real_session"] = real
        finally:
            site.close()
    return out


def used_memory(site):
    time.sleep(0.5)  # Redis has time to finish growing its tables
    text = site.redis("INFO", "memory")
    return int(text.partition("\r\nused_memory:")[2].split("\r\n")[0])


def key_bytes(site, kind, uid, handle):
    key = f"dw:{kind}:{{{uid}}}" + ("" if kind == "sessions" else f":{handle}")
    return site.redis("MEMORY", "USAGE", key, "SAMPLES", 0) or 0


# ---- many sessions ----

def free_mib():
    with open("/proc/meminfo") as f:
        return int(f.read().partition("MemAvailable:")[2].split()[0]) // 1024


def settle(site):
    """Until Redis has nothing more to tidy up after so many new keys; half a minute at most."""
    pids = [site.redis_process.pid]
    for _ in range(30):
        before = sum(machine.cpu(pids))
        time.sleep(1)
        if sum(machine.cpu(pids)) - before <= 0.02:
            return


def population(bench):
    """The cost of a check for the same 100 sessions, with few and with very many others in Redis."""
    counts = (1000, 20000, 100000) if bench.quick else (1000, 100000, 2000000)
    fits = int((free_mib() - 1500) * 1024 * 1024 / 900)
    rows, sites = [], []
    for count in counts:
        if count > fits:
            bench.progress.say(f"only {fits} sessions fit into the free memory, instead of {count}")
            count = max(1000, fits)
        site = bench.new_plant(f"many{count}")
        sites.append(site)
        site.add_users(["alice"])
        for mode in ("yes", "no"):
            site.node(f"mirror-{mode}", (f"mirror.enabled={mode}",))
        client = site.sign_in("alice", "mirror-yes")
        site.fill(count, client)
        requests = checks_file(bench, f"many{count}", few_tokens(bench, site, client))
        for mode, word in (("yes", "hit"), ("no", "off")):
            rows.append(check_row(bench, f"many-{count}-{word}", f"{count:,} sessions in Redis, mirror {word}", site,
                                  f"mirror-{mode}", requests))
        bench.progress.say(f"{count:,} sessions are in Redis")
        bench.progress.done("many sessions", 45 * count / 2000000)
    bench.site.node("larger", ("mirror.enabled=yes", "mirror.max_entries=1000"))
    larger = checks_file(bench, "larger", many_tokens(bench))
    rows.append(check_row(bench, "many-larger", "a working set larger than the mirror", bench.site, "larger", larger))
    for site in sites:
        settle(site)
    rows = interleave(rows, bench.rounds, 1 if bench.quick else 2, bench.patience, bench.progress, "many sessions")
    bench.site.end_node("larger")
    for site in sites:
        site.close()
    return {"counts": counts, "rows": [row.result() for row in rows]}


# ---- inside the process ----

def inside(bench):
    """CPU time between the last parameter read and the answer ready to be written."""
    conf = bench.site.write_settings("inside", ("mirror.enabled=yes",))
    token = few_tokens(bench, bench.site, bench.client, 1, "inside")[0]
    took, count = [], 20000 if bench.quick else 100000
    for _ in range(bench.rounds):
        machine.wait_until_quiet(bench.patience)
        done = subprocess.run([f"{BUILD}/bench/inside", conf, str(count)], input=f"HTTP_COOKIE={ACCESS}={token}\n",
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0 or int(done.stdout.split()[0]) != count:
            raise RuntimeError(f"inside: {done.stdout}{done.stderr}")
        took.append(float(done.stdout.split()[1]))
    return {"us": statistics.median(took), "rounds": took}
