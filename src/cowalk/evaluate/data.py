"""TrainData: all that a method may be fitted on, made from the training part alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from cowalk.errors import DataError
from cowalk.prepare import encode_side_info, item_graph, refit_vocab, sessionize
from cowalk.prepare.settings import CleanSettings, GraphSettings, SessionSettings, SideSettings
from cowalk.tables import Catalogue, Events, ItemGraph, Sessions, SideInfo, Vocab
from cowalk.types import Settings


class DataSettings(Settings):
    """How the training part is prepared: the stages' own settings, equal for all methods compared."""

    clean: CleanSettings = CleanSettings()
    session: SessionSettings = SessionSettings()
    graph: GraphSettings = GraphSettings()
    side: SideSettings = SideSettings()


@dataclass(frozen=True)
class TrainData:
    """What a method may see. `vocab.counts` are counts of the training events.

    sessions is None where only a graph is known (link prediction, a ready graph); side_info is None without a
    catalogue; users: attributes by user row, None without a table of them.
    """

    vocab: Vocab
    graph: ItemGraph
    sessions: Sessions | None = None
    side_info: SideInfo | None = None
    settings: DataSettings = field(default_factory=DataSettings)
    users: SideInfo | None = None


def train_data(events: Events, catalogue: Catalogue | None, settings: DataSettings) -> TrainData:
    """The training part, prepared: vocabulary, counts, sessions, graph and attribute codes fitted on it
    alone.
    """
    if len(events) == 0:
        raise DataError("evaluate: the training part is empty; use more data or a smaller held-out share")
    known, _ = refit_vocab(events, settings.clean.min_count)
    sessions, _ = sessionize(known, settings.session, settings.clean)
    side = None if catalogue is None else encode_side_info(catalogue, known.item_vocab, settings.side)
    graph = item_graph(sessions, len(known.item_vocab), settings.graph, side)
    return TrainData(known.item_vocab, graph, sessions, side, settings, known.user_info)
