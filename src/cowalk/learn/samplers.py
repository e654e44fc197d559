"""The samplers of negatives of one run: what the setting names, as tables for the kernels."""

from __future__ import annotations

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError, UsageError
from cowalk.kernels.bundles import Draw, Room, Table
from cowalk.kernels.negative_draws import DIRECT, GENERATOR, HARDEST
from cowalk.learn.positives import context_graph
from cowalk.learn.sampler_lists import (
    Ground,
    Lists,
    log_uniform_weights,
    nearest_lists,
    one_list,
    second_lists,
    value_lists,
)
from cowalk.learn.sampler_names import SAME, mixture
from cowalk.learn.settings import LearnSettings
from cowalk.learn.state import negative_weights
from cowalk.setting_names import did_you_mean
from cowalk.tables import Field, ItemGraph, Sessions, SideInfo
from cowalk.types import AnyArray, Floats, Offsets

KINDS = {"hardest": HARDEST, "generator": GENERATOR}
"""Samplers that choose from a random pool, which is drawn by popularity."""


class NegativeTables:
    """The samplers of one run: made once, but for `similar`, made anew from vectors as they change."""

    def __init__(
        self, source: Sessions | ItemGraph, counts: Offsets, weights: AnyArray, settings: LearnSettings,
        side_info: SideInfo | None, seed: int, workers: int | None,
    ) -> None:  # fmt: skip
        """counts: int64[V], weights: float64[V], the weight of each item in `popularity`."""
        self.settings, self.seed = settings, seed
        self.shares = mixture(settings.negatives)
        positives = self._positives(source, len(counts))
        masked = positives if settings.mask_positives else None
        self.ground = ground_of(counts, masked, workers)
        self.notes: dict[str, str] = {}
        self._part: tuple[int, int] | None = None
        if "similar" in self.shares:
            self.notes["similar"] = "negatives: popularity takes the place of similar until there are vectors"
        self.popularity = one_list(weights, settings.mask_positives, self.ground)
        self._tell_of("popularity", self.popularity, "they get no negative")
        self.lists = {
            name: self._made(name, counts, weights, side_info, positives)
            for name in self.shares
            if name not in ("popularity", "similar", *KINDS)
        }

    def _positives(self, source: Sessions | ItemGraph, items: int) -> ItemGraph | None:
        s = self.settings
        if not s.mask_positives and "co-occurring" not in self.shares:
            return None
        window = None if s.pairs == "set" else s.window
        both = s.contexts == "symmetric" or s.architecture == "cbow"
        return context_graph(source, items, window, both, s.bought_context)

    def _made(
        self, name: str, counts: Offsets, weights: AnyArray, side_info: SideInfo | None,
        positives: ItemGraph | None,
    ) -> Lists:  # fmt: skip
        if name == "uniform":
            made = one_list((counts > 0).astype(np.float64), self.settings.mask_positives, self.ground)
        elif name == "log-uniform":
            made = one_list(log_uniform_weights(counts), self.settings.mask_positives, self.ground)
        elif name == "co-occurring":
            assert positives is not None
            made = second_lists(positives, self.settings.similar_pool, self.ground)
        else:
            made = value_lists(field_named(name.removeprefix(SAME), side_info), weights, self.ground)
        self._tell_of(name, made, "popularity takes its place for them")
        return made

    def _tell_of(self, name: str, made: Lists, what: str) -> None:
        """Note how many of the items that occur have nothing to draw; DataError where that is all."""
        lacking = int((made.empty & self.ground.occurs).sum())
        there = int(self.ground.occurs.sum())
        self.notes.pop(name, None)
        if lacking == there:
            why = ", or all that it could draw are known positives" if self.settings.mask_positives else ""
            raise DataError(
                f"negatives: {name} finds nothing to draw for any of {there:,} items{why}; "
                "choose another sampler" + (" or set mask_positives=false" if why else "")
            )
        if lacking:
            self.notes[name] = (
                f"negatives: {name} finds nothing to draw for {lacking:,} of {there:,} items "
                f"({100 * lacking / there:.1f} %); {what}"
            )

    @property
    def hottest(self) -> float:
        """About the largest chance with which one item is drawn, masking and refreshes left out."""
        base = self.popularity.hottest
        pooled = min(1.0, base * self.settings.negative_pool)
        known = {name: made.hottest for name, made in self.lists.items()} | dict.fromkeys(KINDS, pooled)
        return sum(share * known.get(name, base) for name, share in self.shares.items())

    def due(self, epoch: int, share: float) -> bool:
        """Whether `similar` is made anew at this share of an epoch: asked once for each part of it."""
        part = epoch, int(share * self.settings.similar_refresh)
        if "similar" not in self.shares or part == self._part:
            return False
        self._part = part
        return True

    def refresh(self, vectors: Floats, when: str) -> None:
        """Make the lists of `similar` from vectors float32[V, d]; `when` names the random candidates."""
        s, rng = self.settings, seeds.generator(self.seed, f"similar {when}")
        made = nearest_lists(vectors, s.similar_pool, s.similar_skip, self.ground, rng)
        self._tell_of("similar", made, "popularity takes its place for them")
        self.lists["similar"] = made

    def put_into(self, draw: Draw) -> Draw:
        """All samplers of the mixture as they stand now; popularity wherever one has nothing to draw."""
        rows, keys, key_offsets, start = [self.popularity], [], [np.zeros(1, dtype=np.int64)], 0
        for name in self.shares:
            made = self.lists.get(name)
            shift = 0
            if made is not None:
                shift = sum(len(some.offsets) - 1 for some in rows)
                rows.append(made)
            filled_offsets, filled = with_fallback(made, shift, self.popularity)
            keys.append(filled)
            key_offsets.append(filled_offsets[1:] + start)
            start += len(filled)
        sizes = np.concatenate([np.diff(some.offsets) for some in rows])
        return draw._replace(
            plain=False,
            kinds=np.array([KINDS.get(name, DIRECT) for name in self.shares], dtype=np.int32),
            cumulative=np.cumsum(list(self.shares.values())).astype(np.float32),
            alone=np.array([self._alone(name) for name in self.shares]),
            key_offsets=np.concatenate(key_offsets),
            keys=np.concatenate(keys),
            list_offsets=np.append(0, np.cumsum(sizes)).astype(np.int64),
            records=np.concatenate([some.records for some in rows]),
            known_offsets=self.ground.known_offsets,
            known=self.ground.known,
            temperature=self.settings.self_adversarial,
            pool=self.settings.negative_pool,
            generator_step=self.settings.generator_step,
        )

    def _alone(self, name: str) -> bool:
        """Whether an item is never its own negative: it may be where all items are in one list, unmasked."""
        return self.settings.mask_positives or name not in ("popularity", "uniform", "log-uniform")


def negative_tables(
    source: Sessions | ItemGraph, counts: Offsets, settings: LearnSettings, side_info: SideInfo | None,
    seed: int, workers: int | None,
) -> NegativeTables | None:  # fmt: skip
    """The samplers that the settings name; None where popularity alone draws them, unmasked and alike."""
    plain = set(settings.negatives) == {"popularity"} and settings.self_adversarial == 0
    if (plain and not settings.mask_positives) or settings.objective != "negative-sampling":
        return None
    weights = negative_weights(counts, settings.ns_exponent)
    return NegativeTables(source, counts, weights, settings, side_info, seed, workers)


def ground_of(counts: Offsets, masked: ItemGraph | None, workers: int | None) -> Ground:
    """What the lists stand on; masked: each item's known positives."""
    chances = counts / max(counts.sum(), 1)
    if masked is None:
        return Ground(np.zeros(len(counts) + 1, np.int64), np.empty(0, np.int32), chances, workers)
    return Ground(masked.offsets, masked.targets, chances, workers)


def field_named(name: str, side_info: SideInfo | None) -> Field:
    """The field of this name; UsageError where there is none."""
    if side_info is None or not side_info.fields:
        raise UsageError(
            f"negatives: same-{name} needs side information: give an items table with a field {name!r}"
        )
    if name not in side_info.names:
        raise UsageError(
            f"negatives: no field {name!r}{did_you_mean(name, side_info.names)}; "
            f"the fields are {', '.join(side_info.names)}"
        )
    if side_info[name].vectors is not None:
        raise UsageError(
            f"negatives: field {name!r} holds vectors, and no two items share one; "
            "same- needs a field of values"
        )
    return side_info[name]


def with_fallback(made: Lists | None, shift: int, base: Lists) -> tuple[Offsets, AnyArray]:
    """(key_offsets, keys) of a sampler, its lists counted from `shift`; items without one have the base's."""
    if made is None:
        return base.key_offsets, base.keys
    own, spare = np.diff(made.key_offsets), np.diff(base.key_offsets)
    lengths = np.where(own > 0, own, spare)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    keys = np.zeros(offsets[-1], dtype=np.int32)  # the base is list 0
    at = np.repeat(offsets[:-1] - made.key_offsets[:-1], own) + np.arange(len(made.keys))
    keys[at] = made.keys + shift
    return offsets, keys


def with_generator(table: Table, settings: LearnSettings, seed: int) -> Table:
    """The table with the generator's rows, small and random, where the mixture has one."""
    if "generator" not in settings.negatives:
        return table
    items, size, rng = len(table.contexts), settings.generator_size, seeds.generator(seed, "generator")
    width = np.float32(1.0 / np.sqrt(size))
    return table._replace(
        generator_inputs=(rng.random((items, size), dtype=np.float32) - np.float32(0.5)) * width,
        generator_outputs=(rng.random((items, size), dtype=np.float32) - np.float32(0.5)) * width,
        generator_means=np.zeros(items, dtype=np.float32),
        generator_input_squares=np.zeros(items, dtype=np.float32),
        generator_output_squares=np.zeros(items, dtype=np.float32),
    )


def with_pools(room: Room, settings: LearnSettings) -> Room:
    """The room with space for what the generator draws."""
    if "generator" not in settings.negatives:
        return room
    pairs = room.contexts.shape[1] if settings.negatives_per == "pair" else 1
    draws = settings.negative * pairs
    block, pool, size = len(room.losses), settings.negative_pool, settings.generator_size
    return room._replace(
        pools=np.empty((block, draws, pool), dtype=np.int32),
        pool_slopes=np.empty((block, draws, pool), dtype=np.float32),
        pool_sizes=np.zeros((block, draws), dtype=np.int32),
        generator_inputs=np.empty((block, size), dtype=np.float32),
        generator_grads=np.empty((block, size), dtype=np.float32),
        rewards=np.zeros(block, dtype=np.float32),
        reward_counts=np.zeros(block, dtype=np.int32),
    )
