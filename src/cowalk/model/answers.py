"""Answers: what similar and recommend give back; ids and scores that print well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from cowalk.tables import Id


@dataclass(frozen=True)
class Hit:
    """One item of an answer. cold: nobody has clicked it yet; reasons: why it is here, if that was asked.

    name: what people call it, "" where that is not known.
    """

    id: Id
    score: float
    cold: bool = False
    reasons: tuple[str, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        return f"{self.id}  {self.score:.4f}" + "".join(f"  {part}" for part in self.told())

    def told(self) -> list[str]:
        """What is to be said of it beside id and score."""
        named, cold = [self.name] if self.name else [], ["cold"] if self.cold else []
        return [*named, *cold, *self.reasons]


@dataclass(frozen=True)
class Answer(Sequence[Hit]):
    """Hits, best first. score: what the scores are; unknown: ids of the question that were not known."""

    hits: tuple[Hit, ...]
    score: str
    unknown: tuple[Id, ...] = ()
    asked: int = 1
    notes: tuple[str, ...] = field(default=())

    @property
    def ids(self) -> list[Id]:
        """Ids, best first."""
        return [hit.id for hit in self.hits]

    @property
    def scores(self) -> list[float]:
        """Scores, falling."""
        return [hit.score for hit in self.hits]

    @property
    def coverage(self) -> float:
        """Share of the ids asked with that were known."""
        return 1 - len(self.unknown) / max(self.asked, 1)

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, at: int) -> Hit: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Hit]: ...
    def __getitem__(self, at: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[at]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def told(self) -> list[str]:
        """What is to be known about the answer as a whole: coverage and notes."""
        lines = list(self.notes)
        if self.unknown:
            shown = ", ".join(repr(item) for item in self.unknown[:5]) + (
                ", ..." if len(self.unknown) > 5 else ""
            )
            known = self.asked - len(self.unknown)
            lines.insert(0, f"{known} of {self.asked} ids known; left out: {shown}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        hits = [
            {"id": hit.id, "score": hit.score}
            | ({"name": hit.name} if hit.name else {})
            | ({"cold": True} if hit.cold else {})
            | ({"reasons": list(hit.reasons)} if hit.reasons else {})
            for hit in self.hits
        ]
        return {"score": self.score, "hits": hits, "unknown": list(self.unknown), "coverage": self.coverage}

    def __str__(self) -> str:
        width = max((len(str(hit.id)) for hit in self.hits), default=0)
        lines = [f"{'id':<{width}}  {self.score}"]
        for hit in self.hits:
            told = "; ".join(hit.told())
            lines.append(f"{hit.id!s:<{width}}  {hit.score:.4f}" + (f"  {told}" if told else ""))
        return "\n".join([*lines, *(f"({line})" for line in self.told())])

    __repr__ = __str__
