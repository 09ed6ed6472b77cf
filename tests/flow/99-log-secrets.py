"""No log holds a password, a token or a cookie: looks through the logs of all scenario tests so far."""
# alone: it reads what the others leave, as the last

import glob
import os

import harness
from harness import Browser, check_equal, test


def secrets():
    with open(f"{harness.FLOW}/secrets", encoding="utf-8", errors="surrogateescape") as f:
        words = {line.rstrip("\n") for line in f}
    # A token that was altered a little is still a token: its parts count too.
    for word in list(words):
        words.update(part for part in word.split(".") if len(part) > 30)
    # The header of all access tokens is the same and no secret.
    return {word for word in words if not word.startswith("eyJ") or word.count(".") or len(word) > 200}


def logs():
    """Everything that the parts have written: logs, and the state of the web servers."""
    for path in sorted(glob.glob(f"{harness.FLOW}/*/log/*") + glob.glob(f"{harness.FLOW}/*.demo.log")):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                yield path, f.read()


@test
def no_log_of_any_test_holds_a_secret(site):
    browser = Browser(site).signed_in("alice", remember="1")
    Browser(site).sign_in("alice", "a-password-mistyped")
    harness.remember_secret("a-password-mistyped")
    browser.refresh()
    browser.navigate("/private/whoami")
    browser.sign_out()
    browser.fetch("/private/1k.txt")
    found, read = [], 0
    words = [word.encode("utf-8", "surrogateescape") for word in secrets()]
    for path, text in logs():
        read += len(text)
        found += [f"{os.path.relpath(path, harness.FLOW)} holds {word[:6]!r}..." for word in words if word in text]
    check_equal(found, [])
    assert read > 1000 and len(words) > 5, f"{read} bytes of logs, {len(words)} secrets: nothing was looked at"


@test
def no_command_line_or_environment_holds_a_secret(site):
    words = [word.encode("utf-8", "surrogateescape") for word in secrets()]
    for part, pid in site.parts.items():
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    text = f.read()
            except PermissionError:
                continue
            check_equal([word[:6] for word in words if word in text], [], f"{part} {name}")


@test
def keys_are_for_their_owner_only(site):
    for name in os.listdir(f"{site.state}/keys"):
        check_equal(os.stat(f"{site.state}/keys/{name}").st_mode & 0o077, 0, name)


harness.main()
