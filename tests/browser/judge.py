"""What can be judged of a page without eyes: its own rules (JUDGE), axe-core, vnu, its size. And the
photographs for those who have eyes, in build/screenshots.

axe-core and vnu come from the npm registry, into build/node; without them the tests fail and say so.
"""

import fcntl
import json
import os
import shutil
import subprocess
import time

import chromium
import harness
from harness import check_equal

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
PAGE_MAX_BYTES = 15 * 1024
NODE = os.path.join(harness.BUILD, "node")
TOOLS = {"axe-core": "4.14.1", "vnu-jar": "26.9.27"}
NPM_SEC = 240
SERVED = os.path.join(harness.BUILD, "served")

# Sentences about what is wrong with a page. Contrast as WCAG 2.2 counts it.
JUDGE = """
const wrong = [], say = (element, what) => wrong.push(`${element.tagName} "${element.textContent.trim().slice(0, 30)}": ${what}`);
const shown = (element) => element.getClientRects().length > 0;
const surplus = document.documentElement.scrollWidth - innerWidth;
if (surplus > 0) wrong.push(`${surplus} pixels wider than the window`);
if (!document.documentElement.lang) wrong.push('no language');
if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
if (document.querySelectorAll('main').length !== 1) wrong.push('not one main');
for (const element of document.querySelectorAll('input:not([type=hidden])'))
  if (!element.labels.length) say(element, 'no label');
for (const element of document.querySelectorAll('button, .button, label.check, input[type=text], input[type=password]')) {
  const { height, width } = element.getBoundingClientRect();
  if (shown(element) && (height < 44 || width < 44)) say(element, `${width} x ${height} pixels`);
}
const paper = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const colour = (text) => { paper.clearRect(0, 0, 1, 1); paper.fillStyle = text; paper.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = paper.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (element) => { for (; element; element = element.parentElement) {
  const c = colour(getComputedStyle(element).backgroundColor); if (c[3] > 0.5) return c; } return [255, 255, 255, 1]; };
for (const element of document.querySelectorAll('main *')) {
  if (!shown(element) || ![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  const [a, b] = [light(colour(getComputedStyle(element).color)), light(ground(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) say(element, `contrast ${contrast.toFixed(2)}`);
}
return wrong;
"""

# All rules, not only those of WCAG; nothing is fetched.
AXE = """
const found = await axe.run(document, { preload: false });
return found.violations.map((rule) => `axe ${rule.id}: ${rule.help}: ${rule.nodes.map((node) => node.html).join(' ').slice(0, 200)}`);
"""


def tool(name, path):
    """A file of a package of the npm registry, installed into the build directory when it is missing."""
    # The files of tests run two at a time: one of them installs.
    os.makedirs(NODE, exist_ok=True)
    with open(f"{NODE}/lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not has(name):
            fetch(name)
    return f"{NODE}/node_modules/{name}/{path}"


def has(name):
    manifest = f"{NODE}/node_modules/{name}/package.json"
    if not os.path.exists(manifest):
        return False
    with open(manifest, encoding="utf-8") as f:
        return json.load(f)["version"] == TOOLS[name]


def fetch(name):
    """Not tried again for some minutes: each test would wait as long for the same answer."""
    failed = f"{harness.FLOW}/npm-failed"
    if os.path.exists(failed) and time.time() - os.path.getmtime(failed) < 600:
        raise AssertionError(f"{name} could not be fetched from the npm registry, see the first test that needed it")
    npm = shutil.which("npm")
    if not npm:
        raise AssertionError(f"{name} is needed and npm, which fetches it, is missing: run make deps-test")
    why = f"no answer in {NPM_SEC} s"
    try:
        done = subprocess.run([npm, "install", "--prefix", NODE, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save",
                               "--fetch-retries", "5", *(f"{package}@{version}" for package, version in TOOLS.items())],
                              capture_output=True, text=True, timeout=NPM_SEC)
        why = done.stderr.strip()[-400:]
        if done.returncode == 0:
            return
    except subprocess.TimeoutExpired:
        pass
    with open(failed, "w", encoding="utf-8"):
        pass
    raise AssertionError(f"{name} could not be fetched from the npm registry (is there a network?): {why}")


def axe(window):
    """What axe-core finds wrong with the page shown."""
    if not window.script("return typeof axe === 'object'"):
        with open(tool("axe-core", "axe.min.js"), encoding="utf-8") as f:
            window.script(f.read() + "\nwindow.axe = axe;")
    return window.run(AXE)


def served(window):
    """The text of the page shown, as it came. Asked for once a page: it reads the log up to there."""
    documents = [message["params"]["requestId"] for message in
                 (json.loads(entry["message"])["message"] for entry in window.driver.get_log("performance"))
                 if message["method"] == "Network.responseReceived" and message["params"]["type"] == "Document"]
    return window.command("Network.getResponseBody", requestId=documents[-1])["body"]


def show(window, name, sizes=tuple(SIZES), schemes=("light", "dark")):
    """Photographs and judges the page shown, and keeps it for check_valid."""
    wrong = []
    for size in sizes:
        width, height = SIZES[size]
        for scheme in schemes:
            window.emulate(width, height, scheme)
            window.photograph(f"{chromium.SCREENSHOTS}/{name}-{size}-{scheme}.png")
            wrong += [f"{size} {scheme}: {what}" for what in window.script(JUDGE) + axe(window)]
    page = served(window)
    if len(page.encode()) >= PAGE_MAX_BYTES:
        wrong.append(f"{len(page.encode())} bytes")
    if "<script" in page:
        wrong.append("a script")
    os.makedirs(SERVED, exist_ok=True)
    with open(f"{SERVED}/{name}.html", "w", encoding="utf-8") as f:
        f.write(page)
    check_equal(wrong, [], name)


def check_valid(names):
    """vnu has nothing to say about the pages of these names, as they were served."""
    java = shutil.which("java")
    if not java:
        raise AssertionError("java, which vnu needs, is missing: run make deps-test")
    done = subprocess.run([java, "-jar", tool("vnu-jar", "build/dist/vnu.jar"), "--format", "gnu", *(f"{SERVED}/{n}.html" for n in names)],
                          capture_output=True, text=True, timeout=120)
    check_equal((done.returncode, done.stderr.replace(SERVED + "/", "")), (0, ""), "vnu")
