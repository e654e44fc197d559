"""Ready graphs with labels: BlogCatalog and the airports of three places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cowalk.datasets.download import Download
from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, count, literal, write

PLACE = "https://raw.githubusercontent.com/leoribeiro/struc2vec/master/graph"
READ_SQL = """
CREATE TABLE {table} AS SELECT * FROM read_csv({path}, delim = '{delim}', header = {header},
    columns = {{'{first}': 'BIGINT', '{second}': 'BIGINT'}})
"""
BOTH_WAYS_SQL = """
SELECT DISTINCT src, dst FROM (SELECT src, dst FROM raw UNION ALL SELECT dst, src FROM raw) WHERE src <> dst
ORDER BY src, dst
"""


def builder(delim: str, labels_header: bool) -> Callable[[Sequence[Path], Path], Mapping[str, int]]:
    """The build of an undirected graph: each edge stands in edges.parquet in both directions, once."""

    def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
        with connect() as con:
            for table, path, first, second, header in (
                ("raw", raw[0], "src", "dst", False),
                ("marks", raw[1], "node", "label", labels_header),
            ):
                con.execute(
                    READ_SQL.format(
                        table=table,
                        path=literal(path),
                        delim=delim,
                        header=header,
                        first=first,
                        second=second,
                    )
                )
            loops = count(con, "SELECT count(*) FROM raw WHERE src = dst")
            edges = write(con, BOTH_WAYS_SQL, folder / "edges.parquet")
            labels = write(con, "SELECT * FROM marks ORDER BY node, label", folder / "labels.parquet")
            return {
                "nodes": count(
                    con, "SELECT count(DISTINCT n) FROM (SELECT unnest([src, dst]) AS n FROM raw)"
                ),
                "rows in the file": count(con, "SELECT count(*) FROM raw"),
                "self-loops dropped": loops,
                "undirected edges": edges // 2,
                "labels of nodes": labels,
                "classes": count(con, "SELECT count(DISTINCT label) FROM marks"),
            }

    return build


BLOGCATALOG = Spec(
    name="blogcatalog",
    version=1,
    raw=(RawFile("graph-blogcatalog/edges.csv.gz"), RawFile("graph-blogcatalog/group-edges.csv")),
    build=builder(",", labels_header=False),
    licence="free for research with citation (Zafarani & Liu 2009), no redistribution licence",
    source="the ASU Social Computing Data Repository (BlogCatalog3)",
)


def _airports(place: str, edges_sha256: str, labels_sha256: str) -> Spec:
    edges, labels = f"{place}-airports.edgelist", f"labels-{place}-airports.txt"
    return Spec(
        name=f"airports-{place}",
        version=1,
        raw=(
            RawFile(f"graph-airports-struc2vec/{edges}", download=Download(f"{PLACE}/{edges}", edges_sha256)),
            RawFile(
                f"graph-airports-struc2vec/{labels}", download=Download(f"{PLACE}/{labels}", labels_sha256)
            ),
        ),
        build=builder(" ", labels_header=True),
        licence="MIT (struc2vec, Ribeiro et al. 2017); data by ANAC, Eurostat and the US BTS",
        source="https://github.com/leoribeiro/struc2vec",
    )


AIRPORTS = (
    _airports(
        "brazil",
        "896b7bd460ad2da9160888d99bc9099ffe8ed7de3e410833889ea393831bcaa7",
        "8f9d19f10192fbaeb91dfb46dd7eae0fef28bfe1272d41ab96a4494a0d06785f",
    ),
    _airports(
        "europe",
        "bd202178d0d1253c15bd3c9a22cc2a25f630244bbef9060bc30adbf0a5e130f6",
        "92bace031cc02937ac9629d6c69387458e5d5016a7dab98490fbf33e392cec4e",
    ),
    _airports(
        "usa",
        "c73fec3eef27ed6d6ef4d8dfa7fd1604b959601a38d399eeaa1f87e8d8d58fc0",
        "d4062ff3b3a67c3ae72b581bb68228433223e35d6f0b2d41844d197ad3772195",
    ),
)
