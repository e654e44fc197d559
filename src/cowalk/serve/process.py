"""The process: a model, a store and a port become a service that runs until it is told to stop."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from fastapi import FastAPI
from pydantic import SecretStr

from cowalk.errors import MissingExtraError, StoreAwayError, UsageError
from cowalk.online import Histories, open_histories
from cowalk.online.redis_link import is_redis
from cowalk.serve.app import create_app
from cowalk.serve.options import ServeSettings
from cowalk.serve.quick import Quick
from cowalk.serve.share import Share
from cowalk.serve.sources import FolderSource, RedisSource, Source
from cowalk.users.tower import Runtime

BACKLOG = 2048
AT_ONCE = 1000  # connections; those above are answered 503 at once
TURN = 0.0005  # seconds that a thread may keep the interpreter while others wait; Python has 0.005
HISTORIES = "histories.db"  # in the model's folder, beside its versions
STOPPING = 10  # seconds for requests in flight when told to stop


class Place(NamedTuple):
    """Where to listen, what to answer from, where events are kept, and who may ask; plain values."""

    host: str
    port: int
    model: str
    beside: str | None = None
    histories: str | None = None
    keep: int = 100
    folder: str | None = None
    api_key_env: str | None = None
    admin_token_env: str | None = None
    watch: float = 2.0
    name_field: str | None = None
    tower: Runtime = "numpy"

    @property
    def settings(self) -> ServeSettings:
        """The service's settings; UsageError where a secret is empty."""
        return ServeSettings(
            api_key=_secret(self.api_key_env), admin_token=_secret(self.admin_token_env),
            watch_seconds=self.watch, name_field=self.name_field, tower=self.tower,
        )  # fmt: skip


def run(place: Place) -> None:
    """Serve until interrupted; what is wrong with model, store or port is raised before the first request."""
    with opened(place) as (listening, where):
        answer(listening, where, said)


def said(line: str) -> None:
    """The first line."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def opened(place: Place) -> Iterator[tuple[socket.socket, Place]]:
    """A socket that listens, and the place with a folder for what comes out of Redis."""
    need_uvicorn()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    _ = place.settings
    with ExitStack() as held:
        listening = held.enter_context(bound(place.host, place.port))
        if place.folder is None and any(is_redis(one) for one in (place.model, place.beside)):
            made = held.enter_context(tempfile.TemporaryDirectory(prefix="cowalk-serve-"))
            # else it would end the process with the folder left behind
            held.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, ended))
            place = place._replace(folder=made)
        yield listening, place


def answer(
    listening: socket.socket, place: Place, tell: Callable[[str], None], share: Share | None = None
) -> None:
    """Answer on the socket until told to stop; tell is given the line that says where and from what.

    share: other processes that answer on the same socket.
    """
    import uvicorn

    histories = open_store(place)
    beside = None if place.beside is None else _source(place.beside, place.folder, "beside")
    app = create_app(
        _source(place.model, place.folder, "model"), settings=place.settings, histories=histories,
        beside=beside, share=share,
    )  # fmt: skip
    sys.setswitchinterval(TURN)
    gc.collect()
    gc.freeze()  # what is there stays: a look at all of it would hold up a request
    tell(_started(app, listening))
    config = uvicorn.Config(
        Quick(app), log_config=None, access_log=False, server_header=False, lifespan="on",
        backlog=BACKLOG, limit_concurrency=AT_ONCE, timeout_graceful_shutdown=STOPPING, ws="none",
    )  # fmt: skip
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    uvicorn.Server(config).run(sockets=[listening])


def need_uvicorn() -> None:
    """MissingExtraError where the server is not installed."""
    try:
        import uvicorn  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "the service needs the package uvicorn; pip install 'cowalk[serve]'"
        ) from None


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; UsageError where the port is taken or the address is not ours."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(
            f"--host {host}: {error.strerror or error}; give an address of this machine"
        ) from None
    found = socket.socket(family, kind)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
        found.set_inheritable(True)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is taken; stop what listens there, or give another --port"
            ) from None
        if error.errno == errno.EACCES:
            raise UsageError(f"port {port} needs more rights; give a --port of 1024 or above") from None
        raise UsageError(f"--host {host}: {error.strerror}; give an address of this machine") from None
    return found


def _secret(name: str | None) -> SecretStr | None:
    """What the environment variable holds; UsageError where it holds nothing."""
    if name is None:
        return None
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(f"the environment variable {name} is empty; set it to the secret")
    return SecretStr(value)


def open_store(place: Place) -> Histories:
    """The store, asked once, so that a wrong address is told now and not at the first click."""
    histories = open_histories(place.histories or own_store(place.model), keep=place.keep, repeats=True)
    try:
        histories.get("")
    except StoreAwayError:
        histories.close()
        raise
    return histories


def own_store(model: str) -> str:
    """The store that goes with a model: its own Redis, a file in its folder; else memory."""
    if is_redis(model):
        return model
    folder = Path(model)
    return f"sqlite:{folder / HISTORIES}" if (folder / "versions").is_dir() else "memory"


def _source(model: str, folder: str | None, part: str) -> Source:
    """The model's folder, or Redis with the part of the folder that its versions are brought to."""
    if not is_redis(model):
        return FolderSource(Path(model))
    assert folder is not None
    return RedisSource(model, Path(folder) / part)


def ended(number: int, _: object) -> None:
    """Leave as after any error, so that what is held is let go; the exit code is that of the signal."""
    sys.exit(128 + number)


def _started(app: FastAPI, listening: socket.socket) -> str:
    """The line that tells where it listens and what answers."""
    host, port = listening.getsockname()[:2]
    state = app.state.service.state
    shown = f"[{host}]" if ":" in host else host
    return f"cowalk: http://{shown}:{port}/ answers from {state.model!r}, version {state.version}"
