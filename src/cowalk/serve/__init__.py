"""The service: a model's answers over HTTP, kept up while models change. Needs the extra `serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cowalk.errors import MissingExtraError

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["create_app"]


def create_app(*args: Any, **named: Any) -> FastAPI:
    """The service as a FastAPI application; see `cowalk.serve.app.create_app` for what it takes."""
    need_extra()
    from cowalk.serve.app import create_app as made

    return made(*args, **named)


def need_extra() -> None:
    """Raise MissingExtraError unless all that the service stands on is installed."""
    try:
        import fastapi  # noqa: F401
        import msgspec  # noqa: F401
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"the service needs the package {error.name}; pip install 'cowalk[serve]'"
        ) from None
