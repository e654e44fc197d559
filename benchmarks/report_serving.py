"""The section on the service."""

from __future__ import annotations

from common import Bars, Result, table

NAMES = ("serving",)
LEAST = 0.9


def serving(result: Result) -> tuple[str, Bars]:
    """Requests a second beside a bare endpoint, what each option costs, swaps and a store that goes away."""
    figures, s = result["figures"], result["settings"]
    answers, swaps, redis = figures["answers"], figures["swaps"], figures["redis"]
    bare, ours = answers["bare endpoint"], answers["cowalk"]
    rows = [
        (
            name,
            f"{one['rate']:,.0f}",
            f"{one['p50']:.1f}",
            f"{one['p99']:.1f}",
            f"{one['cpu']:,.0f}" if "cpu" in one else "-",
            f"{one['failed']:.0f}",
        )
        for name, one in answers.items()
    ]
    text = "\n\n".join(
        [
            f"{s['shop']}, histories of {s['history']}, k = {s['k']}, one worker, wrk with "
            f"{s['connections']} connections from a second process on the same machine; medians of "
            f"{s['rounds']} rounds of {s['seconds']:g} s, in which both take turns. The bare endpoint is "
            "FastAPI, msgspec and faiss HNSW (M = 16, ef = 100) over normalised vectors, without policies, "
            f"metrics or swaps; it finds {bare['recall']:.2f} of the true answers, the service "
            f"{ours['recall']:.2f} of its own, by an IVF index and without the items seen.",
            table(("", "requests/s", "p50 ms", "p99 ms", "CPU, us a request", "failed"), rows),
            f"A swap under full load takes {swaps['seconds of a swap']:.1f} s; p99 is {swaps['p99']:.0f} ms "
            "meanwhile.",
        ]
    )
    ratio = ours["rate"] / bare["rate"]
    failed = swaps["failed"]
    came_back = redis["failed"] == 0 and redis["told that it is away"] == redis["back"] == 1
    bars = [
        ("Service, requests/s of a bare endpoint's", f"{ratio:.2f}", f"{LEAST:g}", ratio >= LEAST),
        ("Service, p99 in ms", f"{ours['p99']:.1f}", f"{bare['p99']:.1f}", ours["p99"] <= bare["p99"]),
        (f"{swaps['swaps']} swaps under load, failed requests", f"{failed:.0f}", "0", failed == 0),
        ("Redis stopped and started under load, failed", f"{redis['failed']:.0f}", "0", came_back),
    ]
    return text, bars
