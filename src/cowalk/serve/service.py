"""Service: what stays while models come and go; one state answers at a time, and is replaced whole."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
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
from cowalk.serve.share import SECONDS, Share
from cowalk.serve.sources import Source
from cowalk.serve.state import State
from cowalk.serve.store import Store

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("cowalk.serve")


class Service:
    """A source of models, the state that answers, the store of histories, settings and metrics.

    refused: why the source's current version does not answer, None where it does. share: the other processes
    of the same service, in which this one is called `part`.
    """

    def __init__(
        self, source: Source, settings: ServeSettings, histories: Histories, share: Share | None = None,
        part: str = "model",
    ) -> None:  # fmt: skip
        self.source, self.settings, self.share, self.part = source, settings, share, part
        self.metrics = Metrics()
        self.store = Store(histories, self.metrics)
        self.state = self._load()
        self.refused: str | None = None
        self._refused_version = ""
        self._word = b"" if share is None else share.called_reload(part)
        self._swapping = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "cowalk-heavy")
        self._told(self.state)

    def _load(self) -> State:
        model, version = self.source.load()
        return State.of(model.with_tower(self.settings.tower), version, self.settings.name_field)

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

    async def reload_all(self) -> Literal["swapped", "unchanged"]:
        """`reload`, here first, then in the other processes of the service."""
        outcome = await self.reload()
        if self.share is not None:
            self._word = self.share.call_reload(self.part)
        return outcome

    async def _follow(self, share: Share) -> None:
        """Tell the other processes this one's figures, reload when one calls, end when who began it has."""
        while True:
            share.tell(self.part, self.metrics)
            if (word := share.called_reload(self.part)) != self._word:
                self._word = word
                with suppress(CowalkError, OSError):
                    await self.reload()
            if share.orphaned:
                os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(SECONDS)

    def metrics_text(self) -> bytes:
        """The figures of all processes, for Prometheus."""
        return self.metrics.text(() if self.share is None else self.share.others(self.part))

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
        """Watch source, store and the other processes while the block runs, then end the threads."""
        watching = [asyncio.create_task(self.store.watch())]
        if self.settings.watch_seconds > 0:
            watching.append(asyncio.create_task(self.watch()))
        if self.share is not None:
            watching.append(asyncio.create_task(self._follow(self.share)))
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
