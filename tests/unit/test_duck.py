"""DuckDB draws nothing of its own."""

from pathlib import Path

from cowalk.prepare.database import database
from cowalk.tables.duck import connect

ASKED = "SELECT current_setting('enable_progress_bar'), current_setting('threads')"


def test_no_connection_draws_a_bar(tmp_path: Path) -> None:
    with connect(tmp_path / "one.duckdb", {"threads": 1}) as con:
        assert con.execute(ASKED).fetchone() == (False, 1)
    with database("a test", workers=1) as db:
        assert db.connection.execute(ASKED).fetchone() == (False, 1)
