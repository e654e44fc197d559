"""What cleaning dropped and why: one line per rule, for people and for the manifest."""

from __future__ import annotations

from dataclasses import dataclass

from cowalk.errors import DataError

Fact = str | int | float


@dataclass(frozen=True)
class Drop:
    """Rows that one rule dropped; the note says what else there is to know."""

    rule: str
    dropped: int
    note: str = ""


@dataclass(frozen=True)
class DropReport:
    """Rows that came in and went out, what each rule dropped in the order of the rules, and facts found."""

    rows_in: int
    rows_out: int
    drops: tuple[Drop, ...] = ()
    facts: tuple[tuple[str, Fact], ...] = ()

    def __add__(self, other: DropReport) -> DropReport:
        """The report of both steps, `other` being the later one."""
        return DropReport(self.rows_in, other.rows_out, self.drops + other.drops, self.facts + other.facts)

    def lines(self) -> list[str]:
        """One line for the whole, one per fact, one per rule."""
        kept = self.rows_out / self.rows_in if self.rows_in else 0.0
        out = [f"{self.rows_out:,} of {self.rows_in:,} rows kept ({kept:.1%})"]
        out += [
            f"  {name}: {value:,}" if isinstance(value, int) else f"  {name}: {value}"
            for name, value in self.facts
        ]
        return out + [f"  - {d.dropped:,}: {d.rule}" + (f" ({d.note})" if d.note else "") for d in self.drops]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_json(self) -> dict[str, object]:
        """The same as plain values for a manifest."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "drops": [{"rule": d.rule, "dropped": d.dropped, "note": d.note} for d in self.drops],
            "facts": dict(self.facts),
        }

    def check_not_empty(self, what: str) -> None:
        """Raise DataError where nothing is left, naming the rule that took the most."""
        if self.rows_out > 0:
            return
        if self.rows_in == 0:
            raise DataError(f"{what} is empty: it has no rows")
        worst = max(self.drops, key=lambda d: d.dropped, default=None)
        if worst is None:
            raise DataError(f"{what}: none of the {self.rows_in:,} rows are left")
        note = f"; {worst.note}" if worst.note else ""
        raise DataError(
            f"{what}: cleaning dropped all {self.rows_in:,} rows; "
            f"the rule '{worst.rule}' took the most ({worst.dropped:,}){note}"
        )
