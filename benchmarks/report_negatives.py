"""The section on negative samplers."""

from __future__ import annotations

from common import Bars, Result, table

NAMES = tuple(
    f"negatives-{name}-{ask}" for name in ("online-retail", "beauty") for ask in ("next-item", "cold")
)


def negatives(*results: Result) -> tuple[str, Bars]:
    """The samplers beside popularity, all else equal."""
    parts = [
        "The default recipe with one set of rows, its vectors alone, as many negatives for every sampler; "
        "the scorer is chosen on validation, with the same number of tries. Differences are paired, to "
        "`popularity`, with 95 % bounds. No bar was asked for: the table says when a sampler helps. "
        "Seconds are those of one fit on a machine that others used too."
    ]
    for result in results:
        figures, s = result["figures"], result["settings"]
        rows = []
        for name, told in figures["methods"].items():
            cells = [told["metrics"][metric] for metric in told["metrics"]]
            both = [
                (f"{m['mean']:.4f}", f"{m['difference']:+.4f} ({m['gap low']:+.4f}, {m['gap high']:+.4f})")
                for m in cells
            ]
            rows.append((name, *(text for pair in both for text in pair), f"{told['seconds']:.0f}"))
        metrics = next(iter(figures["methods"].values()))["metrics"]
        heads = [head for metric in metrics for head in (metric, "to popularity")]
        title = f"{figures['dataset']}, {figures['protocol']}"
        seeds = ", ".join(map(str, s["seeds"]))
        parts.append(f"Seeds {seeds}; {s['trials']} tries.\n\n{table((title, *heads, 'seconds'), rows)}")
    return "\n\n".join(parts), []
