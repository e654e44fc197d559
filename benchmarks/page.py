"""How smooth the page is with many items: time until it is drawn, bytes, and frame times in software GL.

A made-up model of 200,000 items in planted groups is served in this process; headless Chromium without a
graphics card (SwiftShader) opens the page, zooms for 120 frames and picks points.
"""

from __future__ import annotations

import shutil
import socket
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np

from common import parser, record, say, table
from cowalk.learn import Learned
from cowalk.maps import make_map
from cowalk.model import Model
from cowalk.settings import load_recipe
from cowalk.tables import Field, SideInfo, Vocab

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
GROUPS = 60
FRAMES = 120
# Zooms in and out again by the wheel, a step a frame; gives the milliseconds between frames.
ZOOM = """frames => new Promise(done => {
  const stage = document.querySelector('.stage'), box = stage.getBoundingClientRect(), times = [];
  let last = performance.now(), frame = 0;
  const step = now => {
    times.push(now - last); last = now; frame += 1;
    if (frame > frames) return done(times.slice(1));
    const deltaY = frame <= frames / 2 ? -25 : 25;
    stage.dispatchEvent(new WheelEvent('wheel', {deltaY, clientX: box.x + box.width / 2,
      clientY: box.y + box.height / 2, cancelable: true, bubbles: true}));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
# Moves the pointer over the map 400 times; gives the milliseconds of each pick.
PICK = """() => {
  const stage = document.querySelector('.stage'), box = stage.getBoundingClientRect(), times = [];
  for (let at = 0; at < 400; at += 1) {
    const begun = performance.now();
    stage.dispatchEvent(new PointerEvent('pointermove', {clientX: box.x + (at * 37) % box.width,
      clientY: box.y + (at * 53) % box.height, pointerType: 'mouse'}));
    times.push(performance.now() - begun);
  }
  return times;
}"""


def made_up(items: int, seed: int = 0) -> Model:
    """A model of vectors in planted groups, with a field that tells the group and one that does not."""
    rng = np.random.default_rng(seed)
    group = rng.integers(GROUPS, size=items)
    centres = rng.normal(size=(GROUPS, 32))
    vectors = (centres[group] + 0.6 * rng.normal(size=(items, 32))).astype(np.float32)
    counts = (2e5 / np.arange(3, items + 3)).astype(np.int64) + 1
    vocab = Vocab(np.array([f"item-{row:07d}" for row in range(items)], dtype=object), counts)
    fields = []
    for name, codes in (("category", group), ("brand", rng.integers(300, size=items))):
        labels = np.array([f"{name} {value}" for value in range(codes.max() + 1)], dtype=object)
        offsets = np.arange(items + 1, dtype=np.int64)
        fields.append(Field(name, "categorical", offsets, codes.astype(np.int32), labels))
    learned = Learned(
        vocab.fingerprint, vectors, vectors, vectors, (), np.ones((items, 1), np.float32), (), (0.5,)
    )
    model = Model(load_recipe("bge"), vocab, learned, SideInfo(vocab.fingerprint, tuple(fields)))
    return replace(model, map=make_map(vectors, "pca", seed))


def served(model: Model, listening: socket.socket) -> Any:
    """The service of the model in a thread, ready."""
    import uvicorn

    from cowalk.serve import create_app

    server = uvicorn.Server(uvicorn.Config(create_app(model), log_level="error"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return server


def measured(url: str) -> dict[str, float]:
    """What the browser saw, times in milliseconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1360, "height": 840})
        sizes: list[int] = []
        page.on("requestfinished", lambda one: sizes.append(one.sizes()["responseBodySize"]))
        page.goto(url)
        page.wait_for_selector("body[data-ready]", timeout=120_000)
        ready = page.evaluate("performance.now()")
        page.wait_for_timeout(1000)
        frames, picks = page.evaluate(ZOOM, FRAMES), page.evaluate(PICK)
        begun = time.perf_counter()
        page.select_option("#colour", "field:category")
        page.locator(".legend button", has_text="category").first.wait_for()
        coloured = 1000 * (time.perf_counter() - begun)
        browser.close()
    return {
        "ready_ms": ready,
        "bytes": float(sum(sizes)),
        "frame_p50_ms": float(np.median(frames)),
        "frame_p95_ms": float(np.percentile(frames, 95)),
        "pick_p95_ms": float(np.percentile(picks, 95)),
        "colour_ms": coloured,
    }


def main() -> None:
    """Measure three sizes, print and record."""
    options = parser(__doc__ or "").parse_args()
    rows, results = [], []
    for items in (2_000,) if options.quick else (4_000, 50_000, 200_000):
        say(f"{items:,} items")
        begun = time.perf_counter()
        model = made_up(items)
        made = time.perf_counter() - begun
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            server = served(model, listening)
            found = measured(f"http://127.0.0.1:{listening.getsockname()[1]}")
            server.should_exit = True
        results.append({"items": items, "model_seconds": made, **found})
        rows.append([f"{items:,}", *(f"{found[name]:,.0f}" for name in COLUMNS)])
    print(table(["items", *COLUMNS.values()], rows))
    record("page", {"frames": FRAMES, "graphics": "SwiftShader"}, results, quick=options.quick)


COLUMNS = {
    "ready_ms": "drawn, ms", "bytes": "bytes",
    "frame_p50_ms": "frame p50, ms", "frame_p95_ms": "frame p95, ms",
    "pick_p95_ms": "pick p95, ms", "colour_ms": "recolour, ms",
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
