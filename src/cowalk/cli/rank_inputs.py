"""What `cowalk rank` reads: a table of clicks or a log of events, training and test parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.errors import DataError, UsageError

OF_A_TABLE = ("label", "group", "form")
OF_COLUMNS = ("numeric", "categorical", "without", "min_count", "constant")
OF_EVENTS = (
    "items", "users", "context", "vectors", "examples", "negatives", "sampler", "per_user", "last",
    "user_column", "item_column", "order_column", "weight_column",
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
    used, mend = ("of events", "--events") if table else ("of a table", "--table")
    columns = table or given["users"] or given.get("context")  # evaluate takes no --context
    for name in (*(OF_EVENTS if table else OF_A_TABLE), *(() if columns else OF_COLUMNS)):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = name.replace("_", "-")
            of = f"{used}, or of --users and --context" if name in OF_COLUMNS else used
            raise UsageError(f"--{option} is an option {of}; leave it out, or give the data with {mend}")


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


def table_parts(given: Mapping[str, Any], changes: Mapping[str, Any]) -> Parts:
    """The rows of a table, as the options of `rank fit` and its --set for reading say."""
    from cowalk.prepare import read_clicks, read_clicks_split
    from cowalk.prepare.clicks import click_settings

    clicks = click_settings({
        "label_column": given["label"], "group_column": given["group"], "form": given["form"],
        "time_column": given["time_column"], "min_count": given["min_count"], "constant": given["constant"],
        **{name: names(given[name]) for name in ("numeric", "categorical", "without")}, **changes,
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
    context = names(given["context"])
    kinds = _kinds(given)
    events, recipe = _read_log(data, given, context, {n: k for n, k in kinds.items() if n in context})
    how = {name: given[name] for name in ("negatives", "sampler", "per_user", "last", "seed")}
    making, share = Making(given["examples"], **how), given["test_share"]
    if share:
        parts = Parts(*making.split(events, share, given["split"] or "user"))
    else:
        parts = Parts(making.examples(events))
    if data.items is not None:
        catalogue = read_items(data.items, recipe.side, item_column=recipe.read.item_column)
        parts.more["side_info"] = encode_side_info(catalogue, events.item_vocab, recipe.side)
    of_users = {n: k for n, k in kinds.items() if n not in context}
    if given["users"]:
        parts.more["users"] = _read_users(given, recipe, of_users)
    elif of_users:
        raise UsageError(f"{next(iter(of_users))!r} is none of --context; a users table is given by --users")
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


def event_rows(models: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The models, with the users of --users, and the examples that they are judged on, made as the first of
    them was fitted, as the options of `rank evaluate` say.
    """
    from cowalk.rank.inputs import known_events

    kinds = {name: kind for one in models.values() for name, kind in one.inputs.kinds("log").items()}
    data = o.inputs(given["events"], None, None, given["dataset"])
    events, recipe = _read_log(data, given, tuple(kinds), kinds)
    if given["users"]:
        models = _with_users(models, given, recipe)
    model = next(iter(models.values()))
    events, lost = known_events(events, model.vocab)
    if lost:
        show.note(f"{lost:,} events of items that the model does not know were left out")
    return dict(models), _judged(model, events, given)


def _judged(model: Any, events: Any, given: Mapping[str, Any]) -> Any:
    """All examples of these events, or the part that is held out."""
    from cowalk.rank.inputs import Making

    options = ("negatives", "sampler", "per_user")
    asked = {"made": given["examples"], **{name: given[name] for name in options}}
    how = dict(model.about.get("options", {})) | {k: v for k, v in asked.items() if v is not None}
    making = Making(**how, last=model.last, seed=_seed(model, given))
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


def _kinds(given: Mapping[str, Any]) -> dict[str, str]:
    """Kinds of columns by name, skip for those that are left out."""
    options = {"numeric": "numeric", "categorical": "categorical", "without": "skip"}
    return {name: kind for option, kind in options.items() for name in names(given[option])}


def _with_users(models: Mapping[str, Any], given: Mapping[str, Any], recipe: Any) -> dict[str, Any]:
    """The models with what the users table says now."""
    kinds = {name: kind for one in models.values() for name, kind in one.inputs.kinds("users").items()}
    if not kinds:
        raise UsageError("the model was fitted without a users table; leave --users out")
    table = _read_users(given, recipe, kinds)
    return {name: one.with_users(table) if one.inputs.users else one for name, one in models.items()}


def _read_users(given: Mapping[str, Any], recipe: Any, kinds: Mapping[str, Any]) -> Any:
    """What is known of the users; what was left out is told."""
    from cowalk.prepare import SideSettings, read_items

    column = recipe.read.user_column
    if column is None:
        raise UsageError("a users table goes with a log of known users: --user-column")
    table = read_items(o.one_or_many(given["users"]), SideSettings(fields=dict(kinds)), item_column=column)
    for line in table.notes:
        show.note(f"users: {line}")
    return table


def _read_log(
    data: o.Inputs, given: Mapping[str, Any], context: tuple[str, ...], kinds: Mapping[str, Any]
) -> tuple[Any, Any]:
    """The events with these further columns, and the recipe that says how items are read."""
    from cowalk.prepare import read_events
    from cowalk.settings import load_recipe

    asked = {f"read__{name}": given[name] for name in OF_A_LOG}
    recipe = load_recipe("eges", data.changes | o.changes(None, **asked))
    events, _ = read_events(data.events, recipe.read, recipe.clean, context=context, kinds=kinds)
    return events, recipe


def _vectors(source: str) -> Any:
    """A model, or the vectors of a file."""
    from cowalk.model import load
    from cowalk.tables import Vectors

    if not Path(source).exists():
        raise DataError(f"--vectors {source}: no such file; give a model folder, or a file of vectors")
    return load(source) if Path(source).is_dir() else Vectors.load(source)
