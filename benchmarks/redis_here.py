"""A redis-server for a benchmark: on a free loopback port, nothing on disk, killed at the end."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def start(port: int) -> subprocess.Popen[bytes]:
    """A server on this port, which answers."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("redis-server is not here: install it (Debian: apt-get install redis-server)")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(500):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                if line.recv(16) == b"+PONG\r\n":
                    return process
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit("redis-server does not answer")


@contextmanager
def redis_here() -> Iterator[str]:
    """The URL of a server that is there as long as the block runs."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = start(port)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()
