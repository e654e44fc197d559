"""The section on the online store."""

from __future__ import annotations

from common import Bars, Result, table

NAMES = ("online",)


def online(result: Result) -> tuple[str, Bars]:
    """Reads by size, histories a second, publishing, and publishers killed."""
    figures, s = result["figures"], result["settings"]
    reads = [
        (r["vectors"], *(f"{r[name]:.0f}" for name in ("p50", "p99", "plain p50", "plain p99")))
        for r in figures["reads"]
    ]
    stores = [
        (name, *(f"{rate:,.0f}" for rate in one.values())) for name, one in figures["histories"].items()
    ]
    beside, publishing = figures["while publishing"], figures["publishing"]
    text = "\n\n".join(
        [
            f"A model of {s['items']:,} items in {s['dimension']} dimensions, Redis on the same machine, "
            "one client. A read is one transaction that also tells the version; `MGET` reads the same values "
            "under plain keys, with no version. Microseconds:",
            table(("vectors", "p50", "p99", "MGET p50", "MGET p99"), reads),
            f"While another process publishes, reads of 20 vectors take {beside['p50']:.0f} us at the "
            f"median, {beside['p99']:.0f} us at p99, {beside['longest'] / 1000:.0f} ms at most. Publishing "
            f"{publishing['MB']:.0f} MB of files and vectors to Redis takes {publishing['redis']:.1f} s, "
            f"fetching the model {publishing['fetched']:.1f} s, publishing to a folder "
            f"{publishing['folder']:.1f} s; all with every checksum.",
            f"Histories of {s['history']} events, one client, a second:",
            table(("store", "adds", "gets", "gets in calls of 100"), stores),
        ]
    )
    bars = [
        (
            f"`kill -9` while publishing ({target}): one whole version after it",
            f"{one['whole']} of {one['kills']}",
            "50 of 50",
            one["whole"] == one["kills"] >= 50,
        )
        for target, one in figures["kills"].items()
    ]
    return text, bars
