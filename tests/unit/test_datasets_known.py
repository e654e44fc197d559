"""The known data sets: rules on small files written here, counts on the real ones."""

import gzip
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cowalk.datasets import Dataset, load, names
from cowalk.datasets.graphs import roles_of
from cowalk.errors import DataError, UsageError

REAL = os.environ.get("COWALK_DATA")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("COWALK_DATA", str(folder))
    monkeypatch.setenv("COWALK_CACHE", str(tmp_path / "cache"))
    return folder


def place(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = text.encode("latin-1" if name.endswith("u.item") else "utf-8")
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)


def table(path: Path | None, columns: str = "*") -> list[tuple[Any, ...]]:
    assert path is not None
    with duckdb.connect() as con:
        return con.execute(f"SELECT {columns} FROM '{path}'").fetchall()


RETAIL = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,85123A,WHITE HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
1,71053,"LANTERN, WHITE METAL",6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
1,POST,POSTAGE,1,2010-12-01 08:26:00,18.0,17850.0,France
C2,71053,"LANTERN, WHITE METAL",-1,2010-12-01 09:00:00,3.39,17850.0,United Kingdom
A3,B,Adjust bad debt,1,2010-12-01 09:00:00,100.0,,United Kingdom
4,71053,damaged,-5,2010-12-01 10:00:00,0.0,,United Kingdom
5,85123a,WHITE HEART T-LIGHT HOLDER,1,2010-12-02 10:00:00,2.95,,United Kingdom
5,71053,found,1,2010-12-02 10:00:00,0.0,,United Kingdom
5,23444,Next Day Carriage,1,2010-12-02 10:00:00,15.0,,United Kingdom
5,22222,,1,2010-12-02 10:00:00,1.0,,United Kingdom
5,33333,ZINC HOLDER,1,2010-12-02 10:00:00,1.0,,United Kingdom
"""


def test_online_retail_keeps_sales_of_products_only(data: Path) -> None:
    place(data, {"uci-online-retail/online_retail_all.csv.gz": RETAIL})
    retail = load("online-retail")
    assert table(retail.events, "user_id, item_id, session_id, file_row") == [
        (17850, "85123A", "1", 0),
        (17850, "71053", "1", 1),
        (None, "85123A", "5", 6),
        (None, "22222", "5", 9),
        (None, "33333", "5", 10),
    ]
    assert {name: n for name, n in retail.notes.items() if "drop" in name} == {
        "cancellations (InvoiceNo C...) dropped": 1,
        "adjustments (InvoiceNo A...) dropped": 1,
        "quantity 0 or below dropped": 1,
        "non-product codes dropped": 2,
        "rows without a price (stock found, test rows, gifts) dropped": 1,
    }
    dropped = sum(n for name, n in retail.notes.items() if "drop" in name)
    assert retail.notes["rows in the file"] - dropped == retail.notes["events"] == 5
    assert retail.notes["events without a customer (kept)"] == 3
    assert retail.notes["codes joined that differ only by case"] == 1
    assert table(retail.items) == [
        (
            "85123A",
            "WHITE HEART T-LIGHT HOLDER",
            "holder",
            ["white"],
            ["heart", "t-light", "holder"],
            2.75,
            "851",
        ),
        ("22222", None, None, None, None, 1.0, "222"),
        ("33333", "ZINC HOLDER", "holder", [], ["zinc", "holder"], 1.0, "333"),
        ("71053", "LANTERN, WHITE METAL", None, ["white"], ["lantern", "metal"], 3.39, "710"),
    ]
    assert retail.read.session_column == "session_id"
    assert retail.sessions.by == "column"
    assert retail.side.fields["name"] == "skip"


def test_online_retail_without_a_column_is_one_line(data: Path) -> None:
    place(data, {"uci-online-retail/online_retail_all.csv": RETAIL.replace("StockCode", "Code")})
    with pytest.raises(DataError, match=r"online_retail_all\.csv: columns StockCode are missing"):
        load("online-retail")


def test_online_retail_with_a_bad_number_is_one_line(data: Path) -> None:
    place(data, {"uci-online-retail/online_retail_all.csv": RETAIL.replace(",6,", ",six,")})
    with pytest.raises(DataError, match=r"cannot build from .*'six'") as caught:
        load("online-retail")
    assert "\n" not in str(caught.value)


def test_beauty_keeps_the_order(data: Path) -> None:
    place(
        data,
        {
            "amazon-beauty-s3rec/Beauty.txt.gz": "1 5 3 5\n2 3\n",
            "amazon-beauty-s3rec/Beauty_item2attributes.json": json.dumps({"5": [1, 2], "3": []}),
        },
    )
    beauty = load("beauty")
    assert table(beauty.events) == [(1, 5, 0), (1, 3, 1), (1, 5, 2), (2, 3, 0)]
    assert table(beauty.items) == [(3, []), (5, ["1", "2"])]
    assert beauty.next_item_split == "leave-last"
    assert beauty.read.time_column is None


def test_beauty_with_a_bad_line_names_it(data: Path) -> None:
    place(
        data,
        {
            "amazon-beauty-s3rec/Beauty.txt": "1 5 3\n2 x\n",
            "amazon-beauty-s3rec/Beauty_item2attributes.json": "{}",
        },
    )
    with pytest.raises(DataError, match=r"Beauty\.txt, line 2"):
        load("beauty")


def test_a_broken_gzip_is_one_line(data: Path) -> None:
    place(data, {"amazon-beauty-s3rec/Beauty_item2attributes.json": "{}"})
    whole = gzip.compress(b"1 2 3\n" * 1000)
    (data / "amazon-beauty-s3rec/Beauty.txt.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"beauty: cannot build from .*Beauty\.txt\.gz"):
        load("beauty")


def test_eshop_reads_the_zip_and_names_the_codes(data: Path) -> None:
    head = "year;month;day;order;country;session ID;page 1 (main category);page 2 (clothing model);colour;"
    text = head + "location;model photography;price;price 2;page\n2008;4;1;1;29;7;1;A13;14;5;1;28;2;1\n"
    folder = data / "uci-eshop-clothing-2008"
    folder.mkdir()
    with zipfile.ZipFile(folder / "clickstream+data+for+online+shopping.zip", "w") as archive:
        archive.writestr("e-shop clothing 2008.csv", text)
    eshop = load("eshop-clothing")
    assert table(eshop.events, "user_id, item_id, timestamp::VARCHAR, session_id, click") == [
        (None, "A13", "2008-04-01 00:00:00", 7, 1)
    ]
    assert table(eshop.items) == [("A13", "trousers", "white", "en face", 28.0)]
    assert eshop.events is not None
    assert sorted(path.name for path in eshop.events.parent.iterdir()) == [
        "events.parquet",
        "items.parquet",
        "notes.json",
    ]


def test_movielens_takes_genres_and_the_year(data: Path) -> None:
    flags = "|".join("1" if i in (1, 16) else "0" for i in range(19))
    unknown = "|".join("1" if i == 0 else "0" for i in range(19))
    place(
        data,
        {
            "ml-100k/u.data": "1\t2\t5\t881250949\n",
            "ml-100k/u.item": f"1|Amélie (1995)|01-Jan-1995||http://x|{flags}\n2|unknown||||{unknown}\n",
            "ml-100k/u.user": "1|24|M|technician|85711\n",
        },
    )
    films = load("movielens-100k")
    assert table(films.events, "user_id, item_id, timestamp::VARCHAR, rating") == [
        (1, 2, "1997-12-04 15:55:49", 5)
    ]
    assert table(films.items) == [
        (1, "Amélie (1995)", 1995.0, ["Action", "Thriller"]),
        (2, "unknown", None, []),
    ]
    assert table(films.users) == [(1, 24, "M", "technician", "85711")]


def test_complete_journey_joins_prices(data: Path) -> None:
    log = "household_id,store_id,basket_id,product_id,quantity,sales_value,transaction_timestamp\n"
    catalogue = "product_id,manufacturer_id,department,brand,product_category,product_type,package_size\n"
    folder = "completejourney-sample/derived-csv"
    place(
        data,
        {
            f"{folder}/transactions_sample.csv.gz": log
            + "9,3,31,7,2.0,3.0,2017-01-28 19:06:53\n9,3,31,8,0.0,0.0,2017-01-28 19:06:53\n",
            f"{folder}/products.csv.gz": catalogue
            + "7,2,GROCERY,National,ICE,ICE - CUBED,22 LB\n8,2,X,Private,,,\n",
            f"{folder}/demographics.csv.gz": "household_id,age\n9,65+\n",
        },
    )
    journey = load("complete-journey")
    assert table(journey.events, "user_id, item_id, session_id, file_row") == [(9, 7, 31, 0)]
    assert table(journey.items, "item_id, department, category, price") == [
        (7, "GROCERY", "ICE", 1.5),
        (8, "X", None, None),
    ]
    assert table(journey.users) == [(9, "65+")]
    assert journey.notes["quantity 0 dropped"] == 1


def test_ms_store_reads_quoted_names(data: Path) -> None:
    place(
        data,
        {
            "msstore-demo/demoUsage.csv.gz": "00030,DQF-1,2015/06/09T19:39:37\n",
            "msstore-demo/demoCatalog.csv": 'DQF-1,"Sleeve 13"" - Violet, Dot",Accessories\n',
        },
    )
    store = load("ms-store")
    assert table(store.events, "user_id, item_id, timestamp::VARCHAR") == [
        ("00030", "DQF-1", "2015-06-09 19:39:37")
    ]
    assert table(store.items) == [("DQF-1", 'Sleeve 13" - Violet, Dot', "Accessories")]


def test_graphs_hold_each_edge_in_both_directions_once(data: Path) -> None:
    place(
        data,
        {
            "graph-airports-struc2vec/brazil-airports.edgelist": "1 2\n2 1\n3 3\n2 3\n",
            "graph-airports-struc2vec/labels-brazil-airports.txt": "node label\n1 0\n2 3\n3 0\n",
            "graph-blogcatalog/edges.csv.gz": "1,2\n",
            "graph-blogcatalog/group-edges.csv": "1,28\n1,32\n",
        },
    )
    brazil = load("airports-brazil")
    assert table(brazil.edges) == [(1, 2), (2, 1), (2, 3), (3, 2)]
    assert table(brazil.labels) == [(1, 0), (2, 3), (3, 0)]
    assert brazil.events is None
    assert brazil.notes["undirected edges"] == 2
    assert brazil.notes["self-loops dropped"] == 1
    assert table(load("blogcatalog").labels) == [(1, 28), (1, 32)]


def test_roles_are_what_colour_refinement_cannot_tell_apart() -> None:
    path = [(1, 2), (2, 3), (3, 4), (4, 5)]
    roles = roles_of(path)
    assert roles[1] == roles[5] != roles[2] == roles[4] != roles[3] != roles[1]
    ring = [(1, 2), (2, 3), (3, 4), (4, 1)]
    assert len(set(roles_of(ring).values())) == 1


def test_two_clubs_that_are_not_mirrored_are_refused(data: Path) -> None:
    place(data, {"graph-airports-struc2vec/karate-mirrored.edgelist": "1 2\n35 36\n36 37\n1 37\n"})
    with pytest.raises(DataError, match="not two equal clubs of 34 members and the bridge 1 - 37"):
        load("karate-mirrored")


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match="no data set 'onlineretail'; known are online-retail, beauty"):
        load("onlineretail")


def test_settings_that_no_stage_knows_are_refused() -> None:
    with pytest.raises(UsageError, match="no stage 'reading'"):
        Dataset("toy", "CC0", "here", {}, {"reading": {}})
    with pytest.raises(ValueError, match="user_colum"):
        Dataset("toy", "CC0", "here", {}, {"read": {"user_colum": "u"}})


COUNTS = {
    "online-retail": {"rows in the file": 541_909, "events": 527_664, "items": 3_795},
    "beauty": {"events": 198_502, "users": 22_363, "items in the log": 12_101},
    "eshop-clothing": {"events": 165_474, "sessions": 24_026, "items": 217},
    "movielens-100k": {"events": 100_000, "items": 1_682, "users": 943},
    "complete-journey": {"rows in the file": 75_000, "items in the catalogue": 92_331},
    "ms-store": {"events": 11_838, "items in the catalogue": 101},
    "blogcatalog": {"nodes": 10_312, "undirected edges": 333_983, "classes": 39},
    "wiki": {"nodes": 2_405, "undirected edges": 11_596, "classes": 17},
    "cora": {"nodes": 2_708, "undirected edges": 5_278, "classes": 7},
    "karate-mirrored": {"nodes": 68, "undirected edges": 155, "classes": 27},
    "airports-brazil": {"nodes": 131, "classes": 4},
    "airports-europe": {"nodes": 399, "classes": 4},
    "airports-usa": {"nodes": 1_190, "classes": 4},
}


@pytest.mark.skipif(not REAL, reason="COWALK_DATA is not set: the real data sets are not here")
@pytest.mark.parametrize("name", names())
def test_the_real_files_give_the_published_counts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COWALK_CACHE", str(tmp_path))
    found = load(name)
    assert {key: found.notes[key] for key in COUNTS[name]} == COUNTS[name]
    for path in (found.events, found.items, found.users, found.edges, found.labels):
        assert path is None or len(table(path, "1")) > 0


@pytest.mark.skipif(not REAL, reason="COWALK_DATA is not set: Online Retail is not here")
def test_real_descriptions_give_sensible_categories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COWALK_CACHE", str(tmp_path))
    found = dict(table(load("online-retail").items, "item_id, category"))
    expected = {"85123A": "holder", "71053": "lantern", "84406B": "hanger", "20725": "bag", "22720": "tin"}
    assert {item: found[item] for item in expected} == expected
    assert sum(category is None for category in found.values()) < 0.03 * len(found)


def workbook(rows: list[list[str | float]]) -> bytes:
    """A small .xlsx: texts shared, numbers plain, empty texts left out as Excel does."""
    shared = sorted({cell for row in rows for cell in row if isinstance(cell, str) and cell})
    lines = []
    for r, row in enumerate(rows, 1):
        cells = []
        for c, cell in enumerate(row):
            if isinstance(cell, float):
                cells.append(f'<c r="{chr(65 + c)}{r}"><v>{cell:.17g}</v></c>')
            elif cell:
                cells.append(f'<c r="{chr(65 + c)}{r}" t="s"><v>{shared.index(cell)}</v></c>')
        lines.append(f'<row r="{r}">{"".join(cells)}</row>')
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    texts = "".join(f"<si><r><t>{text[:2]}</t></r><r><t>{text[2:]}</t></r></si>" for text in shared)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{texts}</sst>")
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f"<worksheet {space}><sheetData>{''.join(lines)}</sheetData></worksheet>",
        )
    return packed.getvalue()


RETAIL_ROWS: list[list[str | float]] = [
    [*RETAIL.splitlines()[0].split(",")],
    [536365.0, "85123A", "WHITE, HOLDER", 6.0, 40513.351388888892, 2.5499999999999998, 17850.0, "UK"],
    ["C5", 71053.0, "LANTERN", -1.0, 40513.351388888892, 3.39, 17850.0, "UK"],
    [536366.0, 71053.0, "", 1.0, 40514.5, 3.39, "", "UK"],
]


@pytest.mark.parametrize("zipped", [True, False])
def test_online_retail_reads_the_workbook_of_its_publisher(data: Path, zipped: bool) -> None:
    folder = data / "uci-online-retail"
    folder.mkdir()
    book = workbook(RETAIL_ROWS)
    if zipped:
        with zipfile.ZipFile(folder / "online+retail.zip", "w") as archive:
            archive.writestr("Online Retail.xlsx", book)
    else:
        (folder / "Online Retail.xlsx").write_bytes(book)
    retail = load("online-retail")
    assert table(retail.events, "user_id, item_id, timestamp::VARCHAR, session_id, file_row") == [
        (17850, "85123A", "2010-12-01 08:26:00", "536365", 0),
        (None, "71053", "2010-12-02 12:00:00", "536366", 2),
    ]
    assert table(retail.items, "item_id, name, price") == [
        ("71053", None, 3.39),
        ("85123A", "WHITE, HOLDER", 2.55),
    ]
    assert retail.events is not None
    assert not (retail.events.parent / "raw.csv").exists()


def test_half_a_workbook_is_one_line(data: Path) -> None:
    folder = data / "uci-online-retail"
    folder.mkdir()
    (folder / "Online Retail.xlsx").write_bytes(workbook(RETAIL_ROWS)[:200])
    with pytest.raises(DataError, match=r"Online Retail\.xlsx is not a whole \.xlsx workbook"):
        load("online-retail")
