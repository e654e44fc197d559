"""The sections on the word2vec family beside gensim, and on item2vec beside an SVD."""

from __future__ import annotations

from common import Bars, Result, table

FAMILY = ("word2vec-online-retail", "word2vec-beauty", "word2vec-movielens-100k")
CONSISTENCY = ("consistency",)
LEAST = 0.98  # of gensim's Recall@20


def family(*results: Result) -> tuple[str, Bars]:
    """Each form on both sides."""
    parts = [
        "Both sides learn from the same sequences with the same settings and are asked by the same scorer, "
        "vectors alone, that gensim's rows do best with on validation; figures are of the test, next item, "
        "full catalogue. gensim runs lock-free, cowalk in its deterministic mode. item2vec stands beside "
        "gensim with a window as long as the session and `shrink_windows=False`, on the same sets."
    ]
    bars: Bars = []
    for result in results:
        figures, s = result["figures"], result["settings"]
        rows = []
        for form, one in figures["forms"].items():
            gap = "{mean:+.4f} ({low:+.4f}, {high:+.4f})".format(**one["difference"])
            ours, theirs = one["cowalk"]["recall@20"], one["gensim"]["recall@20"]
            first = [one[who].get("validation", 0.0) for who in ("cowalk", "gensim")]
            also = f"{first[0] / first[1]:.3f}" if all(first) else ""
            rows.append((form, f"{ours:.4f}", f"{theirs:.4f}", f"{one['ratio']:.3f}", gap, also))
            what = f"{figures['dataset']}, {form}: Recall@20 against gensim"
            bars.append((what, f"{one['ratio']:.3f}", f"at least {LEAST}", one["ratio"] >= LEAST))
        seeds = ", ".join(map(str, s["seeds"]))
        told = f"Seeds {seeds}; {s['epochs']} epochs; sequences of at most {s['longest']} items."
        head = (figures["dataset"], "cowalk", "gensim", "ratio", "paired difference", "ratio on validation")
        parts.append(f"{told}\n\n{table(head, rows)}")
    return "\n\n".join(parts), bars


def consistency(result: Result) -> tuple[str, Bars]:
    """Genres of neighbours, head and tail."""
    figures, s = result["figures"], result["settings"]
    rows = [
        (name, one["films"], f"{one['SVD']:.3f}", f"{one['item2vec']:.3f}",
         "{mean:+.3f} ({low:+.3f}, {high:+.3f})".format(**one["difference"]))
        for name, one in figures.items()
    ]  # fmt: skip
    seeds = ", ".join(map(str, s["seeds"]))
    text = (
        "MovieLens-100K, whole log: whether the genre that most of a film's 8 nearest neighbours carry is "
        f"one of its own. {s['size']} dimensions on both sides; item2vec: {s['epochs']} epochs, "
        f"seeds {seeds}.\n\n"
        + table(("films", "number", "SVD of pair counts", "item2vec", "difference"), rows)
    )
    tail = next(one for name, one in figures.items() if name.startswith("under"))
    gap = tail["difference"]
    measured = f"{gap['mean']:+.3f} ({gap['low']:+.3f}, {gap['high']:+.3f})"
    what = "item2vec beats SVD in the tail of MovieLens-100K"
    return text, [(what, measured, "above 0", gap["mean"] > 0)]
