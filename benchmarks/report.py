"""docs/benchmarks.md from benchmarks/results/*.json: every figure on that page comes from a result file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from common import QUICK_RESULTS, RESULTS, ROOT, Bars, Result, table
from report_ctr import NAMES as CTR
from report_ctr import ctr
from report_family import CONSISTENCY, FAMILY, consistency, family
from report_graphs import CONTENT, GRAPHS, ROLES, content, graphs, roles
from report_hema import NAMES as HEMA
from report_hema import hema
from report_indexes import NAMES as INDEXES
from report_indexes import indexes
from report_loader import NAMES as LOADER
from report_loader import loader
from report_lsh import NAMES as LSH
from report_lsh import lsh
from report_negatives import NAMES as NEGATIVES
from report_negatives import negatives
from report_online import NAMES as ONLINE
from report_online import online
from report_page import NAMES as PAGES
from report_page import page
from report_res_embedding import NAMES as RES_EMBEDDING
from report_res_embedding import res_embedding
from report_serving import NAMES as SERVING
from report_serving import serving
from report_towers import NAMES as TOWERS
from report_towers import towers
from report_tuning import NAMES as TUNING
from report_tuning import tuning
from report_updates import NAMES as UPDATES
from report_updates import updates
from report_users import FACTORS, USERS, factors, users

PAGE = ROOT / "docs" / "benchmarks.md"
INTRO = """# Benchmarks

Speed, memory and quality of cowalk beside other software, by the scripts in `benchmarks/`. The page is made
by `benchmarks/report.py` from the result files in `benchmarks/results/`; no figure on it is written by hand.

```
make bench                                                  # sets up cowalk, and the peers apart from it
.venv/bin/python benchmarks/walks.py                        # then learning, sideinfo, memory, weights
.venv/bin/python benchmarks/quality.py beauty next-item     # also cold, link; and online-retail
.venv/bin/python benchmarks/report.py                       # this page
```

`--quick` runs any of them at a tiny size and records nothing here. Times are wall-clock seconds on 2 threads
unless said, compilation excluded. A bar is what was asked for before measuring; where it is not met, this
page says so.
"""


def number(value: float, digits: int = 4) -> str:
    """A figure with a sign of its own where it is below 0."""
    return f"{value:.{digits}f}"


def yes(met: bool) -> str:
    """How a bar's outcome is written."""
    return "yes" if met else "**no**"


def where(result: Result) -> str:
    """When and with what a result was measured."""
    machine, versions = result["machine"], result["versions"]
    told = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "commit")
    commit = f", commit {versions['commit']}" if "commit" in versions else ""
    return (
        f"*{result['date']} UTC; {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"load {machine['load']} at the end; {told}{commit}.*"
    )


def walks(result: Result) -> tuple[str, Bars]:
    """Steps per second beside PecanPy."""
    s, figures = result["settings"], result["figures"]
    rows, bars = [], []
    for f in figures:
        ratio = f"{f['cowalk'] / f['pecanpy']:.1f}"
        spread = f"{min(f['cowalk runs']) / 1e6:.1f}-{max(f['cowalk runs']) / 1e6:.1f}"
        kind = f"{f['walks']} (p={f['p']:g}, q={f['q']:g})"
        theirs = f"{f['pecanpy'] / 1e6:.2f} ({f['pecanpy kind']})"
        rows.append((kind, f"{f['cowalk'] / 1e6:.1f}", spread, theirs, ratio, f"{f['aim'] / 1e6:.0f}"))
        measured = f"{f['cowalk'] / 1e6:.1f} million steps/s"
        bars.append(
            (f"walks, {f['walks']}", measured, f"{f['aim'] / 1e6:.0f} million", f["cowalk"] >= f["aim"])
        )
    words = (
        f"A seeded digraph of {s['nodes']:,} nodes and {s['edges']:,} weighted edges, popular targets, "
        f"half of the edges among neighbours. {s['walks per node']} walks of {s['walk length']} nodes "
        f"from every node; median of {2 * s['runs']} runs of cowalk, half of them before and half "
        f"after the {s['peer runs']} runs of PecanPy on the same graph. Of PecanPy only its compiled "
        "walking is timed, with the class that fits: its dense form does not hold a graph of this "
        "size."
    )
    head = ("million steps/s", "cowalk", "range", "PecanPy", "ratio", "aim")
    return f"{words}\n\n{table(head, rows)}", bars


def learning(*results: Result) -> tuple[str, Bars]:
    """Seconds to gensim's quality."""
    rows, bars = [], []
    for f in (f for result in results for f in result["figures"]):
        for s in f["seeds"]:
            rows.append((f"{f['task']}, {f['mode']}", s["seed"], f"{s['gensim recall']:.4f}",
                         f"{s['gensim seconds']:.1f}", number(s["recall"]), f"{s['seconds']:.1f}",
                         f"{s['passes']:g}", f"{s['ratio']:.2f}",
                         f"{s['cpu seconds'] / s['gensim cpu seconds']:.2f}"))  # fmt: skip
        ratios = [s["ratio"] for s in f["seeds"]]
        met = all(s["reached"] for s in f["seeds"]) and max(ratios) <= f["bar"]
        told = f"{max(ratios):.2f} of gensim's seconds at worst"
        bars.append((f"learning, {f['task']}, {f['mode']}", told, f"{f['bar']:.2f}", met))
    chosen = "; ".join(
        f"{f['task']}, {f['mode']}: step {f['step']:g}"
        + (f", block {f['block']}" if f["mode"] != "hogwild" else "")
        for result in results for f in result["figures"]
    )  # fmt: skip
    words = (
        "How long learning takes until the validation Recall@20 that gensim reaches (skip-gram, "
        "`corpus_file`, 5 epochs, vector_size 128, window 5, 5 negatives, its own steps). Both are "
        "given the same walks, made beforehand; both are scored alike, H.Z over the full catalogue "
        "with the last 3 items and decay .7. cowalk learns from a part of the walks, or passes over "
        "them more than once, each time a whole run with its own decay: counted is the smallest run "
        "that reaches gensim's figure, and `passes` is its size. Step, block and size are chosen on "
        "seed 0, which is not shown; where the size falls short on another seed, the next larger one "
        "is taken. The shares are of gensim's seconds and of its CPU seconds; the second hold on a machine "
        f"that is busy with other work too. One set of negatives per position; chosen: {chosen}."
    )
    head = ("task, mode", "seed", "gensim", "s", "cowalk", "s", "passes", "share", "of CPU")
    return f"{words}\n\n{table(head, rows)}", bars


def sideinfo(result: Result) -> tuple[str, Bars]:
    """What side information and determinism cost."""
    cost, modes = result["figures"]["cost"], result["figures"]["modes"]
    rows = [(c["mode"], f"{c['bge']:.1f}", f"{c['eges']:.1f}", f"{c['ratio']:.2f}") for c in cost]
    bars: Bars = [
        (
            f"EGES with 3 fields over BGE, {c['mode']}",
            f"{c['ratio']:.2f}",
            f"{c['bar']:g}",
            c["ratio"] <= c["bar"],
        )
        for c in cost
    ]
    speed_rows = [
        (f"{m['task']}, {m['mode']}", m["workers"], f"{m['tokens per second'] / 1e6:.2f}", number(m["loss"]),
         number(m["recall"])) for m in modes
    ]  # fmt: skip
    most = max(m["workers"] for m in modes)
    for task in dict.fromkeys(m["task"] for m in modes):
        speeds = {
            m["mode"]: m["tokens per second"] for m in modes if m["task"] == task and m["workers"] == most
        }
        times = speeds["hogwild"] / speeds["deterministic"]
        bars.append((f"deterministic mode, {task}, {most} threads", f"{times:.2f} times hogwild's seconds",
                     f"{modes[0]['bar']:g} (else not the default)", times <= modes[0]["bar"]))  # fmt: skip
    one = table(("seconds an epoch", "BGE", "EGES, 3 fields", "ratio"), rows)
    two = table(("EGES", "threads", "million tokens/s", "loss", "Recall@20"), speed_rows)
    words = (
        f"The default recipe's settings on a {cost[0]['task']}; walking included, "
        f"median of {result['settings']['runs']} runs in turns.\n\n{one}\n\nThe two modes at equal "
        f"settings; Recall@20 on validation as above.\n\n{two}"
    )
    return words, bars


def memory(result: Result) -> tuple[str, Bars]:
    """Peaks of preparing and learning."""
    s, figures = result["settings"], result["figures"]
    rows = [(name, f"{f['peak'] / 1e9:.2f}", f"{f['bar'] / 1e9:.2f}", f"{f['seconds']:.0f}")
            for name, f in figures.items()]  # fmt: skip
    held = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in figures["learn"]["held"].items())
    words = (
        f"{s['events']:,} simulated events on {s['items']:,} items, {figures['prepare']['edges']:,} "
        "edges; each step in a fresh process, the kernel's own peak of its resident memory. Preparing "
        f"reads events and items under a limit of {s['memory_limit']} and ends with sessions, graph "
        f"and attribute codes. Learning is EGES with {s['vector_size']} dimensions, four fields, one "
        f"walk a node, compilation included; it must hold {held}, and its bar is 1.5 times that and "
        "400 MB."
    )
    bars: Bars = [
        (f"memory, {name}", f"{f['peak'] / 1e9:.2f} GB", f"{f['bar'] / 1e9:.2f} GB", f["peak"] <= f["bar"])
        for name, f in figures.items()
    ]
    return f"{words}\n\n{table(('step', 'peak GB', 'bar GB', 'seconds'), rows)}", bars


def weights(result: Result) -> tuple[str, Bars]:
    """Learned weights beside planted shares."""
    s, figures = result["settings"], result["figures"]
    names = {"length": "mean \\|alpha W\\|", "ablation": "AUC lost without it", "weight": "mean weight"}
    rows = [
        (f"{names[key]}, seed {told['seed']}", *(number(told["fields"][field][key]) for field in s["shares"]),
         yes(told["in order"][key])) for key in names for told in figures
    ]  # fmt: skip
    bars: Bars = []
    for key in ("length", "ablation"):
        right = sum(told["in order"][key] for told in figures)
        bars.append((f"fields in planted order by {names[key]}", f"{right} of {len(figures)} seeds",
                     f"{len(figures)} of {len(figures)}", right == len(figures)))  # fmt: skip
    learned = s["learn"]
    words = (
        f"A simulated shop of {s['items']:,} items and {s['events']:,} events, a new one for each "
        "seed, whose four fields lead the shares of steps in the head of the table. EGES with all a_v "
        f"starting at 0 and no prior: {learned['epochs']} epochs of {s['walks']['num_walks']} walks, "
        f"{learned['optimizer']}, step {learned['step']:g}. Ablation leaves a field's row out of H "
        "(its weight goes to the others) and looks at the AUC of held-out steps."
    )
    head = ("", *(f"{field} {share:g}" for field, share in s["shares"].items()), "in order")
    return f"{words}\n\n{table(head, rows)}", bars


TASKS = {
    "next-item": "Next item",
    "cold": "Cold items as queries: their true warm neighbours",
    "cold-candidates": "Cold items as candidates: a warm history, ranked over warm and cold items",
    "link": "Links: held-out edges against non-edges",
}


def quality(result: Result) -> tuple[str, Bars]:
    """One data set, one protocol: methods with bounds, claims with paired bounds."""
    figures, parts = result["figures"], []
    for task, told in figures["tasks"].items():
        metrics = next(iter(told["methods"].values()))["metrics"]
        rows = [
            (
                name,
                *(
                    f"{number(m['mean'])} ({number(m['low'])}, {number(m['high'])})"
                    for m in one["metrics"].values()
                ),
            )
            for name, one in told["methods"].items()
        ]
        parts.append(f"{TASKS[task]}.\n\n{table((task, *metrics), rows)}")
    claims = [
        (f"{b['first']} {b['claim']} {b['second']} ({b['task']})", b["metric"], f"{b['difference']:+.4f}",
         f"({b['low']:+.4f}, {b['high']:+.4f})", yes(b["met"])) for b in figures["bars"]
    ]  # fmt: skip
    parts.append(table(("claim", "metric", "paired difference", "95 %", "met"), claims))
    s = result["settings"]
    seeds = f"Seeds {', '.join(map(str, s['seeds']))}; {s['trials']} trials a method, chosen on validation."
    bars: Bars = [
        (f"{figures['dataset']}, {b['task']}: {b['first']} {b['claim']} {b['second']}",
         f"{b['metric']} {b['difference']:+.4f} ({b['low']:+.4f}, {b['high']:+.4f})", b["claim"], b["met"])
        for b in figures["bars"]
    ]  # fmt: skip
    return "\n\n".join([seeds, *parts]), bars


QUALITY_WORDS = """\
The product's own harness (`cowalk.evaluate.harness`): every method sees the same splits and queries and
has the same number of trials on validation for how it scores; means with 95 % bootstrap bounds over all
queries of all seeds, resampled by user (item, source). `eges` is the default recipe as `recommend` serves
it, `:vectors` the vectors alone; `own` and `mean` are BGE and GES by the default recipe's settings, so
that side information is all that differs; `bge`, `ges` and `eges-paper` are the paper's settings. gensim
chooses its epochs as one more knob. On links nothing is chosen, every way to score is shown, and a claim
compares the best of each method. `above` asks that the lower bound of the paired difference lies above 0;
`not below` that the mean difference is not negative, or that its bounds hold 0. `ridge-bge (own)` is the
ridge map on BGE vectors by the settings that the default recipe uses for cold items, `ridge-bge` by the
engine's own defaults."""
SECTIONS: tuple[tuple[str, tuple[str, ...], Callable[..., tuple[str, Bars]]], ...] = (
    ("Walks", ("walks",), walks),
    ("Learning: seconds to equal quality", ("learning-beauty", "learning-simulated"), learning),
    ("What side information and determinism cost", ("sideinfo",), sideinfo),
    ("Memory", ("memory",), memory),
    ("Weights that mean something", ("weights",), weights),
    ("Negative samplers", NEGATIVES, negatives),
    ("Graphs: labels of nodes", GRAPHS, graphs),
    ("Graphs: communities and roles", ROLES, roles),
    ("Graphs of attributes as side vectors", CONTENT, content),
    ("Tuning", TUNING, tuning),
    ("The word2vec family beside gensim", FAMILY, family),
    ("item2vec beside an SVD of the pair counts", CONSISTENCY, consistency),
    ("User vectors", USERS, users),
    ("Updates", UPDATES, updates),
    ("Matrix factorization", FACTORS, factors),
    ("Hema: new items through transfer matrices", HEMA, hema),
    ("Indexes", INDEXES, indexes),
    ("Locality-sensitive hashing", LSH, lsh),
    ("The online store", ONLINE, online),
    ("The service", SERVING, serving),
    ("The page", PAGES, page),
    ("Two-tower and YouTubeDNN", TOWERS, towers),
    ("Ranking: item vectors and Res-embedding", RES_EMBEDDING, res_embedding),
    ("Networks over tables of clicks", CTR, ctr),
    ("What networks are fed by", LOADER, loader),
)


def sections(found: Mapping[str, Result]) -> Iterator[tuple[str, Bars]]:
    """Each section's text and its bars; a section without results says so."""
    for title, names, render in SECTIONS:
        there = [found[name] for name in names if name in found]
        if not there:
            yield f"## {title}\n\nNot measured yet.", []
            continue
        text, bars = render(*there)
        yield "\n\n".join([f"## {title}", text, *(where(result) for result in there)]), bars
    yield f"## Quality on open data\n\n{QUALITY_WORDS}", []
    for dataset in ("online-retail", "beauty"):
        for protocol in ("next-item", "cold", "link"):
            result = found.get(f"quality-{dataset}-{protocol}")
            title = f"### {dataset}, {protocol}"
            if result is None:
                yield f"{title}\n\nNot measured yet.", []
                continue
            text, bars = quality(result)
            yield "\n\n".join([title, text, where(result)]), bars


def whole(found: Mapping[str, Result]) -> str:
    """The whole page: what was asked and whether it is met first, then the measurements."""
    made = list(sections(found))
    bars = [(what, measured, bar, yes(met)) for _, some in made for what, measured, bar, met in some]
    summary = f"## Bars\n\n{table(('bar', 'measured', 'asked', 'met'), bars)}" if bars else ""
    return "\n\n".join([INTRO.rstrip(), summary, *(text for text, _ in made)]) + "\n"


def main() -> None:
    """Write the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--quick", action="store_true", help="from the quick results, to build/bench/benchmarks.md"
    )
    quick = options.parse_args().quick
    folder: Path = QUICK_RESULTS if quick else RESULTS
    target = QUICK_RESULTS.parent / "benchmarks.md" if quick else PAGE
    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    target.write_text(whole(found))
    print(f"written: {target.relative_to(ROOT)} from {len(found)} results")


if __name__ == "__main__":
    main()
