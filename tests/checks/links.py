#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every relative link and anchor of the documentation resolves, and README.md leads to every page."""
import pathlib
import posixpath
import re
import urllib.parse

import common

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$")
FENCE = re.compile(r"^\s*(```|~~~)")


def text_lines(root, path):
    """(number, line) outside of fenced code, with code spans blanked."""
    inside = False
    for number, line in enumerate(common.read_lines(root, path), 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def blank_code(line):
    return re.sub(r"(`+)(.+?)\1", lambda code: " " * len(code[0]), line)


def make_anchor(heading):
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[^\w\- ]", "", text.strip().lower())
    return text.replace(" ", "-")


def list_anchors(root, path):
    anchors, seen = set(), {}
    for _number, line in text_lines(root, path):
        for name in re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line):
            anchors.add(name)
        heading = re.match(r"^#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            anchor = make_anchor(heading[1])
            count = seen.get(anchor, 0)
            seen[anchor] = count + 1
            anchors.add(f"{anchor}-{count}" if count else anchor)
    return anchors


def list_links(root, path):
    """(line, target) of each link that does not leave the project."""
    for number, line in text_lines(root, path):
        line = blank_code(line)
        for target in LINK.findall(line) + DEFINITION.findall(line):
            if not re.match(r"^[a-z][a-z0-9+.-]*:", target):
                yield number, urllib.parse.unquote(target)


def find(root, _build):
    pages = common.list_files(root, ".md")
    anchors = {page: list_anchors(root, page) for page in pages}
    findings, leads = [], {page: set() for page in pages}
    for page in pages:
        for number, target in list_links(root, page):
            name, _sharp, anchor = target.partition("#")
            to = posixpath.normpath(posixpath.join(posixpath.dirname(page), name)) if name else page
            if not pathlib.Path(root, to).exists():
                findings.append(f"{page}:{number}: link to {target}: there is no {to}")
            elif anchor and to in anchors and anchor not in anchors[to]:
                findings.append(f"{page}:{number}: link to {target}: {to} has no heading of that name")
            leads[page].add(to)
    reached, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting.extend(leads.get(page, ()))
    findings.extend(f"{page}:1: README.md leads to no link to this page: add one"
                    for page in pages if page.startswith("core/docs/") and page not in reached)
    return findings


def plant(root):
    with open(root / "README.md", "a", encoding="utf-8") as file:
        file.write("\nSee [nothing](core/docs/metrics.md#no-such-heading).\n")
    return ["core/docs/metrics.md has no heading of that name"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
