"""Embedding layers that begin as vectors: lookup, cold and default rows, freezing, groups, several sets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cowalk as cw
from cowalk.datasets import SimulatedShop
from cowalk.errors import DataError, UsageError
from cowalk.nn.groups import optimizers, parameter_groups
from cowalk.nn.joined import JoinedEmbedding
from cowalk.nn.pretrained import embedding
from cowalk.tables import Vectors, Vocab

torch.set_num_threads(1)
VECTORS = Vectors(Vocab.of(["a", "b", "c"]), np.array([[1, 0], [0, 2], [2, 4]], dtype=np.float32))


def test_rows_begin_as_the_vectors_in_the_order_of_the_vocabulary() -> None:
    layer = embedding(VECTORS, ["c", "new", "a"])
    assert layer.missing == 1
    found = layer(layer.rows(["a", "c", "new", "never seen"])).detach().numpy()
    mean = np.array([1.5, 2.0])  # of a and c, the vectors that the vocabulary has
    np.testing.assert_array_equal(found, [[1, 0], [2, 4], mean, mean])
    np.testing.assert_array_equal(layer(torch.tensor([[0, -1]])).detach().numpy(), [[[2, 4], mean]])
    np.testing.assert_array_equal(layer.vectors()["a"], [1, 0])


def test_missing_ids_share_one_learned_row() -> None:
    layer = embedding(VECTORS, ["a", "x", "y"])
    before = layer.weight.detach().clone()
    layer(layer.rows(["x"])).sum().backward()
    torch.optim.SGD(layer.parameters(), lr=1.0).step()
    moved = layer(layer.rows(["x", "y", "z"])).detach()
    torch.testing.assert_close(moved, (before[3] - 1).expand(3, 2))
    torch.testing.assert_close(layer(layer.rows(["a"])).detach()[0], before[0])


def test_a_row_per_set_of_options() -> None:
    assert not embedding(VECTORS, trainable=False).weight.requires_grad
    scaled = embedding(VECTORS, spread=0.05)
    assert scaled.weight[:3].std(correction=0).item() == pytest.approx(0.05, rel=1e-5)
    with pytest.raises(DataError, match="'q', the vectors 'a'; are the ids the same"):
        embedding(VECTORS, ["q"])
    with pytest.raises(UsageError, match="cold=model"):
        embedding(VECTORS, missing="cold")
    with pytest.raises(UsageError, match="cold or default"):
        embedding(VECTORS, missing="mean")  # type: ignore[arg-type]


def test_cold_ids_get_the_vector_of_their_attributes(
    shop: SimulatedShop, shop_model: Path, tmp_path: Path
) -> None:
    model = cw.load(shop_model)
    table = tmp_path / "items.csv"
    table.write_text("item_id,category,brand,style,material,price\nbrand-new,category-1,brand-2,,,3.5\n")
    catalogue = model.read_items(str(table))
    known = model.vocab.names(np.array([3]))[0]
    layer = embedding(model.vectors, [known, "brand-new", "nobody"], cold=model, attributes=catalogue)
    assert layer.missing == 1
    found = layer(layer.rows([known, "brand-new"])).detach().numpy()
    np.testing.assert_array_equal(found[0], model.vectors[known])
    np.testing.assert_allclose(found[1], model.cold_items(catalogue).vectors[0], rtol=1e-6)
    small = Vectors(model.vocab, np.ones((len(model.vocab), 3), dtype=np.float32))
    with pytest.raises(UsageError, match="the vectors have 3 numbers, the model's cold vectors 8"):
        embedding(small, [known, "brand-new"], cold=model, attributes=catalogue)


def test_a_model_without_new_items_leaves_them_the_default_row(shop_model: Path) -> None:
    model = cw.load(shop_model)
    bare = replace(model, cold_vocab=None, cold_info=None)  # whose table held what was clicked and no more
    known = model.vocab.names(np.array([3]))[0]
    assert embedding(model.vectors, [known, "nobody"], cold=bare).missing == 1
    with pytest.raises(UsageError, match="knows no attributes of items; fit with --items"):
        embedding(model.vectors, [known, "nobody"], cold=replace(bare, side_info=None))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"vectors": VECTORS.array}, "embedding takes Vectors, not ndarray; give model.vectors"),
        ({"attributes": {"a": 1}}, "attributes need the model that makes vectors of them"),
        (
            {"cold": VECTORS, "attributes": {"a": 1}},
            r"attributes is dict; read the table: .*model\.read_items",
        ),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; give one above 0"),
        ({"spread": -1.0}, "spread is -1.0; give one above 0"),
    ],
)
def test_what_cannot_be_a_layer_is_told(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        embedding(**{"vectors": VECTORS} | given)


def test_rows_learn_at_a_rate_of_their_own() -> None:
    layer = embedding(VECTORS, learning_rate=0.5)
    net = torch.nn.Sequential(layer, torch.nn.Linear(2, 1))
    groups = parameter_groups(net, 0.01, weight_decay=0.1)
    assert [(g["lr"], g["weight_decay"], len(g["params"])) for g in groups] == [(0.5, 0.0, 1), (0.01, 0.1, 2)]
    frozen = embedding(VECTORS, trainable=False)
    assert sum(len(g["params"]) for g in parameter_groups(torch.nn.Sequential(frozen, net[1]), 0.01)) == 2
    with pytest.raises(UsageError, match="frozen"):
        parameter_groups(frozen, 0.01)


def test_sparse_rows_are_moved_by_sparse_adam_alone() -> None:
    layer = embedding(VECTORS, sparse=True)
    net = torch.nn.Sequential(layer, torch.nn.Linear(2, 1))
    made = optimizers(net, 0.1)
    assert [type(one).__name__ for one in made] == ["Adam", "SparseAdam"]
    before = layer.weight.detach().clone()
    net(layer.rows(["b"])).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.is_sparse
    for one in made:
        one.step()
    changed = (layer.weight.detach() != before).any(dim=1)
    assert changed.tolist() == [False, True, False, False]


def test_several_sets_together() -> None:
    vocab = Vocab.of(["a", "b"])
    wide = Vectors(vocab, np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32))
    layers = [embedding(VECTORS, vocab), embedding(wide, vocab)]
    side = JoinedEmbedding(layers)
    assert side.embedding_dim == 5
    np.testing.assert_array_equal(side(side.rows(["b"])).detach().numpy(), [[0, 2, 4, 5, 6]])
    total = JoinedEmbedding(layers, "sum")
    mapped = total.maps[0](layers[0](torch.tensor([0]))) + layers[1](torch.tensor([0]))
    torch.testing.assert_close(total(torch.tensor([0])), mapped)
    gate = JoinedEmbedding(layers, "gate", size=3)
    halves = gate.maps[0](layers[0](torch.tensor([1]))) / 2 + layers[1](torch.tensor([1])) / 2
    torch.testing.assert_close(gate(torch.tensor([1])), halves)  # a fresh gate weighs all sets the same
    with pytest.raises(UsageError, match="different vocabularies"):
        JoinedEmbedding([layers[0], embedding(VECTORS)])
    with pytest.raises(UsageError, match="size is 0; joined vectors have at least 1"):
        JoinedEmbedding(layers, "sum", size=0)
    with pytest.raises(UsageError, match="leave size out"):
        JoinedEmbedding(layers, size=4)
