"""Why an item stands in an answer: shared attributes, times together, how often it was seen."""

from __future__ import annotations

from cowalk.model.data import ModelData
from cowalk.model.neighbors import codes_of, shared_attributes, times_together
from cowalk.types import Ids

MOST = 50  # latest items of a history that are looked at


def reasons(model: ModelData, codes: list[Ids], row: int, other: int) -> tuple[str, ...]:
    """Why `other` is like an item of these values; row: that item's, -1 for a new one."""
    told = []
    if model.side_info is not None:
        shared = shared_attributes(model.side_info, codes, other)
        told.append(f"shares {', '.join(shared)}" if shared else "shares no attribute")
    if model.lists is not None and row >= 0:
        times = times_together(model.lists, row, other)
        told.append(_times(times) if times else "never together in the lists")
    return (*told, f"seen {int(model.vocab.counts[other])} times")


def reasons_of_history(model: ModelData, history: Ids, other: int) -> tuple[str, ...]:
    """Why `other` follows this history: with what of it it stood together, or else what it shares with it."""
    known = len(model.vocab)
    latest = [int(row) for row in history[::-1][:MOST] if row < known]
    if other >= known:
        return ("nobody has clicked it yet",)
    told = []
    if model.lists is not None and latest:
        times = [times_together(model.lists, row, other) for row in latest]
        most = max(times)
        if most > 0:
            told.append(f"{_times(most)} with {model.vocab.ids[latest[times.index(most)]]}")
    side = model.side_info
    if side is not None and latest:
        theirs = [set(codes.tolist()) for codes in codes_of(side, other)]

        def shared(row: int) -> int:
            both = zip(theirs, codes_of(side, row), strict=True)
            return sum(len(values.intersection(codes.tolist())) for values, codes in both)

        best = max(latest, key=shared)
        words = shared_attributes(side, codes_of(side, best), other)
        if words:
            told.append(f"shares {', '.join(words)} with {model.vocab.ids[best]}")
    return (*told, f"seen {int(model.vocab.counts[other])} times")


def _times(times: float) -> str:
    return f"{times:g} time{'' if times == 1 else 's'} together"
