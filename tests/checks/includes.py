#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rooms include only what the table of core/docs/architecture.md allows, and nothing in a circle."""
import posixpath
import re

import common

PAGE = "core/docs/architecture.md"
INCLUDE = re.compile(r"\s*#\s*include\s+([<\"])([^>\"]+)[>\"]")


def room_of(path):
    """core/src/<room>, cli, include (the public headers) or plugins; None for other files."""
    parts = path.split("/")
    if parts[:2] == ["core", "src"] and len(parts) > 3:
        return parts[2]
    if parts[0] == "core" and parts[1] in ("cli", "include"):
        return parts[1]
    return "plugins" if parts[0] == "plugins" else None


def read_table(root):
    """Room -> (line, rooms it may include), from the table with the header `| room | may include |`."""
    rooms, inside = {}, False
    if not (root / PAGE).exists():
        return rooms
    for number, line in enumerate(common.read_lines(root, PAGE), 1):
        columns = [column.strip() for column in line.strip().strip("|").split("|")]
        if columns[:2] == ["room", "may include"]:
            inside = True
        elif inside and not line.startswith("|"):
            break
        elif inside and not columns[0].startswith("-"):
            rooms[columns[0].strip("`")] = (number, re.findall(r"`([^`]+)`", columns[1]))
    return rooms


def list_includes(root, files):
    """(file, line, included file) for each include that is one of the files."""
    known = set(files)
    for path in files:
        for number, line in enumerate(common.read_lines(root, path), 1):
            include = INCLUDE.match(line)
            if not include:
                continue
            folders = ["core/include"]
            if include[1] == '"':
                folders = [posixpath.dirname(path), "core/src", "core/cli", "core/include"]
            for folder in folders:
                to = posixpath.normpath(posixpath.join(folder, include[2]))
                if to in known:
                    yield path, number, to
                    break


def list_circles(edges):
    """For each set of nodes that reach each other, its longest circle; the longest set first."""
    reach = {}

    def reached_from(node):
        if node not in reach:
            reach[node], waiting = set(), [node]
            while waiting:
                for to in edges.get(waiting.pop(), ()):
                    if to not in reach[node]:
                        reach[node].add(to)
                        waiting.append(to)
        return reach[node]

    def longest_from(start, path, members):
        best = []
        for to in sorted(edges[path[-1]] & members):
            if to == start and len(path) > len(best):
                best = list(path)
            elif to not in path:
                found = longest_from(start, [*path, to], members)
                best = found if len(found) > len(best) else best
        return best

    sets = {frozenset(other for other in reached_from(node) if node in reached_from(other))
            for node in edges if node in reached_from(node)}
    for members in sorted(sets, key=lambda members: (-len(members), sorted(members))):
        yield max((longest_from(node, [node], members) for node in sorted(members)), key=len)


def check_table(rooms, there):
    findings = [f"{PAGE}:1: the table lacks {room}: add a row" for room in sorted(there - set(rooms))]
    for room, (number, allowed) in rooms.items():
        if room not in there:
            findings.append(f"{PAGE}:{number}: there is no room {room}: remove its row")
        findings.extend(f"{PAGE}:{number}: {room} may include {to}, which is no room"
                        for to in allowed if to not in there)
    for circle in list_circles({room: set(allowed) for room, (_, allowed) in rooms.items()}):
        findings.append(f"{PAGE}:{rooms[circle[0]][0]}: the table allows a circle: "
                        + " -> ".join([*circle, circle[0]]))
    return findings


def find(root, _build):
    files = [path for path in common.list_files(root, *common.SOURCES) if room_of(path)]
    rooms = read_table(root)
    findings = check_table(rooms, {room_of(path) for path in files})
    file_edges, room_edges, example = {}, {}, {}
    for path, number, to in list_includes(root, files):
        file_edges.setdefault(path, set()).add(to)
        room, to_room = room_of(path), room_of(to)
        if room == to_room:
            continue
        room_edges.setdefault(room, set()).add(to_room)
        example.setdefault((room, to_room), f"{path}:{number}")
        if to_room not in rooms.get(room, (0, []))[1]:
            findings.append(f"{path}:{number}: {room} includes {to}, of {to_room}: {PAGE} does not allow it")
    for circle in list_circles(file_edges):
        findings.append(f"{circle[0]}:1: files include each other: "
                        + " -> ".join([*circle, circle[0]]))
    for circle in list_circles(room_edges):
        findings.append(f"{example[circle[0], [*circle, circle[0]][1]]}: rooms include each other: "
                        + " -> ".join([*circle, circle[0]]))
    return findings


def plant(root):
    for path, to in (("core/src/base/clock.h", "base/file.h"), ("core/src/base/file.h", "base/clock.h"),
                     ("core/src/dsp/fft.c", "run/pool.h")):
        text = (root / path).read_text(encoding="utf-8")
        (root / path).write_text(f'#include "{to}"\n{text}', encoding="utf-8")
    return ["core/src/dsp/fft.c:1: dsp includes core/src/run/pool.h", "files include each other: core/src/base/clock.h"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
