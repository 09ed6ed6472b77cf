"""make faults: each scenario with traffic running, one after another, and a table of what came of it.

A scenario is a function marked @scenario in one of the s_*.py files, or a program in programs/ that prints one line of
JSON last, with the same names: scenario wrong_allows false_refusals cookies_deleted sessions_lost
sessions_lost_expected requests refused longest_ms recover_ms notes failed seconds. Whatever it leaves out is not
shown; "failed" is the list of what did not hold.

From the environment: ONLY=word, FAULTS=quick, DOORWARD_BUILD (default build), FAULTS_SANITIZED=yes for the programs
built with sanitizers, FAULTS_TRACE to see where a scenario broke.
"""

import glob
import importlib
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
import sites
import stage

sys.path.append(f"{sites.nodes.ROOT}/tests/bench")
import machine

LIMIT_SEC = 120
COLUMNS = (("wrong\nallows", "wrong_allows"), ("false\nrefusals", "false_refusals"), ("cookies\ndeleted", "cookies_deleted"),
           ("sessions\nlost", "sessions_lost"), ("to be\nexpected", "sessions_lost_expected"), ("requests", "requests"),
           ("refused", "refused"), ("longest\nms", "longest_ms"), ("back\nms", "recover_ms"))


def load():
    for path in sorted(glob.glob(f"{HERE}/s_*.py")):
        importlib.import_module(os.path.basename(path)[:-3])


def programs():
    return {os.path.basename(p).split(".")[0]: p for p in sorted(glob.glob(f"{HERE}/programs/*")) if os.access(p, os.X_OK)}


def command_of(name):
    if name not in stage.SCENARIOS:
        return [programs()[name]]
    function = stage.SCENARIOS[name]
    unshared = [flag for flag, wanted in (("--net", function.network), ("--mount", function.mounts)) if wanted]
    return (["unshare", *unshared] if unshared else []) + [sys.executable, f"{HERE}/run.py", "--one", name]


def run_one(name):
    """Each in a process of its own."""
    limit = LIMIT_SEC if name in stage.SCENARIOS else 3600
    try:
        done = subprocess.run(command_of(name), capture_output=True, text=True, timeout=limit)
        said = done.stdout.strip().splitlines()
        result = json.loads(said[-1])
        if os.environ.get("FAULTS_TRACE"):
            print(done.stdout, done.stderr)
    except subprocess.TimeoutExpired:
        result = {"failed": [f"not over after {limit} s"]}
    except (IndexError, ValueError):
        result = {"failed": [f"it ended with status {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"]}
    return {**result, "scenario": name}


def row(result):
    cells = ["-" if result.get(key) is None else str(result[key]) for _, key in COLUMNS]
    return f"{result['scenario'].replace('_', ' '):<76}" + "".join(f"{cell:>10}" for cell in cells)


def header():
    lines = zip(*[(["", *label.split("\n")])[-2:] for label, _ in COLUMNS])
    return "\n".join(" " * 76 + "".join(f"{word:>10}" for word in line) for line in lines)


def chosen():
    only, quick = os.environ.get("ONLY", ""), os.environ.get("FAULTS") == "quick"
    names = [name for name, function in stage.SCENARIOS.items() if not quick or function.quick]
    names += [] if quick else list(programs())
    return [name for name in names if only.replace(" ", "_") in name]


def counts(results):
    failed = sum(1 for result in results if result["failed"])
    return f"{len(results) - failed} passed, {failed or int(not results)} failed"


def about(seconds):
    """The machine, and how busy others kept it."""
    found = machine.describe(sites.nodes.BUILD)
    caddy = subprocess.run(["caddy", "version"], capture_output=True, text=True).stdout.split()
    versions = {**found["versions"], "caddy": caddy[0] if caddy else "not installed", "python": sys.version.split()[0]}
    named = ("doorward", "system", "kernel", "redis", "lighttpd", "nginx", "apache", "caddy", "libfcgi", "python")
    return [f"{found['date']}: {found['cpu']}, {found['cores']} cores, {found['memory_mib']} MiB; "
            f"load average at the end {os.getloadavg()[0]:.1f}; {seconds / 60:.1f} minutes",
            ", ".join(f"{name} {versions[name]}" for name in named)]


def main():
    results, started = [], time.monotonic()
    print(header(), flush=True)
    for name in chosen():
        result = run_one(name)
        results.append(result)
        print(row(result), flush=True)
        for text in result.get("notes") or []:
            print(f"    {text}", flush=True)
        for text in result["failed"]:
            print(f"    FAILED {text}", flush=True)
    with open(f"{sites.nodes.BUILD}/faults.json", "w") as f:
        json.dump({"about": about(time.monotonic() - started), "scenarios": results}, f, indent=1)
    print(counts(results))
    sys.exit(1 if not results or any(result["failed"] for result in results) else 0)


if __name__ == "__main__":
    load()
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(stage.run(sys.argv[2])), flush=True)
        os._exit(0)
    main()
