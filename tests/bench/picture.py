"""Where the instructions of a check go, as an SVG: from the thread's function downwards, each function under the one
that calls it, as wide as what it costs with all that it calls."""

import html

WIDTH, ROW, MARGIN, HEAD = 1200, 18, 8, 46
SMALLEST = 0.003  # of the whole: what is narrower is left out
DEEPEST = 18
COLOURS = {"doorward": "#f4a259", "libfcgi": "#5b8e7d", "libc": "#8cb369", "libcrypto": "#bc4b51", "": "#b8b8b8"}


def _library(place):
    name = place.partition(".so")[0] or place
    return name if name in COLOURS else ""


def _roots(profile):
    """The functions in which a request's work begins: ours that only foreign code calls, or nobody."""
    callers = {}
    for caller, callee in profile.edges:
        if caller != callee:
            callers.setdefault(callee, set()).add(caller)
    ours = [name for name in profile.inclusive if _library(profile.place.get(name, "")) == "doorward"]
    roots = [name for name in ours
             if not any(_library(profile.place.get(c, "")) == "doorward" for c in callers.get(name, ()))]
    return sorted(roots, key=lambda name: -profile.inclusive[name])


class _Picture:
    def __init__(self, profile, hits):
        self.profile, self.hits, self.boxes, self.deepest = profile, hits, [], 0
        self.below = {}
        for (caller, callee), (_, cost) in profile.edges.items():
            if caller != callee:
                self.below.setdefault(caller, []).append((cost, callee))
        self.roots = [r for r in _roots(profile) if profile.inclusive[r] > SMALLEST * profile.total]
        self.total = sum(profile.inclusive[r] for r in self.roots) or 1

    def add(self, name, x, cost, depth, above):
        """cost: what of the function's whole belongs here."""
        if cost < SMALLEST * self.total or depth > DEEPEST or name in above:
            return
        self.boxes.append((name, x, cost, depth))
        self.deepest = max(self.deepest, depth)
        share = cost / max(1, self.profile.inclusive[name])
        at = x
        for part, callee in sorted(self.below.get(name, ()), reverse=True):
            self.add(callee, at, part * share, depth + 1, above | {name})
            at += part * share

    def box(self, name, x, cost, depth):
        scale = (WIDTH - 2 * MARGIN) / self.total
        left, width, top = MARGIN + x * scale, cost * scale, HEAD + depth * ROW
        place = self.profile.place.get(name, "")
        colour = COLOURS[_library(place)]
        label = name if not name.startswith("0x") else place
        fits = int((width - 6) / 6.6)
        shown = label if len(label) <= fits else label[:fits - 1] + "…" if fits > 3 else ""
        tip = f"{label} [{place}]: {cost / self.hits:.0f} instructions, {100 * cost / self.total:.1f} %"
        return (f'<g><title>{html.escape(tip)}</title><rect x="{left:.1f}" y="{top}" width="{max(width - 0.6, 0.4):.1f}" '
                f'height="{ROW - 1}" fill="{colour}"/>' +
                (f'<text x="{left + 3:.1f}" y="{top + 12.5}">{html.escape(shown)}</text>' if shown else "") + "</g>")


def svg(profile, hits, caption):
    picture, x = _Picture(profile, hits), 0
    for root in picture.roots:
        picture.add(root, x, picture.profile.inclusive[root], 0, frozenset())
        x += picture.profile.inclusive[root]
    height = HEAD + (picture.deepest + 1) * ROW + MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">',
           f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
           f'<text x="{MARGIN}" y="17" font-size="13">{html.escape(caption)}</text>']
    at = MARGIN
    for name, colour in COLOURS.items():
        out.append(f'<rect x="{at}" y="26" width="12" height="12" fill="{colour}"/>'
                   f'<text x="{at + 16}" y="36">{name or "other"}</text>')
        at += 40 + 7 * len(name or "other")
    out += [picture.box(*box) for box in picture.boxes]
    return "\n".join(out + ["</svg>", ""])
