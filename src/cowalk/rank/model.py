"""RankModel: the chance that somebody with this history clicks on this item, or that this row is clicked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cowalk.errors import DataError, UsageError
from cowalk.examples import Batches, Examples
from cowalk.nn.batches import tensors
from cowalk.nn.ctr.history import HistoryNetwork
from cowalk.nn.ctr.network import ClickNetwork
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.clicks import read_clicks
from cowalk.rank.batches import ClickBatches
from cowalk.rank.columns import EMPTY, InputColumns
from cowalk.rank.report import RankReport, report_of
from cowalk.rank.settings import RankSettings
from cowalk.rank.trees import Trees
from cowalk.tables import Catalogue, Vectors, Vocab
from cowalk.tables.clicks import ClickColumn, ClickTable
from cowalk.tables.vocab import Id
from cowalk.types import AnyArray

Chances = NDArray[np.float64]
STEP = 4096


@dataclass(frozen=True)
class RankModel:
    """A trained network and what its inputs mean.

    vocab: the items, of a network over histories. columns: how a table is coded, of one over a table; clicks:
    how it was read; trees: of gbdt-lr. inputs: the columns of users and of the log that a network over
    histories reads. last: events of a history that are looked at. about: figures and how
    it was made, in plain values.
    """

    settings: RankSettings
    network: ClickNetwork
    vocab: Vocab | None = None
    columns: tuple[ClickColumn, ...] = ()
    clicks: ClickSettings = field(default_factory=ClickSettings)
    trees: Trees | None = None
    last: int = 50
    about: Mapping[str, Any] = field(default_factory=dict)
    inputs: InputColumns = EMPTY

    @property
    def over(self) -> str:
        """histories or table: what the network reads."""
        return "histories" if self.vocab is not None else "table"

    def score(
        self, histories: Sequence[Sequence[Id]], targets: Sequence[Id], *,
        users: Sequence[Id] | None = None, **context: Any,
    ) -> Chances:  # fmt: skip
        """float64[Q]: the chance of a click on target q after history q (oldest first), both in outside ids.

        Ids that training did not know are left out of a history; an unknown target has the mean item's
        vector. users: whose they are, where the network was trained with a users table; one that it does not
        hold is an unknown user. context: the columns that the network was trained with, [Q] (those of the log
        as they stand there) or [Q, n].
        """
        vocab, network = self._history_network()
        if len(histories) != len(targets):
            raise UsageError(f"score: {len(histories)} histories for {len(targets)} targets")
        columns = self._columns(network, len(targets), users, context)
        rows = np.full((len(targets), self.last), -1, dtype=np.int32)
        for q, history in enumerate(histories):
            known = vocab.find(list(history))
            known = known[known >= 0][-self.last :]
            rows[q, self.last - len(known) :] = known
        batch = {"history": rows, "targets": vocab.find(list(targets))}
        batch |= columns
        return self._chances(
            {name: part[start : start + STEP] for name, part in batch.items()}
            for start in range(0, len(targets), STEP)
        )

    def score_examples(self, examples: Examples) -> Chances:
        """float64[E]: the chance of each example; its items must be those of the model, in this order."""
        vocab, network = self._history_network()
        if examples.item_vocab.fingerprint != vocab.fingerprint:
            raise DataError(
                f"the examples know {len(examples.item_vocab):,} items, the model {len(vocab):,} others; "
                "make the examples from the events that the model was trained on, or use score()"
            )
        examples = self.inputs.applied(examples)
        missing = [name for name in network.context if name not in examples.context]
        if missing:
            raise DataError(f"the examples have no column {missing[0]!r}, which the network was trained with")
        return self._chances(Batches(examples, STEP, last=self.last, shuffle=False))

    def _columns(
        self, network: HistoryNetwork, n: int, users: Sequence[Id] | None, context: Mapping[str, Any]
    ) -> dict[str, AnyArray]:
        """The columns of n questions by name; UsageError where one is missing, or of another length."""
        if self.inputs.users and users is None:
            raise UsageError("score: the network was trained with a users table; give users=, one a target")
        out = self.inputs.of_moments(context)
        if users is not None:
            out |= self.inputs.of_users(self.inputs.people.find(list(users)))
        for name in network.context:
            if name not in out:
                if name not in context:
                    raise UsageError(f"score: the network was trained with the column {name!r}; give it too")
                out[name] = np.asarray(context[name], dtype=np.float32)
        odd = [name for name, column in out.items() if len(column) != n]
        if odd:
            raise UsageError(f"score: {len(out[odd[0]])} values of {odd[0]!r} for {n} targets")
        return out

    def with_users(self, table: Catalogue) -> RankModel:
        """The same model with what is known of the users now; DataError where the table lacks a column."""
        return replace(self, inputs=self.inputs.with_users(table))

    def score_table(self, table: Any) -> Chances:
        """float64[N]: the chance of each row of a table: a ClickTable coded by this model, or any source."""
        coded = self.coded(table)
        if self.trees is not None:
            coded = self.trees.coded(coded)
        return self._chances(ClickBatches(coded, STEP, shuffle=False))

    def coded(self, table: Any) -> ClickTable:
        """The rows of a source by the codes of this model."""
        if self.vocab is not None:
            raise UsageError("the model reads histories, not a table; use score() or score_examples()")
        if not isinstance(table, ClickTable):
            return read_clicks(table, self.clicks, self.columns)
        if [c.to_dict() for c in table.columns] != [c.to_dict() for c in self.columns]:
            raise DataError(
                "the table is coded otherwise than the model's; read it with columns=model.columns"
            )
        return table

    def evaluate(self, data: Any) -> RankReport:
        """What the model is worth on labelled examples or on a labelled table."""
        if isinstance(data, Examples):
            users = data.users if data.users.min(initial=0) >= 0 else data.owners
            return report_of(self.score_examples(data), data.labels, users)
        table = self.coded(data)
        if table.labels is None:
            raise DataError(f"the table has no column {self.clicks.label_column!r} to judge by")
        return report_of(self.score_table(table), table.labels, table.groups)

    @property
    def vectors(self) -> Vectors:
        """The items' vectors as the network has them now."""
        vocab, network = self._history_network()
        return Vectors(vocab, network.items.table())

    def save(self, folder: str | Path) -> Path:
        """Write the model folder, whole or not at all; gives the path of the version."""
        from cowalk.rank.store import save_rank

        return save_rank(self, Path(folder))

    def _history_network(self) -> tuple[Vocab, HistoryNetwork]:
        if self.vocab is None or not isinstance(self.network, HistoryNetwork):
            raise UsageError("the model reads a table, not histories; use score_table()")
        return self.vocab, self.network

    @torch.no_grad()
    def _chances(self, batches: Iterable[Mapping[str, Any]]) -> Chances:
        self.network.eval()
        device = next(self.network.parameters()).device
        found = [np.zeros(0)]
        for batch in batches:
            moved = {name: one.to(device) for name, one in tensors(batch).items()}
            logits: Chances = self.network(moved).double().cpu().numpy()
            found.append(1 / (1 + np.exp(-logits)))
        return np.concatenate(found)

    def __repr__(self) -> str:
        what = f"{len(self.vocab):,} items" if self.vocab is not None else f"{len(self.columns)} columns"
        return f"RankModel({self.settings.model}, {self.settings.embedding}, {what})"
