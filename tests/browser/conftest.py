"""A real browser, and a served model whose ids and names are as nasty as they may be."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from serve_world import process

NASTY = "<img src=x onerror=alert(1)>"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


@dataclass
class Served:
    """A service on a loopback port, and the folder of its model."""

    url: str
    folder: Path


def chromium_path() -> str | None:
    """Where Chromium is, None where it is not."""
    found = [
        os.environ.get("CHROMIUM"),
        *map(shutil.which, ("chromium", "chromium-browser", "google-chrome")),
    ]
    return next((path for path in found if path), None)


@pytest.fixture(
    scope="module"
)  # while it runs no other event loop can: other modules have loops of their own
def chromium() -> Iterator[Any]:
    """A headless Chromium; the test skips without one, on CI it fails."""
    path = chromium_path()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not here; apt-get install chromium")
        pytest.skip("Chromium is not here")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def _shop(folder: Path) -> tuple[Path, Path]:
    """60 items in three groups that are clicked together, 900 sessions; ids that a page might fall over."""
    rng = np.random.default_rng(5)
    ids = [NASTY, "a/b?c#d", "../x", "naïve 猫", *(f"i{number:02d}" for number in range(4, 60))]
    groups = ["lamp", "bag", "cup"]
    items, events = folder / "items.csv", folder / "events.csv"
    with items.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["item_id", "name", "category", "price"])
        for at, item in enumerate(ids):
            name = "<b>bold</b> lamp" if at == 0 else f"{groups[at % 3]} number {at}"
            rows.writerow([item, name, groups[at % 3], f"{1 + at % 7}.50"])
    with events.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "timestamp"])
        for session in range(900):
            for step in range(6):
                at = 3 * int(rng.integers(20)) + session % 3
                rows.writerow([f"u{session}", ids[at], 1_700_000_000 + 7200 * session + 60 * step])
    return events, items


@pytest.fixture(scope="session")
def shop_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of two models of one shop; not to be changed."""
    folder = tmp_path_factory.mktemp("page")
    events, items = _shop(folder)
    options: dict[str, Any] = {
        "vector_size": 8,
        "trials": 3,
        "num_walks": 5,
        "workers": 1,
        "learn__block": 256,
    }
    fields = {"name": "categorical", "category": "categorical", "price": "numeric"}
    first, second = folder / "first", folder / "second"
    cw.fit(str(events), items=str(items), out=first, side__fields=fields, **options)
    cw.fit(str(events), items=str(items), out=second, side__fields=fields, recipe="bge", **options)
    return first, second


def serve(folder: Path, beside: Path | None = None) -> Iterator[Served]:
    """`cowalk serve` of a model folder, for as long as the generator is held."""
    words = [str(folder), "--watch", "0.2"] + ([] if beside is None else ["--beside", str(beside)])
    with process(*words) as (url, _):
        yield Served(url, folder)


@pytest.fixture(scope="session")
def served(shop_models: tuple[Path, Path]) -> Iterator[Served]:
    """The first model, served."""
    yield from serve(shop_models[0])


@pytest.fixture(scope="session")
def served_both(shop_models: tuple[Path, Path]) -> Iterator[Served]:
    """The first model with the second beside it."""
    yield from serve(*shop_models)
