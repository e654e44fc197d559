"""Recipe: the settings of all stages in one strict table, from a preset, a TOML file or a manifest."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import Field, ValidationError

from cowalk.errors import UsageError
from cowalk.learn.checks import check_settings
from cowalk.learn.engines import HOMES, NETWORKS, Engine, Stages
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.matrix_settings import MatrixSettings
from cowalk.learn.settings import ColdSettings, LearnSettings, WalkSettings
from cowalk.learn.tower_settings import TowerSettings, YouTubeSettings
from cowalk.prepare.settings import CleanSettings, GraphSettings, ReadSettings, SessionSettings, SideSettings
from cowalk.recall.settings import CooccurrenceSettings
from cowalk.recommend_settings import RecommendSettings
from cowalk.setting_names import FIRST, did_you_mean, foreign_hint, translated
from cowalk.train_settings import TrainSettings
from cowalk.types import Settings
from cowalk.update_settings import UpdateSettings

S = TypeVar("S", bound=Settings)
Tree = dict[str, Any]
"""Settings as nested plain values: stage -> name -> value, beside the names at the top."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


class EdgeSettings(Settings):
    """How the columns of a ready graph are called."""

    source_column: str = Field("src", description="Column of the node an edge leaves.")
    target_column: str = Field("dst", description="Column of the node an edge leads to.")
    weight_column: str = Field("weight", description="Column of the weight; without it every edge weighs 1.")
    undirected: bool = Field(
        False, description="Each row is an undirected edge, walked both ways; rows u v and v u are summed."
    )


class Recipe(Settings):
    """Everything that a fit needs beside the data; a point on the axes of the engine, with a name."""

    name: str = Field("custom", description="Name of the recipe.")
    description: str = Field("", description="What the recipe is for, in a sentence.")
    engine: Engine = Field(
        "skip-gram",
        description="What learns: skip-gram reads [learn], hema [hema], als and bpr [mf], two-tower [tower] "
        "and [train], youtube-dnn [youtube] and [train].",
    )
    seed: int = Field(0, description="The root seed; each stage draws its own stream from it.")
    workers: int | None = Field(None, ge=1, description="Threads; none = all cores.")
    memory_limit: str = Field("4GB", description="Memory that preparing may use before it spills to disk.")
    trials: int = Field(
        30,
        ge=0,
        description="Scorer settings tried on a validation part inside the data; 0 = keep the recipe's.",
    )
    read: ReadSettings = ReadSettings()
    edges: EdgeSettings = EdgeSettings()
    clean: CleanSettings = CleanSettings()
    sessions: SessionSettings = SessionSettings()
    graph: GraphSettings = GraphSettings()
    side: SideSettings = SideSettings()
    walks: WalkSettings = WalkSettings()
    learn: LearnSettings = LearnSettings()
    cold_learn: Tree = Field(
        default_factory=dict,
        description="If not empty, a second set of rows is learned for cold items: learn, changed by these.",
    )
    hema: HemaSettings = HemaSettings()
    mf: MatrixSettings = MatrixSettings()
    tower: TowerSettings = TowerSettings()
    youtube: YouTubeSettings = YouTubeSettings()
    train: TrainSettings = TrainSettings()
    cold: ColdSettings = ColdSettings()
    cooccurrence: CooccurrenceSettings = CooccurrenceSettings()
    recommend: RecommendSettings = RecommendSettings()
    update: UpdateSettings = UpdateSettings()

    @property
    def stages(self) -> Stages:
        """What the engine of this recipe learns by."""
        return Stages(
            self.engine, self.learn, self.walks, self.hema, self.mf, self.tower, self.youtube, self.train
        )  # fmt: skip

    @property
    def learn_for_cold(self) -> LearnSettings | None:
        """Settings of the second set of rows; None where one set serves both."""
        if not self.cold_learn:
            return None
        return _checked(LearnSettings, {**self.learn.model_dump(), **self.cold_learn}, "cold_learn.")

    def changed(self, changes: Mapping[str, Any]) -> Recipe:
        """The recipe with changes: by `stage.name`, by a name that one stage has, or a stage's table."""
        if not changes:
            return self
        return recipe_from(apply(self.model_dump(exclude_unset=True), changes), self.name)

    def to_toml(self) -> str:
        """The recipe as a TOML text that reads back to an equal one; None is written as "none"."""
        tree = self.model_dump(mode="json")
        top = [f"{key} = {toml_value(value)}" for key, value in tree.items() if not isinstance(value, dict)]
        for stage, table in tree.items():
            if isinstance(table, dict) and table:
                top += ["", f"[{stage}]", *(f"{key} = {toml_value(value)}" for key, value in table.items())]
        return "\n".join(top) + "\n"


STAGES: dict[str, type[Settings]] = {
    name: field.annotation
    for name, field in Recipe.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Settings)
}
TOP = tuple(name for name in Recipe.model_fields if name not in STAGES and name != "cold_learn")
# settings whose value is itself a table
TABLES = ("event_weights", "fields", "separators", "vectors", "dims")


def recipe_names() -> list[str]:
    """Names of the presets that come with cowalk."""
    return sorted(p.name.removesuffix(".toml") for p in _presets().iterdir() if p.name.endswith(".toml"))


def _presets() -> Any:
    return files("cowalk") / "recipes"


def load_recipe(
    source: str | Path | Recipe | Mapping[str, Any] = "eges", changes: Mapping[str, Any] = NOTHING
) -> Recipe:
    """A preset by its name, a TOML file by its path, or a table; with changes as in `Recipe.changed`."""
    if isinstance(source, Recipe):
        return source.changed(changes)
    if isinstance(source, Mapping):
        return recipe_from(apply(dict(source), changes), "the given table")
    name = str(source)
    if name in recipe_names():
        text = (_presets() / f"{name}.toml").read_text(encoding="utf-8")
    else:
        text = _read_file(name)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {name}: not valid TOML ({error})") from None
    tree.setdefault("name", Path(name).stem)
    return recipe_from(apply(tree, changes), name)


def _read_file(name: str) -> str:
    path = Path(name)
    if path.suffix != ".toml" and not path.is_file():
        guess = did_you_mean(name, recipe_names())
        raise UsageError(
            f"no recipe {name!r}{guess}; the recipes are {', '.join(recipe_names())}, or a TOML file"
        )
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"recipe {name}: no such file; the recipes are {', '.join(recipe_names())}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {name}: cannot be read ({error})") from None


def recipe_from(tree: Mapping[str, Any], where: str) -> Recipe:
    """The recipe of a nested table; UsageError names the first key that is unknown or out of range."""
    for key, value in tree.items():
        if key in STAGES or key == "cold_learn":
            if not isinstance(value, Mapping):
                raise UsageError(f"recipe {where}: [{key}] must be a table, not {value!r}")
            known = LearnSettings if key == "cold_learn" else STAGES[key]
            for name in value:
                _check_name(name, list(known.model_fields), f"recipe {where}: [{key}]", key)
        else:
            _check_name(key, list(Recipe.model_fields), f"recipe {where}:", "")
    recipe = _checked(Recipe, tree, "")
    if recipe.cold.method == "transfer" and recipe.engine != "hema":
        raise UsageError(
            f"recipe {where}: cold.method=transfer needs engine hema; use ridge, mean or similar"
        )
    if recipe.cold.method == "tower" and recipe.engine != "two-tower":
        raise UsageError(
            f"recipe {where}: cold.method=tower needs engine two-tower; use ridge, mean or similar"
        )
    if recipe.cold.method == "tower" and not recipe.tower.fields:
        raise UsageError(
            f"recipe {where}: cold.method=tower reads attributes and tower.fields=false leaves them out; "
            "set cold.method=ridge"
        )
    second = recipe.learn_for_cold  # checked at birth, like the rest
    check_settings(recipe.learn)
    if second is not None:
        check_settings(second, "cold_learn")
    trees = [s for s in (recipe.learn, second) if s and s.objective == "hierarchical-softmax"]
    if trees and "HZ" in (recipe.recommend.score, recipe.cold.score) and recipe.engine == "skip-gram":
        raise UsageError(
            f"recipe {where}: hierarchical softmax learns no context row per item to score with; "
            "set recommend.score=HH and cold.score=HH"
        )
    if second is not None and recipe.engine != "skip-gram":
        raise UsageError(
            f"recipe {where}: [cold_learn] changes [learn], which engine {recipe.engine} does not read; "
            "leave it out"
        )
    return recipe


def _check_name(name: str, known: list[str], where: str, stage: str) -> None:
    """Raise UsageError for an unknown name, with the nearest known one or the stage that has it."""
    if name in known:
        return
    other = [s for s, kind in STAGES.items() if name in kind.model_fields and s != stage]
    hint = f"; it belongs to [{other[0]}]" if other else foreign_hint(name) or did_you_mean(name, known)
    raise UsageError(f"{where} has no setting {name!r}{hint}")


def _checked(kind: type[S], tree: Mapping[str, Any], prefix: str) -> S:
    """The settings of this table; UsageError in one line for the first value that does not fit."""
    try:
        return kind.model_validate(_with_none(kind, tree))
    except ValidationError as caught:
        first = caught.errors()[0]
        name = prefix + ".".join(str(part) for part in first["loc"])
        told = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"setting {name} = {first['input']!r}: {told[0].lower()}{told[1:]}") from None


def _with_none(kind: type[Settings], tree: Mapping[str, Any]) -> Tree:
    """The table with None for the text "none", which TOML has no sign for, where a setting may be none."""
    out = dict(tree)
    for name, field in kind.model_fields.items():
        if out.get(name) == "none" and type(None) in get_args(field.annotation):
            out[name] = None
        elif name in STAGES and isinstance(out.get(name), Mapping):
            out[name] = _with_none(STAGES[name], out[name])
    return out


def apply(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> Tree:
    """A copy of the nested table with the changes put where they belong."""
    out: Tree = {key: dict(value) if isinstance(value, Mapping) else value for key, value in tree.items()}
    engine = changes.get("engine", tree.get("engine", "skip-gram"))
    for key, value in changes.items():
        if key == "cold_learn" and (not value or value == "none"):  # one set of rows serves both
            out[key] = {}
            continue
        if key in STAGES or key == "cold_learn":
            inner = value.model_dump(exclude_unset=True) if isinstance(value, Settings) else value
            if not isinstance(inner, Mapping):
                raise UsageError(f"{key} is a stage; give {key}.NAME=VALUE, or a table of its settings")
            out[key] = {**out.get(key, {}), **inner}
            continue
        path = resolve(key, engine)
        if len(path) == 1:
            out[path[0]] = value
        elif len(path) == 2:
            out[path[0]] = {**out.get(path[0], {}), path[1]: value}
        else:
            stage, name, inner_key = path
            table = {**out.get(stage, {})}
            table[name] = {**table.get(name, {}), inner_key: value}
            out[stage] = table
    return out


def resolve(key: str, engine: Engine = "skip-gram") -> tuple[str, ...]:
    """Where a setting stands: (name,) at the top, (stage, name), or (stage, name, key) inside a table.

    A bare name is first looked for in the stage of the engine, and never in that of another engine.
    """
    first, _, rest = key.partition(".")
    if first in STAGES or first == "cold_learn":
        name, _, inner = rest.partition(".")
        kind = LearnSettings if first == "cold_learn" else STAGES[first]
        _check_name(name, list(kind.model_fields), f"stage {first}", first)
        return (first, name, inner) if inner and name in TABLES else (first, rest)
    if rest:
        raise UsageError(
            f"no stage {first!r}{did_you_mean(first, STAGES)}; the stages are {', '.join(STAGES)}"
        )
    key = translated(key)
    if key in TOP:
        return (key,)
    home = HOMES.get(engine, "learn")
    if key in STAGES[home].model_fields and (home != "learn" or key in FIRST):
        return (home, key)
    others = set(HOMES.values()) - {home} | (set() if engine in NETWORKS else {"train"})
    homes = [stage for stage, kind in STAGES.items() if key in kind.model_fields and stage not in others]
    if len(homes) > 1:
        told = " or ".join(f"{home}.{key}" for home in homes)
        raise UsageError(f"setting {key!r} stands in {len(homes)} stages; say which: {told}")
    if not homes:
        raise UsageError(f"no setting {key!r}{_hint(key, engine, others)}")
    return (homes[0], key)


def _hint(key: str, engine: Engine, others: set[str]) -> str:
    """What to write instead of a bare name that the engine's stages do not have."""
    elsewhere = next((stage for stage in sorted(others) if key in STAGES[stage].model_fields), None)
    if elsewhere is not None and not foreign_hint(key):
        return f"; it belongs to [{elsewhere}], which engine {engine} does not read"
    names = [*TOP, *(name for kind in STAGES.values() for name in kind.model_fields)]
    return foreign_hint(key) or did_you_mean(key, names) or "; `cowalk recipes eges` lists them all"


def parse_changes(texts: Iterable[str]) -> Tree:
    """Changes from `key=value` texts; a value is read as TOML where it is TOML, else as plain text."""
    changes: Tree = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {text!r}: write it as NAME=VALUE, as in --set learn.vector_size=64")
        changes[key.strip()] = parse_value(value.strip())
    return changes


def parse_value(text: str) -> Any:
    """The value of a TOML expression, None for `none`, else the text itself; {k: v} is {k = v}."""
    if text.lower() in ("none", "null"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text.startswith("{"):
        text = re.sub(r"""([\w"'-])\s*:\s""", r"\1 = ", text)
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def toml_value(value: Any) -> str:
    """One value as TOML; JSON's strings are TOML strings, but for the escape of DEL."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return '"none"'
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{toml_value(str(key))} = {toml_value(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
