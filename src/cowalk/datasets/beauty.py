"""Amazon Beauty in the S3-Rec form: each line a user and the items in order; no times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cowalk.datasets.download import Download
from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, load_columns, open_text, write
from cowalk.errors import DataError

PLACE = "https://raw.githubusercontent.com/RUCAIBox/CIKM2020-S3Rec/master/data"


def _read(path: Path) -> dict[str, NDArray[np.int64]]:
    users: list[int] = []
    items: list[int] = []
    positions: list[int] = []
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            try:
                user, *history = [int(word) for word in line.split()]
            except ValueError as error:
                raise DataError(
                    f"{path}, line {number}: expected 'user item item ...', all integers"
                ) from error
            users += [user] * len(history)
            items += history
            positions += range(len(history))
    return {"user_id": np.array(users), "item_id": np.array(items), "position": np.array(positions)}


def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    """events: user_id, item_id, position; items: item_id, attributes (list of texts)."""
    columns = _read(raw[0])
    with open_text(raw[1]) as file:
        attributes = {int(item): [str(a) for a in values] for item, values in json.load(file).items()}
    with connect() as con:
        con.register("log", columns)
        events = write(con, "SELECT user_id, item_id, position FROM log", folder / "events.parquet")
        load_columns(con, "side", {"item_id": list(attributes), "attributes": list(attributes.values())})
        items = write(con, "SELECT item_id, attributes FROM side ORDER BY item_id", folder / "items.parquet")
    return {
        "events": events,
        "users": len(np.unique(columns["user_id"])),
        "items in the log": len(np.unique(columns["item_id"])),
        "items with attributes": items,
        "attribute values": len({a for values in attributes.values() for a in values}),
    }


SPEC = Spec(
    name="beauty",
    version=1,
    raw=(
        RawFile(
            "amazon-beauty-s3rec/Beauty.txt.gz",
            download=Download(
                f"{PLACE}/Beauty.txt", "226cce9c3105299ca0db9615d7d3fb32b3175e90da43100ae352599f0f0107b8"
            ),
        ),
        RawFile(
            "amazon-beauty-s3rec/Beauty_item2attributes.json.gz",
            download=Download(
                f"{PLACE}/Beauty_item2attributes.json",
                "129e40f67486f6877eff0f5318cfa8530ee8ac23d8b0d1de04e1bb7a2ba0b2d4",
            ),
        ),
    ),
    build=build,
    licence="no formal licence; research use with citation (McAuley et al.); not for redistribution",
    source="https://github.com/RUCAIBox/CIKM2020-S3Rec",
    settings={
        "read": {"time_column": None, "order_column": "position"},
        "sessions": {"by": "history"},
        "side": {"fields": {"attributes": "multi"}},
    },
    next_item_split="leave-last",
)
