"""Gate: what stands before every route: the API key, and the clock."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp

from cowalk.serve.limits import Message, Receive, Scope, Send
from cowalk.serve.operations import send_bytes
from cowalk.serve.security import has_key, key_of, secret
from cowalk.serve.service import Service

NO_KEY = b'{"error":"this service needs its API key; send it as X-API-Key"}'
WRONG_KEY = b'{"error":"this is not the API key of this service"}'
GONE = 499  # the client went away before there was an answer; no fault of the service
ASK = ((b"www-authenticate", b'Basic realm="cowalk"'),)


class Gate:
    """An ASGI middleware: no route answers without the key, and all are timed."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service
        self.key = secret(service.settings.api_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or not."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        began, status = perf_counter(), GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if self.key is not None and not has_key(scope, self.key):
                words = WRONG_KEY if key_of(scope) else NO_KEY
                await send_bytes(noted, words, "application/json", 401, ASK)
            else:
                await self.app(scope, receive, noted)
        except Exception:
            status = 500
            raise
        finally:
            self.service.metrics.took(scope.get("cowalk.route", "other"), status, perf_counter() - began)
