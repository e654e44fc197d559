"""The list of known data sets, and `load`."""

from __future__ import annotations

from cowalk.datasets import beauty, complete_journey, eshop, graphs, movielens, msstore, online_retail
from cowalk.datasets.cache import built
from cowalk.datasets.dataset import Dataset
from cowalk.datasets.sources import Spec
from cowalk.errors import UsageError

SPECS: dict[str, Spec] = {
    spec.name: spec
    for spec in (
        online_retail.SPEC,
        beauty.SPEC,
        eshop.SPEC,
        movielens.SPEC,
        complete_journey.SPEC,
        msstore.SPEC,
        graphs.BLOGCATALOG,
        graphs.WIKI,
        graphs.CORA,
        *graphs.AIRPORTS,
        graphs.KARATE,
    )
}
TABLES = ("events", "items", "users", "edges", "labels")


def names() -> list[str]:
    """The names that `load` knows."""
    return list(SPECS)


def load(name: str) -> Dataset:
    """The data set of this name as Parquet files in the cache; raw files as `sources.fetch` finds them.

    UsageError for an unknown name; DataError where its files are nowhere to be had or cannot be read.
    """
    spec = SPECS.get(name.strip().lower().replace("_", "-"))
    if spec is None:
        raise UsageError(f"no data set {name!r}; known are {', '.join(SPECS)}")
    folder, notes = built(spec)
    tables = {table: folder / f"{table}.parquet" for table in TABLES}
    return Dataset(
        name=spec.name,
        licence=spec.licence,
        source=spec.source,
        notes=notes,
        settings=spec.settings,
        next_item_split=spec.next_item_split,
        **{table: path for table, path in tables.items() if path.is_file()},
    )
