"""The report: escaped, self-contained, equal for equal input, and whole without matplotlib."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from evaluate_world import catalogue, shop
from rich.console import Console

from cowalk.errors import DataError, MissingExtraError
from cowalk.evaluate import plots
from cowalk.evaluate.baselines import AttributeOverlap, ItemCF, Popularity
from cowalk.evaluate.bootstrap import Estimate
from cowalk.evaluate.comparison import Comparison
from cowalk.evaluate.harness import CompareSettings, compare
from cowalk.evaluate.judged import Judged
from cowalk.evaluate.methods import Chosen
from cowalk.evaluate.pictures import Extras, most_telling
from cowalk.evaluate.report import NO_PICTURES, print_tables, to_html, to_json, write_report
from cowalk.evaluate.words import finding, headline
from cowalk.prepare import encode_side_info

EVIL = '<b onclick="x">&$price$'


class Named(Popularity):
    name = EVIL


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    methods = [Named(), ItemCF(), AttributeOverlap()]
    return compare(methods, shop(), catalogue(), settings=CompareSettings(trials=2))


@pytest.fixture(scope="module")
def extras() -> Extras:
    out = Extras(
        weights={EVIL: {"own": 0.5, "<i>": 0.3, "price": 0.2}},
        losses={EVIL: [3.0, 2.5, 2.4], "bge": [2.9, 2.8, 2.7]},
    )
    out.see_map(
        EVIL,
        np.random.default_rng(0).normal(size=(60, 5)),
        encode_side_info(catalogue(), catalogue().ids).fields[0],
    )
    out.degrees = {"items that follow": np.arange(60)}
    return out


class Checker(HTMLParser):
    """Every opened tag is closed; collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs) -> None:
        self.seen |= {(tag, name, value) for name, value in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_escaped_and_stands_alone(comparison, extras) -> None:
    page = to_html(comparison, title=EVIL, facts={"data": "<script>"}, extras=extras)
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert EVIL not in page
    assert "<script" not in page
    assert "<i>" not in page
    assert not any(name == "onclick" for _, name, _ in checker.seen)
    links = {value for _, name, value in checker.seen if name in ("src", "href", "xlink:href")}
    assert all(value.startswith(("#", "data:")) for value in links)
    assert page.count("<svg") == 4 + 4  # a picture a task; weights, map, losses, degrees
    assert page == to_html(comparison, title=EVIL, facts={"data": "<script>"}, extras=extras)


def test_page_without_matplotlib_says_how_to_get_pictures(comparison, extras, monkeypatch) -> None:
    monkeypatch.setattr(plots, "available", lambda: False)
    page = to_html(comparison, extras=extras)
    assert "<svg" not in page
    assert "pip install" in NO_PICTURES
    assert NO_PICTURES.split(":")[0] in page
    with pytest.raises(MissingExtraError, match=r"pip install 'cowalk\[map\]'"):
        plots.losses({"a": [1.0]}, "title")


def test_terminal_tables(comparison) -> None:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    print_tables(comparison, console)
    text = console.export_text()
    console.file.close()
    assert EVIL in text  # as it is, not as markup
    assert "Next item" in text
    assert re.search(r"item-cf +│ 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)", text)


def test_report_is_written_whole(comparison, tmp_path) -> None:
    page, figures = write_report(comparison, tmp_path / "new", facts={"events": 5})
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert json.loads(figures.read_text("utf-8"))["facts"] == {"events": 5}
    assert sorted(p.name for p in page.parent.iterdir()) == ["report.html", "report.json"]
    assert to_json(comparison, {"events": 5}) == figures.read_text("utf-8")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be written"):
        write_report(comparison, tmp_path / "file")


def judged(values: list[float]) -> Judged:
    return Judged(np.arange(len(values)), {"recall@20": np.array(values)}, {})


def test_finding_says_no_more_than_the_bounds_hold() -> None:
    out = Comparison((1,))
    noise = np.random.default_rng(0).random(200)
    out.add("next-item", "a", judged((noise + 0.1).tolist()), Chosen({}, 0, 1), 0.0)
    assert finding(out, "next-item") == "Next item: a was judged alone"
    out.add("next-item", "b", judged(noise.tolist()), Chosen({}, 0, 1), 0.0)
    assert finding(out, "next-item").startswith("Next item: a is ahead of b in recall@20 by +0.100 [+0.100")
    assert headline(out, "next-item") == "a is ahead of b in recall@20 by +0.100"
    level = Comparison((1,))
    level.add("next-item", "a", judged(noise.tolist()), Chosen({}, 0, 1), 0.0)
    level.add("next-item", "b", judged(noise[::-1].tolist()), Chosen({}, 0, 1), 0.0)
    assert "are level" in finding(level, "next-item")
    assert headline(level, "next-item") in (
        "a and b are level in recall@20",
        "b and a are level in recall@20",
    )


def test_pictures_are_svg_in_the_page_s_ink(extras) -> None:
    estimates = {"a": Estimate(0.5, 0.4, 0.6, 10, 10), "nothing": Estimate(np.nan, np.nan, np.nan, 0, 0)}
    drawn = [
        plots.quality(estimates, "t", "recall@20"),
        plots.weights(extras.weights, "t"),
        plots.losses(extras.losses, "t"),
        plots.item_map(extras.map_vectors, extras.map_labels, "category 日本", "t"),
        plots.degree_distribution({"empty": np.zeros(3), "some": np.array([0, 1, 5])}, "t"),
    ]
    for svg in drawn:
        ElementTree.fromstring(svg)
        assert "currentColor" in svg
    with pytest.raises(DataError, match="no method has this figure"):
        plots.quality({"nothing": estimates["nothing"]}, "t", "auc")


def test_plane_is_the_pca() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 4)) * [1, 5, 0.1, 2]
    places, share = plots.plane(vectors)
    centred = vectors - vectors.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False)
    assert share == pytest.approx((singular**2 / (singular**2).sum())[:2])
    assert np.linalg.norm(places, axis=0) == pytest.approx(singular[:2])
    assert abs(np.corrcoef(places[:, 0], vectors[:, 1])[0, 1]) > 0.99


def test_most_telling_field_has_many_even_values() -> None:
    fields = encode_side_info(catalogue(), catalogue().ids).fields
    assert most_telling(fields).name == "category"
    assert most_telling(()) is None
