"""What `cowalk rank` reads: a table of clicks or a log of events, training and test parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.errors import UsageError

OF_A_TABLE = ("label", "group", "form", "numeric", "categorical", "without", "min_count", "constant")
OF_EVENTS = (
    "items", "vectors", "examples", "negatives", "sampler", "per_user", "last", "user_column", "item_column",
    "order_column", "weight_column",
)  # fmt: skip
OF_A_LOG = ("user_column", "item_column", "time_column", "order_column", "weight_column")


@dataclass
class Parts:
    """What a model is fitted on, what it is judged on, and what else `rank.fit` is told of them."""

    train: Any
    test: Any = None
    more: dict[str, Any] = field(default_factory=dict)


def check_options(context: typer.Context) -> None:
    """UsageError unless there is one source, with no option that is of the other kind of source."""
    given = context.params
    table = bool(given["table"])
    if table == bool(given["events"] or given["dataset"]):
        raise UsageError("give a log with --events (or --dataset), or a table of clicks with --table")
    for name in OF_EVENTS if table else OF_A_TABLE:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            used, mend = ("of events", "--events") if table else ("of a table", "--table")
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is an option {used}; leave it out, or give the data with {mend}")


def check_split(context: typer.Context, *, later: bool = False) -> None:
    """UsageError where rows are held out in a way that is not known, or no share of them; later: a split of
    events by time may do without.
    """
    split, share, table = (context.params[name] for name in ("split", "test_share", "table"))
    known = ("user", "row", "time") if table else ("user", "time")
    if split is not None and split not in known:
        raise UsageError(f"--split is {split!r}; it must be {' or '.join(known)}")
    if split is not None and not share and not (later and split == "time" and not table):
        raise UsageError(f"--split {split} needs the share that is held out: --test-share 0.2")


def names(text: str | None) -> tuple[str, ...]:
    """a,b as names."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def table_parts(given: Mapping[str, Any]) -> Parts:
    """The rows of a table, as the options of `rank fit` say."""
    from cowalk.prepare import read_clicks, read_clicks_split
    from cowalk.prepare.clicks import click_settings

    clicks = click_settings({
        "label_column": given["label"], "group_column": given["group"], "form": given["form"],
        "time_column": given["time_column"], "min_count": given["min_count"], "constant": given["constant"],
        **{name: names(given[name]) for name in ("numeric", "categorical", "without")},
    })  # fmt: skip
    source, share = o.one_or_many(given["table"]), given["test_share"]
    if not share:
        return Parts(read_clicks(source, clicks), more={"clicks": clicks})
    train, test = read_clicks_split(source, clicks, share, by=given["split"], seed=given["seed"])
    return Parts(train, test, {"clicks": clicks})


def event_parts(given: Mapping[str, Any]) -> Parts:
    """The examples of a log, as the options of `rank fit` say."""
    from cowalk.prepare import encode_side_info, read_items
    from cowalk.rank.inputs import Making

    data = o.inputs(given["events"], given["items"], None, given["dataset"])
    events, recipe = _read_log(data, given)
    how = {name: given[name] for name in ("negatives", "sampler", "per_user", "last", "seed")}
    making, share = Making(given["examples"], **how), given["test_share"]
    if share:
        parts = Parts(*making.split(events, share, given["split"] or "user"))
    else:
        parts = Parts(making.examples(events))
    if data.items is not None:
        catalogue = read_items(data.items, recipe.side, item_column=recipe.read.item_column)
        parts.more["side_info"] = encode_side_info(catalogue, events.item_vocab, recipe.side)
    parts.more["vectors"] = o.one_or_many([_vectors(one) for one in given["vectors"] or ()])
    return parts


def table_rows(model: Any, given: Mapping[str, Any], like: Any) -> Any:
    """What a model of tables is judged on, as the options of `rank evaluate` say; rows are held out by the
    columns that `like`, the first of the models, names.
    """
    from cowalk.prepare import read_clicks_split

    source, share = o.one_or_many(given["table"]), given["test_share"]
    if not share or model.vocab is not None:
        return source
    apart = {name: getattr(like.clicks, name) for name in ("group_column", "time_column")}
    if given["time_column"] is not None:
        apart["time_column"] = given["time_column"]
    clicks = model.clicks.model_copy(update=apart)
    by, seed = given["split"], _seed(like, given)
    return read_clicks_split(source, clicks, share, model.columns, by=by, seed=seed)[1]


def event_rows(model: Any, given: Mapping[str, Any]) -> Any:
    """The examples that a model of histories is judged on, as the options of `rank evaluate` say."""
    from cowalk.rank.inputs import Making, known_events

    events, _ = _read_log(o.inputs(given["events"], None, None, given["dataset"]), given)
    events, lost = known_events(events, model.vocab)
    if lost:
        show.note(f"{lost:,} events of items that the model does not know were left out")
    asked = {"made": given["examples"], "negatives": given["negatives"], "sampler": given["sampler"]}
    how = dict(model.about.get("options", {})) | {k: v for k, v in asked.items() if v is not None}
    making = Making(**how, per_user=given["per_user"], last=model.last, seed=_seed(model, given))
    split, share, until = given["split"], given["test_share"], model.about.get("until")
    if not split and not share:
        return making.examples(events)
    if split == "time" and not share and until is None:
        raise UsageError("the model was trained on a log without times; give --test-share too")
    at = until + 1 if split == "time" and not share else None
    train, test = making.split(events, share, split or "user", at=at)
    if split == "time" and until is not None and test.times.min() <= until:
        show.note("the test part begins before the newest example that the model was trained on")
    if split != "time" and train.about["split"] != model.about.get("split"):
        show.note(
            "the model was not fitted with this part held out (another log, share or seed): it may have been "
            "trained on these users"
        )
    return test


def _seed(model: Any, given: Mapping[str, Any]) -> int:
    """The seed that was given, or that of the fit."""
    seed = given["seed"]
    return int(model.about.get("seed", 0) if seed is None else seed)


def _read_log(data: o.Inputs, given: Mapping[str, Any]) -> tuple[Any, Any]:
    """The events, and the recipe that says how items are read."""
    from cowalk.prepare import read_events
    from cowalk.settings import load_recipe

    asked = {f"read__{name}": given[name] for name in OF_A_LOG}
    recipe = load_recipe("eges", data.changes | o.changes(None, **asked))
    return read_events(data.events, recipe.read, recipe.clean)[0], recipe


def _vectors(source: str) -> Any:
    """A model, or the vectors of a file."""
    from cowalk.model import load
    from cowalk.tables import Vectors

    return load(source) if Path(source).is_dir() else Vectors.load(source)
