"""Complete Journey (84.51 / dunnhumby), a sample: baskets of households and a catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, count, literal, write

RAW_SQL = """
CREATE TABLE raw AS SELECT
    household_id::BIGINT AS user_id, product_id::BIGINT AS item_id,
    transaction_timestamp::TIMESTAMP AS timestamp, basket_id::BIGINT AS session_id,
    quantity::DOUBLE AS quantity, sales_value::DOUBLE AS sales_value,
    (row_number() OVER () - 1)::BIGINT AS file_row
FROM read_csv({path}, header = true, all_varchar = true)
"""
ITEMS_SQL = """
WITH paid AS (
    SELECT item_id, round(median(sales_value / quantity), 2) AS price
    FROM raw WHERE quantity > 0 GROUP BY item_id
)
SELECT product_id::BIGINT AS item_id, product_type AS name, department, product_category AS category,
    product_type, brand, manufacturer_id AS manufacturer, package_size, price
FROM read_csv({path}, header = true, all_varchar = true) LEFT JOIN paid ON item_id = product_id::BIGINT
ORDER BY product_id::BIGINT
"""
USERS_SQL = """
SELECT household_id::BIGINT AS user_id, * EXCLUDE household_id
FROM read_csv({path}, header = true, all_varchar = true) ORDER BY 1
"""
FOLDER = "completejourney-sample/derived-csv"


def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    """events: user_id, item_id, timestamp, session_id, file_row; items: item_id, name, attributes; users."""
    with connect() as con:
        con.execute(RAW_SQL.format(path=literal(raw[0])))
        columns = "user_id, item_id, timestamp, session_id, file_row"
        return {
            "rows in the file": count(con, "SELECT count(*) FROM raw"),
            "quantity 0 dropped": count(con, "SELECT count(*) FROM raw WHERE quantity <= 0"),
            "events": write(con, f"SELECT {columns} FROM raw WHERE quantity > 0", folder / "events.parquet"),
            "sessions (baskets)": count(con, "SELECT count(DISTINCT session_id) FROM raw WHERE quantity > 0"),
            "items in the log": count(con, "SELECT count(DISTINCT item_id) FROM raw WHERE quantity > 0"),
            "items in the catalogue": write(
                con, ITEMS_SQL.format(path=literal(raw[1])), folder / "items.parquet"
            ),
            "households with demographics": write(
                con, USERS_SQL.format(path=literal(raw[2])), folder / "users.parquet"
            ),
        }


SPEC = Spec(
    name="complete-journey",
    version=1,
    raw=(
        RawFile(f"{FOLDER}/transactions_sample.csv.gz"),
        RawFile(f"{FOLDER}/products.csv.gz"),
        RawFile(f"{FOLDER}/demographics.csv.gz"),
    ),
    build=build,
    licence="CC0 as published in the R package completejourney; data by 84.51 / dunnhumby",
    source="https://github.com/bradleyboehmke/completejourney",
    settings={
        "read": {"session_column": "session_id", "order_column": "file_row"},
        "sessions": {"by": "column"},
        "side": {
            "fields": {
                "name": "skip",
                "department": "categorical",
                "category": "categorical",
                "product_type": "categorical",
                "brand": "categorical",
                "manufacturer": "categorical",
                "package_size": "skip",
                "price": "numeric",
            }
        },
    },
)
