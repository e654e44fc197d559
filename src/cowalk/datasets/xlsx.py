"""The rows of a workbook's first sheet, read with the standard library; what UCI hands out is one."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError, iterparse

from cowalk.errors import DataError

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DAY_ZERO = datetime(1899, 12, 30)  # day 1 is 1900-01-01, and the format takes 1900 for a leap year


def workbook_to_csv(source: Path, target: Path, dates: frozenset[str]) -> None:
    """Write the first sheet of an .xlsx (or of the one inside a .zip) as CSV.

    dates: the columns whose day numbers become ISO times. Cells are written as they are stored, an
    empty one as an empty text. DataError where it is no workbook.
    """
    try:
        with zipfile.ZipFile(source) as outer:
            inside = [name for name in outer.namelist() if name.endswith(".xlsx")]
            if not inside:
                _convert(outer, target, dates)
                return
            with outer.open(inside[0]) as file, zipfile.ZipFile(file) as book:
                _convert(book, target, dates)
    except (zipfile.BadZipFile, KeyError, ParseError) as error:
        raise DataError(f"{source} is not a whole .xlsx workbook: {error}") from error


def _convert(book: zipfile.ZipFile, target: Path, dates: frozenset[str]) -> None:
    with (
        book.open("xl/worksheets/sheet1.xml") as sheet,
        target.open("w", encoding="utf-8", newline="") as file,
    ):
        rows = _rows(sheet, _shared_texts(book))
        out = csv.writer(file)
        head = next(rows, [])
        out.writerow(head)
        when = [i for i, name in enumerate(head) if name in dates]
        for row in rows:
            row += [""] * (len(head) - len(row))
            for i in when:
                row[i] = _moment(row[i])
            out.writerow(row)


def _shared_texts(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    with book.open("xl/sharedStrings.xml") as file:
        return ["".join(t.text or "" for t in text.iter(f"{SPACE}t")) for text in _elements(file, "si")]


def _elements(file: IO[bytes], tag: str) -> Iterator[Element]:
    """Every whole element of this tag, emptied once it was used."""
    for _, element in iterparse(file):
        if element.tag == SPACE + tag:
            yield element
            element.clear()


def _rows(sheet: IO[bytes], shared: list[str]) -> Iterator[list[str]]:
    for row in _elements(sheet, "row"):
        cells: list[str] = []
        for cell in row:
            at = _column(cell.get("r"))
            cells += [""] * ((len(cells) if at is None else at) - len(cells))
            cells.append(_text(cell, shared))
        yield cells


def _column(place: str | None) -> int | None:
    """0 for A7, 26 for AA7; None where the cell does not say."""
    letters = re.match("[A-Z]+", place or "")
    if letters is None:
        return None
    number = 0
    for letter in letters[0]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _text(cell: Element, shared: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(t.text or "" for t in cell.iter(f"{SPACE}t"))
    value = cell.findtext(f"{SPACE}v") or ""
    return shared[int(value)] if cell.get("t") == "s" and value else value


def _moment(value: str) -> str:
    """A day number as ISO text, to the second; other text stays."""
    try:
        days = float(value)
    except ValueError:
        return value
    return (DAY_ZERO + timedelta(seconds=round(days * 86_400))).isoformat(sep=" ")
