"""The space: as it is written, around the recipe's own values, and only what the recipe reads."""

from pathlib import Path

import pytest

from cowalk.errors import UsageError
from cowalk.settings import load_recipe, recipe_names
from cowalk.tuning.default_space import default_space
from cowalk.tuning.space import Range, Values, checked, knobs_of, own_value, parse_knobs, plain, read_knobs
from cowalk.tuning.work import work

EGES = load_recipe("eges")
SESSIONS = load_recipe({"name": "sets", "learn": {"sequences": "sessions", "input": "own"}})


def test_values_and_ranges_are_read() -> None:
    knobs = parse_knobs(
        ["learn.window=3,5,10", "walks.p=0.25..4", "epochs=1..3", "contexts=forward,symmetric"]
    )
    assert knobs == {
        "learn.window": Values((3, 5, 10)),
        "walks.p": Range(0.25, 4.0, False, True),
        "learn.epochs": Range(1, 3, True, False),
        "learn.contexts": Values(("forward", "symmetric")),
    }


def test_a_file_and_a_table_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text('[walks]\np = "0.25..4"\n[learn]\nwindow = [3, 5, 10]\nepochs = "1..3"\n')
    assert read_knobs(path) == parse_knobs(["walks.p=0.25..4", "learn.window=3,5,10", "learn.epochs=1..3"])
    assert knobs_of({"walks.p": "0.25..4", "learn.window": [3, 5]}) == parse_knobs(
        ["p=0.25..4", "window=3,5"]
    )


def test_own_values_are_in_the_space() -> None:
    found = checked(parse_knobs(["learn.window=3,10", "learn.step=0.2..0.4", "walks.q=2..4"]), EGES)
    assert found["learn.window"] == Values((5, 3, 10))
    assert found["learn.step"] == Range(0.1, 0.4, False, False)
    assert found["walks.q"] == Range(1.0, 4.0, False, False)


def test_the_range_by_ratio_gives_way_to_an_own_value_of_zero() -> None:
    knob = checked(parse_knobs(["learn.sample=0.00001..0.01"]), EGES)["learn.sample"]
    assert knob == Range(0.0, 0.01, False, False)


@pytest.mark.parametrize("purpose", ["next-item", "cold", "link"])
@pytest.mark.parametrize("name", recipe_names())
def test_default_spaces_fit_their_recipes(name: str, purpose: str) -> None:
    recipe = load_recipe(name)
    space = checked(default_space(recipe, purpose), recipe)
    assert space
    for setting, knob in space.items():
        own = own_value(recipe, setting)
        assert own in knob.values if isinstance(knob, Values) else knob.low <= own <= knob.high
    assert list(plain(space)) == list(space)


def test_default_spaces_respect_recipe_and_purpose() -> None:
    assert {"walks.p", "walks.q", "learn.own_prior"} <= default_space(EGES, "next-item").keys()
    assert all(not name.startswith("cold_learn") for name in default_space(EGES, "next-item"))
    cold = default_space(EGES, "cold")
    assert {"cold_learn.window", "cold_learn.multi"} <= cold.keys()
    assert all(not name.startswith("learn.") for name in cold)
    sets = default_space(SESSIONS, "next-item")
    assert all(name.startswith("learn.") for name in sets)
    assert "learn.own_prior" not in sets


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learn.window", "write it as NAME=VALUE"),
        ("learn.window=", "write it as NAME=VALUE"),
        ("learn.window=,", "no values"),
        ("learn.windw=3,5", "did you mean 'window'"),
        ("learn.window=a..b", "ends of a range are numbers"),
        ("walks.p=4..1", "from a smaller number to a larger"),
        ("walks.p=-1..4", "walks.p = -1.0"),
        ("learn.window=0,5", "learn.window = 0"),
        ("learn.contexts=1..3", "no number"),
        ("recommend.decay=0.1..0.9", "chosen anew in each trial"),
        ("graph.symmetric=true,false", "changes the data"),
        ("hema.window=3,4", "reads \\[learn\\]"),
    ],
)
def test_what_cannot_be_tuned_is_said(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        checked(parse_knobs([text]), EGES)


def test_what_this_recipe_does_not_read_is_said() -> None:
    with pytest.raises(UsageError, match="walks nowhere"):
        checked(parse_knobs(["walks.p=0.25..4"]), SESSIONS)
    with pytest.raises(UsageError, match="one set of rows"):
        checked(parse_knobs(["cold_learn.window=3,5"]), SESSIONS)
    with pytest.raises(UsageError, match=r"names learn\.window twice"):
        parse_knobs(["window=3,5", "learn.window=7,8"])


@pytest.mark.parametrize("text", ["", "window = 3", "[learn]\nwindow = 3..5", "[learn"])
def test_a_space_file_that_is_off(tmp_path: Path, text: str) -> None:
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"space\.toml"):
        read_knobs(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_knobs(tmp_path / "none.toml")


def test_work_is_counted_by_hand() -> None:
    """Forward contexts of a shrunk window of 5: 3 on average, and 5 negatives a position: 8 rows of 128."""
    first, second = 5 * 20 * 10 * (3 + 5) * 128, 5 * 20 * 10 * (6 + 5) * 128
    assert work(EGES, "next-item") == first + second
    assert work(EGES, "cold") == work(EGES, "link") == second
    half = EGES.changed({"learn.vector_size": 64})
    assert work(half, "next-item") == (first + second) / 2
    bge = load_recipe("bge")
    assert work(bge, "next-item") == 20 * 10 * 6 * (1 + 5) * 160
