"""Makes docs/pictures/page.png: the page of `cowalk serve` with a model of UCI Online Retail.

Needs the data set (COWALK_DATA), the extras `serve`, `map` and `test`, and Chromium:

    python docs/make_page_picture.py
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

import cowalk as cw

PICTURE = Path(__file__).parent / "pictures" / "page.png"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
ITEM = "22423"


def fitted(folder: Path) -> Path:
    """A model of Online Retail whose items have names, with a map."""
    data = cw.datasets.load("online-retail")
    options: dict[str, Any] = {
        f"{stage}__{key}": value for stage, told in data.settings.items() for key, value in told.items()
    }
    options["side__fields"] = {**options["side__fields"], "name": "categorical"}
    model = cw.fit(str(data.events), items=str(data.items), seed=7, trials=3, **options)
    model.with_map("umap").save(folder)
    return folder


def shot(url: str) -> bytes:
    """The page with one item open."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        page.fill("#query", ITEM)
        page.locator("#found [role=option]").first.click()
        page.wait_for_selector("#view-item .items")
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(500)
        taken = page.screenshot()
        browser.close()
    return taken


def main() -> None:
    """Fit, serve, take the picture, keep it in 256 colours."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = fitted(Path(scratch) / "online-retail") if len(sys.argv) < 2 else Path(sys.argv[1])
        command = [sys.executable, "-m", "cowalk", "serve", str(folder), "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as served:
            assert served.stderr is not None
            found = next(filter(None, (re.search(r"http://[^/\s]+", line) for line in served.stderr)))
            taken = shot(found[0])
            served.terminate()
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(
        256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    ).save(PICTURE, optimize=True)
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
