"""MovieLens 100K: ratings of films, genres and years, and who the users are."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path

from cowalk.datasets.download import Download
from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, count, literal, load_columns, write
from cowalk.errors import DataError

URL = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
FIRST_FLAG = 5  # id, title, release date, video release date, address, then a flag per genre
EVENTS_SQL = """
SELECT user_id, item_id, make_timestamp(seconds * 1000000) AS timestamp, rating
FROM read_csv({path}, delim = '\t', header = false, columns = {{
    'user_id': 'BIGINT', 'item_id': 'BIGINT', 'rating': 'INTEGER', 'seconds': 'BIGINT'}})
"""
USERS_SQL = """
SELECT * FROM read_csv({path}, delim = '|', header = false, columns = {{
    'user_id': 'BIGINT', 'age': 'INTEGER', 'gender': 'VARCHAR', 'occupation': 'VARCHAR',
    'zip_code': 'VARCHAR'}})
"""


def _films(path: Path) -> dict[str, list[object]]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("latin-1")
    films: dict[str, list[object]] = {"item_id": [], "name": [], "year": [], "genres": []}
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("|")
        if len(cells) != FIRST_FLAG + len(GENRES):
            raise DataError(f"{path}, line {number}: expected {FIRST_FLAG + len(GENRES)} cells parted by |")
        year = re.search(r"(\d{4})$", cells[2])
        genres = [genre for genre, flag in zip(GENRES, cells[FIRST_FLAG:], strict=True) if flag == "1"]
        films["item_id"].append(int(cells[0]))
        films["name"].append(cells[1])
        films["year"].append(float(year[1]) if year else None)
        films["genres"].append([genre for genre in genres if genre != "unknown"])
    return films


def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    """events: user_id, item_id, timestamp, rating; items: item_id, name, year, genres; users."""
    with connect() as con:
        load_columns(con, "films", _films(raw[1]))
        return {
            "events": write(con, EVENTS_SQL.format(path=literal(raw[0])), folder / "events.parquet"),
            "items": write(con, "SELECT * FROM films", folder / "items.parquet"),
            "users": write(con, USERS_SQL.format(path=literal(raw[2])), folder / "users.parquet"),
            "items without a year": count(con, "SELECT count(*) FROM films WHERE year IS NULL"),
            "items without a genre": count(con, "SELECT count(*) FROM films WHERE len(genres) = 0"),
        }


def _raw(name: str, sha256: str) -> RawFile:
    """One file of the zip; the hash is that of the file inside it."""
    return RawFile(
        f"movielens-100k/{name}",
        also=(f"ml-100k/{name}",),
        download=Download(URL, sha256, member=f"ml-100k/{name}"),
    )


SPEC = Spec(
    name="movielens-100k",
    version=1,
    raw=(
        _raw("u.data", "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"),
        _raw("u.item", "553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701"),
        _raw("u.user", "f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c"),
    ),
    build=build,
    licence="GroupLens terms: research use with citation, no redistribution (Harper & Konstan 2015)",
    source="https://grouplens.org/datasets/movielens/100k/",
    settings={
        "sessions": {"by": "history"},
        "side": {"fields": {"name": "skip", "year": "numeric", "genres": "multi"}},
    },
    next_item_split="leave-last",
)
