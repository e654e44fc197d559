"""Quick: the process's way around the framework, for paths that are known whole."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route

from cowalk.serve.gate import Gate
from cowalk.serve.limits import Receive, Scope, Send
from cowalk.serve.operations import Endpoint


class Quick:
    """The same answers as the application's: paths without parameters are looked up in one table, and only
    the others go through its layers, which cost a fifth of a short request. The gate stands before both.
    """

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._known = {
            (method, route.path): Gate(route.endpoint, app.state.service)
            for route in app.router.routes
            if isinstance(route, Route) and isinstance(route.endpoint, Endpoint) and "{" not in route.path
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        known = self._known.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        scope["app"] = self.app  # as the framework does
        await (known or self.app)(scope, receive, send)
