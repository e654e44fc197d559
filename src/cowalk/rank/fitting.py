"""fit: examples or a table of clicks into a RankModel, and into its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cowalk.errors import UsageError
from cowalk.examples import Examples
from cowalk.prepare.click_settings import ClickSettings
from cowalk.rank.histories import fit_history
from cowalk.rank.identity import identity_of
from cowalk.rank.layers import given_vectors
from cowalk.rank.model import RankModel
from cowalk.rank.run import Run, Tell, check_labels
from cowalk.rank.settings import RankSettings, check_history, check_table, rank_settings
from cowalk.rank.store import check_folder
from cowalk.rank.tables import fit_table
from cowalk.tables import Catalogue, SideInfo
from cowalk.tables.clicks import ClickTable
from cowalk.work import Work

if TYPE_CHECKING:
    from cowalk.rank.layers import Given


def fit(
    data: Examples | ClickTable, model: str | None = None, embedding: str | None = None, *,
    vectors: Given | None = None, side_info: SideInfo | None = None, users: Catalogue | None = None,
    validation: Examples | ClickTable | None = None, settings: RankSettings | None = None, seed: int = 0,
    workers: int | None = None, progress: Tell | None = None, checkpoint: str | Path | None = None,
    out: str | Path | None = None, clicks: ClickSettings | None = None, **overrides: Any,
) -> RankModel:  # fmt: skip
    """A ranking model of labelled examples (din, mlp, pnn) or of a table (lr, fm, fnn, gbdt-lr, mlp, pnn).

    vectors: with embedding=vectors, what the items' rows begin as; of a model, its item vectors, and cold
    vectors for items that nobody had clicked in its log; of a list, several sets by `join`. side_info: the
    items' attributes, for embedding=eges or attributes. users: what is known of the users (`read_items` of
    their table), further inputs like the columns of the log that the events were read with; both are fitted
    on `data`. validation: what the best epoch is chosen by (`best_by`); else a part of the data, by user, is
    held out of training. clicks: how the table was read, kept for later tables.
    overrides: settings by name, as vector_size=32 or train__epochs=5. out: a folder that the model is saved
    in; interrupted, the same fit goes on from its last epoch, and an error leaves nothing there. checkpoint:
    a folder that keeps every epoch, without `out`. Equal for equal (data, settings, seed) on a CPU. DataError
    where only one label is there.
    """
    named = {"model": model, "embedding": embedding}
    s = rank_settings({k: v for k, v in named.items() if v is not None} | overrides, settings)
    _check_kinds(data, validation)
    _check_users(data, users)
    if isinstance(data, Examples):
        check_history(s, vectors=vectors is not None)
    else:
        check_table(s)
    checkpoint, out = (None if path is None else Path(path) for path in (checkpoint, out))
    kept = checkpoint is not None or out is not None
    sets = given_vectors(vectors)
    identity = identity_of(data, validation, side_info, users, *sets) if kept else ""
    with _folder(out, checkpoint, s, f"{identity} {seed}", progress) as folder:
        run = Run(s, seed, workers, progress, folder, identity)
        if isinstance(data, Examples):
            assert not isinstance(validation, ClickTable)
            made = fit_history(run, data, vectors, side_info, users, validation)
        else:
            assert not isinstance(validation, Examples)
            made = fit_table(run, data, validation, clicks or ClickSettings())
        if out is not None:
            made.save(out)
    return made


@contextmanager
def _folder(
    out: Path | None, checkpoint: Path | None, s: RankSettings, identity: str, tell: Tell | None
) -> Iterator[Path | None]:
    """Where epochs are kept for the length of the block."""
    if out is None:
        yield checkpoint
        return
    if checkpoint is not None:
        raise UsageError("epochs are kept in `out` where it is given; leave checkpoint out")
    check_folder(out)
    work = Work(out, s, f"rank {identity}")
    if work.resumed and tell is not None:
        tell("going on where an earlier run of this fit stopped", 0.0)
    with work.kept():
        yield work.checkpoint("rank")


def _check_users(data: Examples | ClickTable, users: object) -> None:
    """UsageError where what is known of users is not of use, or no table that was read."""
    if users is not None and isinstance(data, ClickTable):
        raise UsageError(
            "a users table goes with examples of a log; a table of clicks has columns of its own"
        )
    if users is not None and not isinstance(users, Catalogue):
        raise UsageError(
            f"users is {type(users).__name__}; give a Catalogue, as read_items(table, item_column='user_id')"
        )


def _check_kinds(data: object, validation: object) -> None:
    """UsageError where the data, or those to validate by, are of a kind that fit does not read."""
    if not isinstance(data, Examples | ClickTable):
        raise UsageError(f"fit takes Examples or a ClickTable (read_clicks), not {type(data).__name__}")
    kind = Examples if isinstance(data, Examples) else ClickTable
    if validation is not None and not isinstance(validation, kind):
        raise UsageError(
            f"validation is {type(validation).__name__}, but the data are {kind.__name__}; give labelled "
            "data of their kind, or say how many are held out by train__validation=N"
        )
    if isinstance(validation, Examples | ClickTable):
        check_labels(validation.labels, "give validation rows of both", "validation: ")
