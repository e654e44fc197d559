"""What side information costs (EGES with 3 fields against BGE, per epoch), and what determinism costs."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

from common import parser, record, say, scratch, table
from cowalk.learn import Learned, LearnSettings, WalkSettings, learn
from cowalk.settings import load_recipe
from tasks import Task, beauty, shop

COST_BAR = 1.5  # EGES with 3 fields, seconds per epoch over BGE's
MODE_BAR = 2.0  # deterministic is the default unless it costs more


def timed(task: Task, settings: LearnSettings, walks: WalkSettings, workers: int) -> tuple[float, Learned]:
    """Seconds of learning, walking included, and what was learned."""
    start = perf_counter()
    learned = learn(
        task.train.graph, task.train.vocab, settings, walks=walks, side_info=task.train.side_info, seed=1,
        workers=workers,
    )  # fmt: skip
    return perf_counter() - start, learned


def costs(
    task: Task, base: LearnSettings, walks: WalkSettings, runs: int, workers: int
) -> list[dict[str, Any]]:
    """Seconds of one epoch by mode, for BGE and EGES, in turns so that both see the same machine."""
    out = []
    for mode in ("deterministic", "hogwild"):
        seconds: dict[str, list[float]] = {"own": [], "weighted": []}
        for _ in range(runs):
            for kind, taken in seconds.items():
                settings = base.model_copy(update={"input": kind, "mode": mode, "epochs": 1})
                taken.append(timed(task, settings, walks, workers)[0])
        bge, eges = (median(taken) for taken in seconds.values())
        say(f"{task.name}, {mode}: BGE {bge:.1f} s, EGES {eges:.1f} s an epoch")
        out.append(
            {"task": task.name, "mode": mode, "bge": bge, "eges": eges, "ratio": eges / bge, "bar": COST_BAR}
        )
    return out


def modes(task: Task, base: LearnSettings, walks: WalkSettings, runs: int, most: int) -> list[dict[str, Any]]:
    """Tokens per second, loss and validation Recall@20 of both modes on 1 and more threads, EGES."""
    tokens = walks.num_walks * walks.walk_length * len(task.train.vocab) * base.epochs  # dead ends: at most
    out = []
    for workers in sorted({1, most}):
        for mode in ("deterministic", "hogwild"):
            settings = base.model_copy(update={"input": "weighted", "mode": mode})
            found = [timed(task, settings, walks, workers) for _ in range(runs)]
            seconds, learned = median(s for s, _ in found), found[-1][1]
            recall = task.recall(learned.vectors, learned.contexts)
            say(f"{task.name}, {mode}, {workers} threads: {tokens / seconds / 1e6:.2f} million tokens/s")
            out.append({
                "task": task.name, "mode": mode, "workers": workers, "seconds": seconds,
                "tokens per second": tokens / seconds, "loss": learned.losses[-1], "recall": recall,
                "bar": MODE_BAR,
            })  # fmt: skip
    return out


def main() -> None:
    """Measure, print, record."""
    options = parser(__doc__ or "").parse_args()
    recipe = load_recipe("eges")
    base = recipe.learn.model_copy(update={"sequences": "walks"})
    walks = WalkSettings(num_walks=2 if options.quick else 5, walk_length=10)
    runs = 1 if options.quick else 3
    with scratch() as folder:
        made = shop(*((2_000, 40_000) if options.quick else (20_000, 400_000)), folder, fields=3)
    tasks = [made] if options.quick else [made, beauty()]
    say("compiling")
    for mode in ("deterministic", "hogwild"):
        timed(
            made,
            base.model_copy(update={"mode": mode, "epochs": 1}),
            WalkSettings(num_walks=1),
            options.workers,
        )
    cost = costs(made, base, walks, runs, options.workers)
    rows = [
        (c["mode"], f"{c['bge']:.1f}", f"{c['eges']:.1f}", f"{c['ratio']:.2f}", f"{c['bar']}") for c in cost
    ]
    print(table(("seconds an epoch", "BGE", "EGES, 3 fields", "ratio", "bar"), rows))
    speed = [
        found for task in tasks for found in modes(task, base, walks, max(1, runs // 2), options.workers)
    ]
    speed_rows = [
        (f["task"], f["mode"], f["workers"], f"{f['tokens per second'] / 1e6:.2f}", f"{f['loss']:.4f}",
         f"{f['recall']:.4f}") for f in speed
    ]  # fmt: skip
    print(table(("task", "mode", "threads", "million tokens/s", "loss", "Recall@20"), speed_rows))
    settings = {
        "learn": base.model_dump(exclude={"mode", "input"}), "walks": walks.model_dump(), "runs": runs,
        "workers": options.workers,
    }  # fmt: skip
    record("sideinfo", settings, {"cost": cost, "modes": speed}, quick=options.quick)


if __name__ == "__main__":
    main()
