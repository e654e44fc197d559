"""Gradients of several devices brought together: the sparse ones, which torch's distributed module takes for
dense where a table is no `nn.Embedding`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributed import all_gather


def mean_rows(table: Tensor, ranks: int) -> Tensor:
    """The mean over all devices of their sparse gradients of table [V, d], coalesced, and equal on each.

    Only the rows that a batch looked up travel. A device without a gradient counts as one of zeros.
    """
    rows = torch.zeros(0, dtype=torch.int64, device=table.device)
    values = table.new_zeros((0, table.shape[1]))
    if table.grad is not None:
        own = table.grad.coalesce()
        rows, values = own.indices()[0], own.values()
    sizes = [int(size) for size in _gathered(torch.tensor([len(rows)], device=table.device), ranks)]
    most = max(sizes)
    padded = torch.nn.functional.pad
    all_rows = _gathered(padded(rows, (0, most - len(rows))), ranks)
    all_values = _gathered(padded(values, (0, 0, 0, most - len(values))), ranks)
    return torch.sparse_coo_tensor(
        torch.cat([one[:n] for one, n in zip(all_rows, sizes, strict=True)])[None],
        torch.cat([one[:n] for one, n in zip(all_values, sizes, strict=True)]) / ranks,
        table.shape,
    ).coalesce()


def _gathered(own: Tensor, ranks: int) -> list[Tensor]:
    out = [torch.empty_like(own) for _ in range(ranks)]
    all_gather(out, own.contiguous())
    return out
