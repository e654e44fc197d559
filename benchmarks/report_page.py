"""The section on the page."""

from __future__ import annotations

from common import Bars, Result, table

NAMES = ("page",)


def page(result: Result) -> tuple[str, Bars]:
    """Time until the map is drawn, and frames of it, by number of items."""
    figures, frames = result["figures"], result["settings"]["frames"]
    rows = [
        (
            f"{one['items']:,}",
            f"{one['ready_ms'] / 1000:.1f}",
            f"{one['bytes'] / 1e6:.1f}",
            *(f"{one[name]:.0f}" for name in ("frame_p50_ms", "frame_p95_ms", "colour_ms")),
            f"{one['pick_p95_ms']:.1f}",
        )
        for one in figures
    ]
    head = (
        "items", "until drawn, s", "fetched, MB", "frame p50, ms", "frame p95, ms", "new colours, ms",
        "pick p95, ms",
    )  # fmt: skip
    text = "\n\n".join(
        [
            f"Headless Chromium without a graphics card ({result['settings']['graphics']}), on the same "
            f"cores as the service; the map fills 970 x 796 pixels and is zoomed for {frames} frames. A pick "
            "finds the item under the pointer.",
            table(head, rows),
        ]
    )
    return text, []
