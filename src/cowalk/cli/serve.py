"""cowalk serve: answers over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def serve(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Model folder, or redis://host:port/db?name=shop.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 = any that is free.")] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 = all of the machine's.")
    ] = "127.0.0.1",
    histories: Annotated[
        str | None,
        typer.Option(
            help="Where users' events are kept: memory, sqlite:PATH or redis://...  "
            "[default: histories.db in the model's folder, or the model's Redis]"
        ),
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="Events kept of a user.")] = 100,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that answer on the port; one for each core.")
    ] = 1,
    beside: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A second model, under /beside; the page shows both.")
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Environment variable that holds the API key.")
    ] = None,
    admin_token_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Environment variable that holds the token of /admin.")
    ] = None,
    watch: Annotated[
        float, typer.Option(min=0, help="Seconds between looks for a new version of the model; 0 = none.")
    ] = 2.0,
    name_field: Annotated[
        str | None, typer.Option(help="Field that is the items' name. [default: name or title]")
    ] = None,
    tower: Annotated[
        str, typer.Option(help="What runs the user tower of two-tower and youtube-dnn: numpy or onnx.")
    ] = "numpy",
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder for a model that comes out of Redis. [default: a temporary one]"),
    ] = None,
) -> None:
    """Answer over HTTP: recommendations, similar items, new items, events; follows new versions of the model.

    Example: cowalk serve model/ --port 8080 --histories redis://127.0.0.1:6379/0
    """
    from cowalk.errors import UsageError
    from cowalk.serve import need_extra

    need_extra()
    if tower not in ("numpy", "onnx"):
        raise UsageError(f"--tower {tower!r}: it must be numpy or onnx")
    runtime: Any = tower
    from cowalk.serve.process import Place, run
    from cowalk.serve.workers import run_several

    place = Place(
        host, port, model, beside, histories, keep, None if folder is None else str(folder), api_key_env,
        admin_token_env, watch, name_field, runtime,
    )  # fmt: skip
    if workers == 1:
        run(place)
    else:
        run_several(place, workers)
