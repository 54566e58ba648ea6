# SPDX-License-Identifier: Apache-2.0
"""Runs the program that lies in this package."""
import os
import signal
import ssl
import subprocess
import sys

# The folder with bin, include, lib and share, as an install has them.
PREFIX = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(PREFIX, "bin", "fairvox")
DEBIAN_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # where the libcurl in this package looks
GRACE_S = 1  # a terminal sends Ctrl-C to the program too: wait so long before sending it once more


class FairvoxError(RuntimeError):
    """The program failed. The text is what it wrote; `exit_code` and `stderr` are its own."""

    def __init__(self, exit_code, stderr):
        super().__init__(stderr.strip() or f"fairvox ended with exit code {exit_code}")
        self.exit_code = exit_code
        self.stderr = stderr

    def __reduce__(self):
        return FairvoxError, (self.exit_code, self.stderr)


def make_environment():
    """The environment, and in it the certificate authorities where `fairvox fetch` would find none."""
    environment = dict(os.environ)
    authorities = ssl.get_default_verify_paths().cafile
    if authorities and not os.path.exists(DEBIAN_AUTHORITIES):
        environment.setdefault("SSL_CERT_FILE", authorities)
    return environment


def stop(process):
    """Ends the program as Ctrl-C does, and waits for it: runs save a checkpoint."""
    try:
        process.communicate(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.communicate()
    finally:
        if process.poll() is None:
            process.kill()


def call(arguments, live=False):
    """Runs `fairvox ARGUMENT...`. What it says is shown as it comes if `live`, else at the end, if it succeeds.

    Raises FairvoxError if it fails, and KeyboardInterrupt if it was interrupted.
    """
    said = []
    with subprocess.Popen([PROGRAM, *map(os.fspath, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=make_environment(), encoding="utf-8",
                          errors="replace") as process:
        try:
            for line in process.stderr:
                said.append(line)
                if live:
                    sys.stderr.write(line)
            code = process.wait()
        except BaseException:
            stop(process)
            raise
    if code in (-signal.SIGINT, 128 + signal.SIGINT):
        raise KeyboardInterrupt
    if code:
        raise FairvoxError(code if code > 0 else 128 - code, "".join(said))
    if not live:
        sys.stderr.writelines(said)
