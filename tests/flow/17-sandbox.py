"""The sandbox as the service unit has it: everything that Doorward does goes on inside it."""

import glob
import os
import time

import harness
import preload
from harness import HEARTBEATS, Browser, check_equal, check_in, check_status, free_port, test, wait_until

os.environ["DOORWARD_SANDBOX"] = "yes"
HOLE = f"{harness.FLOW}/17-hole"


def reload(site):
    before = site.log_text().count("reloaded ")
    os.kill(site.parts["doorward"], 1)
    wait_until(lambda: site.log_text().count("reloaded ") > before, 10, "not reloaded:\n" + site.log_text()[-500:])
    time.sleep(HEARTBEATS)


def journey(site):
    browser = Browser(site).signed_in("alice")
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(browser.refresh(), 200)
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(Browser(site).sign_in("alice", "wrong-password-here"), 401)
    browser.sign_out()
    check_status(browser.fetch("/private/1k.txt"), 401)


@test
def every_thread_is_in_it(site):
    pid = site.parts["doorward"]
    tasks = os.listdir(f"/proc/{pid}/task")
    assert len(tasks) > 3, tasks
    for task in tasks:
        with open(f"/proc/{pid}/task/{task}/status") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        check_equal((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"), task)
    check_in("sandboxed", site.log_text())


@test
def people_sign_in_and_out(site):
    journey(site)


@test
def a_log_that_was_rotated_is_opened_anew(site):
    path = f"{site.state}/log/doorward.log"
    os.rename(path, path + ".1")
    os.kill(site.parts["doorward"], 1)
    wait_until(lambda: os.path.exists(path) and "reloaded" in site.log_text(), 10, "no new log")
    journey(site)
    assert site.audit("login.ok")


@test
def redis_is_found_again_on_its_socket_and_by_name(site):
    for kind in ("normal", "pubsub"):
        site.redis("client", "kill", "type", kind)
    time.sleep(HEARTBEATS)
    journey(site)
    port = free_port()
    check_equal(site.redis("config", "set", "port", str(port)), "OK")
    conf = f"{site.state}/doorward.conf"
    with open(conf) as f:
        before = f.read()
    url = next(line for line in before.split("\n") if line.startswith("url ="))
    with open(conf, "w") as f:
        f.write(before.replace(url, f"url = redis://localhost:{port}"))
    try:
        reload(site)
        journey(site)
        listed = site.redis("client", "list", "type", "normal")
        assert any(f"laddr=127.0.0.1:{port}" in line or f"laddr=[::1]:{port}" in line for line in listed.split("\n")), listed
    finally:
        with open(conf, "w") as f:
            f.write(before)
        reload(site)
        site.redis("config", "set", "port", "0")
    journey(site)


@test
def code_of_somebody_else_in_it_runs_no_program_and_writes_no_file(site):
    lines = [line for path in glob.glob(f"{site.state}/log/doorward.log*") for line in open(path)]
    said = dict(line.strip().removeprefix("hole: ").split(": ") for line in lines if line.startswith("hole: "))
    refused = {what: answer for what, answer in said.items() if what != "reading"}
    check_equal(said.get("reading"), "DONE", "what a program may do that is in no sandbox")
    check_equal(len(refused), 7, str(said))
    for what, answer in refused.items():
        assert answer in ("Operation not permitted", "Permission denied"), f"{what}: {answer}"
    check_equal(os.listdir(HOLE), ["before"])
    with open(f"{HOLE}/before") as f:
        check_equal(f.read(), "as it was")


os.makedirs(HOLE, exist_ok=True)
os.chmod(HOLE, 0o777)
with open(f"{HOLE}/before", "w") as f:
    f.write("as it was")
os.chmod(f"{HOLE}/before", 0o666)
os.environ["DEMO_WRAP"] = f"env LD_PRELOAD={preload.library('hole', harness.FLOW)} HOLE_FOLDER={HOLE} HOLE_FILE={HOLE}/before"

# AddressSanitizer looks for leaks from a process of its own.
harness.main(("lighttpd",), sanitized=False, clock=False,
             settings=(f"log.target={harness.FLOW}/17-sandbox-lighttpd/log/doorward.log",))
