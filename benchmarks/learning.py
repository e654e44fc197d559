"""Seconds of learning until the validation Recall@20 that gensim reaches, on the same walks made beforehand.

gensim: skip-gram, corpus_file, 5 epochs, its own steps. cowalk: whole runs with their own decay, from a part
of one pass over the walks to five; counted is the smallest run that reaches gensim's figure. Its step, block
and size of run are chosen on seed 0; seeds 1-3 are printed. A run that falls short there is followed by the
next larger one, and only the one that reaches counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil
from time import perf_counter, process_time
from typing import Any, Literal

import gensim_peer
from common import parser, record, say, scratch, table
from cowalk.learn import LearnSettings, WalkSettings, learn
from cowalk.tables import Sessions
from tasks import Task, as_sessions, beauty, shop, walked

Mode = Literal["deterministic", "hogwild"]
BARS: dict[Mode, float] = {"deterministic": 1 / 3, "hogwild": 1 / 5}
PASSES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)  # over the walks, in one run with one decay
STEPS = (0.025, 0.05, 0.1, 0.2)
BLOCKS = (256, 1024)
BASE = LearnSettings(
    sequences="sessions", input="own", vector_size=128, window=5, negative=5, negatives_per="position"
)


@dataclass(frozen=True)
class Trial:
    """One run: its settings, its size in passes over the walks, what it reached and what it took."""

    settings: LearnSettings
    passes: float
    recall: float
    seconds: float
    cpu_seconds: float


def settings_of(mode: Mode) -> Iterator[LearnSettings]:
    """What is tried on seed 0."""
    for step, block in product(STEPS, BLOCKS if mode == "deterministic" else BLOCKS[:1]):
        yield BASE.model_copy(update={"mode": mode, "step": step, "block": block})


def part_of(walks: Sessions, passes: float) -> tuple[Sessions, int]:
    """Sequences and epochs of `passes` passes over the walks: one over a part, two over 3/4 for 1.5."""
    epochs = ceil(passes)
    n = round(len(walks) * passes / epochs)
    return as_sessions(walks.items[: walks.offsets[n]], walks.offsets[: n + 1]), epochs


def run(
    task: Task, walks: Sessions, settings: LearnSettings, passes: float, seed: int, workers: int
) -> Trial:
    """Learn and judge; timed is learning alone."""
    part, epochs = part_of(walks, passes)
    start, busy = perf_counter(), process_time()
    learned = learn(
        part, task.train.vocab, settings.model_copy(update={"epochs": epochs}), seed=seed, workers=workers
    )
    seconds, busy = perf_counter() - start, process_time() - busy
    trial = Trial(settings, passes, task.recall(learned.vectors, learned.contexts), seconds, busy)
    say(f"  {settings.mode} step {settings.step} block {settings.block} passes {passes}: "
        f"{trial.recall:.4f} in {seconds:.1f} s ({busy:.1f} CPU)")  # fmt: skip
    return trial


def chosen(task: Task, walks: Sessions, mode: Mode, wanted: float, workers: int) -> Trial:
    """On seed 0: of the smallest runs that reach the figure the quickest; if none does, the best of all."""
    trials: list[Trial] = []
    for passes in PASSES:
        trials += [run(task, walks, settings, passes, 0, workers) for settings in settings_of(mode)]
        reaching = [trial for trial in trials if trial.recall >= wanted]
        if reaching:
            return min(reaching, key=lambda trial: trial.seconds)
    return max(trials, key=lambda trial: trial.recall)


def smallest(
    task: Task, walks: Sessions, first: Trial, wanted: float, seed: int, workers: int
) -> tuple[Trial, bool]:
    """The first run, from the chosen size up, that reaches the figure; whether one did."""
    for passes in [p for p in PASSES if p >= first.passes]:
        trial = run(task, walks, first.settings, passes, seed, workers)
        if trial.recall >= wanted:
            return trial, True
    return trial, False


def measure(
    task: Task, walk: WalkSettings, seeds: range, workers: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Figures of both modes on one task, seed by seed; seed 0 chooses and is not among them."""
    found: dict[Mode, list[dict[str, Any]]] = {mode: [] for mode in BARS}
    picked: dict[Mode, Trial] = {}
    tokens, versions = 0, {}
    for seed in [0, *seeds]:
        walks = walked(task.train.graph, walk, seed)
        tokens = len(walks.items)
        say(f"{task.name}, seed {seed}: gensim on {tokens:,} tokens")
        theirs = gensim_peer.train(walks, len(task.train.vocab), seed=seed, workers=workers)
        wanted = task.recall(theirs.vectors, theirs.contexts)
        versions = theirs.told["versions"]
        say(f"  gensim {wanted:.4f} in {theirs.seconds:.1f} s ({theirs.told['cpu seconds']:.1f} CPU)")
        for mode in BARS:
            if seed == 0:
                picked[mode] = chosen(task, walks, mode, wanted, workers)
                continue
            trial, reached = smallest(task, walks, picked[mode], wanted, seed, workers)
            found[mode].append({
                "seed": seed, "gensim recall": wanted, "gensim seconds": theirs.seconds,
                "gensim cpu seconds": theirs.told["cpu seconds"],
                "recall": trial.recall, "seconds": trial.seconds, "cpu seconds": trial.cpu_seconds,
                "passes": trial.passes, "reached": reached, "ratio": trial.seconds / theirs.seconds,
            })  # fmt: skip
    figures = [
        {"task": task.name, "mode": mode, "bar": BARS[mode], "tokens": tokens,
         "step": picked[mode].settings.step, "block": picked[mode].settings.block, "seeds": found[mode]}
        for mode in BARS
    ]  # fmt: skip
    return figures, versions


def show(figures: list[dict[str, Any]]) -> None:
    """One row per task, mode and seed."""
    rows = [
        (f["task"], f["mode"], s["seed"], f"{s['gensim recall']:.4f}", f"{s['gensim seconds']:.1f}",
         f"{s['recall']:.4f}", f"{s['seconds']:.1f}", f"{s['passes']:g}", f"{s['ratio']:.2f}",
         f"{f['bar']:.2f}", "yes" if s["reached"] and s["ratio"] <= f["bar"] else "no")
        for f in figures for s in f["seeds"]
    ]  # fmt: skip
    head = ("task", "mode", "seed", "gensim", "s", "cowalk", "s", "passes", "of gensim's s", "bar", "met")
    print(table(head, rows))


def main() -> None:
    """Measure, print, record."""
    options = parser(__doc__ or "")
    options.add_argument("--task", choices=("beauty", "shop", "both"), default="both")
    asked = options.parse_args()
    walk = WalkSettings(num_walks=2 if asked.quick else 20, walk_length=10)
    big_walk = walk if asked.quick else WalkSettings(num_walks=10, walk_length=10)
    seeds = range(1, 2 if asked.quick else 4)
    with scratch() as folder:
        tasks = []
        if asked.task != "shop":
            tasks.append((beauty(), walk))
        if asked.task != "beauty":
            size = (2_000, 40_000) if asked.quick else (100_000, 2_000_000)
            tasks.append((shop(*size, folder), big_walk))
    say("compiling")
    for mode in BARS:
        settings = BASE.model_copy(update={"mode": mode})
        run(
            tasks[0][0],
            walked(tasks[0][0].train.graph, WalkSettings(num_walks=1), 9),
            settings,
            0.1,
            0,
            asked.workers,
        )
    figures: list[dict[str, Any]] = []
    versions: dict[str, str] = {}
    for task, how in tasks:
        found, versions = measure(task, how, seeds, asked.workers)
        figures += found
        show(figures)
        told = {
            "workers": asked.workers,
            "gensim": gensim_peer.SETTINGS | {"sg": 1},
            "scorer": "H.Z, last 3, decay .7",
        }
        record(f"learning-{task.name.partition(' ')[0]}", told, found, quick=asked.quick, peers=versions)


if __name__ == "__main__":
    main()
