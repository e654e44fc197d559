"""Settings of reading a table of clicks."""

from typing import Literal

from pydantic import Field

from cowalk.types import Settings


class ClickSettings(Settings):
    """How a table of clicks is read: which column is the label, and what the others become."""

    form: Literal["table", "criteo", "ipinyou"] = Field(
        "table",
        description="table: files with column names; criteo: tabs, no header, label, I1-I13, C1-C26; "
        "ipinyou: lines of 'label index:1 index:1 ...', an index for each field.",
    )
    label_column: str = Field("label", description="Column of the label, 0 or 1.")
    group_column: str | None = Field(None, description="Column of the user, for grouped AUC; no feature.")
    time_column: str | None = Field(
        None, description="Column of the time, for a split by time; no feature. None = the order of the rows."
    )
    categorical: tuple[str, ...] = Field((), description="Columns that are categories whatever they hold.")
    numeric: tuple[str, ...] = Field(
        (), description="Columns that are numbers; else those with fractions are."
    )
    without: tuple[str, ...] = Field((), description="Columns that are left out.")
    numbers: Literal["log", "quantile", "standardise"] = Field(
        "log",
        description="What numbers become: log = buckets between half powers of two; quantile = buckets of "
        "equal numbers of rows; standardise = (x - mean) / spread.",
    )
    buckets: int = Field(32, ge=2, description="Most buckets of a number by quantiles.")
    min_count: int = Field(2, ge=1, description="Rarer values share the row of unknown ones.")
    constant: Literal["error", "drop"] = Field(
        "error", description="A column with the same value everywhere: an error, or left out."
    )
