"""A simulated shop with planted interests, for scale and for tests whose right answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cowalk.datasets.behave import chunks
from cowalk.datasets.planted import plant
from cowalk.datasets.shop_files import write_shop
from cowalk.errors import UsageError
from cowalk.seeds import generator
from cowalk.types import Ids

SHARES: Mapping[str, float] = MappingProxyType({"category": 0.6, "brand": 0.3, "style": 0.1, "material": 0.0})
MOST = {"items": 2**31 - 1, "values": 2**31 - 1}


@dataclass(frozen=True)
class SimulatedShop:
    """events.parquet (user_id, item_id, timestamp), items.parquet (item_id, fields), and what was planted.

    shares: by field, its part of the steps that a field leads. community_share: part of the led steps that
    follow a grouping which no field tells; communities: int32[items] in the row order of items.parquet, None
    where that part is 0. noise: part of all steps that go by popularity alone.
    """

    events: Path
    items: Path
    shares: Mapping[str, float]
    community_share: float
    communities: Ids | None
    noise: float
    n_items: int
    n_events: int
    n_users: int


def simulate(
    items: int,
    events: int,
    *,
    out: Path | str,
    users: int | None = None,
    seed: int = 0,
    fields: Mapping[str, float] = SHARES,
    values: int | None = None,
    community_share: float = 0.0,
    noise: float = 0.2,
    exponent: float = 0.8,
    missing: float = 0.0,
    price: bool = False,
    string_ids: bool = False,
    progress: bool = False,
) -> SimulatedShop:
    """Write a shop of `items` items and exactly `events` events into `out`; equal bytes for equal arguments.

    From one item of a session to the next, a step follows field f with chance (1 - noise) * fields[f] (times
    1 - community_share): another item with the same value of f, by popularity. With chance `noise` it is any
    other item by popularity. All fields have the same number of values, equally spread: only the shares tell
    the fields apart, and a field of share 0 says nothing. A session holds 5 events on average (geometric), at
    most 5 minutes apart, and at least an hour lies between a user's sessions.

    users: default events / 25. fields: name -> share, summing to 1. values: values per field (default
    sqrt(items) / 2, from 2 to 1,000). exponent: popularity falls as 1 / rank ** exponent. missing: part of
    the attribute values left out of items.parquet. price: adds a numeric field that means nothing. Item ids
    are integers, or texts with `string_ids`. UsageError for a number out of range; DataError where `out`
    cannot be written, with nothing left there.
    """
    users = max(1, events // 25) if users is None else users
    values = min(1000, max(2, round(max(items, 0) ** 0.5 / 2))) if values is None else values
    _check_sizes({"items": items, "events": events, "users": users, "values": values})
    _check_shares(fields, {"noise": noise, "missing": missing, "community_share": community_share})
    if not 0 <= exponent <= 10:
        raise UsageError(f"simulate: exponent must lie between 0 and 10, got {exponent}")
    shares = [share * (1 - community_share) for share in fields.values()]
    if community_share:
        shares.append(community_share)
    planted = plant(items, values, shares, noise, exponent, generator(seed, "simulate items"))
    blocks = chunks(planted, users, events, seed)
    rng = generator(seed, "simulate catalogue")
    folder = Path(out)
    write_shop(
        folder,
        planted,
        list(fields),
        blocks,
        events,
        rng,
        missing=missing,
        price=price,
        string_ids=string_ids,
        progress=progress,
    )
    return SimulatedShop(
        events=folder / "events.parquet",
        items=folder / "items.parquet",
        shares=MappingProxyType(dict(fields)),
        community_share=community_share,
        communities=planted.values[-1] if community_share else None,
        noise=noise,
        n_items=items,
        n_events=events,
        n_users=users,
    )


def _check_sizes(sizes: Mapping[str, int]) -> None:
    for name, number in sizes.items():
        if number < 1:
            raise UsageError(f"simulate: {name} must be 1 or more, got {number}")
        if number > MOST.get(name, number):
            raise UsageError(f"simulate: {name} must be at most {MOST[name]:,}, got {number:,}")
    if sizes["users"] > sizes["events"]:
        raise UsageError(f"simulate: {sizes['users']:,} users need as many events, got {sizes['events']:,}")


def _check_shares(fields: Mapping[str, float], parts: Mapping[str, float]) -> None:
    for name, share in parts.items():
        if not 0 <= share <= 1:
            raise UsageError(f"simulate: {name} must lie between 0 and 1, got {share}")
    if not fields or not min(fields.values()) >= 0 or not abs(sum(fields.values()) - 1) < 1e-6:
        raise UsageError(f"simulate: the fields' shares must be 0 or more and sum to 1, got {dict(fields)}")
    if len({name.lower() for name in fields} | {"item_id", "price"}) < len(fields) + 2:
        raise UsageError(
            f"simulate: fields must differ in name, also from item_id and price; got {', '.join(fields)}"
        )
