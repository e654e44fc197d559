"""The page in a real browser: search, click, history, new item, swap, two models; mouse, finger and keys."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

import cowalk as cw
from browser.conftest import NASTY, Served, serve

WIDE = {"width": 1200, "height": 800}


class Open:
    """A page that is ready, and all that went wrong in it."""

    def __init__(self, chromium: Any, url: str, **options: Any) -> None:
        self.url, self.wrong, self.asked = url, [], set()
        self.context = chromium.new_context(**{"viewport": WIDE, **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        self.page.on("console", lambda line: self._line(line))
        self.page.on("request", lambda request: self.asked.add(urlsplit(request.url).netloc))
        self.page.goto(url)
        self.page.wait_for_selector("body[data-ready]")

    def _line(self, line: Any) -> None:
        if line.type == "error" and "404" not in line.text:  # an item that only one of two models knows
            self.wrong.append(line.text)

    def find(self, words: str, item: str) -> None:
        """Search for the words and take the hit that is this item."""
        self.page.fill("#query", words)
        self.page.locator("#found [role=option]", has_text=item).first.click()
        self.wait_item(item)

    def wait_item(self, item: str) -> None:
        """Wait until the panel tells of this item."""
        self.page.locator("#view-item h2 .id").get_by_text(item, exact=True).wait_for()
        self.page.wait_for_selector("#view-item:not([aria-busy]) .items")

    def listed(self, view: str) -> list[str]:
        """Ids of the list of a view, in order."""
        return self.page.locator(f"#{view} .items .id").all_inner_texts()

    def wait_listed(self, view: str, wanted: list[Any]) -> None:
        """Wait until the list of a view holds these ids in this order."""
        self.page.wait_for_function(
            "([view, wanted]) => [...document.querySelectorAll(`#${view} .items .id`)]"
            ".map(e => e.textContent).join() === wanted",
            arg=[view, ",".join(map(str, wanted))],
        )

    def close(self) -> None:
        """Close; the page must have been well, and have asked nobody but its service."""
        self.context.close()
        assert self.wrong == []
        assert self.asked == {urlsplit(self.url).netloc}


@pytest.fixture
def opened(chromium: Any, served: Served) -> Iterator[Open]:
    """The page of the first model."""
    page = Open(chromium, served.url)
    yield page
    page.close()


@pytest.fixture(scope="session")
def model(served: Served) -> cw.Model:
    """The model that is served."""
    return cw.load(served.folder)


def places_of(url: str) -> np.ndarray:
    """float32[V, 2], as the page reads it."""
    raw = httpx.get(f"{url}/map").content
    size = int(np.frombuffer(raw, "<u4", 1, 8)[0])
    return np.frombuffer(raw, "<f4", 2 * size, 16).reshape(size, 2)


def alone(places: np.ndarray) -> int:
    """The row that is farthest from its nearest other."""
    far = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(len(places))
    return int(far.min(axis=1).argmax())


def pixel_of(box: dict[str, float], places: np.ndarray, row: int) -> tuple[float, float]:
    """Where a row is drawn before anything is moved: all of the map is seen, 3 % of room on either side."""
    width, height = box["width"], box["height"]
    size = np.ptp(places, axis=0)
    pixels = min(width / size[0], height / size[1]) / 1.06  # of one unit of the map
    x, y = pixels * (places[row] - (places.max(axis=0) + places.min(axis=0)) / 2)
    return width / 2 + float(x), height / 2 - float(y)


def test_search_shows_the_item_with_the_neighbours_of_the_model(opened: Open, model: cw.Model) -> None:
    opened.find("number 7", "i07")
    assert opened.listed("view-item") == model.similar("i07", 15).ids
    view = opened.page.locator("#view-item").inner_text()
    assert "bag number 7" in view
    row = model.vocab.row("i07")
    own = 100 * float(model.weights[row, 0])
    assert f"{own:.1f} %" in view
    assert "together" in view
    assert "shares" in view
    assert "15 neighbours" in opened.page.locator("#told").inner_text()


def test_points_are_drawn_and_a_click_on_one_opens_it(opened: Open, model: cw.Model) -> None:
    from PIL import Image

    stage = opened.page.locator(".stage")
    drawn = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(int)
    colourful = np.ptp(drawn, axis=2) > 60
    assert 300 < colourful.sum() < 0.2 * colourful.size
    places = places_of(opened.url)
    row, box = alone(places), stage.bounding_box()
    x, y = pixel_of(box, places, row)
    assert colourful[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3].any()
    stage.hover(position={"x": x, "y": y})
    item = str(model.vocab.ids[row])
    assert item in opened.page.locator(".tip").inner_text()
    stage.click(position={"x": x, "y": y})
    opened.wait_item(item)


def test_a_drag_moves_the_map_and_the_wheel_zooms_about_the_pointer(opened: Open) -> None:
    places = places_of(opened.url)
    row, stage = alone(places), opened.page.locator(".stage")
    box = stage.bounding_box()
    x, y = pixel_of(box, places, row)
    left, top = box["x"] + x, box["y"] + y
    opened.page.mouse.move(left, top)
    opened.page.mouse.wheel(0, -300)
    opened.page.mouse.down()
    opened.page.mouse.move(left + 60, top + 40, steps=4)
    opened.page.mouse.up()
    assert opened.page.locator("#view-item .items").count() == 0  # a drag is no click
    opened.page.mouse.click(left + 60, top + 40)
    opened.page.wait_for_selector("#view-item .items")
    shown = opened.page.locator("#view-item h2 .id").inner_text()
    ids = httpx.get(f"{opened.url}/map/ids").json()["ids"]
    assert shown == ids[row]


def test_a_history_is_answered_as_the_model_answers(opened: Open, model: cw.Model) -> None:
    for item in ("i07", "i10"):
        opened.find(item, item)
        opened.page.get_by_role("button", name="Add to history").click()
    opened.page.get_by_role("tab", name="History").click()
    opened.page.wait_for_selector("#view-history .items")
    assert opened.page.locator(".chips .open").all_inner_texts() == ["i07", "i10"]
    opened.wait_listed("view-history", model.recommend(["i07", "i10"], 15).ids)
    assert "together with" in opened.page.locator("#view-history .why").first.inner_text()

    wanted = model.recommend(["i07", "i10"], 15, diversity=0.6).ids
    opened.page.locator("[name=diversity]").fill("0.6")
    opened.wait_listed("view-history", wanted)
    wanted = model.recommend(["i07", "i10"], 15, where={"category": "cup"}).ids
    opened.page.locator("[name=diversity]").fill("0")
    opened.page.select_option("[name=filter]", "category")
    opened.page.fill("[name=value]", "cup")
    opened.wait_listed("view-history", wanted)
    opened.page.get_by_role("button", name="Take i07 out of the history").click()
    opened.page.wait_for_function("document.querySelectorAll('.chips .open').length === 1")


def test_a_new_item_stands_among_its_neighbours(opened: Open, model: cw.Model) -> None:
    opened.page.get_by_role("tab", name="New item").click()
    opened.page.get_by_role("button", name="Place on the map").click()
    assert "at least one" in opened.page.locator("#view-new [role=alert]").inner_text()
    with opened.page.expect_response("**/map/place") as placed:
        opened.page.get_by_label("category", exact=True).fill("lamp")
        opened.page.get_by_label("price", exact=True).fill("2.5")
        opened.page.get_by_role("button", name="Place on the map").click()
    near = model.similar({"category": "lamp", "price": 2.5}, 15).ids
    opened.wait_listed("view-new", near)
    places = places_of(opened.url)[model.vocab.find(near)]
    x, y = placed.value.json()["place"]
    assert places[:, 0].min() <= x <= places[:, 0].max()
    assert places[:, 1].min() <= y <= places[:, 1].max()
    opened.page.get_by_label("category", exact=True).fill("submarine")
    opened.page.get_by_role("button", name="Place on the map").click()
    opened.page.locator("#view-new .notes").get_by_text("submarine").first.wait_for()


def test_ids_and_names_are_only_ever_text(opened: Open) -> None:
    opened.find("img src", NASTY)
    assert opened.page.locator("#view-item h2 .name").inner_text() == "<b>bold</b> lamp"
    opened.page.get_by_role("button", name="Add to history").click()
    opened.page.get_by_role("tab", name="History").click()
    opened.page.wait_for_selector("#view-history .items")
    assert opened.page.locator(".chips .open").inner_text() == NASTY
    assert opened.page.locator("img[src=x], b:has-text('bold')").count() == 0
    for item in ("a/b?c#d", "../x", "naïve 猫"):
        opened.find(item, item)


def test_the_page_runs_under_a_policy_that_forbids_all_but_its_own_files(opened: Open) -> None:
    policy = httpx.get(opened.url).headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert opened.page.evaluate("window.ran === undefined")
    assert len(opened.wrong) == 1
    assert "Content Security Policy" in opened.wrong.pop()


def test_keys_alone_are_enough(opened: Open, model: cw.Model) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip the map"
    page.keyboard.press("/")
    page.keyboard.type("number 1")
    page.wait_for_selector("#found [role=option]")
    page.keyboard.press("ArrowDown")
    chosen = page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"
        ".querySelector('.id').textContent"
    )
    page.keyboard.press("Enter")
    opened.wait_item(chosen)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Add to history"
    page.keyboard.press("Enter")
    page.wait_for_selector("#history-count:not([hidden])")
    page.focus(".stage")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    spoken = page.locator(".map [aria-live]").inner_text()
    assert spoken
    page.keyboard.press("h")
    page.keyboard.press("Enter")
    opened.wait_item(spoken.split(" · ")[0])
    page.focus("#tab-item")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-history"
    page.wait_for_selector("#view-history .items")
    assert page.locator(".chips .open").all_inner_texts() == [chosen, spoken.split(" · ")[0]]


def test_every_control_has_a_name_and_every_id_stands_once(opened: Open) -> None:
    opened.find("i07", "i07")
    nameless = opened.page.evaluate(
        "() => [...document.querySelectorAll('button, input, select, [role=tabpanel], [role=tab]')]"
        ".filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length))"
        ".filter(e => !e.getAttribute('aria-labelledby'))"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []
    twice = opened.page.evaluate(
        "() => { const all = [...document.querySelectorAll('[id]')].map(e => e.id);"
        " return all.filter((id, at) => all.indexOf(id) !== at); }"
    )
    assert twice == []


def test_colours_follow_the_choice_and_the_legend_leaves_only_what_is_pressed(opened: Open) -> None:
    opened.page.select_option("#colour", "field:category")
    legend = opened.page.locator(".legend button")
    legend.filter(has_text="lamp").filter(has_text="20").wait_for()
    assert legend.locator("b").all_inner_texts() == ["20", "20", "20"]
    legend.filter(has_text="cup").click()
    assert legend.filter(has_text="cup").get_attribute("aria-pressed") == "true"
    opened.page.wait_for_selector(".map[data-shown='20']")
    stage, places = opened.page.locator(".stage"), places_of(opened.url)
    names = httpx.get(f"{opened.url}/map/ids").json()["names"]
    hidden = [row for row, name in enumerate(names) if "cup" not in name]
    row = hidden[alone(places[hidden])]
    shown = [at for at in range(len(names)) if at not in hidden]
    x, y = pixel_of(stage.bounding_box(), places, row)
    near = min(np.hypot(*(np.subtract(pixel_of(stage.bounding_box(), places, at), (x, y)))) for at in shown)
    stage.hover(position={"x": x, "y": y})
    assert opened.page.locator(".tip").is_hidden() == bool(near > 8)


def test_dark_and_light(chromium: Any, served: Served) -> None:
    page = Open(chromium, served.url, color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.page.evaluate(paper)
    page.page.get_by_role("button", name="Light colours").click()
    light = page.page.evaluate(paper)
    page.page.reload()
    page.page.wait_for_selector("body[data-ready]")
    assert page.page.evaluate(paper) == light != dark
    page.close()


def pinch(opened: Open, x: float, y: float) -> None:
    """Two fingers about a point of the stage, from 40 to 160 pixels apart; what is drawn grows about it."""
    touch, box = opened.context.new_cdp_session(opened.page), opened.page.locator(".stage").bounding_box()

    def fingers(kind: str, apart: float) -> None:
        at = [{"x": box["x"] + x + side * apart / 2, "y": box["y"] + y, "id": side + 1} for side in (-1, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at if apart else []})

    before = opened.page.locator(".stage").screenshot()
    fingers("touchStart", 40)
    for apart in range(50, 170, 10):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)
    opened.page.wait_for_timeout(100)
    assert opened.page.locator(".stage").screenshot() != before


def test_a_phone_shows_all_without_scrolling_sideways_and_takes_a_tap(chromium: Any, served: Served) -> None:
    page = Open(chromium, served.url, viewport={"width": 375, "height": 667}, has_touch=True, is_mobile=True)
    places = places_of(served.url)
    row, stage = alone(places), page.page.locator(".stage")
    x, y = pixel_of(stage.bounding_box(), places, row)
    stage.tap(position={"x": x, "y": y})
    ids = httpx.get(f"{served.url}/map/ids").json()["ids"]
    page.wait_item(ids[row])
    pinch(page, x, y)
    page.page.get_by_role("tab", name="History").click()
    page.page.get_by_role("tab", name="Item", exact=True).click()
    assert page.page.locator("#view-item h2 .id").inner_text() == ids[row]  # two fingers choose nothing
    page.page.get_by_role("button", name="Show all").tap()
    for tab in ("History", "New item", "Item"):
        page.page.get_by_role("tab", name=tab, exact=True).click()
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 375
    page.close()


def test_a_phone_that_is_turned_shows_all_of_the_map(chromium: Any, served: Served) -> None:
    """The map was laid out for a wide window: in a narrow one its right end would be cut off."""
    wide, narrow = {"width": 667, "height": 375}, {"width": 375, "height": 667}
    page = Open(chromium, served.url, viewport=wide, has_touch=True, is_mobile=True)
    places, stage = places_of(served.url), page.page.locator(".stage")
    before = stage.bounding_box()
    page.page.set_viewport_size(narrow)
    page.page.wait_for_function(
        "was => document.querySelector('.stage').clientWidth < was", arg=before["width"]
    )
    page.page.wait_for_timeout(300)  # the map is drawn anew
    box, row = stage.bounding_box(), alone(places)
    x, y = pixel_of(box, places, row)
    canvas = page.page.locator(".stage canvas.points").bounding_box()
    assert [round(canvas[side]) for side in ("width", "height")] == [
        round(box[s]) for s in ("width", "height")
    ]
    stage.tap(position={"x": x, "y": y})
    page.wait_item(httpx.get(f"{served.url}/map/ids").json()["ids"][row])
    page.close()


def test_a_swapped_model_is_read_again_and_a_service_that_goes_away_is_told_of(
    chromium: Any, shop_models: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(shop_models[0], folder, symlinks=True)
    service = serve(folder)
    page = Open(chromium, next(service).url)
    page.find("i07", "i07")
    before = page.page.locator(".map").get_attribute("data-drawn")
    other = cw.load(shop_models[1])
    wanted = other.similar("i07", 15).ids
    version = other.save(folder).name
    page.page.wait_for_selector(f".map[data-drawn='{version}']")
    assert before != version
    page.wait_listed("view-item", wanted)
    assert page.wrong == []
    service.close()
    page.page.locator("#model [role=alert]").get_by_text("cannot be reached").wait_for()
    page.wrong.clear()  # the browser's own lines on what it could not load
    page.close()


def test_two_models_side_by_side(chromium: Any, served_both: Served, shop_models: tuple[Path, Path]) -> None:
    page = Open(chromium, served_both.url)
    assert page.page.locator(".map").count() == 2
    assert page.page.locator(".map h2").all_inner_texts() == ["first", "second"]
    page.find("i07", "i07")
    lists = [set(cw.load(folder).similar("i07", 15).ids) for folder in shop_models]
    shared = len(lists[0] & lists[1])
    assert f"{shared} of 15" in page.page.locator(".overlap").inner_text()
    assert page.page.locator(".columns .badge").count() == 2 * shared
    page.close()
