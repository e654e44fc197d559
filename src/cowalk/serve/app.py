"""create_app: the service as a FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import cowalk
from cowalk.model import Model
from cowalk.online import Histories, MemoryHistories
from cowalk.serve.describe import description, page
from cowalk.serve.gate import Gate
from cowalk.serve.operations import Call, Operation, Reply
from cowalk.serve.options import ServeSettings
from cowalk.serve.routes import operations
from cowalk.serve.service import Service
from cowalk.serve.share import Share
from cowalk.serve.sources import FolderSource, MemorySource, Source

BESIDE = "/beside"


def create_app(
    model: Model | Source | str | Path,
    *,
    settings: ServeSettings | None = None,
    histories: Histories | None = None,
    beside: Model | Source | str | Path | None = None,
    share: Share | None = None,
) -> FastAPI:
    """The service of a model, of a folder whose versions it follows, or of any `Source`.

    histories: where users' events are kept; in this process unless given. beside: a second model, all of
    whose routes stand under /beside, for the page to compare the two. share: other processes that answer on
    the same port. `app.state.service` is the Service, `app.state.beside` that of the second. ModelError where
    a model cannot be read or cannot answer.
    """
    settings = settings or ServeSettings()
    histories = MemoryHistories(repeats=True) if histories is None else histories
    services = [
        Service(_source(one), settings, histories, share, part)
        for part, one in (("model", model), ("beside", beside))
        if one is not None
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            running.callback(histories.close)
            for service in services:
                await running.enter_async_context(service.running())
            yield

    app = FastAPI(
        title="cowalk", version=cowalk.__version__, lifespan=lifespan,
        openapi_url=None, docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.service, app.state.beside = services[0], services[1] if beside is not None else None
    listed = operations(settings)
    told = description(listed, settings)
    for prefix, service in zip(("", BESIDE), services, strict=False):
        for operation in [*listed, *_documents(told)]:
            endpoint = operation.endpoint(service, prefix)
            app.router.routes.append(Route(prefix + operation.path, endpoint, methods=[operation.method]))
    app.openapi = lambda: told  # type: ignore[method-assign]
    app.add_exception_handler(HTTPException, _no_route)
    app.add_middleware(Gate, service=services[0])
    return app


def _source(model: Model | Source | str | Path) -> Source:
    if isinstance(model, Model):
        return MemorySource(model)
    return FolderSource(Path(model)) if isinstance(model, str | Path) else model


def _documents(told: dict[str, object]) -> list[Operation]:
    """GET /openapi.json and /docs, a page of it that needs no network."""
    import msgspec

    described, shown = msgspec.json.encode(told), page(told)

    async def openapi(_: Call) -> Reply:
        return Reply(described, "application/json")

    async def docs(_: Call) -> Reply:
        policy = b"default-src 'none'; style-src 'unsafe-inline'"
        return Reply(shown, "text/html; charset=utf-8", headers=((b"content-security-policy", policy),))

    return [
        Operation("GET", "/openapi.json", "", openapi, dict, hidden=True),
        Operation("GET", "/docs", "", docs, str, hidden=True),
    ]


async def _no_route(_: Request, error: Exception) -> JSONResponse:
    """No such path, or not by this method."""
    assert isinstance(error, HTTPException)
    words = {404: "there is no such path; /docs lists those that are", 405: "not by this method; see /docs"}
    told = {"error": words.get(error.status_code, str(error.detail))}
    return JSONResponse(told, error.status_code, headers=dict(error.headers or {}))
