"""The section on how fast networks are fed."""

from __future__ import annotations

from common import Bars, Result, table

NAMES = ("loader",)


def loader(result: Result) -> tuple[str, Bars]:
    """Milliseconds a batch and a step; bars: how many times the step's the batch's are."""
    s, figures = result["settings"], result["figures"]
    words = (
        "A batch made alone, up to its tensors, and a network's whole step on it (gradients, loss, backward, "
        f"optimizer), as the fits by default settings hand them to training on {s['dataset']}: milliseconds "
        f"of processor time on one thread, medians of {s['epochs']} epochs of {s['batches']} batches at most."
    )
    rows = [
        (name, f["batch"], f"{f['loader ms']:.2f}", f"{f['step ms']:.1f}", f"{f['step / loader']:.1f}")
        for name, f in figures.items()
    ]
    bars: Bars = [
        (f"{name}: a batch made alone, beside a step", f"{f['step / loader']:.1f} times faster",
         f"{s['bar']:g} times", f["step / loader"] >= s["bar"]) for name, f in figures.items()
    ]  # fmt: skip
    head = ("", "examples a batch", "batch ms", "step ms", "step / batch")
    return f"{words}\n\n{table(head, rows)}", bars
