"""Losses of recall models against float64 twins, finite differences and the rules of the correction."""

import numpy as np
import pytest
import torch

from cowalk.errors import UsageError
from cowalk.examples.frequency import StreamingFrequency, expected_in_batch
from cowalk.nn.losses import in_batch_softmax, sampled_softmax
from cowalk.types import AnyArray
from reference import losses as twins

RNG = np.random.default_rng(0)
B, M, D, S = 6, 4, 5, 7
USERS, ITEMS = RNG.normal(size=(B, D)), RNG.normal(size=(B + M, D))
ROWS = np.array([3, 1, 3, 2, 5, 1, 3, 9, 2, 8])  # items 3, 1 and 2 stand in several columns
LOG_P = np.log(RNG.random(B + M))
WEIGHTS = RNG.random(B) + 0.5


def t(array: AnyArray) -> torch.Tensor:
    return torch.from_numpy(np.array(array))


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("corrected", ["all", "negatives", "none"])
def test_in_batch_softmax_equals_the_twin(mask: bool, weighted: bool, corrected: str) -> None:
    log_p, weights = None if corrected == "none" else LOG_P, WEIGHTS if weighted else None
    found = in_batch_softmax(
        t(USERS), t(ITEMS), t(ROWS), temperature=0.3, mask_hits=mask,
        correct_positive=corrected != "negatives",
        log_p=None if log_p is None else t(log_p), weights=None if weights is None else t(weights),
    )  # fmt: skip
    wanted = twins.in_batch_softmax(USERS, ITEMS, ROWS, 0.3, log_p, weights, mask, corrected != "negatives")
    assert float(found) == pytest.approx(wanted, rel=1e-12)


def test_sampled_softmax_equals_the_twin() -> None:
    true, sampled = RNG.normal(size=(B, D)), RNG.normal(size=(S, D))
    log_q, hits = np.log(RNG.random(S)), RNG.random((B, S)) < 0.3
    found = sampled_softmax(t(USERS), t(true), t(sampled), log_q=t(log_q), hits=t(hits), weights=t(WEIGHTS))
    wanted = twins.sampled_softmax(USERS, true, sampled, log_q, hits, WEIGHTS)
    assert float(found) == pytest.approx(wanted, rel=1e-12)


def test_gradients_by_finite_differences() -> None:
    users, items = t(USERS).requires_grad_(), t(ITEMS).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda u, v: in_batch_softmax(u, v, t(ROWS), temperature=0.5, log_p=t(LOG_P), weights=t(WEIGHTS)),
        (users, items),
    )
    sampled = t(RNG.normal(size=(S, D))).requires_grad_()
    hits, log_q = t(RNG.random((B, S)) < 0.3), t(np.linspace(-1, 0, S))
    assert torch.autograd.gradcheck(
        lambda u, v, w: sampled_softmax(u, v[:B], w, log_q=log_q, hits=hits), (users, items, sampled)
    )


def test_the_correction_is_subtracted_after_the_temperature() -> None:
    """By hand: one user, two columns of scores a / T - log p."""
    users, items = t(np.array([[2.0], [0.0]])), t(np.array([[1.0], [3.0]]))
    log_p = np.log(np.array([0.5, 0.1]))
    a, b = 2.0 / 0.5 - log_p[0], 6.0 / 0.5 - log_p[1]
    first = -(a - np.log(np.exp(a) + np.exp(b)))
    a, b = 0.0 - log_p[0], 0.0 - log_p[1]
    second = -(b - np.log(np.exp(a) + np.exp(b)))
    found = in_batch_softmax(users, items, t(np.array([0, 1])), temperature=0.5, log_p=t(log_p))
    assert float(found) == pytest.approx((first + second) / 2, rel=1e-12)


def test_the_corrected_sample_pulls_like_the_softmax_over_all_items() -> None:
    """At scores log p(y|x) the softmax over all items pulls none up or down; sampled by q and corrected, the
    mean pull is about 0 too, and uncorrected it is not.
    """
    rng = np.random.default_rng(1)
    q, truth = np.array([0.5, 0.2, 0.15, 0.1, 0.05]), np.array([0.1, 0.3, 0.2, 0.15, 0.25])
    pull = {}
    for corrected in (True, False):
        scores = torch.tensor(np.log(truth)[:, None], requires_grad=True)
        for _ in range(60):
            true, drawn = t(rng.choice(5, size=200, p=truth)), t(rng.choice(5, size=100, p=q))
            log_q = t(np.log(q * 100))[drawn] if corrected else torch.zeros(100)
            hits = true[:, None] == drawn[None, :]
            ones = torch.ones((200, 1), dtype=torch.float64)
            sampled_softmax(ones, scores[true], scores[drawn], log_q=log_q, hits=hits).backward()
        assert scores.grad is not None
        pull[corrected] = np.abs(scores.grad.numpy() / 60).max()
    assert pull[True] < 0.03
    assert pull[False] > 0.1


def test_a_duplicate_of_the_positive_is_no_negative() -> None:
    users = t(np.ones((2, 1)))
    items = t(np.ones((2, 1)))
    masked = in_batch_softmax(users, items, t(np.array([4, 4])))
    assert float(masked) == 0.0
    assert float(in_batch_softmax(users, items, t(np.array([4, 5])))) == pytest.approx(np.log(2))


def test_expected_counts_in_a_batch() -> None:
    assert expected_in_batch(np.array([6, 2, 0]), 16).tolist() == [12.0, 4.0, 1.0]


def test_the_streaming_estimate_finds_the_rates() -> None:
    """Items that stand in every 2nd, 10th and 50th batch, as in the simulation of Yi et al., section 5.1."""
    found = StreamingFrequency(size=100, rate=0.05)
    for step in range(1, 1001):
        present = [item for item, gap in ((3, 2), (8, 10), (9, 50)) if step % gap == 0]
        if present:
            found.update(np.array(present))
        else:
            found.step += 1
    gaps = np.exp(-found.log_p(np.array([3, 8, 9])).astype(float))
    assert gaps[0] == pytest.approx(2, rel=0.01)
    assert gaps[1] == pytest.approx(10, rel=0.1)
    assert 50 < gaps[2] < 90  # from 100 downwards at a rate of 0.05 a sight: 20 sights


def test_the_streaming_estimate_follows_a_change_and_random_arrivals() -> None:
    rng = np.random.default_rng(0)
    p = np.array([0.5, 0.1, 0.02])
    found = StreamingFrequency(size=3, rate=0.01, first=10)
    for _ in range(5000):
        found.update(np.flatnonzero(rng.random(3) < p))
    assert np.exp(found.log_p(np.arange(3))) == pytest.approx(p, rel=0.35)
    for _ in range(3000):  # the rates change places
        found.update(np.flatnonzero(rng.random(3) < p[::-1]))
    assert np.exp(found.log_p(np.array([2]))) == pytest.approx([0.5], rel=0.2)


def test_several_hashes_undo_collisions() -> None:
    """With few places a frequent item lowers the gap of those that share its place; the largest counts."""
    rng = np.random.default_rng(2)
    p = np.concatenate([[0.9] * 5, np.full(95, 0.02)])
    errors = {}
    for hashes in (1, 5):
        found = StreamingFrequency(size=60, rate=0.02, first=50, hashes=hashes, seed=1)
        for _ in range(1500):
            found.update(np.flatnonzero(rng.random(100) < p))
        rare = np.exp(found.log_p(np.arange(5, 100)).astype(float))
        errors[hashes] = np.abs(np.log(rare / 0.02)).mean()
    assert errors[5] < errors[1] / 1.5


def test_bad_settings_of_the_estimate_are_told() -> None:
    with pytest.raises(UsageError, match="rate"):
        StreamingFrequency(10, rate=0)
