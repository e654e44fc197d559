"""Items that nobody has clicked yet: who their neighbours are, and how they are recommended.

One object, so that evaluation, command line and service ask about cold items in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import UsageError
from cowalk.learn import ColdMap, ColdSettings
from cowalk.recall import CooccurrenceLists, inherited_lists, with_new_items
from cowalk.recommend import Recommender
from cowalk.tables import Field
from cowalk.types import Floats
from cowalk.users import COSINE_SCALE, normalize

WIDTH = 200  # companions that a cold item inherits


@dataclass(frozen=True)
class ColdScorer:
    """Scores cold items by their attributes: the vector that `cold_map` gives them, the popularity of the
    other item, and the co-occurrence lists of the warm items that share most attributes.
    """

    cold_map: ColdMap
    lists: CooccurrenceLists | None
    settings: ColdSettings

    @property
    def label(self) -> str:
        """What `scores` adds up, in words."""
        near = "8 x cosine of the vector from the attributes"
        parts = [near if self.settings.score == "HH" else "vector from the attributes . context rows"]
        if self.settings.popularity > 0:
            parts.append("popularity")
        if self.lists is not None and self.settings.cooccurrence > 0:
            parts.append("companions of similar items")
        return " + ".join(parts)

    def vectors(self, fields: tuple[Field, ...]) -> Floats:
        """float32[N, d]: the vectors of N cold items coded by `encode_items`."""
        return self.cold_map.vectors(fields)

    def scores(self, fields: tuple[Field, ...]) -> Floats:
        """float32[N, V]: how well each warm item fits each cold one.

        H_cold.Z (or 8 cos(H_cold, H)) + popularity * log(1 + count)
        + cooccurrence * log(cf / max cf + floor).
        """
        s, learned = self.settings, self.cold_map.learned
        vectors = self.vectors(fields)
        if s.score == "HH":
            table = COSINE_SCALE * (normalize(vectors) @ normalize(learned.vectors).T)
        elif learned.contexts.shape[1] == 0:
            raise UsageError("hierarchical softmax learns no context row per item; set cold.score=HH")
        else:
            table = vectors @ learned.contexts.T
        table += (s.popularity * np.log1p(self.cold_map.counts)).astype(np.float32)
        if self.lists is not None and s.cooccurrence > 0:
            near = self.cold_map.nearest(fields, s.neighbors)
            ids, scores = inherited_lists(self.lists, near, s.sharpness, WIDTH)
            table += np.float32(s.cooccurrence * np.log(s.floor))
            share = scores / np.maximum(scores[:, :1], np.float32(1e-30))
            row, place = np.nonzero(ids >= 0)
            gain = np.log(share[row, place] + s.floor) - np.log(s.floor)
            table[row, ids[row, place]] += (s.cooccurrence * gain).astype(np.float32)
        scored: Floats = table
        return scored

    def beside(self, warm: Recommender, fields: tuple[Field, ...]) -> Recommender:
        """The recommender over warm rows 0..V-1 and cold rows V..V+N-1, scored by the warm one's settings.

        Cold items have the context rows of the map, a count of 0, `lift` in their bias and inherited lists.
        """
        s, cold = self.settings, self.cold_map
        lists = warm.lists
        if lists is not None:
            lists = with_new_items(lists, cold.nearest(fields, s.neighbors), s.sharpness, WIDTH)
        vectors, tower = self.vectors(fields), warm.tower
        if tower is not None:
            tower = tower.beside(cold.inputs(fields, tower.inputs))
        return Recommender(
            np.concatenate([warm.vectors, vectors]),
            np.concatenate([warm.contexts, cold.contexts(fields)]),
            np.concatenate([warm.counts, np.zeros(len(vectors))]).astype(np.float32),
            lists,
            warm.settings,
            np.repeat(np.array([0.0, s.lift], dtype=np.float32), [len(warm.counts), len(vectors)]),
            tower=tower,
        )
