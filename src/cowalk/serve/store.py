"""Store: histories as requests use them; away for a while is no error, it is told and tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cowalk.errors import StoreAwayError
from cowalk.online import Event, Histories, History, MemoryHistories
from cowalk.serve.metrics import Metrics
from cowalk.tables import Id

T = TypeVar("T")
PING = 1.0  # seconds between two looks whether the store answers, so that /ready is true with nobody asking
THREADS = 8  # calls to a store outside this process that may wait at once
log = logging.getLogger("cowalk.serve")


class Store:
    """Histories behind awaitable calls; a store in another process or file is called on threads."""

    def __init__(self, histories: Histories, metrics: Metrics) -> None:
        self.histories, self.metrics = histories, metrics
        self.degraded = False
        here = isinstance(histories, MemoryHistories)
        self._threads = None if here else ThreadPoolExecutor(THREADS, "cowalk-store")

    async def get(self, user: Id) -> History | None:
        """The user's history, empty where the user is not known; None where the store is away."""
        return await self._asked(lambda: self.histories.get(user))

    async def extend(self, events: list[Event]) -> int | None:
        """How many of the events count; None where the store is away and keeps none."""
        return await self._asked(lambda: self.histories.extend(events))

    async def watch(self) -> None:
        """Ask the store from time to time, until cancelled."""
        while True:
            await asyncio.sleep(PING)
            await self.get("")

    async def _asked(self, call: Callable[[], T]) -> T | None:
        try:
            if self._threads is None:
                found = call()
            else:
                found = await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except StoreAwayError as error:
            self._turned(True, str(error))
            return None
        self._turned(False, "")
        return found

    def _turned(self, away: bool, why: str) -> None:
        """Tell, once, that the store went away or came back."""
        if away != self.degraded:
            self.degraded = away
            self.metrics.degraded.set(away)
            if away:
                log.error("degraded: %s", why)
            else:
                log.info("the store of histories answers again")

    def close(self) -> None:
        """End the threads; the histories belong to who made them."""
        if self._threads is not None:
            self._threads.shutdown(wait=True)
