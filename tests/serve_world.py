"""The service in tests: asked in process through ASGI, or as a process of its own on a loopback port."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

PATIENCE = 60.0  # seconds until a process answers


class Client:
    """Asks an application in process, on one event loop; requests may also be made side by side."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self.app, self.runner = app, runner
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://service")

    def run(self, work: Awaitable[Any]) -> Any:
        async def whole() -> Any:
            return await work

        return self.runner.run(whole())

    def get(self, path: str, **named: Any) -> httpx.Response:
        return self.run(self.http.get(path, **named))

    def post(self, path: str, json: Any = None, **named: Any) -> httpx.Response:
        return self.run(self.http.post(path, json=json, **named))

    def raw(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], receive: Callable[[], Any]
    ) -> int:
        """The status of a request whose body comes as `receive` gives it."""
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http",
            "server": ("service", 80), "client": ("1.2.3.4", 5), "root_path": "",
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        self.run(self.app(scope, receive, send))
        return int(sent[0]["status"]) if sent else 0


@contextmanager
def asking(app: FastAPI) -> Iterator[Client]:
    """A client of a running application; its lifespan is that of the block."""
    with asyncio.Runner() as runner:
        client = Client(app, runner)
        lifespan = app.router.lifespan_context(app)
        runner.run(_enter(lifespan))
        try:
            yield client
        finally:
            runner.run(client.http.aclose())
            runner.run(lifespan.__aexit__(None, None, None))


async def _enter(lifespan: Any) -> None:
    await lifespan.__aenter__()


@contextmanager
def process(*words: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`cowalk serve WORDS` on a free port; gives its address and the process, ended with the block."""
    kept = () if "--histories" in words else ("--histories", "memory")  # the models of tests are shared
    command = [sys.executable, "-m", "cowalk", "serve", *words, *kept, "--port", "0"]
    env = os.environ | {"NUMBA_NUM_THREADS": "1"} | environment
    served = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    assert served.stderr is not None
    lines = []
    try:
        until = time.monotonic() + PATIENCE
        address = None
        while address is None and time.monotonic() < until:
            line = served.stderr.readline()
            assert line, f"ended at once: {lines}"
            lines.append(line)
            address = re.search(r"http://[^/]+", line)
        assert address is not None, lines
        yield address[0], served
    finally:
        served.terminate()
        served.wait(timeout=30)
        served.stderr.close()


def publish(model: Any, folder: Path) -> str:
    """Save the model as a new version; its name."""
    return str(model.save(folder).name)
