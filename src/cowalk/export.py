"""Vectors into the files that other tools read: Parquet, word2vec, npz, the TensorFlow projector."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO
from urllib.parse import quote, unquote

import duckdb
import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.model_data import ModelData
from cowalk.tables import Id, Vectors
from cowalk.tables.parquet import quoted
from cowalk.tables.vocab import STRING
from cowalk.types import AnyArray, Floats

Format = Literal["parquet", "word2vec", "word2vec-bin", "npz", "projector"]
What = Literal["items", "contexts", "fields", "weights"]
FORMATS: tuple[Format, ...] = ("parquet", "word2vec", "word2vec-bin", "npz", "projector")
WHATS: tuple[What, ...] = ("items", "contexts", "fields", "weights")
BLOCK = 20_000  # rows written at a time


@dataclass(frozen=True)
class Table:
    """Named rows: names str or int [N]; rows float32[N, d]; extra: more columns, where a format has some."""

    names: AnyArray
    rows: Floats
    extra: Mapping[str, AnyArray]


def table_of(model: ModelData, what: What) -> Table:
    """items, contexts, weights: a row per item; fields: a row per value, named field=value."""
    counts = {"count": model.vocab.counts}
    if what == "items":
        return Table(model.vocab.ids, model.learned.vectors, counts)
    if what == "contexts":
        return Table(model.vocab.ids, model.learned.contexts, counts)
    if what == "weights":
        return Table(model.vocab.ids, model.weights, counts)
    if what != "fields":
        raise UsageError(f"--what is {what!r}; it must be one of {', '.join(WHATS)}")
    if not model.fields:
        raise UsageError(
            "the model has no fields: it was fitted without items, or by a recipe that uses none (bge)"
        )
    names = [f"{name}={value}" for name, vectors in model.fields.items() for value in vectors]
    fields = [name for name, vectors in model.fields.items() for _ in range(len(vectors))]
    values = [str(value) for vectors in model.fields.values() for value in vectors]
    rows = np.concatenate([vectors.array for vectors in model.fields.values()])
    return Table(_text(names), rows, {"field": _text(fields), "value": _text(values)})


def _text(values: list[str]) -> AnyArray:
    return np.array(values, dtype=STRING)


def export(model: ModelData, to: Format, what: What, out: Path) -> list[str]:
    """Write the file (projector: two) and give notes; a file appears whole or not at all."""
    table = table_of(model, what)
    if to not in FORMATS:
        raise UsageError(f"--to is {to!r}; it must be one of {', '.join(FORMATS)}")
    if not out.parent.is_dir():
        raise DataError(f"{out.parent}: no such folder; make it first, or name another --out")
    columns = model.weight_names if what == "weights" else None
    if to == "parquet":
        return _parquet(table, columns, out)
    if to == "npz":
        return _npz(table, columns, out)
    if to == "projector":
        return _projector(table, out)
    return _word2vec(table, out, binary=to == "word2vec-bin")


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A path to write to that becomes `out` when all went well, and is gone otherwise."""
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(out)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_vectors(
    names: AnyArray, rows: Floats, out: Path, extra: Mapping[str, AnyArray] | None = None
) -> None:
    """One Parquet file: id, vector FLOAT[d] as a fixed-size list, and the extra columns."""
    _parquet(Table(names, rows, extra or {}), None, out)


def _parquet(table: Table, columns: tuple[str, ...] | None, out: Path) -> list[str]:
    """Columns id, vector (or with `columns` one per weight) and the extra ones."""
    d = table.rows.shape[1]
    given = {
        "id": table.names,
        **{f"x{i}": np.ascontiguousarray(table.rows[:, i]) for i in range(d)},
        **table.extra,
    }
    given = {name: col.astype(object) if col.dtype.kind in "TU" else col for name, col in given.items()}
    if columns is None:
        rows = f"array_value({', '.join(f'x{i}' for i in range(d))})::FLOAT[{d}] AS vector"
    else:
        rows = ", ".join(f'x{i} AS "{_column(name)}"' for i, name in enumerate(columns))
    extra = "".join(f', "{name}"' for name in table.extra)
    with whole(out) as draft, duckdb.connect() as con:
        con.execute("SET threads = 1")  # one writer keeps the order of the rows
        con.register("given", given)
        con.execute(f"COPY (SELECT id, {rows}{extra} FROM given) TO {quoted(draft)} (FORMAT parquet)")
    return []


def _column(name: str) -> str:
    return name.replace('"', '""')


def _npz(table: Table, columns: tuple[str, ...] | None, out: Path) -> list[str]:
    names = table.names if table.names.dtype.kind == "i" else np.array(table.names.tolist(), dtype=np.str_)
    arrays: dict[str, Any] = {"ids": names, "vectors": np.asarray(table.rows)}
    if columns is not None:
        arrays["columns"] = np.array(columns, dtype=np.str_)
    with whole(out) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)
    return []


def _projector(table: Table, out: Path) -> list[str]:
    """`out` holds the vectors, `<stem>.metadata.tsv` beside it the names, as the projector loads them."""
    beside = out.with_name(f"{out.stem}.metadata.tsv")
    with whole(out) as vectors, whole(beside) as names:
        with vectors.open("w", encoding="utf-8") as file:
            for line in _lines(table.rows, "\t"):
                file.write(line + "\n")
        with names.open("w", encoding="utf-8") as file:
            file.write("\t".join(["id", *table.extra]) + "\n")
            for row in zip(
                table.names.tolist(), *(column.tolist() for column in table.extra.values()), strict=True
            ):
                file.write("\t".join(" ".join(str(cell).split()) or "-" for cell in row) + "\n")
    return [f"names are in {beside}; load both at projector.tensorflow.org"]


def _lines(rows: Floats, separator: str) -> Iterator[str]:
    """Each row as text; nine digits bring back the same float32."""
    for start in range(0, len(rows), BLOCK):
        for row in rows[start : start + BLOCK].tolist():
            yield separator.join(f"{number:.9g}" for number in row)


def escaped(name: Id) -> str:
    """An id without white space: where it has some, or a %, those signs as %XX (as in a web address)."""
    text = str(name)
    if text and not any(sign.isspace() or sign == "%" for sign in text):
        return text
    return "".join(quote(sign) if sign.isspace() or sign == "%" else sign for sign in text) or "%"


def unescaped(text: str) -> str:
    """The id that `escaped` was given."""
    return "" if text == "%" else unquote(text)


def _word2vec(table: Table, out: Path, *, binary: bool) -> list[str]:
    """word2vec's format parts by blanks: an id that holds one is written with %20, and that is told."""
    names = table.names.tolist()
    words = [escaped(name) for name in names]
    changed = [(name, word) for name, word in zip(names, words, strict=True) if str(name) != word]
    head = f"{len(words)} {table.rows.shape[1]}\n"
    with whole(out) as draft:
        if binary:
            with draft.open("wb") as file:
                file.write(head.encode())
                for start in range(0, len(words), BLOCK):
                    rows = np.ascontiguousarray(table.rows[start : start + BLOCK], dtype="<f4")
                    for word, row in zip(words[start : start + BLOCK], rows, strict=True):
                        file.write(word.encode() + b" " + row.tobytes() + b"\n")
        else:
            with draft.open("w", encoding="utf-8", newline="\n") as file:
                file.write(head)
                for word, line in zip(words, _lines(table.rows, " "), strict=True):
                    file.write(f"{word} {line}\n")
    if not changed:
        return []
    one = changed[0]
    return [
        f"{len(changed):,} ids hold blanks or %, which word2vec cannot: written as {one[1]!r} for {one[0]!r}"
    ]


def read_word2vec(path: Path, *, binary: bool = False) -> Vectors:
    """The vectors of a word2vec file that `export` wrote, under the ids as they were."""
    from cowalk.tables import Vocab

    try:
        names, rows = _read_binary(path) if binary else _read_text(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (ValueError, IndexError, UnicodeDecodeError):
        kind = "binary" if binary else "text"
        raise DataError(f"{path}: not a whole word2vec file in the {kind} format") from None
    return Vectors(Vocab.of([unescaped(name) for name in names]), rows)


def _read_text(path: Path) -> tuple[list[str], Floats]:
    with path.open(encoding="utf-8", newline="\n") as file:
        number, d = _head(file)
        rows, names = np.empty((number, d), dtype=np.float32), []
        for i in range(number):
            word, *numbers = file.readline().rstrip("\n").split(" ")
            names.append(word)
            rows[i] = [float(text) for text in numbers]
    return names, rows


def _head(file: TextIO) -> tuple[int, int]:
    number, d = file.readline().split()
    return int(number), int(d)


def _read_binary(path: Path) -> tuple[list[str], Floats]:
    raw = path.read_bytes()
    end = raw.index(b"\n")
    number, d = (int(part) for part in raw[:end].split())
    rows, names, at = np.empty((number, d), dtype=np.float32), [], end + 1
    for i in range(number):
        stop = raw.index(b" ", at)
        names.append(raw[at:stop].decode().lstrip("\n"))
        rows[i] = np.frombuffer(raw, dtype="<f4", count=d, offset=stop + 1)
        at = stop + 1 + 4 * d
        at += raw[at : at + 1] == b"\n"
    return names, rows
