#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""core/docs/commands.md has every option of every --help, and the documentation no other option."""
import re
import shlex
import subprocess

import common

PAGE = "core/docs/commands.md"
LONG = re.compile(r"(?<![\w/-])--[a-z][a-z0-9-]+")
SHORT = re.compile(r"^\s+(-[a-z])[, ]", re.M)
# Options in the documentation that belong to other programs.
SCRIPTS = ("bootstrap", "tests/bench/")


def read_help(build, *words):
    done = subprocess.run([str(build / "fairvox"), *words], capture_output=True, text=True, check=True)
    return done.stdout


def list_options(text):
    return set(LONG.findall(text)) | set(SHORT.findall(text))


def read_program(build):
    """Options of every subcommand, and those that all of them take."""
    text = read_help(build, "help")
    names = re.findall(r"^  ([a-z]+) ", text.split("subcommands:")[1], re.M)
    shared = set(LONG.findall(text)) | set(re.findall(r"(?<![\w-])-[a-z]\b", text))
    return {name: list_options(read_help(build, name, "--help")) for name in names}, shared


def read_sections(root):
    """Heading -> (line, text of the section)."""
    sections, name = {}, None
    lines = common.read_lines(root, PAGE) if (root / PAGE).exists() else []
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            name = line[3:].strip()
            sections[name] = (number, "")
        elif name:
            sections[name] = (sections[name][0], sections[name][1] + line + "\n")
    return sections


def list_code(root, page):
    """(line, code) of each command line in a fenced block and each code span."""
    fenced, start, joined = False, 0, ""
    for number, line in enumerate(common.read_lines(root, page), 1):
        if line.strip().startswith("```"):
            fenced = not fenced
        elif fenced:
            start, joined = start or number, joined + line.rstrip("\\")
            if not line.endswith("\\"):
                yield start, joined
                start, joined = 0, ""
        else:
            for span in re.findall(r"`([^`]+)`", line):
                yield number, span


def split_words(command):
    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return command.split()


def check_command(command, verbs, known):
    """Options of one command that do not exist, with whose they should be."""
    words = split_words(command)
    if words and words[0].rsplit("/", 1)[-1] == "fairvox":
        words = words[1:]
    elif words and words[0].startswith("-"):
        return [(word, "the program") for word in list_options(f" {words[0]} ") - known]
    if not words or words[0] not in verbs:
        return []
    options = [word.split("=")[0] for word in words[1:] if LONG.fullmatch(word.split("=")[0])]
    return [(option, words[0]) for option in options if option not in verbs[words[0]]]


def find(root, build):
    verbs, shared = read_program(build)
    verbs = {name: options | shared for name, options in verbs.items()}
    sections, findings = read_sections(root), []
    for name, options in {**verbs, "options of every subcommand": shared | {"--version"}}.items():
        line, text = sections.get(name, (1, ""))
        own = options - shared if name in verbs else options
        findings.extend(f"{PAGE}:{line}: {name}: {option} is not described: add it"
                        for option in sorted(own - set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", text))))
    known = set().union(shared, {"--version"}, *verbs.values())
    for path in common.list_files(root, ""):
        if path.startswith(SCRIPTS) and not path.endswith(".c"):
            known |= set(LONG.findall((root / path).read_text(encoding="utf-8")))
    for page in common.list_files(root, ".md"):
        for line, code in list_code(root, page):
            for command in re.split(r"&&|[;|]|\$\(", code):
                findings.extend(f"{page}:{line}: {option}: {whose} has no such option"
                                for option, whose in check_command(command.strip(), verbs, known))
    return findings


def plant(root):
    with open(root / "README.md", "a", encoding="utf-8") as file:
        file.write("\n`fairvox run --no-such-option c.yaml`\n")
    text = (root / PAGE).read_text(encoding="utf-8")
    (root / PAGE).write_text(text.replace("--keep-going", "--go-on"), encoding="utf-8")
    return ["--no-such-option: run has no such option", "--go-on: the program has no such option",
            "run: --keep-going is not described"]


if __name__ == "__main__":
    common.main(find, plant, __doc__)
