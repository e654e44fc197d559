"""The word2vec file formats, text and binary, in and out; ids that hold blanks are escaped."""

from __future__ import annotations

import gzip
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO
from urllib.parse import quote, unquote

import numpy as np

from cowalk.errors import DataError
from cowalk.tables.vocab import Id
from cowalk.types import Floats

BLOCK = 20_000  # rows written at a time
LONGEST = 10_000  # bytes of one id in a binary file: beyond, the file is not what it seems


def escaped(name: Id) -> str:
    """An id without white space: where it has some, or a %, those signs as %XX (as in a web address)."""
    text = str(name)
    if text and not any(sign.isspace() or sign == "%" for sign in text):
        return text
    return "".join(quote(sign) if sign.isspace() or sign == "%" else sign for sign in text) or "%"


def unescaped(text: str) -> str:
    """The id that `escaped` was given."""
    return "" if text == "%" else unquote(text)


def lines(rows: Floats, separator: str) -> Iterator[str]:
    """Each row as text; nine digits bring back the same float32."""
    for start in range(0, len(rows), BLOCK):
        for row in rows[start : start + BLOCK].tolist():
            yield separator.join(f"{number:.9g}" for number in row)


def write_word2vec(draft: Path, words: Sequence[str], rows: Floats, *, binary: bool) -> None:
    """The head, then a word and its numbers a line; words must hold no blanks."""
    head = f"{len(words)} {rows.shape[1]}\n"
    if not binary:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.write(head)
            for word, line in zip(words, lines(rows, " "), strict=True):
                file.write(f"{word} {line}\n")
        return
    with draft.open("wb") as out:
        out.write(head.encode())
        for start in range(0, len(words), BLOCK):
            block = np.ascontiguousarray(rows[start : start + BLOCK], dtype="<f4")
            for word, row in zip(words[start : start + BLOCK], block, strict=True):
                out.write(word.encode() + b" " + row.tobytes() + b"\n")


def read_word2vec(path: Path, *, binary: bool = False) -> tuple[list[str], Floats]:
    """Words as they stand in the file, and float32[N, d]; a text file may be gzipped (.gz).

    DataError names the line, or the number of the vector, that does not fit what the first line tells.
    """
    kind = "binary" if binary else "text"
    try:
        if binary:
            with path.open("rb") as file:
                return _read_binary(path, file)
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", newline="\n") as text:
            return _read_text(path, text)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder; give a file") from None
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError):
        raise DataError(f"{path}: not a whole word2vec file in the {kind} format") from None


def _head(path: Path, line: str, kind: str) -> tuple[int, int]:
    """How many vectors of what size the first line tells."""
    parts = line.split()
    if len(parts) != 2 or not all(part.isdigit() and int(part) for part in parts):
        raise DataError(
            f"{path}: not a whole word2vec file in the {kind} format: its first line must tell how many "
            f"vectors of what size follow, as '1000 128', not {line.strip()[:40]!r}"
        )
    return int(parts[0]), int(parts[1])


def _room(path: Path, number: int, size: int, bytes_there: int) -> Floats:
    """float32[number, size], unless the file is too small to hold that: a number takes 2 bytes at least."""
    if number * size * 2 > bytes_there:
        raise DataError(
            f"{path}: not a whole word2vec file: its first line tells {number:,} vectors of {size}, which "
            f"{bytes_there:,} bytes cannot hold; copy or write it again"
        )
    return np.empty((number, size), dtype=np.float32)


def _read_text(path: Path, file: TextIO) -> tuple[list[str], Floats]:
    number, size = _head(path, file.readline(), "text")
    zipped = path.suffix == ".gz"
    rows = _room(path, number, size, path.stat().st_size * (2000 if zipped else 1))
    names: list[str] = []
    for at, line in enumerate(file):
        if at >= number:
            if line.strip():
                raise DataError(
                    f"{path}: the first line tells {number:,} vectors, but line {at + 2:,} is one more; "
                    "mend the count"
                )
            continue
        word, *numbers = line.rstrip().split(" ")
        if len(numbers) != size:
            raise DataError(
                f"{path}: line {at + 2:,} has {len(numbers)} numbers, the first line tells {size}"
                + ("" if line.endswith("\n") else "; not a whole word2vec file, copy or write it again")
            )
        try:
            rows[at] = numbers
        except ValueError:
            raise DataError(f"{path}: line {at + 2:,} ({word!r}) holds something else than numbers") from None
        names.append(word)
    if len(names) < number:
        raise DataError(_short(path, len(names), number))
    return names, rows


def _short(path: Path, found: int, told: int) -> str:
    return (
        f"{path}: not a whole word2vec file: the first line tells {told:,} vectors, {found:,} are there; "
        "copy or write it again, or mend the count"
    )


def _read_binary(path: Path, file: BinaryIO) -> tuple[list[str], Floats]:
    """Vectors may end with a line feed, as C's word2vec writes them, or not, as gensim does."""
    head = file.readline(100)
    number, size = _head(path, head.decode("utf-8", "replace"), "binary")
    total = path.stat().st_size
    rows = _room(path, number, size, total)
    names: list[str] = []
    at = len(head)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        for i in range(number):
            stop = raw.find(b" ", at, at + LONGEST)
            if stop < 0 or stop + 1 + 4 * size > total:
                raise DataError(_short(path, i, number))
            names.append(raw[at:stop].decode().lstrip("\n"))
            rows[i] = np.frombuffer(raw[stop + 1 : stop + 1 + 4 * size], dtype="<f4")
            at = stop + 1 + 4 * size
        at += raw[at : at + 1] == b"\n"
    if at != total:
        raise DataError(
            f"{path}: the first line tells {number:,} vectors of {size}, but {total - at:,} more bytes "
            "follow; mend the count"
        )
    return names, rows
