"""The page that is shipped: made from the sources that are committed, and in need of nothing else."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

ROOM = Path(__file__).parents[2] / "src" / "cowalk" / "serve"
SOURCES, BUILT = ROOM / "page", ROOM / "static"


def test_the_bundle_was_made_from_these_sources() -> None:
    paths = ["build.mjs", "icon.svg", "index.html", "package-lock.json", "package.json"]
    paths += [f"src/{path.name}" for path in (SOURCES / "src").iterdir()]
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path}\0".encode() + (SOURCES / path).read_bytes() + b"\0")
    assert (BUILT / "built-from.txt").read_text().strip() == digest.hexdigest(), "run `make page` and commit"


def test_the_bundle_fetches_and_compiles_nothing() -> None:
    script = (BUILT / "page.js").read_text(encoding="utf-8")
    assert "sourceMappingURL" not in script
    assert re.search(r"\bFunction\s*[.(]|\beval\s*\(", script) is None  # regl's commands are built in
    for name in ("index.html", "page.js", "page.css"):
        addresses = re.findall(r"https?://[\w.-]+", (BUILT / name).read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org", "http://get.webgl.org"}, name  # words, never asked


def test_no_lock_names_where_packages_came_from() -> None:
    lock = (SOURCES / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "http" not in lock


def test_every_library_in_the_bundle_has_its_licence() -> None:
    told = (BUILT / "LICENCES.txt").read_text(encoding="utf-8")
    for name in (
        "regl-scatterplot",
        "regl",
        "regl-line",
        "dom-2d-camera",
        "gl-matrix",
        "pub-sub-es",
        "earcut",
    ):
        assert re.search(rf"^{re.escape(name)} \d", told, flags=re.M), name
    assert told.count("Permission") >= 7
    assert "holds no text" not in told
