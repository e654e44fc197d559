"""Files of clicks in their usual forms (a table, Criteo, iPinYou) as one stored table."""

from __future__ import annotations

from typing import Any

from cowalk.errors import DataError, UsageError
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.database import Database, literal
from cowalk.prepare.sources import Loaded, find_files, label_of, load

CRITEO_NUMBERS = tuple(f"I{i}" for i in range(1, 14))
CRITEO = ("label", *CRITEO_NUMBERS, *(f"C{i}" for i in range(1, 27)))


def load_clicks(db: Database, source: Any, settings: ClickSettings) -> Loaded:
    """All columns of the source as the table `raw`; DataError where a line is not of its form."""
    if settings.form == "table":
        return load(db, source, None)
    if not isinstance(source, str | list | tuple) and not hasattr(source, "__fspath__"):
        raise UsageError(f"the form {settings.form} is one of files; give a path, not {label_of(source)}")
    starts, labels = [], []
    for number, path in enumerate(find_files(source)):
        starts.append(db.count("raw") if number else 0)
        labels.append(str(path))
        part = _criteo(str(path)) if settings.form == "criteo" else _ipinyou(db, str(path))
        target = "INSERT INTO raw" if number else "CREATE TABLE raw AS"
        db.connection.execute(f"{target} {part}")
    inside = [name for name in db.columns("raw") if name != "line"]
    names = CRITEO if settings.form == "criteo" else ("label", *(f"f{i}" for i in range(1, len(inside))))
    columns = dict(zip(names, inside, strict=True))
    return Loaded("raw", columns, dict.fromkeys(columns, "VARCHAR"), True, starts, labels)


def _criteo(path: str) -> str:
    """The query of a file with the 40 columns of Criteo's train.txt."""
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(CRITEO)))
    return (
        f"SELECT * FROM read_csv({literal(path)}, auto_detect = false, header = false, delim = '\t', "
        f"quote = '', escape = '', columns = {{{types}}})"
    )


def _ipinyou(db: Database, path: str) -> str:
    """The query of a file of lines `label index:1 index:1 ...`; every line names as many indices."""
    lines = (
        f"read_csv({literal(path)}, auto_detect = false, header = false, delim = '\x1f', quote = '', "
        "escape = '', columns = {'line': 'VARCHAR'})"
    )
    words = f"SELECT trim(line) AS line, string_split(trim(line), ' ') AS w FROM {lines}"
    first = db.rows(f"SELECT len(w) FROM ({words}) LIMIT 1")
    if not first:
        raise DataError(f"{path} is empty: it has no rows")
    width = int(str(first[0][0]))
    one_hot = "regexp_full_match(line, '[^ ]+( [0-9]+:1)+')"
    numbered = f"SELECT line, w, row_number() OVER () AS place FROM ({words})"
    odd = db.rows(
        f"SELECT place FROM ({numbered}) WHERE len(w) <> {width} OR NOT {one_hot} ORDER BY 1 LIMIT 1"
    )
    if odd or width < 2:
        place = odd[0][0] if odd else 1
        raise DataError(
            f"{path}, row {place}: not of the form 'label index:1 index:1 ...' with {width - 1} indices, as "
            "row 1 has; a table with column names needs no --form"
        )
    parts = ", ".join(f"split_part(w[{i + 1}], ':', 1) AS c{i}" for i in range(1, width))
    return f"SELECT w[1] AS c0, {parts} FROM ({words})"
