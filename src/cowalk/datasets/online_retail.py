"""UCI Online Retail: invoices of a British gift shop; attributes derived from description, code and price."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from cowalk.datasets.retail_words import describe
from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, count, literal, load_columns, write
from cowalk.datasets.xlsx import workbook_to_csv
from cowalk.errors import DataError

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
# Rules in order: a row counts under the first that it meets. Product codes are five digits and letters, or of
# the shop's own DCGS range; others are fees and the like (POST, DOT, M, C2, D, S, BANK CHARGES, gift_...).
RULES = {
    "cancellations (InvoiceNo C...) dropped": "invoice LIKE 'C%'",
    "adjustments (InvoiceNo A...) dropped": "NOT regexp_full_match(invoice, '[0-9]+')",
    "quantity 0 or below dropped": "quantity <= 0",
    "non-product codes dropped": "NOT regexp_full_match(item_id, '[0-9]{5}[A-Z]*|DCGS[0-9A-Z]*') "
    "OR item_id IN ('22016', '23444', '23574')",  # a gift voucher, next day carriage, a packing charge
    "rows without a price (stock found, test rows, gifts) dropped": "price <= 0",
}
RAW_SQL = """
CREATE TABLE raw AS SELECT
    (row_number() OVER () - 1)::BIGINT AS file_row, trim(InvoiceNo) AS invoice, trim(StockCode) AS stock_code,
    upper(trim(StockCode)) AS item_id, trim(Description) AS description, Quantity::BIGINT AS quantity,
    InvoiceDate::TIMESTAMP AS sold_at, UnitPrice::DOUBLE AS price, CustomerID::DOUBLE::BIGINT AS user_id
FROM read_csv({path}, header = true, all_varchar = true, quote = '"', escape = '"')
"""
NAMES_SQL = """
SELECT item_id, description FROM sales WHERE description IS NOT NULL GROUP BY item_id, description
QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY count(*) DESC, description) = 1 ORDER BY item_id
"""
EVENTS_SQL = """
SELECT user_id, item_id, sold_at AS timestamp, invoice AS session_id, file_row FROM sales ORDER BY file_row
"""
ITEMS_SQL = """
WITH prices AS (SELECT item_id, median(price) AS price, count(*) AS n FROM sales GROUP BY item_id)
SELECT item_id, name, category, colour, words, round(price, 2) AS price, left(item_id, 3) AS code
FROM prices LEFT JOIN described USING (item_id) ORDER BY n DESC, item_id
"""


def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    """events: user_id, item_id, timestamp, session_id, file_row; items: item_id, name, derived attributes."""
    table = raw[0]
    if table.suffix in (".zip", ".xlsx"):
        table = folder / "raw.csv"
        workbook_to_csv(raw[0], table, frozenset({"InvoiceDate"}))
    with connect() as con:
        notes = _sales(con, table)
        (folder / "raw.csv").unlink(missing_ok=True)
        write(
            con,
            EVENTS_SQL,
            folder / "events.parquet",
        )
        named = con.execute(NAMES_SQL).fetchall()
        rows = describe([name for _, name in named])
        load_columns(
            con,
            "described",
            {
                "item_id": [item for item, _ in named],
                "name": [name for _, name in named],
                "category": [row.category for row in rows],
                "colour": [row.colours for row in rows],
                "words": [row.words for row in rows],
            },
        )
        notes["items"] = write(con, ITEMS_SQL, folder / "items.parquet")
    notes["categories derived"] = len({row.category for row in rows} - {None})
    notes["items without a category"] = sum(row.category is None for row in rows)
    notes["words derived"] = len({word for row in rows for word in row.words})
    return notes


def _sales(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    """Make the table `sales` of real sales; returns what each rule dropped."""
    query = f"DESCRIBE SELECT * FROM read_csv({literal(path)}, header = true, all_varchar = true)"
    there = [row[0] for row in con.execute(query).fetchall()]
    if lost := [column for column in COLUMNS[:7] if column not in there]:
        raise DataError(f"{path}: columns {', '.join(lost)} are missing; expected {', '.join(COLUMNS)}")
    con.execute(RAW_SQL.format(path=literal(path)))
    cases = " ".join(f"WHEN {test} THEN {i}" for i, test in enumerate(RULES.values()))
    con.execute(f"CREATE TABLE judged AS SELECT *, CASE {cases} END AS rule FROM raw")
    con.execute("CREATE TABLE sales AS SELECT * FROM judged WHERE rule IS NULL")
    notes = {"rows in the file": count(con, "SELECT count(*) FROM raw")}
    for i, name in enumerate(RULES):
        notes[name] = count(con, f"SELECT count(*) FROM judged WHERE rule = {i}")
    notes["events"] = count(con, "SELECT count(*) FROM sales")
    notes["events without a customer (kept)"] = count(con, "SELECT count(*) FROM sales WHERE user_id IS NULL")
    notes["customers"] = count(con, "SELECT count(DISTINCT user_id) FROM sales")
    notes["sessions (invoices)"] = count(con, "SELECT count(DISTINCT invoice) FROM sales")
    notes["codes joined that differ only by case"] = count(
        con, "SELECT count(DISTINCT stock_code) - count(DISTINCT item_id) FROM sales"
    )
    return notes


SPEC = Spec(
    name="online-retail",
    version=2,
    raw=(
        RawFile(
            "uci-online-retail/online_retail_all.csv.gz",
            also=("uci-online-retail/online+retail.zip", "uci-online-retail/Online Retail.xlsx"),
        ),
    ),
    build=build,
    licence="CC BY 4.0 (Chen, Sain & Guo 2012, doi 10.24432/C5BW33)",
    source="https://archive.ics.uci.edu/dataset/352/online+retail",
    settings={
        "read": {"session_column": "session_id", "order_column": "file_row"},
        "sessions": {"by": "column"},
        "side": {
            "fields": {
                "name": "skip",
                "category": "categorical",
                "colour": "multi",
                "words": "multi",
                "price": "numeric",
                "code": "categorical",
            }
        },
    },
)
