"""tune: the recipe first, equal for equal seeds, on after an interruption, and no gain that is noise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tuning_world import Written, truth

from cowalk.errors import DataError, DivergedError, UsageError
from cowalk.prepared import Prepared
from cowalk.settings import Recipe, load_recipe
from cowalk.tuning import Tuned, TuneSettings, search, space_of
from cowalk.tuning import final as final_round
from cowalk.tuning import tune as tune_room
from cowalk.tuning.study import Study, Tried

RECIPE = load_recipe("eges", {"learn.step": 0.2})
SPACE = ["learn.window=2..13", "learn.step=0.02..2"]


@pytest.fixture(autouse=True)
def _optuna() -> None:
    pytest.importorskip("optuna")


class World:
    """Searches on written figures."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.noise = 0.0
        self.figure: Callable[[Recipe], float] = truth
        self.tasks: list[Written] = []
        patch.setattr("cowalk.tuning.final.task_of", self.task)
        patch.setattr(_module("cowalk.tuning.run"), "task_of", self.task)

    def task(self, purpose: str, prepared: Prepared, seed: int, split: str) -> Written:
        self.tasks.append(Written(seed, self.noise, self.figure))
        return self.tasks[-1]

    def tuned(
        self, out: Path | None = None, recipe: Recipe = RECIPE, space: Any = SPACE, **settings: Any
    ) -> Tuned:
        given = TuneSettings.model_validate({"trials": 25, "seeds": 2, "most_work": 100.0} | settings)
        return search(_Read(recipe), "next-item", space_of(space, recipe, "next-item"), given, out)


def trial_key(trial: Tried) -> str:
    """All but its seconds, as text: NaN equals itself."""
    return repr((trial.number, trial.changes, trial.score, trial.choice, trial.why))


class _Read(Prepared):
    """Inputs of which only the figures of the summary are asked."""

    def summary(self) -> dict[str, Any]:
        return {"events source": "/somewhere/log.parquet"}


def _module(name: str) -> Any:
    import sys

    return sys.modules[name]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_the_recipe_is_first_and_the_best_is_found(world: World) -> None:
    tuned = world.tuned()
    assert tuned.trials[0].changes == {"learn.window": 5, "learn.step": 0.2}
    assert tuned.trials[0].score == pytest.approx(truth(RECIPE))
    assert len(tuned.trials) == 25
    assert tuned.best(1)[0].score > truth(RECIPE) + 0.1
    for trial in tuned.trials:
        if trial.done:
            assert trial.score == pytest.approx(truth(RECIPE.changed(trial.changes)))
    assert tuned.winner is not None
    assert tuned.recipe.learn.window == tuned.best(1)[0].changes["learn.window"]
    assert set(tuned.importance) == {"learn.window", "learn.step"}


def test_equal_seeds_give_equal_trials(world: World) -> None:
    one, two = world.tuned(), world.tuned()
    other = world.tuned(recipe=RECIPE.changed({"seed": 5}))
    assert [t.changes for t in one.trials] == [t.changes for t in two.trials]
    assert [t.changes for t in one.trials[1:]] != [t.changes for t in other.trials[1:]]


@pytest.mark.parametrize("killed", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("after", [0, 1, 14, 27])
def test_an_interrupted_search_goes_on(
    world: World, tmp_path: Path, after: int, killed: type[BaseException]
) -> None:
    whole = world.tuned(tmp_path / "whole.toml")
    left = [after]

    def figure(recipe: Recipe) -> float:
        if left[0] == 0:
            raise killed
        left[0] -= 1
        return truth(recipe)

    world.figure = figure
    with pytest.raises(killed):
        world.tuned(tmp_path / "t.toml")
    assert not (tmp_path / "t.toml").exists()
    assert (tmp_path / "t.study").exists()
    world.figure, world.tasks = truth, []
    again = world.tuned(tmp_path / "t.toml")
    assert [trial_key(t) for t in again.trials] == [trial_key(t) for t in whole.trials]
    assert again.recipe == whole.recipe
    assert len(world.tasks[0].fitted) <= 25


def test_a_killed_run_leaves_no_trial_behind(world: World, tmp_path: Path) -> None:
    """The process is gone in the middle of a trial: it stands as running and is drawn again."""
    space = space_of(SPACE, RECIPE, "next-item")
    own = {"learn.window": 5, "learn.step": 0.2}
    study = Study(tmp_path / "t.study", space, own, {"a": "b"}, 0)
    first = study.ask()
    first.done(0.5, {}, 1.0)
    lost = study.ask().changes
    again = Study(tmp_path / "t.study", space, own, {"a": "b"}, 0)
    assert [t.changes for t in again.tried()] == [own]
    assert again.ask().changes == lost


def test_a_finished_study_is_read_and_more_trials_are_added(world: World, tmp_path: Path) -> None:
    out = tmp_path / "t.toml"
    one = world.tuned(out, trials=12)
    world.tasks = []
    two = world.tuned(out, trials=12)
    assert [len(task.fitted) for task in world.tasks] == [0]
    assert two.recipe == one.recipe
    assert two.finals == one.finals
    more = world.tuned(out, trials=15)
    assert [t.changes for t in more.trials[:12]] == [t.changes for t in one.trials]
    assert len(more.trials) == 15


def test_a_study_of_something_else_is_refused(world: World, tmp_path: Path) -> None:
    out = tmp_path / "t.toml"
    world.tuned(out, trials=3)
    before = (tmp_path / "t.study").read_bytes()
    with pytest.raises(UsageError, match="another recipe"):
        world.tuned(out, recipe=RECIPE.changed({"learn.negative": 9}))
    with pytest.raises(UsageError, match="another space"):
        world.tuned(out, space=["learn.window=2..12"])
    with pytest.raises(UsageError, match="another bound of work"):
        world.tuned(out, most_work=3.0)
    assert (tmp_path / "t.study").read_bytes() == before


def test_a_file_that_is_no_study(world: World, tmp_path: Path) -> None:
    (tmp_path / "t.study").write_text("name = 3\n")
    with pytest.raises(DataError, match="not a study"):
        world.tuned(tmp_path / "t.toml")


def test_two_runs_on_one_study(world: World, tmp_path: Path) -> None:
    space = space_of(SPACE, RECIPE, "next-item")
    own = {"learn.window": 5, "learn.step": 0.2}
    one = Study(tmp_path / "t.study", space, own, {"a": "b"}, 0)
    asked = one.ask()
    Study(tmp_path / "t.study", space, own, {"a": "b"}, 0)
    with pytest.raises(DataError, match="another run works on this study"):
        asked.done(0.5, {}, 1.0)


def test_noise_is_no_gain(world: World) -> None:
    """All settings are equally good: what leads is luck, and luck does not hold on other seeds."""
    world.noise, world.figure = 0.3, lambda recipe: 0.0
    kept = 0
    for seed in range(8):
        tuned = world.tuned(recipe=RECIPE.changed({"seed": 100 * seed}), trials=20)
        best = tuned.best(1)[0]
        assert best.score >= tuned.trials[0].score
        kept += tuned.winner is None
        if tuned.winner is None:
            assert tuned.recipe == tuned.before
            assert "stands as it was" in tuned.verdict
    assert kept >= 4


def test_the_last_round_by_hand(world: World) -> None:
    """Gains are means of paired differences over the questions of all other seeds."""
    world.noise = 0.1
    tuned = world.tuned(trials=15, finalists=2)
    assert len(tuned.finals) == 2
    for final in tuned.finals:
        gained = []
        for seed in (1, 2):
            task = Written(seed, 0.1)
            both = [task.judged(r, {}).values[task.metric] for r in
                    (RECIPE.changed(final.trial.changes), RECIPE)]  # fmt: skip
            gained.append(both[0] - both[1])
        # values are kept in six digits; the two seeds share their groups
        assert final.gain.mean == pytest.approx(float(np.mean(gained)), abs=2e-6)
        by_group = np.mean(gained, axis=0)
        assert final.error == pytest.approx(by_group.std() / np.sqrt(len(by_group)), rel=0.1)
    assert tuned.finals[0].gain.mean >= tuned.finals[1].gain.mean


def test_trials_that_diverge_or_cost_too_much(world: World) -> None:
    tuned = world.tuned(trials=25, most_work=1.5, space=["learn.window=2..13", "learn.epochs=1..20"])
    assert len(tuned.trials) == 25
    from cowalk.tuning.work import work

    bound = 1.5 * work(RECIPE, "next-item")
    assert all(work(RECIPE.changed(t.changes), "next-item") <= bound * (1 + 1e-6) for t in tuned.trials)
    for trial in tuned.trials:
        assert (trial.why == "diverged") == (trial.changes["learn.window"] == 13)


def test_a_recipe_that_diverges_is_said(world: World, tmp_path: Path) -> None:
    with pytest.raises(DivergedError):
        world.tuned(tmp_path / "t.toml", recipe=RECIPE.changed({"learn.window": 13}))
    assert not (tmp_path / "t.toml").exists()


def test_a_space_that_costs_too_much_is_said(world: World) -> None:
    space = {"learn.epochs": [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]}
    world.patch.setattr(_module("cowalk.tuning.run"), "MOST_COSTLY", 2)
    with pytest.raises(UsageError, match="most-work"):
        world.tuned(most_work=1.0, space=space)


def test_hopeless_trials_end_early(world: World) -> None:
    tuned = world.tuned(trials=40)
    ended = [t for t in tuned.trials if t.why == "behind the median"]
    assert ended
    assert all(t.number > 10 for t in ended)
    done = [t.score for t in tuned.trials if t.done]
    for trial in ended:
        assert truth(RECIPE.changed(trial.changes)) < np.median(done)


def test_time_is_bounded(world: World, tmp_path: Path) -> None:
    tuned = world.tuned(tmp_path / "t.toml", timeout=1e-9)
    assert tuned.late
    assert [t.number for t in tuned.trials] == [0]
    assert tuned.recipe == tuned.before
    assert not world.tuned(tmp_path / "t.toml").late


def test_the_written_recipe_reads_back(world: World, tmp_path: Path) -> None:
    out = tmp_path / "t.toml"
    tuned = world.tuned(out)
    text = out.read_text()
    assert "# tuned" in text
    assert "log.parquet" in text
    assert "/somewhere" not in text
    back = load_recipe(out)
    assert back.name == "eges-tuned"
    assert back.changed({"name": tuned.recipe.name, "description": tuned.recipe.description}) == tuned.recipe
    assert back.recommend.decay == 0.5
    assert back.cooccurrence.window == 7
    assert back.learn.window == tuned.best(1)[0].changes["learn.window"]
    assert not list(tmp_path.glob("*.new"))


def test_where_the_recipe_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[learn]\nwindow = 3\n")
    for out, words in (
        (tmp_path / "mine.toml", "already there"),
        (tmp_path / "tuned", "TOML file"),
        (tmp_path / "none" / "tuned.toml", "no folder"),
    ):
        with pytest.raises(UsageError, match=words):
            tune_room("nothing.parquet", out=out)
    with pytest.raises(UsageError, match="did you mean 'cold'"):
        tune_room("nothing.parquet", purpose="colt")
    with pytest.raises(UsageError, match="trials"):
        tune_room("nothing.parquet", trials=0)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_module("sys").modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'cowalk\[tune\]'"):
        tune_room("nothing.parquet")
    assert final_round.Final
