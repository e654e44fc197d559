"""cowalk users: vectors of all users of a log, or their interests, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show

if TYPE_CHECKING:
    from cowalk.model import Model
    from cowalk.users.log import UserHistories


def users(
    model: o.ModelFolder,
    events: Annotated[
        list[str], typer.Option(help="Log of what the users did; read and cleaned by the model's recipe.")
    ],
    out: Annotated[Path, typer.Option(help="Parquet file: id, vector, count (known events).")],
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: o.TimeColumn = None,
    sets: o.Changes = None,
) -> None:
    """The vectors of all users of a log; with --set recommend.interests=3 one row per interest.

    Example: cowalk users model/ --events log.parquet --out users.parquet
    """
    from dataclasses import replace

    from cowalk.errors import UsageError
    from cowalk.export import write_vectors
    from cowalk.model import load

    loaded = load(model)
    changes = o.changes(
        sets, read__user_column=user_column, read__item_column=item_column, read__time_column=time_column
    )
    recipe = loaded.recipe.changed(changes)
    for stage in type(recipe).model_fields:
        if stage not in ("recommend", "read", "clean") and getattr(recipe, stage) != getattr(
            loaded.recipe, stage
        ):
            raise UsageError(
                f"{stage} was settled when the model was fitted; users takes recommend, read and clean"
            )
    loaded = replace(loaded, recipe=recipe)
    asked = loaded.user_histories(o.one_or_many(events))
    scorer = loaded.recommender
    if recipe.recommend.interests == 1:
        who = loaded.user_rows(asked.users.ids)  # for a tower that looks at the user
        vectors = scorer.queries(asked.items, asked.offsets, asked.times, who)
        write_vectors(asked.users.ids, vectors, out, {"count": asked.users.counts})
        show.note(f"{len(asked.users):,} users written to {out}")
    else:
        show.note(_interests(loaded, asked, out))
    for line in asked.told():
        show.note(line)


def _interests(model: Model, asked: UserHistories, out: Path) -> str:
    """Write a row per interest; gives the note on it."""
    import numpy as np

    from cowalk.export import write_vectors

    scorer = model.recommender
    found = scorer.interests(asked.items, asked.offsets, asked.times)
    number = np.diff(found.offsets)
    first = np.repeat(found.offsets[:-1], number)
    extra = {
        "interest": (np.arange(len(found)) - first + 1).astype(np.int32),
        "share": found.shares,
        "item": model.vocab.ids[found.medoids],
    }
    write_vectors(np.repeat(asked.users.ids, number), scorer.interest_vectors(found), out, extra)
    return f"{len(found):,} interests of {int((number > 0).sum()):,} users written to {out}"
