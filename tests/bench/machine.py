"""What processes have used, from /proc, and what machine this is."""

import os
import re
import subprocess
import time

HZ = os.sysconf("SC_CLK_TCK")


def tree(pids):
    """These processes and all below them."""
    found, todo = [], list(pids)
    while todo:
        pid = todo.pop()
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as f:
                    todo += [int(word) for word in f.read().split()]
            found.append(pid)
        except OSError:
            pass  # gone meanwhile
    return found


def _stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()


def cpu(pids, reaped=True):
    """CPU seconds that these have used, in user and in system mode, those of ended children included."""
    user = system = 0
    for pid in pids:
        try:
            fields = _stat(pid)
        except OSError:
            continue
        user += int(fields[11]) + (int(fields[13]) if reaped else 0)
        system += int(fields[12]) + (int(fields[14]) if reaped else 0)
    return user / HZ, system / HZ


def busy():
    """CPU seconds of the whole machine."""
    with open("/proc/stat") as f:
        fields = [int(word) for word in f.readline().split()[1:]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6] + fields[7]) / HZ


def memory(pids):
    """Resident memory, and the part of it that is these processes' share, in MiB."""
    rss = pss = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                text = f.read()
        except OSError:
            continue
        rss += int(re.search(r"^Rss: +(\d+)", text, re.M)[1])
        pss += int(re.search(r"^Pss: +(\d+)", text, re.M)[1])
    return rss / 1024, pss / 1024


def wait_until_quiet(limit):
    """Until half a second passes in which the machine is idle to 92 %, limit seconds at most. Was it?"""
    until = time.monotonic() + limit
    while True:
        before, start = busy(), time.monotonic()
        time.sleep(0.5)
        if (busy() - before) / (time.monotonic() - start) <= 0.08 * os.cpu_count():
            return True
        if time.monotonic() >= until:
            return False


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except OSError:
        return ""
    return done.stdout + done.stderr


def _found(pattern, text):
    match = re.search(pattern, text)
    return match[1] if match else "not installed"


def describe(build):
    with open("/proc/cpuinfo") as f:
        model = _found(r"model name\s*: (.*)", f.read())
    with open("/proc/meminfo") as f:
        total = int(_found(r"MemTotal: +(\d+)", f.read())) // 1024
    with open("/etc/os-release") as f:
        system = _found(r'PRETTY_NAME="(.*)"', f.read())
    own = _output(f"{build}/doorward", "--version")
    versions = {"doorward": _found(r"doorward (\S+)", own), "kernel": os.uname().release, "system": system,
                "lighttpd": _found(r"lighttpd/(\S+)", _output("/usr/sbin/lighttpd", "-v")),
                "nginx": _found(r"nginx/(\S+)", _output("/usr/sbin/nginx", "-v")),
                "apache": _found(r"Apache/(\S+)", _output("/usr/sbin/apache2", "-v")),
                "redis": _found(r"v=(\S+)", _output(os.environ.get("REDIS_SERVER", "redis-server"), "--version")),
                "libfcgi": _found(r"(\S+)", _output("pkg-config", "--modversion", "fcgi")),
                "openssl": _found(r"OpenSSL (\S+)", own), "libsodium": _found(r"libsodium ([\d.]+)", own),
                "wrk": _found(r"wrk (\S+)", _output("wrk", "-v"))}
    commit = _output("git", "-C", os.path.dirname(os.path.realpath(__file__)), "describe", "--always", "--dirty").strip()
    if re.fullmatch(r"[\w.-]{7,}", commit):
        versions["commit"] = commit
    return {"cpu": model, "cores": os.cpu_count(), "memory_mib": total, "virtual": "hypervisor" in _cpu_flags(),
            "date": time.strftime("%Y-%m-%d %H:%M"), "versions": versions}


def _cpu_flags():
    with open("/proc/cpuinfo") as f:
        return _found(r"flags\s*: (.*)", f.read()).split()
