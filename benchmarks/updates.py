"""Ten daily updates of a model of Online Retail against ten full retrainings and against no update at all.

    updates.py --seeds 1,2,3,4,5

The model is fitted on everything before 28 November 2011, ten days with events and one more before the log
ends; the scorer is chosen inside, on seed 1, and kept. Then, day by day: `cowalk update` by that day's events
alone, and a fit of everything so far. Both, and the model as it was, are asked for the next item of the day
after: at most 10 events an owner, targets that the full retraining knows. In these days almost no new item
comes, so new items are judged apart: a model of everything before 24 November is updated by the three days in
which some come, and asked for them in all days after, beside a fit of everything up to there. The items table
is there from the start. Costs are of reading, learning, judging and saving on one thread, after a first call
that compiles. Fits and days are kept in build/bench/updates by seed, so that a killed run goes on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

import cowalk as cw
from common import CACHE, parser, record, say, table
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate.bootstrap import Estimate, paired_difference
from cowalk.evaluate.protocols.next_item import next_item_queries
from cowalk.evaluate.queries import NextItemQueries
from cowalk.prepare import read_events
from cowalk.settings import Recipe, load_recipe
from cowalk.tables import Events, Vocab
from cowalk.updates.drift import hits

EARLY = "2011-11-24"
NEW_DAYS = 3  # from EARLY on: the days in which new items come
DAYS = 10  # behind these: the days of updates
PER_OWNER = 10
DAY = 86_400_000_000  # microseconds
MODES = ("anchored", "frozen", "free")
LEAST = -0.02  # relative Recall@20 that an update may lie below a full retraining
COST = 0.1
COSINE = 0.95


@dataclass
class Log:
    """The log cut by days from EARLY on: what was before each, and each alone; files and events."""

    folder: Path
    items: Any
    changes: dict[str, Any]
    events: Events
    starts: list[int]

    @classmethod
    def read(cls, folder: Path) -> Log:
        """The files, made where they are not there yet."""
        data = of_dataset(load("online-retail"))
        recipe = load_recipe("eges", data.changes)
        events, _ = read_events(data.events, recipe.read, recipe.clean)
        first = int(np.datetime64(EARLY, "us").astype(np.int64))
        starts = [int(day) * DAY for day in np.unique(events.times // DAY) if int(day) * DAY >= first]
        out = cls(folder, str(data.items), data.changes, events, starts)
        folder.mkdir(parents=True, exist_ok=True)
        if not out.before(len(starts) - 1).exists():
            out._write(data.events)
        return out

    def before(self, day: int) -> Path:
        """Everything before this day."""
        return self.folder / f"before-{day}.parquet"

    def day(self, day: int) -> Path:
        """The events of this day."""
        return self.folder / f"day-{day}.parquet"

    def _write(self, source: Any) -> None:
        import duckdb

        with duckdb.connect() as con:
            for number in range(len(self.starts)):
                low = str(np.datetime64(self.starts[number], "us"))
                copy = f"COPY (SELECT * FROM read_parquet('{source}') WHERE timestamp "
                con.execute(f"{copy} < '{low}') TO '{self.before(number)}' (FORMAT parquet)")
                if number + 1 < len(self.starts):
                    high = str(np.datetime64(self.starts[number + 1], "us"))
                    part = f">= '{low}' AND timestamp < '{high}'"
                    con.execute(f"{copy} {part}) TO '{self.day(number)}' (FORMAT parquet)")

    def queries(self, day: int, vocab: Vocab) -> NextItemQueries:
        """Next items of this day over a vocabulary; what it lacks is no target."""
        part = self.events.times // DAY == self.starts[day] // DAY
        return next_item_queries(self.events, part, vocab, per_owner=PER_OWNER, seed=0, name="updates")[0]


def under(queries: NextItemQueries, names: Vocab, vocab: Vocab) -> NextItemQueries:
    """The same queries over another vocabulary; ids that it lacks lie behind its rows."""
    n = len(vocab)
    rows = vocab.find(names.ids)
    table = np.where(rows >= 0, rows, n + np.arange(len(rows))).astype(np.int32)
    return NextItemQueries(
        table[queries.items], queries.offsets, table[queries.targets], queries.groups, n + len(rows),
        queries.times,
    )  # fmt: skip


class Clock:
    """Seconds and CPU seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = perf_counter(), process_time()

    def told(self) -> dict[str, float]:
        """Both."""
        return {"seconds": perf_counter() - self.wall, "cpu seconds": process_time() - self.cpu}


class Fits:
    """The fits of one seed, each of everything before a day; and what the timed ones cost."""

    def __init__(self, log: Log, seed: int, workers: int, trials: int) -> None:
        self.log, self.seed, self.home = log, seed, log.folder / f"seed-{seed}"
        self.workers, self.trials = workers, trials
        self.warm = False

    def folder(self, day: int) -> Path:
        """The model of everything before this day; made where it is not there yet."""
        path = self.home / f"fit-{day}"
        if not path.exists():
            recipe = self.recipe(day)
            say(f"seed {self.seed}: fitting everything before day {day}")
            clock = Clock()
            cw.fit(self.log.before(day), items=self.log.items, recipe=recipe, out=path)
            if self.warm:
                path.with_suffix(".json").write_text(json.dumps(clock.told()))
            self.warm = True
        return path

    def recipe(self, day: int) -> Recipe:
        """What the first model chose on seed 1; that model itself chooses."""
        given = self.log.changes | {"seed": self.seed, "workers": self.workers}
        if day == NEW_DAYS and self.seed == 1:
            return load_recipe("eges", given | {"trials": self.trials})
        first = Fits(self.log, 1, self.workers, self.trials).folder(NEW_DAYS)
        return cw.load(first).recipe.changed({"trials": 0, "seed": self.seed, "workers": self.workers})

    def costs(self) -> list[dict[str, float]]:
        """Of the fits that were timed."""
        return [json.loads(path.read_text()) for path in sorted(self.home.glob("fit-*.json"))]


def run_seed(log: Log, fits: Fits, modes: tuple[str, ...], days: int) -> dict[str, Any]:
    """Day by day what was answered and what it cost; new items; the costs of full retrainings."""
    base = cw.load(fits.folder(NEW_DAYS))
    base = replace(base, recipe=base.recipe.changed({"workers": fits.workers}))
    compiled = False
    told: list[dict[str, Any]] = []
    for day in range(NEW_DAYS, NEW_DAYS + days):
        kept = Kept(fits.home / f"day-{day}.json")
        missing = kept.missing(modes)
        if missing and not compiled:
            cw.update(base, log.day(day))
            compiled = True
        told.append(kept.more(one_day(log, fits, base, missing, day)) if missing else kept.told)
    kept = Kept(fits.home / "new.json")
    missing = kept.missing(modes)
    new = kept.more(new_items(log, fits, missing)) if missing else kept.told
    return {"seed": fits.seed, "days": told, "new": new, "full": fits.costs()}


class Kept:
    """What is known of some modes, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def missing(self, modes: tuple[str, ...]) -> tuple[str, ...]:
        """The modes that are not known yet."""
        return tuple(mode for mode in modes if mode not in self.told.get("answers", {}))

    def more(self, found: dict[str, Any]) -> dict[str, Any]:
        """With what was found of other modes; kept."""
        for name, value in found.items():
            self.told[name] = {**self.told.get(name, {}), **value} if isinstance(value, dict) else value
        self.path.write_text(json.dumps(self.told))
        return self.told


def one_day(log: Log, fits: Fits, base: cw.Model, modes: tuple[str, ...], day: int) -> dict[str, Any]:
    """Updates and full retraining after this day, and their answers on the next."""
    models, costs = {"full": cw.load(fits.folder(day + 1)), "none": base}, {}
    for mode in modes:
        last = base if day == NEW_DAYS else cw.load(fits.home / f"{mode}-{day - 1}")
        out = fits.home / f"{mode}-{day}"
        clock = Clock()
        cw.update(last, log.day(day), mode=mode, out=out)
        costs[mode] = clock.told()
        models[mode] = cw.load(out)
    names = models["full"].vocab
    queries = log.queries(day + 1, names)
    answers = {name: answered(m, queries, names).tolist() for name, m in models.items()}
    means = ", ".join(f"{name} {np.mean(found):.4f}" for name, found in answers.items())
    say(f"seed {fits.seed}, day {day}: {means}; {costs}")
    updates = {mode: models[mode].manifest["updates"][-1] for mode in modes}
    cosines = {mode: far(base, models[mode]) for mode in modes}
    return {"answers": answers, "costs": costs, "groups": queries.groups.tolist(), "updates": updates,
            "cosine since the first": cosines}  # fmt: skip


def new_items(log: Log, fits: Fits, modes: tuple[str, ...]) -> dict[str, Any]:
    """Recall@20 of the items that came in the first three days, in all days after them."""
    early, full = cw.load(fits.folder(0)), cw.load(fits.folder(NEW_DAYS))
    models = {"full": full}
    for mode in modes:
        model = early
        for day in range(NEW_DAYS):
            model = cw.update(model, log.day(day), mode=mode)
        models[mode] = model
    found: dict[str, list[Any]] = {name: [] for name in models}
    for day in range(NEW_DAYS, len(log.starts)):
        queries = log.queries(day, full.vocab)
        queries = queries.part(np.flatnonzero(early.vocab.find(full.vocab.ids)[queries.targets] < 0))
        for name, model in models.items():
            found[name] += answered(model, queries, full.vocab).tolist() if len(queries) else []
    return {"answers": found, "items": int((early.vocab.find(full.vocab.ids) < 0).sum())}


def answered(model: cw.Model, queries: NextItemQueries, names: Vocab) -> Any:
    """float64[Q], 1 where the next item is among the 20 best."""
    return hits(model.recommender, under(queries, names, model.vocab))


def far(base: cw.Model, model: cw.Model) -> list[float]:
    """Mean cosine of the first model's items, then and now, in both sets of rows."""
    from cowalk.updates import drift

    seen = np.ones(len(base.vocab), dtype=bool)
    out = [drift(base.learned, model.learned, seen).cosine]
    if base.cold_learned is not None and model.cold_learned is not None:
        out.append(drift(base.cold_learned, model.cold_learned, seen).cosine)
    return out


def figures_of(seeds: list[dict[str, Any]], modes: tuple[str, ...]) -> dict[str, Any]:
    """All days and seeds together; a user whose queries stand in several days and seeds is drawn as one."""
    days = [day for seed in seeds for day in seed["days"]]
    names = days[0]["answers"]
    answers = {name: np.concatenate([np.asarray(d["answers"][name]) for d in days]) for name in names}
    groups = np.concatenate([np.asarray(d["groups"]) for d in days])
    full = [cost for seed in seeds for cost in seed["full"]]
    costs = {mode: means([d["costs"][mode] for d in days]) for mode in modes} | {"full": means(full)}
    out: dict[str, Any] = {
        "queries": len(groups),
        "recall@20": {name: float(found.mean()) for name, found in answers.items()},
        "costs": costs,
        "full retrainings timed": len(full),
        "new items": {
            "items": seeds[0]["new"]["items"],
            "queries": sum(len(seed["new"]["answers"]["full"]) for seed in seeds),
            "recall@20": {
                name: float(np.mean(np.concatenate([seed["new"]["answers"][name] for seed in seeds])))
                for name in ("full", *modes)
            },
        },
        "modes": {},
    }
    for mode in modes:
        drifts = [one["cosine"] for d in days for one in d["updates"][mode]["drift"].values()]
        last = [seed["days"][-1]["cosine since the first"][mode] for seed in seeds]
        out["modes"][mode] = {
            "above none": bounds(paired_difference(answers[mode], answers["none"], groups)),
            "above full": bounds(paired_difference(answers[mode], answers["full"], groups)),
            "relative to full": float(answers[mode].mean() / answers["full"].mean() - 1.0),
            "least cosine of an update": float(min(drifts)),
            "cosine after all": float(np.min(last)),
            "cost of full": costs[mode]["cpu seconds"] / costs["full"]["cpu seconds"] if full else None,
        }
    return out


def means(costs: list[dict[str, float]]) -> dict[str, float]:
    """Mean seconds and CPU seconds; {} where nothing was timed."""
    return {kind: float(np.mean([cost[kind] for cost in costs])) for kind in costs[0]} if costs else {}


def bounds(found: Estimate) -> dict[str, float]:
    """A paired difference with its bounds."""
    return {"mean": found.mean, "low": found.low, "high": found.high}


def show(figures: dict[str, Any]) -> None:
    """A row for each way to keep a model up to date, then the bars."""
    new = figures["new items"]["recall@20"]
    rows = [
        (name, f"{figures['recall@20'][name]:.4f}", f"{new[name]:.4f}" if name in new else "-",
         *(f"{figures['costs'].get(name, {}).get(kind, 0):.2f}" for kind in ("cpu seconds", "seconds")))
        for name in ("none", *figures["modes"], "full")
    ]  # fmt: skip
    print(table(("", "Recall@20", "new items", "CPU s a day", "s a day"), rows))
    for mode, found in figures["modes"].items():
        above = found["above none"]
        print(
            f"{mode}: {found['relative to full']:+.2%} of full (bar {LEAST:.0%}); above none "
            f"{above['mean']:+.4f} ({above['low']:+.4f}, {above['high']:+.4f}); cost of full "
            f"{found['cost of full']} (bar {COST}); cosine {found['cosine after all']:.4f} (bar {COSINE})"
        )


def main() -> None:
    """Measure, print, record."""
    options = parser(__doc__ or "")
    options.set_defaults(workers=1)
    options.add_argument("--seeds", default="1", help="seeds, parted by commas")
    options.add_argument("--modes", default="anchored", help=f"of {', '.join(MODES)}, parted by commas")
    asked = options.parse_args()
    modes = tuple(asked.modes.split(","))
    log = Log.read(CACHE / ("updates-quick" if asked.quick else "updates"))
    if asked.quick:
        log.changes = log.changes | {"walks.num_walks": 1, "learn.epochs": 1}
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    told = [
        run_seed(
            log, Fits(log, seed, asked.workers, 3 if asked.quick else 30), modes, 2 if asked.quick else DAYS
        )
        for seed in seeds
    ]
    figures = figures_of(told, modes)
    show(figures)
    settings = {
        "seeds": seeds, "days": len(told[0]["days"]), "per owner": PER_OWNER, "workers": asked.workers,
        "update": Recipe().update.model_dump(mode="json"),
    }  # fmt: skip
    record("updates", settings, figures, quick=asked.quick)


if __name__ == "__main__":
    main()
