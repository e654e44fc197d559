"""Draws docs/pictures/calibration.png: python docs/make_calibration_picture.py."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import cowalk as cw
from cowalk.evaluate.calibration_picture import draw

OUT = Path(__file__).parent / "pictures" / "calibration.png"
ROWS = 100_000


def main() -> None:
    """Fit on most of a simulated log and draw what the rest says."""
    settings = cw.ClickSettings(group_column="user")
    with tempfile.TemporaryDirectory() as folder:
        made = cw.datasets.simulate_ctr(ROWS, out=Path(folder) / "clicks.parquet", seed=7)
        table = cw.read_clicks(made.path, settings)
    cut = ROWS * 4 // 5
    train, test = table.select(np.arange(cut)), table.select(np.arange(cut, ROWS))
    found = {}
    for name in ("lr", "fm", "fnn"):
        model = cw.rank.fit(train, name, "l2", l2=1e-5, vector_size=10, epochs=4, batch_size=1024, seed=7)
        found[name] = model.evaluate(test).calibration
    OUT.parent.mkdir(exist_ok=True)
    draw(found, "Chances told and clicks seen", OUT)
    print(OUT)


if __name__ == "__main__":
    main()
