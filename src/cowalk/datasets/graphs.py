"""Ready graphs with labels: BlogCatalog, Wiki, Cora, the airports of three places, a mirrored karate club."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb

from cowalk.datasets.download import Download
from cowalk.datasets.sources import RawFile, Spec
from cowalk.datasets.tables import connect, count, literal, load_columns, write
from cowalk.errors import DataError

CLUB, BRIDGE = 34, (1, 37)  # members of the karate club, and the edge between the two copies
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
            return _written(con, folder)

    return build


def _written(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """The tables `raw` (src, dst) and `marks` (node, label) as Parquet, and the notes."""
    edges = write(con, BOTH_WAYS_SQL, folder / "edges.parquet")
    labels = write(con, "SELECT DISTINCT * FROM marks ORDER BY node, label", folder / "labels.parquet")
    return {
        "nodes": count(con, "SELECT count(DISTINCT n) FROM (SELECT unnest([src, dst]) AS n FROM raw)"),
        "rows in the file": count(con, "SELECT count(*) FROM raw"),
        "self-loops dropped": count(con, "SELECT count(*) FROM raw WHERE src = dst"),
        "undirected edges": edges // 2,
        "labels of nodes": labels,
        "classes": count(con, "SELECT count(DISTINCT label) FROM marks"),
    }


def build_mirrored(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    """Two copies of one club, joined by a single edge; a node's label is its role in its club.

    Nodes 1-34 are the one club, 35-68 the other under other numbers, 1 - 37 the bridge (struc2vec, Ribeiro et
    al. 2017, figure 4). DataError where the two clubs do not hold the same roles.
    """
    with connect() as con:
        con.execute(
            READ_SQL.format(
                table="raw", path=literal(raw[0]), delim=" ", header=False, first="src", second="dst"
            )
        )
        pairs = con.execute("SELECT DISTINCT least(src, dst), greatest(src, dst) FROM raw").fetchall()
        roles = roles_of([pair for pair in pairs if pair != BRIDGE])
        one, two = (
            [role for node, role in roles.items() if (node > CLUB) == there] for there in (False, True)
        )
        if BRIDGE not in pairs or sorted(one) != sorted(two):
            raise DataError(f"{raw[0]}: not two equal clubs of {CLUB} members and the bridge 1 - 37")
        load_columns(con, "marks", {"node": list(roles), "label": list(roles.values())})
        return _written(con, folder)


def roles_of(edges: Sequence[tuple[int, int]]) -> dict[int, int]:
    """By node a role, equal for nodes that colour refinement cannot tell apart (Weisfeiler & Leman 1968)."""
    near: dict[int, list[int]] = {}
    for u, v in edges:
        near.setdefault(u, []).append(v)
        near.setdefault(v, []).append(u)
    roles, found = dict.fromkeys(sorted(near), 0), 0
    while len(set(roles.values())) > found:
        found = len(set(roles.values()))
        seen = {node: (role, sorted(roles[other] for other in near[node])) for node, role in roles.items()}
        order = sorted(map(repr, seen.values()))
        roles = {node: order.index(repr(sight)) for node, sight in seen.items()}
    return roles


BLOGCATALOG = Spec(
    name="blogcatalog",
    version=1,
    raw=(RawFile("graph-blogcatalog/edges.csv.gz"), RawFile("graph-blogcatalog/group-edges.csv")),
    build=builder(",", labels_header=False),
    licence="free for research with citation (Zafarani & Liu 2009), no redistribution licence",
    source="the ASU Social Computing Data Repository (BlogCatalog3)",
)

OPENNE = "https://github.com/thunlp/OpenNE"
LINQS = "the publishers (LINQS) name no licence; used for research with citation (Sen et al. 2008)"
WIKI = Spec(
    name="wiki",
    version=1,
    raw=(
        RawFile("graph-openne-wiki-cora/wiki/Wiki_edgelist.txt.gz"),
        RawFile("graph-openne-wiki-cora/wiki/wiki_labels.txt"),
    ),
    build=builder(" ", labels_header=False),
    licence=LINQS,
    source=OPENNE,
)
CORA = Spec(
    name="cora",
    version=1,
    raw=(
        RawFile("graph-openne-wiki-cora/cora/cora_edgelist.txt"),
        RawFile("graph-openne-wiki-cora/cora/cora_labels.txt"),
    ),
    build=builder(" ", labels_header=False),
    licence=LINQS,
    source=OPENNE,
)
KARATE = Spec(
    name="karate-mirrored",
    version=1,
    raw=(RawFile("graph-airports-struc2vec/karate-mirrored.edgelist"),),
    build=build_mirrored,
    licence="MIT (struc2vec, Ribeiro et al. 2017)",
    source="https://github.com/leoribeiro/struc2vec",
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
