"""Operation: one method of one path, from bytes to bytes; what it takes and gives is told by types."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from cowalk.errors import CowalkError
from cowalk.serve.errors import RefusedError, invalid, refusal
from cowalk.serve.limits import GoneError, Receive, Scope, Send, read_body
from cowalk.serve.service import Service
from cowalk.serve.state import State

log = logging.getLogger("cowalk.serve")
JSON = "application/json"
_encoder = msgspec.json.Encoder()


class Call(NamedTuple):
    """One request: the service, the state that answers it, and what was sent."""

    service: Service
    state: State
    scope: Scope
    path: dict[str, str]
    query: Any
    body: Any


class Reply(NamedTuple):
    """An answer that is no struct."""

    body: bytes
    media: str
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class Operation:
    """GET or POST of a path, and its handler; title and handler's docstring are what OpenAPI tells.

    body, query: types that are read from the request; answer: what it gives. statuses: what else it may give,
    beside those that follow from the types. hidden: left out of the OpenAPI description.
    """

    method: str
    path: str
    title: str
    handler: Callable[[Call], Awaitable[Any]]
    answer: Any
    body: Any = None
    query: Any = None
    statuses: tuple[int, ...] = ()
    hidden: bool = False

    def endpoint(self, service: Service, prefix: str = "") -> Endpoint:
        """The ASGI application that answers it under this prefix."""
        return Endpoint(self, service, prefix)


class Endpoint:
    """Reads, asks the handler, answers; whatever happens is one line of JSON."""

    def __init__(self, operation: Operation, service: Service, prefix: str) -> None:
        self.operation, self.service = operation, service
        self.route = prefix + operation.path
        self._decoder = None if operation.body is None else msgspec.json.Decoder(operation.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["cowalk.route"] = self.route
        try:
            call = await self._read(scope, receive)
            reply = await self.operation.handler(call)
        except GoneError:
            return
        except RefusedError as error:
            await send_json(send, error.problem, error.status)
            return
        except CowalkError as error:
            known = refusal(error)
            await send_json(send, known.problem, known.status)
            return
        except Exception:
            log.exception("%s %s failed", self.operation.method, self.route)
            await send_json(send, {"error": "the service failed at this request; its log says why"}, 500)
            return
        if isinstance(reply, Reply):
            await send_bytes(send, reply.body, reply.media, reply.status, reply.headers)
        else:
            await send_json(send, reply)

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        settings, operation = self.service.settings, self.operation
        body = query = None
        if self._decoder is not None:
            raw = await read_body(scope, receive, settings.max_body, settings.body_seconds)
            try:
                body = self._decoder.decode(raw)
            except msgspec.ValidationError as error:
                raise invalid(str(error)) from None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise RefusedError(400, f"the body is no JSON: {error}") from None
        if operation.query is not None:
            query = _query(scope, operation.query)
        return Call(self.service, self.service.state, scope, scope.get("path_params", {}), query, body)


def _query(scope: Scope, kind: Any) -> Any:
    """The query string as this type; RefusedError names the part that is wrong."""
    try:
        pairs = parse_qsl(scope["query_string"].decode(), keep_blank_values=True, errors="strict")
        return msgspec.convert(dict(pairs), kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
    except ValueError:
        raise RefusedError(
            400, "the query string cannot be read; write it as ?name=value&name=value"
        ) from None


async def send_json(send: Send, value: Any, status: int = 200) -> None:
    """The value as JSON."""
    await send_bytes(send, _encoder.encode(value), JSON, status)


async def send_bytes(
    send: Send, body: bytes, media: str, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """A whole answer."""
    always = (
        (b"content-type", media.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-content-type-options", b"nosniff"),
    )
    await send({"type": "http.response.start", "status": status, "headers": [*always, *headers]})
    await send({"type": "http.response.body", "body": body})
