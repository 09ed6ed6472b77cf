"""/auth/metrics: to whom it answers, in which format, and that its numbers are what happened."""

import re
import subprocess

import harness
from harness import Browser, check_equal, check_not_in, check_status, test, wait_until

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"(?:,(?!\})|(?=\})))+\}'
SAMPLE = re.compile(rf"({NAME})({LABELS})? (\d+)")


def parsed(text):
    """Exposition format 0.0.4, strictly: HELP, TYPE and samples of a family stand together, once, no
    sample is there twice, and a counter's name ends in _total."""
    assert text.endswith("\n"), "the last line has no end"
    kinds, samples, family = {}, {}, None
    for line in text[:-1].split("\n"):
        words = line.split(" ", 3)
        if line.startswith("# HELP "):
            family = words[2]
            assert re.fullmatch(NAME, family) and len(words) == 4 and family not in kinds, line
            kinds[family] = None
        elif line.startswith("# TYPE "):
            check_equal(words[2], family, line)
            assert kinds[family] is None and words[3] in ("counter", "gauge"), line
            check_equal(family.endswith("_total"), words[3] == "counter", line)
            kinds[family] = words[3]
        else:
            found = SAMPLE.fullmatch(line)
            assert found, f"no sample: {line!r}"
            check_equal(found[1], family, line)
            assert kinds[family], f"no type before {line}"
            assert found[1] + (found[2] or "") not in samples, f"twice: {line}"
            samples[found[1] + (found[2] or "")] = int(found[3])
    for family in kinds:
        assert any(name.split("{")[0] == family for name in samples), f"{family} has no sample"
    return samples


def numbers(site):
    reply = Browser(site).fetch("/auth/metrics")
    check_status(reply, 200)
    check_equal(reply.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
    check_equal(reply.headers["Cache-Control"], "no-store")
    return parsed(reply.text)


class Growth:
    def __init__(self, site):
        self.site, self.before = site, numbers(site)

    def __getitem__(self, name):
        name = "doorward_" + name
        return numbers(self.site).get(name, 0) - self.before.get(name, 0)


@test
def the_numbers_are_what_happened(site):
    grown = Growth(site)
    browser = Browser(site).signed_in("alice")
    for _ in range(5):
        check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(Browser(site).fetch("/private/1k.txt"), 401)
    check_status(Browser(site).signed_in("bob").fetch("/admin/"), 403)
    check_status(Browser(site).sign_in("alice", "wrong-password-here"), 401)
    early = browser.copy()
    check_status(browser.refresh(), 200)
    check_equal(grown['checks_total{result="allowed",reason="ok"}'], 5)
    check_equal(grown['checks_total{result="refused",reason="no_token"}'], 1)
    check_equal(grown['checks_total{result="denied",reason="role_missing"}'], 1)
    check_equal(grown['sign_ins_total{result="ok"}'], 2)
    check_equal(grown['sign_ins_total{result="refused"}'], 1)
    check_equal(grown['refreshes_total{result="ok",reason="ok"}'], 1)
    assert grown["mirror_hits_total"] >= 3, grown["mirror_hits_total"]
    assert grown["mirror_misses_total"] >= 2
    assert grown["store_calls_total"] >= 5
    site.shift_clock(60)
    check_status(browser.refresh(), 200)
    check_status(early.refresh(), 401)
    site.shift_clock(0)
    check_equal(grown['refreshes_total{result="refused",reason="refresh_reused"}'], 1)


@test
def the_state_of_the_store_is_seen(site):
    browser = Browser(site).signed_in("alice")
    check_status(browser.fetch("/private/1k.txt"), 200)
    wait_until(lambda: browser.fetch("/private/1k.txt").status == 200 and numbers(site)["doorward_mirror_entries"] >= 3)
    now = numbers(site)
    check_equal((now["doorward_store_servers"], now["doorward_store_servers_silent"]), (1, 0))
    check_equal(now["doorward_mirror_trusted"], 1)
    assert now["doorward_mirror_entries"] >= 3, now["doorward_mirror_entries"]
    version = subprocess.run([f"{harness.BUILD}/doorward", "--version"], capture_output=True, text=True).stdout.split()[1]
    check_equal(now[f'doorward_build_info{{version="{version}"}}'], 1)
    grown = Growth(site)
    site.stop("redis")
    wait_until(lambda: browser.fetch("/private/1k.txt").status == 503, 10)
    now = numbers(site)
    check_equal((now["doorward_store_servers_silent"], now["doorward_mirror_trusted"]), (1, 0))
    assert grown['checks_total{result="fault",reason="store_unavailable"}'] >= 1
    assert grown["store_faults_total"] >= 1
    site.go_on("redis")
    wait_until(lambda: browser.fetch("/private/1k.txt").status == 200, 3)
    wait_until(lambda: numbers(site)["doorward_store_servers_silent"] == 0, 2)


@test
def a_throttled_sign_in_is_counted(site):
    grown = Growth(site)
    for _ in range(11):
        reply = Browser(site).sign_in("carol", "wrong-password-here")
    check_status(reply, 429)
    check_equal(grown['sign_ins_total{result="throttled"}'], 1)


@test
def it_names_nobody(site):
    Browser(site).signed_in("alice")
    text = Browser(site).fetch("/auth/metrics").text
    for word in ("alice", "127.0.0.1", "Mozilla", site.state):
        check_not_in(word, text)


@test
def others_find_no_such_page(site):
    """By the address that the proxy in front says, which this site trusts."""
    for forwarded, status in (("192.0.2.9", 404), ("198.51.100.7", 200), ("127.0.0.1, 198.51.100.200", 404)):
        reply = Browser(site).fetch("/auth/metrics", headers={"X-Forwarded-For": forwarded})
        check_status(reply, status)
        check_equal("doorward_" in reply.text, status == 200, forwarded)


harness.main(("lighttpd",), settings=("server.trusted_proxies=127.0.0.1", "metrics.allow=127.0.0.1, 198.51.100.7"))
