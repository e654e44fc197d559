"""Losses of recall models: softmax over the batch or over samples, corrected by how likely each item stood
there. Pure functions of tensors; tests/reference/losses.py holds their twins in float64."""

from __future__ import annotations

import torch
from torch import Tensor


def in_batch_softmax(
    users: Tensor,
    items: Tensor,
    rows: Tensor,
    *,
    temperature: float = 1.0,
    log_p: Tensor | None = None,
    weights: Tensor | None = None,
    mask_hits: bool = True,
    correct_positive: bool = True,
) -> Tensor:
    """-(1/B) sum_i r_i log softmax_i(s_i), s_ij = users_i . items_j / temperature - log_p_j.

    users: [B, d]; items: [B + M, d], the positives in order and then further negatives; rows: [B + M], which
    item each column is; log_p: [B + M], log of how often an item is expected among the columns, subtracted
    from every column, the positive's too, after the division by temperature; weights: [B] rewards, 1 where
    none. mask_hits: a column with the positive's own item elsewhere in the batch is no negative.
    correct_positive=False leaves log_p out of the positive's own column alone: it stands there for sure, so
    with mask_hits the sum under the logarithm is then an unbiased estimate of that over all items.
    Source: Yi et al. 2019, equations 3-5, which correct the positive too.
    """
    scores = users @ items.T / temperature
    if log_p is not None:
        scores = scores - log_p
    n = len(users)
    own = torch.eye(n, len(items), dtype=torch.bool, device=scores.device)
    if log_p is not None and not correct_positive:
        scores = scores + own * log_p
    if mask_hits:
        scores = scores.masked_fill((rows[:n, None] == rows[None, :]) & ~own, float("-inf"))
    losses = torch.logsumexp(scores, dim=1) - scores.diagonal()
    return (losses if weights is None else losses * weights).mean()


def sampled_softmax(
    users: Tensor,
    true: Tensor,
    sampled: Tensor,
    *,
    log_q: Tensor,
    hits: Tensor,
    weights: Tensor | None = None,
) -> Tensor:
    """-(1/B) sum_i r_i log(e^o / (e^o + sum_s e^(users_i . sampled_s - log q_s))), o = users_i . true_i.

    users, true: [B, d]; sampled: [S, d], shared by the batch; log_q: [S], log of each item's expected number
    among the samples; hits: bool[B, S], samples that are the true item, which are no negatives: so the sum is
    an unbiased estimate of that over all items. weights: [B].
    Source: Bengio and Senecal 2008, section 3; Covington et al. 2016, section 3.1.
    """
    own = (users * true).sum(dim=1)
    others = (users @ sampled.T - log_q).masked_fill(hits, float("-inf"))
    losses = torch.logsumexp(torch.cat([own[:, None], others], dim=1), dim=1) - own
    return (losses if weights is None else losses * weights).mean()
