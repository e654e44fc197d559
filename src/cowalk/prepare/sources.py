"""From whatever a table is given as (files, pandas, polars, Arrow) to one DuckDB table in row order."""

from __future__ import annotations

import csv
import glob
import gzip
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from cowalk.errors import DataError, UsageError
from cowalk.prepare.database import Database, literal, name

SUFFIXES = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".txt": "csv"}
SUFFIXES |= {".jsonl": "lines", ".ndjson": "lines", ".json": "json"}
DELIMITERS = (",", "\t", ";", "|")
NAMING = {
    "item_id": "--item-column",
    "user_id": "--user-column (or none, with --session-column)",
    "timestamp": "--time-column (none = the log has only an order)",
    "src": "--set edges.source_column=NAME",
    "dst": "--set edges.target_column=NAME",
}
"""How another name is given for a column that is looked for by its default name."""


@dataclass(frozen=True)
class Part:
    """One file, or a table in memory: what stands after FROM, and the SQL of each column by name."""

    label: str
    relation: str
    columns: dict[str, str]
    untyped: bool = False  # every value comes as text (CSV, JSON lines), so that types are to be found


@dataclass(frozen=True)
class Loaded:
    """A stored table: the inside name and the type of each column, and where each part starts."""

    table: str
    columns: dict[str, str]
    types: dict[str, str]
    untyped: bool
    starts: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def place(self, row: int) -> str:
        """Where row `row` (from 0) stood, for messages: file and row of it, from 1 without the header."""
        at = bisect_right(self.starts, row) - 1
        return f"{self.labels[at]}, row {row - self.starts[at] + 1:,}"


def naming(column: str) -> str:
    """How to name the column that is meant, where its default name was not found."""
    return f"; name yours by {NAMING[column]}" if column in NAMING else ""


def find_files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """The files of a path, a folder, a glob or a list of these, sorted; DataError where there is none."""
    if not isinstance(source, str | Path):
        return [file for one in source for file in find_files(one)]
    path = Path(source).expanduser()
    if path.is_dir():
        found = [f for f in path.iterdir() if kind_of(f) and not f.name.startswith((".", "_"))]
    elif path.exists():
        found = [path]
    else:
        found = [Path(f) for f in glob.glob(str(path), recursive=True)]  # noqa: PTH207 (Path.glob takes no absolute pattern)
    if not found:
        raise DataError(f"no such file: {source}")
    return sorted(found)


def kind_of(path: Path) -> str | None:
    """parquet, csv, lines or json by the name of the file; None where it is none of these."""
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    return SUFFIXES.get(suffix.lower())


def label_of(source: Any) -> str:
    """How messages call the source."""
    return str(source) if isinstance(source, str | Path) else f"the {library_of(source) or 'given'} table"


def library_of(source: Any) -> str | None:
    """pandas, polars or pyarrow, without importing any of them."""
    for base in type(source).__mro__:
        library = base.__module__.split(".")[0]
        if library in ("pandas", "polars", "pyarrow"):
            return library
    return None


def open_parts(db: Database, source: Any, wanted: Sequence[str] = ()) -> list[Part]:
    """The parts of the source in order; `wanted` helps to tell the delimiter of a CSV file."""
    library = library_of(source)
    if library == "pandas":
        return [_pandas_part(db, source)]
    if library == "pyarrow":
        return [_arrow_part(db, source)]
    if library == "polars":
        # Through a file: DuckDB reads polars only by way of pyarrow, which need not be there.
        path = db.folder / "given.parquet"
        (source.sink_parquet if hasattr(source, "sink_parquet") else source.write_parquet)(path)
        return [_parquet_part(db, path, "the polars table")]
    if isinstance(source, list | tuple) and not source:
        raise UsageError("the list of files is empty")
    if not isinstance(source, str | Path | list | tuple):
        raise UsageError(f"cannot read {type(source).__name__}; give a path, a glob, pandas, polars or Arrow")
    return [_file_part(db, path, wanted) for path in find_files(source)]


def _pandas_part(db: Database, frame: Any) -> Part:
    names = [str(column) for column in frame.columns]
    inside = [f"p{i}" for i in range(len(names))]
    db.connection.register("given", frame.set_axis(inside, axis=1).reset_index(drop=True))
    return Part("the pandas table", "given", _once("the pandas table", names, inside))


def _arrow_part(db: Database, table: Any) -> Part:
    table = table.read_all() if hasattr(table, "read_all") else table
    names = [str(column) for column in table.schema.names]
    inside = [f"p{i}" for i in range(len(names))]
    db.connection.register("given", table.rename_columns(inside))
    return Part("the Arrow table", "given", _once("the Arrow table", names, inside))


def _once(label: str, names: Sequence[str], inside: Sequence[str]) -> dict[str, str]:
    """SQL by outside name; DataError where a name stands twice."""
    for i, column in enumerate(names):
        if column in names[:i]:
            raise DataError(
                f"{label}: the column {column!r} stands twice; rename one, or give the file a first line of "
                "column names if it has none"
            )
    return dict(zip(names, inside, strict=True))


def _file_part(db: Database, path: Path, wanted: Sequence[str]) -> Part:
    kind = kind_of(path)
    if kind is None:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"{path}: the kind of file is not known by its name; known are {known} (also .gz)")
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    if kind == "parquet":
        return _parquet_part(db, path, str(path))
    return _csv_part(path, wanted) if kind == "csv" else _json_part(db, path, kind, wanted)


def _parquet_part(db: Database, path: Path, label: str) -> Part:
    relation = f"read_parquet({literal(str(path))}, binary_as_string = true)"
    return Part(label, relation, {column: name(column) for column in db.columns(relation)})


def _open_text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _csv_part(path: Path, wanted: Sequence[str]) -> Part:
    """All columns as text under inside names; the delimiter is the one that gives the wanted columns, or the
    most."""
    best: list[str] = []
    delimiter = ","
    try:
        for candidate in DELIMITERS:
            with _open_text(path) as text:
                header = next(csv.reader(text, delimiter=candidate), [])
            if (len(set(wanted) & set(header)), len(header)) > (len(set(wanted) & set(best)), len(best)):
                best, delimiter = header, candidate
    except UnicodeDecodeError:
        raise DataError(f"{path}: the text is not UTF-8; convert it first") from None
    except (csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}") from None
    if not best:
        raise DataError(f"{path} is empty: it has no header")
    inside = [f"p{i}" for i in range(len(best))]
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in inside)
    relation = (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, delim = {literal(delimiter)}, "
        f"quote = '\"', escape = '\"', columns = {{{types}}})"
    )
    return Part(str(path), relation, _once(str(path), best, inside), untyped=True)


def _json_part(db: Database, path: Path, kind: str, wanted: Sequence[str]) -> Part:
    """Columns are the keys of the first thousand objects, or of all where a wanted one is not there."""
    form = "newline_delimited" if kind == "lines" else "auto"
    relation = f"read_json_objects({literal(str(path))}, format = {literal(form)})"
    keys = f"SELECT json_keys(json) FROM (SELECT json FROM {relation} LIMIT 1000) AS head"
    found = dict.fromkeys(key for row in db.rows(keys) for key in _strings(row[0]))
    if set(wanted) - set(found):
        rest = db.rows(f"SELECT DISTINCT unnest(json_keys(json)) FROM {relation} ORDER BY 1")
        found |= dict.fromkeys(str(row[0]) for row in rest)
    columns = {}
    for key in found:
        pointer = "/" + key.replace("~", "~0").replace("/", "~1")
        columns[key] = f"json_extract_string(json, {literal(pointer)})"
    return Part(str(path), relation, columns, untyped=True)


def _strings(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _no_index(columns: Iterable[str]) -> list[str]:
    """Without an index that had no name, which pandas writes beside the columns of a filtered frame."""
    return [column for column in columns if not re.fullmatch(r"__index_level_\d+__", column)]


def load(db: Database, source: Any, wanted: Sequence[str] | None, *, optional: Sequence[str] = ()) -> Loaded:
    """The wanted columns (all where None) as a stored table `raw` whose rowid is the order of files and rows.

    DataError names the file and the columns it has where a wanted column that is not optional is missing.
    """
    parts = open_parts(db, source, wanted or ())
    chosen = list(dict.fromkeys(_no_index(parts[0].columns) if wanted is None else wanted))
    chosen = [column for column in chosen if column in parts[0].columns or column not in optional]
    starts = []
    for number, part in enumerate(parts):
        missing = [column for column in chosen if column not in part.columns]
        if missing:
            has = ", ".join(part.columns) or "none"
            raise DataError(
                f"{part.label}: no column {missing[0]!r}; the columns are {has}{naming(missing[0])}"
            )
        selected = ", ".join(f"{part.columns[column]} AS c{i}" for i, column in enumerate(chosen))
        starts.append(db.count("raw") if number else 0)
        target = "INSERT INTO raw" if number else "CREATE TABLE raw AS"
        db.connection.execute(f"{target} SELECT {selected or '1 AS nothing'} FROM {part.relation}")
    types = db.columns("raw")
    inside = {column: f"c{i}" for i, column in enumerate(chosen)}
    return Loaded(
        table="raw",
        columns=inside,
        types={column: types[alias] for column, alias in inside.items()},
        untyped=any(part.untyped for part in parts),
        starts=starts,
        labels=[part.label for part in parts],
    )
