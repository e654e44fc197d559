"""Service: what stays while models come and go; one state answers at a time, and is replaced whole."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Literal, ParamSpec, TypeVar

from cowalk.errors import CowalkError, StoreAwayError
from cowalk.kernels.flags import may_run_at_once
from cowalk.online import Histories
from cowalk.serve.metrics import Metrics
from cowalk.serve.options import ServeSettings
from cowalk.serve.sources import Source
from cowalk.serve.state import State
from cowalk.serve.store import Store

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("cowalk.serve")


class Service:
    """A source of models, the state that answers, the store of histories, settings and metrics.

    refused: why the source's current version does not answer, None where it does.
    """

    def __init__(self, source: Source, settings: ServeSettings, histories: Histories) -> None:
        self.source, self.settings = source, settings
        self.metrics = Metrics()
        self.store = Store(histories, self.metrics)
        self.state = self._load()
        self.refused: str | None = None
        self._refused_version = ""
        self._swapping = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "cowalk-heavy")
        self._told(self.state)

    def _load(self) -> State:
        model, version = self.source.load()
        return State.of(model, version, self.settings.name_field)

    def _told(self, state: State) -> None:
        self.metrics.answers(state.version, len(state.model.vocab), state.since)

    async def aside(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What the call gives, on a thread of its own, so that short requests go on; heavy calls queue there.

        Where kernels may not run in two threads at once it is called here and now.
        """
        if not may_run_at_once():
            return call(*args, **named)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **named))

    async def reload(self) -> Literal["swapped", "unchanged"]:
        """Let the source's current version answer; CowalkError where it cannot, and the old one goes on.

        Requests in flight finish on the state that they began with.
        """
        async with self._swapping:
            version = ""
            try:
                version = await self.aside(self.source.version)
                if version == self.state.version:
                    self._settled()
                    return "unchanged"
                state = await self.aside(self._load)
            except Exception as error:
                words = " ".join(str(error).split()) or type(error).__name__
                self.refused = f"version {version or '?'}: {words}"
                self._refused_version = "" if isinstance(error, StoreAwayError) else version
                self.metrics.swaps.labels("refused").inc()
                log.error("refused %s; %s goes on", self.refused, self.state.version)
                if isinstance(error, CowalkError | OSError):
                    raise
                raise CowalkError(f"the model cannot answer ({type(error).__name__}: {words})") from error
            self.state = state
            self._settled()
            self._told(state)
            self.metrics.swaps.labels("swapped").inc()
            log.info("version %s answers, %d items", state.version, len(state.model.vocab))
            return "swapped"

    def _settled(self) -> None:
        self.refused, self._refused_version = None, ""

    async def watch(self) -> None:
        """Follow the source until cancelled; a version that was refused is not tried again, unless it was the
        store that went away while it came.
        """
        while True:
            await asyncio.sleep(self.settings.watch_seconds)
            with suppress(CowalkError, OSError):
                version = await asyncio.to_thread(self.source.version)  # a store that hangs holds up nobody
                if version == self.state.version:
                    self._settled()
                elif version != self._refused_version:
                    await self.reload()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch source and store while the block runs, then end the threads."""
        watching = [asyncio.create_task(self.store.watch())]
        if self.settings.watch_seconds > 0:
            watching.append(asyncio.create_task(self.watch()))
        try:
            yield
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """End the threads; calls that run are waited for."""
        self._thread.shutdown(wait=True)
        self.store.close()

    @property
    def up_for(self) -> float:
        """Seconds since the version that answers was loaded."""
        return time.time() - self.state.since
