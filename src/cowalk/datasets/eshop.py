"""UCI e-shop clothing 2008: clicks in the sessions of a shop for maternity clothes; days, not times."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from cowalk.datasets.download import Download
from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, count, literal, write

CATEGORIES = ("trousers", "skirts", "blouses", "sale")
COLOURS = (
    "beige",
    "black",
    "blue",
    "brown",
    "burgundy",
    "gray",
    "green",
    "navy blue",
    "of many colors",
    "olive",
    "pink",
    "red",
    "violet",
    "white",
)
RAW_SQL = """
CREATE TABLE raw AS SELECT
    "page 2 (clothing model)" AS item_id, make_date(year, month, day)::TIMESTAMP AS timestamp,
    "session ID" AS session_id, "order" AS click, "page 1 (main category)" AS category, colour,
    "model photography" AS photo, price
FROM read_csv({path}, delim = ';', header = true)
"""
ITEMS_SQL = f"""
SELECT item_id, (list_value{CATEGORIES})[mode(category)] AS category,
    (list_value{COLOURS})[mode(colour)] AS colour,
    CASE mode(photo) WHEN 1 THEN 'en face' ELSE 'profile' END AS photo, median(price)::DOUBLE AS price
FROM raw GROUP BY item_id ORDER BY count(*) DESC, item_id
"""


def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    """events: user_id (all null), item_id, timestamp (a day), session_id, click; items: 4 attributes."""
    table = folder / "raw.csv"
    if raw[0].suffix == ".zip":
        with zipfile.ZipFile(raw[0]) as archive:
            inside = next(name for name in archive.namelist() if name.endswith("2008.csv"))
            with archive.open(inside) as source, table.open("wb") as target:
                shutil.copyfileobj(source, target)
    with connect() as con:
        con.execute(RAW_SQL.format(path=literal(table if table.exists() else raw[0])))
        table.unlink(missing_ok=True)
        columns = "NULL::BIGINT AS user_id, item_id, timestamp, session_id, click"
        events = write(con, f"SELECT {columns} FROM raw", folder / "events.parquet")
        items = write(con, ITEMS_SQL, folder / "items.parquet")
        sessions = count(con, "SELECT count(DISTINCT session_id) FROM raw")
    return {"events": events, "sessions": sessions, "items": items}


SPEC = Spec(
    name="eshop-clothing",
    version=1,
    raw=(
        RawFile(
            "uci-eshop-clothing-2008/clickstream+data+for+online+shopping.zip",
            also=("uci-eshop-clothing-2008/e-shop clothing 2008.csv",),
            download=Download(
                "https://archive.ics.uci.edu/static/public/553/clickstream+data+for+online+shopping.zip",
                "cc8fd7588fb7f0b87441a88a9afb2868e92dc3124089c6c41fa23b762909cd2d",
            ),
        ),
    ),
    build=build,
    licence="CC BY 4.0 (Lapczynski & Bialowas 2013, doi 10.24432/C5QK7X)",
    source="https://archive.ics.uci.edu/dataset/553/clickstream+data+for+online+shopping",
    settings={
        "read": {"session_column": "session_id", "order_column": "click"},
        "sessions": {"by": "column"},
        "side": {
            "fields": {
                "category": "categorical",
                "colour": "categorical",
                "photo": "categorical",
                "price": "numeric",
            }
        },
    },
)
