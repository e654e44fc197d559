"""A ready graph to vectors and to the verdict on labels: fit, classify, lone nodes, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.errors import UsageError

SMALL = {"vector_size": 8, "num_walks": 10, "walk_length": 10, "window": 3, "workers": 1}


def two_circles() -> nx.Graph:
    """Two cliques of eight, one edge between them, and two nodes without an edge."""
    graph = nx.disjoint_union(nx.complete_graph(8), nx.complete_graph(8))
    graph.add_edge(0, 8)
    graph.add_nodes_from([16, 17])
    return graph


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("graph") / "model"
    cw.fit(edges=two_circles(), recipe="bge", out=out, step=0.1, epochs=5, **SMALL)
    return out


def test_circles_are_found_and_lone_nodes_stay_where_they_started(folder: Path) -> None:
    model = cw.load(folder)
    health = model.inspect()["graph"]
    assert (health["nodes"], health["isolated"]) == (18, 2)
    lengths = np.linalg.norm(model.vectors.array, axis=1)
    assert np.isfinite(lengths).all()
    assert lengths[[model.vocab.row(16), model.vocab.row(17)]].max() <= 0.5 / np.sqrt(8)
    assert lengths[: model.vocab.row(16)].min() > 0.5 / np.sqrt(8)
    near = model.similar(3, k=7).ids
    assert sum(int(one) < 8 for one in near) >= 6


def test_the_command_tells_f1(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = pd.DataFrame({"who": range(18), "circle": ["one"] * 8 + ["two"] * 8 + ["none"] * 2})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    ask = ["classify", str(folder), "--labels", str(tmp_path / "labels.csv"), "--node-column", "who"]
    ask += ["--label-column", "circle", "--shares", "0.5,0.8", "--shuffles", "3", "--quiet"]
    assert run([*ask, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["share"] for one in told["shares"]] == [0.5, 0.8]
    assert (told["nodes"], told["labels"]) == (18, 3)
    assert told["shares"][1]["micro"] > 0.6
    assert run(ask) == 0
    text = capsys.readouterr().out
    assert "18 nodes, 3 labels, mean of 3 shuffles" in text
    assert f"  50%  {told['shares'][0]['micro']:8.4f}  {told['shares'][0]['macro']:8.4f}" in text


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "give labels with --labels FILE"),
        (["--labels", "nope.csv"], 3, "nope.csv"),
        (["--labels", "x.csv", "--shares", "half"], 2, "write it as 0.1,0.5,0.9"),
        (["--labels", "x.csv", "--shares", "1.5"], 2, "between 0 and 1"),
        (["--labels", "x.csv"], 3, "no column 'label'"),
    ],
)
def test_bad_calls_are_one_line(
    folder: Path, words: list[str], code: int, told: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("node,color\n1,red\n")
    found = run(["classify", str(folder), *words])
    text = capsys.readouterr().err
    assert found == code
    assert text.count("\n") == 1
    assert told in text


@pytest.mark.parametrize("name", ["p", "q"])
@pytest.mark.parametrize("value", [-1.0, 0.0, float("inf"), float("nan")])
def test_p_and_q_that_no_walk_can_have_are_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=rf"walks\.{name}"):
        cw.fit(edges=two_circles(), recipe="bge", **{**SMALL, name: value})


def test_undirected_edges_give_the_model_of_both_directions() -> None:
    edges = pd.DataFrame([(f"n{u}", f"n{v}") for u, v in two_circles().edges], columns=["src", "dst"])
    back = edges.rename(columns={"src": "dst", "dst": "src"})
    one = cw.fit(edges=edges, recipe="bge", undirected=True, **SMALL)
    two = cw.fit(edges=pd.concat([edges, back]), recipe="bge", **SMALL)
    assert sorted(one.vocab.ids.tolist()) == sorted(two.vocab.ids.tolist())
    assert one.inspect()["graph"]["edges"] == two.inspect()["graph"]["edges"] == 2 * len(edges)


@pytest.mark.parametrize("recipe", ["deepwalk", "node2vec"])
def test_the_recipes_of_the_papers_walk_both_ways(recipe: str, tmp_path: Path) -> None:
    pairs = [(u, v) for u, v in two_circles().edges if u < v]
    (tmp_path / "edges.csv").write_text("src,dst\n" + "".join(f"{u},{v}\n" for u, v in pairs))
    model = cw.fit(edges=str(tmp_path / "edges.csv"), recipe=recipe, **SMALL, step=0.1, epochs=3)
    assert model.inspect()["graph"]["edges"] == 2 * len(pairs)
    assert model.inspect()["graph"]["dead_ends"] == 0
    found = cw.evaluate.classification(
        model.vectors, {n: n // 8 for n in range(16)}, shares=(0.7,), shuffles=3
    )
    assert found.micro[0.7].mean() > 0.8
