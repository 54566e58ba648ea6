# SPDX-License-Identifier: Apache-2.0
"""The command line: becomes the program."""
import os
import sys

from fairvox import _program


def main():
    os.execve(_program.PROGRAM, ["fairvox", *sys.argv[1:]], _program.make_environment())


if __name__ == "__main__":
    main()
