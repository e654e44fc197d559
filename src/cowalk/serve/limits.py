"""Limits of a request: how long its body may be, how long it may take to come, what it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cowalk.serve.errors import RefusedError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class GoneError(Exception):
    """The client went away before its request was whole."""


def header(scope: Scope, name: bytes) -> bytes:
    """The value of a header, b"" where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


async def read_body(scope: Scope, receive: Receive, most: int, seconds: float) -> bytes:
    """The body of a request; RefusedError where it is too long, too slow, or no JSON by its own words.

    A length that is told is believed before a byte is read; one that is not is counted while it comes.
    JSON has to be told as such, so that no other site's form can be sent here by a browser.
    """
    if not header(scope, b"content-type").lower().startswith(b"application/json"):
        raise RefusedError(415, "send JSON, with the header Content-Type: application/json")
    told = header(scope, b"content-length")
    if told.isdigit() and int(told) > most:
        raise _too_long(most)
    try:
        async with asyncio.timeout(seconds):
            return await _whole(receive, most)
    except TimeoutError:
        raise RefusedError(408, f"the body did not come within {seconds:g} seconds") from None


async def _whole(receive: Receive, most: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise GoneError
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > most:
            raise _too_long(most)
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        if size > most:
            raise _too_long(most)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > most:
        raise _too_long(most)
    return b"".join(parts)


def _too_long(most: int) -> RefusedError:
    return RefusedError(413, f"the body is too long; at most {most:,} bytes are read")
