"""Settings of locality-sensitive hashing."""

from typing import Self

from pydantic import Field, model_validator

from cowalk.types import Settings

MOST_FUNCTIONS = 32
MOST_ENDS = 16  # functions of several lines, as many as 4 bits each in a word of 64 tell apart
MOST_CHOICES = 16


class LSHSettings(Settings):
    """Buckets of an LSH index: functions in AND within a table, tables in OR; how far a search goes on."""

    lines: int = Field(
        1,
        ge=1,
        le=256,
        description="Random lines a function: 1 = a bucket is a stretch of one line (p-stable); more = the "
        "end of these lines that a row lies furthest along (cross-polytope: by angle, for cosine and ip).",
    )
    width: float = Field(
        2.0,
        gt=0,
        description="Of one line: width of a bucket, in units of the distance (cosine: on the unit sphere).",
    )
    functions: int = Field(
        16, ge=1, le=MOST_FUNCTIONS, description="Hash functions a table: all must agree (AND); 1 = OR alone."
    )
    tables: int = Field(
        8,
        ge=0,
        le=1024,
        description="Tables: one that agrees is enough (OR); 1 = AND alone; 0 = all rows are candidates.",
    )
    probes: int = Field(
        1024, ge=0, le=1 << 20, description="Further buckets a query looks into, likeliest first; 0 = none."
    )
    candidates: int = Field(
        0, ge=0, description="A query stops after the bucket in which it has found so many rows; 0 = never."
    )
    sketch: int = Field(
        4, ge=0, le=16, description="Length of a row's sketch in words of 64 bits; 0 = no sketches."
    )
    scored: int = Field(
        20,
        ge=0,
        description="Rows scored exactly for each neighbour asked for, by the nearest sketches; 0 = all.",
    )

    @property
    def choices(self) -> int:
        """Buckets that probing knows of a function: its own, and those that are likely beside it."""
        return 3 if self.lines == 1 else min(2 * self.lines, MOST_CHOICES)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.lines > 1 and self.functions > MOST_ENDS:
            raise ValueError(
                f"functions is {self.functions}; of several lines each there are at most {MOST_ENDS}"
            )
        return self
