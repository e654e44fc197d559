"""The Microsoft Store demo: what users of a small shop opened, and its catalogue of a hundred products."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from cowalk.datasets.download import Download
from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, count, literal, load_columns, open_text, write
from cowalk.errors import DataError

PLACE = (
    "https://raw.githubusercontent.com/microsoft/Product-Recommendations/master"
    "/Sample/cs/Recommendations.Sample/Resources"
)
EVENTS_SQL = """
SELECT user_id, item_id, strptime(at_text, '%Y/%m/%dT%H:%M:%S') AS timestamp
FROM read_csv({path}, header = false, columns = {{
    'user_id': 'VARCHAR', 'item_id': 'VARCHAR', 'at_text': 'VARCHAR'}})
"""


def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    """events: user_id, item_id, timestamp; items: item_id, name, category."""
    with open_text(raw[1]) as file:
        rows = list(csv.reader(line.removeprefix("\ufeff") for line in file))
    for number, row in enumerate(rows, 1):
        if len(row) < 3:
            raise DataError(f"{raw[1]}, line {number}: expected item, name and category")
    with connect() as con:
        columns = ("item_id", "name", "category")
        load_columns(con, "side", {name: [row[i].strip() for row in rows] for i, name in enumerate(columns)})
        con.execute(f"CREATE TABLE log AS {EVENTS_SQL.format(path=literal(raw[0]))}")
        return {
            "events": write(con, "SELECT * FROM log", folder / "events.parquet"),
            "users": count(con, "SELECT count(DISTINCT user_id) FROM log"),
            "items in the log": count(con, "SELECT count(DISTINCT item_id) FROM log"),
            "items in the catalogue": write(con, "SELECT * FROM side", folder / "items.parquet"),
        }


SPEC = Spec(
    name="ms-store",
    version=1,
    raw=(
        RawFile(
            "msstore-demo/demoUsage.csv.gz",
            download=Download(
                f"{PLACE}/demoUsage.csv", "e91eb994d20954e021c13f04c81fbc5a13e1599ccb1641314ba3265addb19aa1"
            ),
        ),
        RawFile(
            "msstore-demo/demoCatalog.csv",
            download=Download(
                f"{PLACE}/demoCatalog.csv", "1d0585ac905b0107f3e943bfa78f28512ab3dbd8491cd07816c6a5353b34f048"
            ),
        ),
    ),
    build=build,
    licence="MIT (Microsoft Product-Recommendations)",
    source="https://github.com/microsoft/Product-Recommendations",
    settings={"side": {"fields": {"name": "skip", "category": "categorical"}}},
)
