#!/usr/bin/python3
"""Puts the table of build/faults.json into docs/faults.md."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import run
import sites

PAGE = f"{sites.nodes.ROOT}/docs/faults.md"
MARKS = ("<!-- figures: begin -->\n", "<!-- figures: end -->")


def table(said):
    lines = [*said["about"], "", run.header()]
    for result in said["scenarios"]:
        lines += [run.row(result), *[f"    {note}" for note in result.get("notes") or []]]
        lines += [f"    FAILED {text}" for text in result["failed"]]
    return "```\n" + "\n".join(line.rstrip() for line in lines) + "\n" + run.counts(said["scenarios"]) + "\n```\n"


def main():
    with open(f"{sites.nodes.BUILD}/faults.json") as f:
        said = json.load(f)
    with open(PAGE) as f:
        text = f.read()
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    with open(PAGE, "w") as f:
        f.write(before + MARKS[0] + table(said) + MARKS[1] + after)


if __name__ == "__main__":
    main()
