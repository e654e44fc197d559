"""Settings of locality-sensitive hashing."""

from pydantic import Field

from cowalk.types import Settings

MOST_FUNCTIONS = 32  # a set of probing steps is a mask of two bits a function, in 64


class LSHSettings(Settings):
    """Buckets of an LSH index: functions in AND within a table, tables in OR; how far a search goes on."""

    width: float = Field(
        2.0,
        gt=0,
        description="Width of a bucket along a line, in units of the distance (cosine: on the unit sphere).",
    )
    functions: int = Field(
        16, ge=1, le=MOST_FUNCTIONS, description="Hash functions a table: all must agree (AND); 1 = OR alone."
    )
    tables: int = Field(
        8, ge=1, le=1024, description="Tables: one that agrees is enough (OR); 1 = AND alone."
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
