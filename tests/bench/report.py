#!/usr/bin/python3
"""report.py: writes the figures of `make bench` and `make callgrind` into docs/performance.md, between its markers.

DOORWARD_BUILD: the folder of bench.json and callgrind.json, default build."""

import json
import os
import sys

sys.dont_write_bytecode = True
ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))

# What is compared: row, limit, row it is compared with.
RATIOS = (("lighttpd-hit", 0.75, "lighttpd-null"), ("nginx-hit", 0.75, "nginx-null"),
          ("apache-hit", 1.00, "apache-null"), ("fcgid-hit", 1.00, "fcgid-null"),
          ("lighttpd-hit", 1.2, "lighttpd-raw"), ("nginx-hit", 1.2, "nginx-raw"),
          ("lighttpd-off", 1.3, "lighttpd-null"), ("nginx-off", 1.3, "nginx-null"),
          ("apache-off", 1.3, "apache-null"), ("fcgid-off", 1.3, "fcgid-null"),
          ("nginx-hit", 1.15, "peer-nginx-lua-redis"), ("lighttpd-hit", 0.45, "peer-lighttpd-perl-authorizer"),
          ("apache-hit", 0.5, "peer-apache-oidc-redis"), ("fcgid-hit", 0.5, "peer-apache-oidc-redis"))


def target(name, value, limit, unit="", digits=2):
    met = "met" if value <= limit else "not met"
    return (name, f"{value:.{digits}f}{unit}", f"≤ {limit:g}{unit}", met)


def targets(result):
    # Where more than one answer in a hundred was wrong, nothing is compared.
    rows = {row["name"]: row for row in result["checks"]
            if row["cpu"] > 0 and row["bad"] <= sum(r["requests"] for r in row["rounds"]) / 100}
    parts = {name: part for name, part in result["parts"].items() if "failed" not in part}
    out = [target(f"{row} / {base}, CPU per request", rows[row]["cpu"] / rows[base]["cpu"], limit)
           for row, limit, base in RATIOS if row in rows and base in rows]
    if "inside" in parts:
        out.append(target("CPU inside the process, params read to answer ready", parts["inside"]["us"], 2, " µs"))
    if "beside sign-ins" in parts:
        part = parts["beside sign-ins"]
        out.append(target("p99 of a check beside 200 sign-ins / idle", part["beside_p99_us"] / part["idle_p99_us"], 2))
    if "many sessions" in parts:
        part = parts["many sessions"]
        many = {row["name"]: row for row in part["rows"]}
        few, most = part["counts"][0], part["counts"][-1]
        for kind in ("hit", "off"):
            if f"many-{few}-{kind}" in many and f"many-{most}-{kind}" in many:
                ratio = many[f"many-{most}-{kind}"]["cpu"] / many[f"many-{few}-{kind}"]["cpu"]
                out.append(target(f"{most:,} sessions / {few:,}, mirror {kind}, CPU per check", ratio, 1.05))
    if "memory" in parts:
        out.append(target("Redis memory per session, one a user", parts["memory"]["per_session_1"], 600, " bytes", 0))
        out.append(target("Redis memory per session, four a user", parts["memory"]["per_session_4"], 600, " bytes", 0))
    if "revocation" in parts:
        part = parts["revocation"]
        out.append(target("revocation seen by the other node, p99", part["p99_us"] / 1000, 5, " ms"))
        out.append(target("revocation seen by the other node, the latest", part["max_us"] / 1000, part["lease_ms"], " ms"))
        out.append(target(f"revocations missed, of {part['count']:,}", part["missed"], 0, "", 0))
    return out


def check_table(result):
    head = ("row", "CPU s/1000", "min..max", "of it Redis", "x bare", "x null", "req/s", "p50 ms", "p99 ms", "RSS MiB",
            "bad")
    rows, by_name = [], {row["name"]: row for row in result["checks"]}
    for row in result["checks"]:
        server = row["group"]
        if server == "peer":
            server = next((s for s in ("lighttpd", "nginx", "apache-fcgid", "apache") if f"peer-{s}" in row["name"]), "nginx")
            server = {"apache-fcgid": "fcgid"}.get(server, server)
        bare = by_name.get(("apache" if server == "fcgid" else server) + "-none")
        null = by_name.get(server + "-null")
        rows.append((row["name"], f"{row['cpu']:.4f}", f"{row['cpu_min']:.3f}..{row['cpu_max']:.3f}",
                     f"{row['cpu_redis']:.4f}", f"{row['cpu'] / bare['cpu']:.2f}" if bare else "-",
                     f"{row['cpu'] / null['cpu']:.2f}" if null else "-", f"{row['rps']:.0f}",
                     f"{row['p50_us'] / 1000:.2f}", f"{row['p99_us'] / 1000:.2f}", f"{row['rss_mib']:.0f}",
                     str(row["bad"])))
    return [head, *rows]


def direct_table(result):
    part = result["parts"].get("many sessions", {})
    head = ("row (no web server)", "CPU s/1000", "of it Redis", "checks/s", "p50 ms", "p99 ms")
    return [head] + [(row["title"], f"{row['cpu']:.4f}", f"{row['cpu_redis']:.4f}", f"{row['rps']:.0f}",
                      f"{row['p50_us'] / 1000:.2f}", f"{row['p99_us'] / 1000:.2f}") for row in part.get("rows", ())]


def sentences(result):
    parts, out = result["parts"], []
    for name, part in parts.items():
        if "failed" in part:
            out.append(f"{name}: not measured: {part['failed']}")
    parts = {name: part for name, part in parts.items() if "failed" not in part}
    if "sign-ins" in parts:
        p = parts["sign-ins"]
        out.append(f"sign-ins: {p['per_second']:.1f} a second, {p['cpu_ms']:.1f} ms of CPU each; bare Argon2id with the "
                   f"same cost: {p['argon_per_second']:.1f} a second, {p['argon_cpu_ms']:.1f} ms of CPU each")
    if "refreshes" in parts:
        p = parts["refreshes"]
        out.append(f"refreshes: {p['per_second']:.0f} a second, {p['cpu_ms']:.2f} ms of CPU each")
    if "beside sign-ins" in parts:
        p = parts["beside sign-ins"]
        out.append(f"checks while 200 sign-ins run: p50 {p['beside_p50_us'] / 1000:.2f} ms, p99 "
                   f"{p['beside_p99_us'] / 1000:.2f} ms; idle: {p['idle_p50_us'] / 1000:.2f} and "
                   f"{p['idle_p99_us'] / 1000:.2f} ms")
    if "revocation" in parts:
        p = parts["revocation"]
        out.append(f"{p['count']:,} revocations, until the other node refuses: p50 {p['p50_us'] / 1000:.2f} ms, p99 "
                   f"{p['p99_us'] / 1000:.2f} ms, the latest {p['max_us'] / 1000:.2f} ms, missed {p['missed']}")
    if "memory" in parts:
        p = parts["memory"]
        for each, word in ((1, "one session a user"), (4, "four sessions a user")):
            keys = p[f"keys_{each}"]
            out.append(f"Redis memory, {p['count']:,} sessions, {word}: {p[f'per_session_{each}']:.0f} bytes each by "
                       f"used_memory (keys by MEMORY USAGE: session {keys['session']:.0f}, last use {keys['seen']:.0f}, "
                       f"the user's index {keys['sessions']:.0f})")
    if "inside" in parts:
        out.append(f"inside the process: {parts['inside']['us']:.2f} µs of CPU for a mirror hit")
    return out


def aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [" ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(row, widths))) for row in rows]


def about(result):
    m = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
    foreign = [r["foreign_cores"] for row in result["checks"] for r in row["rounds"]]
    return [f"{m['date']}: {m['cpu']}, {m['cores']} cores{' (virtual)' if m['virtual'] else ''}, {m['memory_mib']} MiB; "
            f"{m['versions']['system']}",
            versions,
            f"{result['rounds']} rounds of {result['seconds']} s{' (BENCH=quick)' if result['quick'] else ''}, "
            f"{result.get('took_seconds', 0) // 60} minutes; medians" +
            (f"; cores used by others meanwhile: {sum(foreign) / len(foreign):.2f} on average" if foreign else "")]


def text(result):
    out = about(result) + [""]
    if result["checks"]:
        out += aligned(check_table(result)) + [""]
    if result["parts"].get("many sessions", {}).get("rows"):
        out += aligned(direct_table(result)) + [""]
    found = targets(result)
    out += sentences(result) + [""]
    if found:
        out += aligned([("target", "measured", "wanted", ""), *found])
    return "\n".join(out)


def counted(result):
    """The first lines of what `make callgrind` printed, and the dearest functions."""
    out = result["text"].split("\n\n")[0].split("\n")
    out += ["", *aligned([("instructions per check, with all that it calls", "", "share"),
                          *((name, f"{cost:.0f}", f"{100 * cost / result['per_hit']:.0f} %")
                            for name, place, cost, _ in result["inclusive"] if place == "doorward")][:16])]
    return "\n".join(out)


def fill(page, name, figures):
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        sys.exit(f"the page lacks its markers {begin} and {end}")
    return f"{before}{begin}\n```\n{figures}\n```\n{end}{after}"


def main():
    build = os.environ.get("DOORWARD_BUILD", f"{ROOT}/build")
    page = f"{ROOT}/docs/performance.md"
    with open(page) as f:
        written = f.read()
    for name, file, make in (("figures", f"{build}/bench.json", text), ("callgrind", f"{build}/callgrind.json", counted)):
        if not os.path.exists(file):
            print(f"{file} is missing: that part of the page stays as it is")
            continue
        with open(file) as f:
            written = fill(written, name, make(json.load(f)))
        print(f"docs/performance.md: {file}")
    with open(page, "w") as f:
        f.write(written)


if __name__ == "__main__":
    main()
