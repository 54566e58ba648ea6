#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""core/rust/bindings.rs is what this script makes of the public headers; --write makes it anew.

--layouts FOLDER writes a program in C and one in Rust there, which print the layout of every struct."""
import pathlib
import re
import subprocess
import sys
import tempfile

import common

PAGE = "core/rust/bindings.rs"
HEADERS = "core/include"
TYPES = {"int": "c_int", "char": "c_char", "void": "c_void", "double": "f64", "float": "f32", "size_t": "usize",
         "int32_t": "i32", "uint32_t": "u32", "int64_t": "i64", "uint64_t": "u64", "uint8_t": "u8"}
KEYWORDS = {"type", "in", "box", "fn", "match", "move", "ref", "use", "where", "loop", "impl", "mod", "self", "yield"}
TOKEN = re.compile(r'\s+|([A-Za-z_]\w*|\d\w*|"[^"]*"|\.\.\.|[{}()\[\];,*=:+-])')
HEAD = """// SPDX-License-Identifier: Apache-2.0
// Made from the headers of core/include/fairvox by tests/checks/rust.py --write: do not edit. What each item means is
// said in the header that declares it.
"""
IMPORTS = {"std::mem": ["size_of"], "std::os::raw": ["c_char", "c_int", "c_void"], "std::ptr": ["null", "null_mut"]}


def run_preprocessor(root, *options):
    """The public headers after the preprocessor, without those of the system."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("stddef.h", "stdint.h"):
            (pathlib.Path(folder) / name).write_text("")
        source = pathlib.Path(folder) / "all.c"
        source.write_text("#include <fairvox/fairvox.h>\n")
        done = subprocess.run(["cc", "-E", "-P", "-nostdinc", "-undef", *options, "-I", folder, "-I",
                               str(root / HEADERS), str(source)], capture_output=True, text=True, check=True)
    return done.stdout


def split_tokens(text):
    tokens, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            sys.exit(f"{PAGE}: cannot read the headers at: {text[at:at + 60]!r}")
        if match.group(1):
            tokens.append(match.group(1))
        at = match.end()
    return tokens


class Parser:
    """Reads the declarations of the headers, which use a small part of C.

    A type is text of Rust. `functions`: typedefs of functions, to which a pointer is an Option."""

    def __init__(self, tokens):
        self.tokens, self.at = tokens, 0
        self.enums, self.structs, self.opaque, self.functions, self.calls = [], {}, [], {}, []

    def look(self, ahead=0):
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def read(self, expected=None):
        token = self.look()
        if expected and token != expected:
            sys.exit(f"{PAGE}: {expected!r} expected in the headers, but there is "
                     f"{' '.join(self.tokens[self.at:self.at + 12])!r}")
        self.at += 1
        return token

    def skip(self, token):
        found = self.look() == token
        self.at += found
        return found

    def skip_parentheses(self):
        self.read("(")
        depth = 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.read(), 0)

    def read_base(self):
        """(type, whether it is const)"""
        constant = self.skip("const")
        self.skip("struct")
        name = self.read()
        return TYPES.get(name, name), self.skip("const") or constant

    def read_pointers(self, kind, constant):
        while self.skip("*"):
            if kind in self.functions:
                kind = f"Option<{kind}>"
            else:
                kind = f"*{'const' if constant else 'mut'} {kind}"
            constant = self.skip("const")
        return kind

    def read_arguments(self):
        self.read("(")
        arguments = []
        if self.look() == "void" and self.look(1) == ")":
            self.read()
        while self.look() != ")":
            if self.skip("..."):
                arguments.append(("", "..."))
            else:
                arguments.append(self.read_declarator(*self.read_base()))
            self.skip(",")
        self.read(")")
        return arguments

    def read_declarator(self, base, constant):
        """(name, type) of a variable, a member or an argument"""
        kind = self.read_pointers(base, constant)
        if self.look() == "(" and self.look(1) == "*":
            self.at += 2
            name = self.read()
            self.read(")")
            return name, f"Option<{format_function(self.read_arguments(), kind)}>"
        name = self.read()
        while self.skip("["):
            kind = f"[{kind}; {self.read()}]"
            self.read("]")
        return name, kind

    def read_enum(self):
        self.read("enum")
        name = self.read() if self.look() != "{" else None
        self.read("{")
        members, value = [], -1
        while self.look() != "}":
            member, value = self.read(), value + 1
            if self.skip("="):
                value = int(self.read().rstrip("uU"), 0)
            members.append((member, value))
            self.skip(",")
        self.read("}")
        self.enums.append((name, members))

    def read_members(self):
        self.read("{")
        members = []
        while self.look() != "}":
            base = self.read_base()
            members.append(self.read_declarator(*base))
            while self.skip(","):
                members.append(self.read_declarator(*base))
            self.read(";")
        self.read("}")
        return members

    def read_typedef(self):
        self.read("typedef")
        if self.look() == "enum":
            self.read_enum()
            self.read()
        elif self.look() == "struct" and self.look(2) == "{":
            self.read()
            name = self.read()
            self.structs[name] = self.read_members()
            self.read(name)
        elif self.look() == "struct":
            self.opaque.append(self.look(1))
            self.at += 3
        elif self.look(1) == "(" or self.look(2) == "(" or self.look(3) == "(":
            kind = self.read_pointers(*self.read_base())
            if self.skip("("):
                self.read("*")
                name = self.read()
                self.read(")")
            else:
                name = self.read()
            self.functions[name] = (self.read_arguments(), kind)
        self.read(";")

    def read_all(self):
        while self.look():
            if self.look() == "__attribute__":
                self.read()
                self.skip_parentheses()
            elif self.look() == "typedef":
                self.read_typedef()
            elif self.look() == "enum":
                self.read_enum()
                self.read(";")
            elif self.look() == "struct" and self.look(2) == ";":
                self.opaque.append(self.look(1))
                self.at += 3
            else:
                kind = self.read_pointers(*self.read_base())
                self.calls.append((self.read(), self.read_arguments(), kind))
                while self.skip("__attribute__"):
                    self.skip_parentheses()
                self.read(";")


def format_name(name):
    return f"r#{name}" if name in KEYWORDS else name


def format_function(arguments, kind):
    told = ", ".join(f"{format_name(name)}: {of}" if name else of for name, of in arguments)
    return f'unsafe extern "C" fn({told})' + ("" if kind == "c_void" else f" -> {kind}")


def format_zero(kind, enums):
    array = re.fullmatch(r"\[(.*); (\w+)\]", kind)
    if array:
        return f"[{format_zero(array.group(1), enums)}; {array.group(2)}]"
    if kind.startswith("*const"):
        return "null()"
    if kind.startswith("*mut"):
        return "null_mut()"
    if kind.startswith("Option<"):
        return "None"
    if kind in ("f32", "f64"):
        return "0.0"
    return "0" if kind in enums or kind in TYPES.values() else f"{kind}::ZERO"


def write_struct(name, members, enums):
    """The struct, and a constant of it with its size filled in (SIZED), or all zero (ZERO)."""
    lines = ["#[repr(C)]", "#[derive(Clone, Copy)]", f"pub struct {name} {{"]
    lines += [f"    pub {format_name(member)}: {kind}," for member, kind in members]
    sized = members[0] == ("size", "u32")
    what = "The size is filled in, everything else is zero." if sized else "Everything is zero."
    lines += ["}", f"impl {name} {{", f"    /// {what}",
              f"    pub const {'SIZED' if sized else 'ZERO'}: {name} = {name} {{"]
    for member, kind in members:
        zero = f"size_of::<{name}>() as u32" if sized and member == "size" else format_zero(kind, enums)
        lines.append(f"        {format_name(member)}: {zero},")
    lines += ["    };", "}"]
    if sized:
        lines.append(f"unsafe impl Sync for {name} {{}}")
    return "\n".join(lines)


def write_macros(text):
    """Constants of numbers and texts among the macros."""
    lines = []
    for name, value in sorted(re.findall(r"^#define (FV_\w+) (.+)$", text, re.M)):
        if re.fullmatch(r"\d+[uU]?", value):
            kind = "u32" if value[-1] in "uU" else "i32"
            lines.append(f"pub const {name}: {kind} = {value.rstrip('uU')};")
        elif re.fullmatch(r'"[^"]*"', value):
            lines.append(f'pub const {name}: &str = {value};')
    return "\n".join(lines)


def write_imports(body):
    lines = []
    for module, names in IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}\b", body)]
        if used:
            lines.append(f"use {module}::{used[0] if len(used) == 1 else '{' + ', '.join(used) + '}'};\n")
    return "".join(lines)


def read_headers(root):
    parser = Parser(split_tokens(run_preprocessor(root)))
    parser.read_all()
    return parser


def write_layouts(root, folder):
    """layout.c and layout.rs, programs that print the size of every struct and the offset of every member."""
    structs = read_headers(root).structs.items()
    in_c = [f'printf("{name} %zu\\n", sizeof({name}));' for name, _ in structs]
    in_c += [f'printf("{name}.{member} %zu\\n", offsetof({name}, {member}));'
             for name, members in structs for member, _ in members]
    in_rust = [f'println!("{name} {{}}", std::mem::size_of::<{name}>());' for name, _ in structs]
    in_rust += [f'let s = std::mem::MaybeUninit::<{name}>::uninit(); println!("{name}.{member} {{}}", unsafe '
                f"{{ std::ptr::addr_of!((*s.as_ptr()).{format_name(member)}) }} as usize - s.as_ptr() as usize);"
                for name, members in structs for member, _ in members]
    (folder / "layout.c").write_text("#include <fairvox/fairvox.h>\n#include <stdio.h>\nint main(void)\n{\n"
                                     + "\n".join(in_c) + "\nreturn 0;\n}\n", encoding="utf-8")
    (folder / "layout.rs").write_text("use fairvox::*;\nfn main() {\n" + "\n".join(in_rust) + "\n}\n",
                                      encoding="utf-8")


def write_bindings(root):
    parser = read_headers(root)
    enums = {name for name, _ in parser.enums if name}
    parts = [write_macros(run_preprocessor(root, "-dM"))]
    for name, members in parser.enums:
        lines = [f"pub type {name} = u32;"] if name else []
        lines += [f"pub const {member}: {name or 'u32'} = {value};" for member, value in members]
        parts.append("\n".join(lines))
    for name in dict.fromkeys(parser.opaque):
        if name not in parser.structs:
            parts.append(f"#[repr(C)]\npub struct {name} {{\n    private: [u8; 0],\n}}")
    for name, (arguments, kind) in parser.functions.items():
        parts.append(f"pub type {name} = {format_function(arguments, kind)};")
    parts += [write_struct(name, members, enums) for name, members in parser.structs.items()]
    calls = [format_function(arguments, kind).replace('unsafe extern "C" fn', f"    pub fn {name}") + ";"
             for name, arguments, kind in parser.calls]
    parts.append('#[link(name = "fairvox")]\nextern "C" {\n' + "\n".join(calls) + "\n}")
    body = "\n\n".join(parts) + "\n"
    return HEAD + write_imports(body) + "\n" + body


def find(root, _build):
    made = write_bindings(root)
    kept = (root / PAGE).read_text(encoding="utf-8") if (root / PAGE).exists() else ""
    if made == kept:
        return []
    pairs = zip(made.split("\n") + [""], kept.split("\n") + [""])
    line = next((number for number, (a, b) in enumerate(pairs, 1) if a != b), 1)
    return [f"{PAGE}:{line}: differs from the headers: tests/checks/rust.py --write"]


def plant(root):
    header = root / HEADERS / "fairvox/loss.h"
    header.write_text(header.read_text(encoding="utf-8").replace("int32_t uses_groups;", "int64_t uses_groups;"),
                      encoding="utf-8")
    return [f"{PAGE}:"]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        (common.ROOT / PAGE).write_text(write_bindings(common.ROOT), encoding="utf-8")
    elif sys.argv[1:2] == ["--layouts"] and len(sys.argv) == 3:
        write_layouts(common.ROOT, pathlib.Path(sys.argv[2]))
    else:
        common.main(find, plant, __doc__)
