"""The OpenAPI description of the operations, and a page of it for people."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec

import cowalk
from cowalk.serve.operations import Operation
from cowalk.serve.options import ServeSettings
from cowalk.serve.schemas import Problem

REFS = "#/components/schemas/{name}"
WORDS = {
    400: "The body is no JSON", 401: "No API key", 403: "No admin token", 404: "Not known",
    408: "The body came too slowly", 409: "The new version cannot answer", 413: "The body is too long",
    415: "The body is not told to be JSON", 422: "A field is wrong",
}  # fmt: skip


def description(operations: Sequence[Operation], settings: ServeSettings) -> dict[str, Any]:
    """The service in OpenAPI 3.1: paths, parameters, bodies, answers and errors."""
    operations = [operation for operation in operations if not operation.hidden]
    kinds = [k for o in operations for k in (o.body, o.query, o.answer) if k is not None]
    schemas, named = msgspec.json.schema_components([*kinds, Problem], ref_template=REFS)
    by_kind = {id(kind): schema for kind, schema in zip([*kinds, Problem], schemas, strict=True)}
    paths: dict[str, Any] = {}
    for operation in operations:
        path = re.sub(r":path}", "}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, by_kind, named, settings)
    told: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "cowalk", "version": cowalk.__version__},
        "paths": paths,
        "components": {"schemas": named},
    }
    if settings.api_key is not None:
        told["components"]["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        }
        told["security"] = [{"key": []}]
    return told


def _operation(
    operation: Operation, by_kind: dict[int, Any], named: dict[str, Any], settings: ServeSettings
) -> dict[str, Any]:
    statuses = {*operation.statuses}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)", operation.path)
    ]
    told: dict[str, Any] = {
        "summary": operation.title,
        "description": inspect.cleandoc(operation.handler.__doc__ or ""),
        "operationId": operation.handler.__name__,
    }
    if operation.path.startswith("/admin"):
        token = {"name": "X-Admin-Token", "in": "header", "required": True, "schema": {"type": "string"}}
        parameters.append(token)
    if operation.query is not None:
        parameters += _parameters(named[operation.query.__name__])
        statuses |= {400, 422}
    if operation.body is not None:
        content = {"application/json": {"schema": by_kind[id(operation.body)]}}
        told["requestBody"] = {"required": True, "content": content}
        statuses |= {400, 408, 413, 415, 422}
    if settings.api_key is not None:
        statuses |= {401}
    media = "text/plain" if operation.answer is str else "application/json"
    told["parameters"] = parameters
    told["responses"] = {
        "200": {"description": "The answer", "content": {media: {"schema": by_kind[id(operation.answer)]}}},
        **{str(status): _problem(status) for status in sorted(statuses)},
    }
    return told


def _parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a struct as parameters of a query string."""
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": kind}
        for name, kind in schema["properties"].items()
    ]


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": REFS.format(name="Problem")}
    return {"description": WORDS[status], "content": {"application/json": {"schema": schema}}}


STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.7rem;"
    "background:#8881}h2{margin-top:2rem}summary{cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}a{color:#8bf}}"
)


def page(told: dict[str, Any]) -> bytes:
    """The description as a page without a script, which needs nothing from anywhere."""
    parts = []
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2>")
            parts.append(f"<p>{escape(one['description'])}</p>")
            for name, what in (
                ("parameters", "Parameters"),
                ("requestBody", "Body"),
                ("responses", "Answers"),
            ):
                if one.get(name):
                    text = escape(json.dumps(one[name], indent=1))
                    parts.append(f"<details><summary>{what}</summary><pre>{text}</pre></details>")
    schemas = escape(json.dumps(told["components"]["schemas"], indent=1))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>cowalk</title><style>{STYLE}</style>"
        f"<h1>cowalk {escape(told['info']['version'])}</h1><p>What the service answers; as OpenAPI: "
        f"<a href=openapi.json>openapi.json</a>.</p>{''.join(parts)}"
        f"<h2>Schemas</h2><details><summary>All</summary><pre>{schemas}</pre></details></html>"
    ).encode()
