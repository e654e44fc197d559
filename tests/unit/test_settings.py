"""Recipes: presets, TOML there and back, overrides by any name, and one clear line for what is wrong."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import UsageError
from cowalk.settings import Recipe, load_recipe, parse_changes, parse_value, recipe_names


def test_the_presets_are_there() -> None:
    assert {"bge", "ges", "eges", "eges-paper"} <= set(recipe_names())
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.description


@pytest.mark.parametrize(("name", "form"), [("bge", "own"), ("ges", "mean"), ("eges-paper", "weighted")])
def test_paper_settings(name: str, form: str) -> None:
    recipe = load_recipe(name)
    assert recipe.learn.input == form
    assert (recipe.learn.vector_size, recipe.learn.window, recipe.learn.negatives_per) == (160, 5, "pair")
    assert (recipe.walks.walk_length, recipe.walks.num_walks) == (10, 20)
    assert (recipe.learn.optimizer, recipe.learn.step, recipe.learn.ns_exponent) == ("sgd", 0.025, 0.75)
    assert recipe.learn.own_prior == recipe.learn.own_prior_by_count == 0


@pytest.mark.parametrize("name", recipe_names())
def test_toml_there_and_back(name: str) -> None:
    recipe = load_recipe(name, {"read.time_column": None, "event_weights": {"a b": 1, 'c"é\x7f': 2.5}})
    assert load_recipe(tomllib.loads(recipe.to_toml())) == recipe


@given(name=st.text(), seed=st.integers(-(2**60), 2**60), p=st.floats(1e-6, 1e6))
@settings(deadline=None)
def test_any_value_goes_there_and_back(name: str, seed: int, p: float) -> None:
    recipe = load_recipe({"name": name, "seed": seed}, {"p": p, "content_fields": (name, "x")})
    assert load_recipe(tomllib.loads(recipe.to_toml())) == recipe


def test_names_that_people_bring_work() -> None:
    changes = {"vector_size": 64, "window": 4, "negative": 7, "ns_exponent": 0.5, "sample": 1e-4, "epochs": 2}
    changes |= {"walk_length": 40, "num_walks": 10, "p": 0.5, "q": 2.0, "random_state": 7, "n_jobs": 2}
    recipe = load_recipe("eges", changes)
    assert (recipe.seed, recipe.workers, recipe.walks.p, recipe.learn.window) == (7, 2, 0.5, 4)
    assert recipe.cooccurrence.window == 3


def test_stages_as_tables_and_inner_keys() -> None:
    recipe = load_recipe(
        "eges", {"learn": {"window": 2}, "read.event_weights.view": 2, "side.fields.price": "numeric"}
    )
    assert recipe.learn.window == 2
    assert recipe.read.event_weights == {"view": 2.0}
    assert recipe.side.fields == {"price": "numeric"}
    assert recipe.learn.vector_size == load_recipe("eges").learn.vector_size


def test_cold_rows_follow_later_changes() -> None:
    recipe = load_recipe(
        "eges", {"cold_learn.contexts": "symmetric", "learn.contexts": "forward", "vector_size": 32}
    )
    cold = recipe.learn_for_cold
    assert cold is not None
    assert (cold.contexts, cold.vector_size, recipe.learn.contexts) == ("symmetric", 32, "forward")
    assert load_recipe({}).learn_for_cold is None
    for nothing in (None, {}, "none"):
        assert load_recipe("eges", {"cold_learn": nothing}).learn_for_cold is None


WRONG = [
    ({"vectr_size": 3}, "did you mean 'vector_size'"),
    ({"size": 3}, "it is vector_size here"),
    ({"dimensions": 3}, "it is vector_size here"),
    ({"iter": 3}, "it is epochs here"),
    ({"alpha": 0.025}, "it is step here"),
    ({"sg": 1}, "skip-gram (sg=1)"),
    ({"popularity": 1}, "cold.popularity or recommend.popularity"),
    ({"learnn.window": 1}, "did you mean 'learn'"),
    ({"clean.window": 1}, "belongs to [learn]"),
    ({"learn.size": 1}, "it is vector_size here"),
    ({"vector_size": 0}, "setting learn.vector_size = 0"),
    ({"walks.q": float("nan")}, "setting walks.q = nan: input should be a finite number"),
    ({"vector_size": "many"}, "setting learn.vector_size = 'many'"),
    ({"engine": "two-tower", "tower.item_layers": [8, 0]}, "setting tower.item_layers.1 = 0"),
    ({"engine": "youtube-dnn", "youtube.layers": [0]}, "setting youtube.layers.0 = 0"),
    ({"learn": 3}, "is a stage"),
    ({"cold_learn.window": -1}, "setting cold_learn.window = -1"),
    ({"zzzzqq": 1}, "lists them all"),
]


@pytest.mark.parametrize(("changes", "told"), WRONG)
def test_what_is_wrong_is_told_in_one_line(changes: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("eges", changes)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_recipe_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[learn]\nvector_size = 16\n")
    assert load_recipe(path).learn.vector_size == 16
    assert load_recipe(str(path)).name == "mine"
    for text, told in {"[learn]\nvektor = 1": "no setting 'vektor'", "[learn": "not valid TOML"}.items():
        path.write_text(text)
        with pytest.raises(UsageError, match=told):
            load_recipe(path)
    path.write_text("learn = 3")
    with pytest.raises(UsageError, match="must be a table"):
        load_recipe(path)
    with pytest.raises(UsageError, match="did you mean 'eges'"):
        load_recipe("egess")
    with pytest.raises(UsageError, match="no such file"):
        load_recipe(tmp_path / "none.toml")


def test_changes_from_the_command_line() -> None:
    assert parse_changes(["learn.vector_size=64", "p = 0.5", "score=HH"]) == {
        "learn.vector_size": 64,
        "p": 0.5,
        "score": "HH",
    }
    mixture = {"popularity": 0.8, "same-category": 0.2}
    assert parse_value("{popularity: 0.8, same-category: 0.2}") == mixture
    assert parse_value('{"popularity": 0.8, same-category = 0.2}') == mixture
    assert [parse_value(t) for t in ("1e-3", "true", "none", "[1, 2]", "a b", '"x"')] == [
        1e-3,
        True,
        None,
        [1, 2],
        "a b",
        "x",
    ]
    with pytest.raises(UsageError, match="NAME=VALUE"):
        parse_changes(["learn.vector_size"])


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Recipe().seed = 3  # type: ignore[misc]


def test_bare_names_go_to_the_stage_of_the_engine() -> None:
    hema = load_recipe({}, {"engine": "hema", "vector_size": 24, "window": 2, "alpha": 0.5})
    assert (hema.hema.vector_size, hema.hema.window, hema.hema.alpha) == (24, 2, 0.5)
    assert (hema.learn, hema.cooccurrence) == (Recipe().learn, Recipe().cooccurrence)
    assert hema.changed({"epochs": 9}).hema.epochs == 9
    assert load_recipe({}, {"vector_size": 24}).learn.vector_size == 24
    assert load_recipe({}, {"engine": "hema", "hema.dims.brand": 5}).hema.dims == {"brand": 5}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"engine": "hemma"}, "setting engine = 'hemma'"),
        ({"beta": 0.1}, "it belongs to [hema], which engine skip-gram does not read"),
        ({"engine": "hema", "shrink_windows": False}, "it belongs to [learn], which engine hema does not"),
        ({"engine": "hema", "cold_learn": {"window": 3}}, "[cold_learn] changes [learn], which engine hema"),
    ],
)
def test_settings_of_another_engine_are_told(changes: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe({}, changes)
    assert told in str(caught.value)
