"""What all benchmarks share: options, the machine, results as JSON, tables, peers in a place apart."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
QUICK_RESULTS = ROOT / "build" / "bench" / "quick"
CACHE = ROOT / "build" / "bench"
PEERS = ROOT / ".venv-bench" / "bin" / "python"
PACKAGES = ("cowalk", "numpy", "numba", "duckdb")
Result = Mapping[str, Any]
"""A result file, as `record` writes it."""
Bars = list[tuple[str, str, str, bool]]
"""What is asked, what was measured, the bar, whether it is met."""


def parser(about: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    out = argparse.ArgumentParser(description=about)
    out.add_argument(
        "--quick", action="store_true", help="tiny sizes, to see that it runs; nothing is recorded"
    )
    out.add_argument("--workers", type=int, default=2, help="threads (default 2)")
    return out


def cpu_model() -> str:
    """The model name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def machine() -> dict[str, Any]:
    """Processor, cores, memory, and how busy the machine was just now (load over a minute)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 1),
    }


def versions() -> dict[str, str]:
    """Python, cowalk with the commit it stands at, and what it is built on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from source
            found[name] = "source"
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if commit.returncode == 0:
        found["commit"] = commit.stdout.strip()
    return found


def record(name: str, settings: dict[str, Any], figures: Any, *, quick: bool, peers: Any = None) -> Path:
    """Write one result: what was measured, where, with what, when. A quick run goes to build/."""
    folder = QUICK_RESULTS if quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    told = {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "machine": machine(),
        "versions": versions() | (peers or {}),
        "settings": settings,
        "figures": figures,
    }
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n")
    draft.replace(path)
    print(f"written: {path.relative_to(ROOT)}")
    return path


def plain(estimate: Any) -> dict[str, float]:
    """An Estimate as plain values: its mean and its bounds."""
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}


def within(figure: Mapping[str, float], sign: str = "", digits: int = 4) -> str:
    """A figure with its bounds in brackets; sign = "+" shows that of numbers above 0 too."""
    mean, low, high = (f"{figure[name]:{sign}.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low}, {high})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others stand to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[c]) for row in [list(head), *texts]) for c in range(len(head))]
    rule = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        return "| " + " | ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]) + " |"

    return "\n".join([line(head), line(rule), *map(line, texts)])


def peer(script: str, *words: object, workers: int = 2) -> dict[str, Any]:
    """What benchmarks/peers/SCRIPT prints as its last line (JSON), run in the peers' environment."""
    if not PEERS.exists():
        sys.exit("the peers' environment is missing: run `make bench` first")
    limits = {name: str(workers) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    command = [str(PEERS), str(HERE / "peers" / script), *map(str, words)]
    done = subprocess.run(command, env=os.environ | limits, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{script} failed (exit code {done.returncode}); its error stands above")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder for large files; TMPDIR says where."""
    with tempfile.TemporaryDirectory(prefix="cowalk-bench-") as folder:
        yield Path(folder)


def say(words: str) -> None:
    """One line on what is going on, with the time of day."""
    print(f"{datetime.now():%H:%M:%S} {words}", file=sys.stderr, flush=True)
