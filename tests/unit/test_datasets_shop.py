"""The simulated shop: what was planted is what is found."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from cowalk.datasets import shop_files, simulate
from cowalk.datasets.planted import Urn, plant
from cowalk.errors import DataError, UsageError


def rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute(query).fetchall()


def test_an_urn_draws_others_of_the_same_value_by_weight() -> None:
    value = np.array([0, 1, 0, 0, 1, 2], dtype=np.int32)
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    urn = Urn.of(value, 3, weights)
    n = 20_000
    random = (np.arange(n) + 0.5) / n
    drawn = urn.draw(np.full(n, 2, dtype=np.int32), random)
    share = np.bincount(drawn, minlength=6) / n
    np.testing.assert_allclose(share, [1 / 5, 0, 0, 4 / 5, 0, 0], atol=1e-3)
    assert set(urn.draw(np.full(n, 4, dtype=np.int32), random).tolist()) == {1}
    assert set(urn.draw(np.full(n, 5, dtype=np.int32), random).tolist()) == {5}  # alone in its value


@pytest.mark.parametrize("end", [0.0, np.nextafter(1.0, 0.0)])
def test_an_urn_never_gives_the_item_back_nor_leaves_the_value(end: float) -> None:
    planted = plant(1000, 10, [1.0], 0.0, 1.0, np.random.default_rng(1))
    items = np.arange(1000, dtype=np.int32)
    drawn = planted.urns[0].draw(items, np.full(1000, end))
    assert np.all(drawn != items)
    assert np.array_equal(planted.values[0][drawn], planted.values[0])


def test_all_fields_spread_their_values_equally() -> None:
    planted = plant(1000, 10, [0.6, 0.3, 0.1, 0.0], 0.2, 0.8, np.random.default_rng(1))
    for values in planted.values:
        assert np.bincount(values).tolist() == [100] * 10
        mass = np.bincount(values, weights=planted.weights) / planted.weights.sum()
        assert mass.min() > 0.08
        assert mass.max() < 0.16  # the most popular item alone has .06


def transitions(events: Path, items: Path, fields: list[str]) -> dict[str, float]:
    """Share of the steps within sessions (gap 30 minutes) that keep the value of each field."""
    kept = ", ".join(f'avg((a."{field}" = b."{field}")::INTEGER)' for field in fields)
    found = rows(f"""
        WITH log AS (
            SELECT item_id, lead(item_id) OVER w AS following, lead(timestamp) OVER w - timestamp AS pause
            FROM read_parquet('{events}') WINDOW w AS (PARTITION BY user_id ORDER BY timestamp))
        SELECT {kept} FROM log JOIN read_parquet('{items}') a ON a.item_id = log.item_id
        JOIN read_parquet('{items}') b ON b.item_id = following WHERE pause < INTERVAL 30 MINUTE""")
    return dict(zip(fields, found[0], strict=True))


def test_the_steps_follow_the_planted_shares(tmp_path: Path) -> None:
    shop = simulate(2000, 60_000, out=tmp_path, values=20, exponent=0.0, seed=3)
    kept = transitions(shop.events, shop.items, list(shop.shares))
    chance = 99 / 1999  # another item with the same value, drawn from all: 100 items per value, exponent 0
    for field, share in shop.shares.items():
        led = 0.8 * share
        expected = led + (1 - led) * chance
        assert abs(kept[field] - expected) < 0.01, field  # 48,000 steps: a standard error of at most .0023


def test_a_community_leads_and_no_field_tells(tmp_path: Path) -> None:
    shop = simulate(500, 20_000, out=tmp_path, values=10, noise=0.0, exponent=0.0, community_share=1.0)
    kept = transitions(shop.events, shop.items, list(shop.shares))
    assert max(kept.values()) < 0.15
    assert shop.communities is not None
    log = np.array(
        rows(f"SELECT item_id - 1 FROM '{shop.events}' WHERE user_id = 1 ORDER BY timestamp")
    ).ravel()
    pauses = rows(f"SELECT epoch(timestamp) FROM '{shop.events}' WHERE user_id = 1 ORDER BY timestamp")
    inside = np.diff(np.array(pauses).ravel()) < 1800
    groups = shop.communities[log]
    assert np.array_equal(groups[1:][inside], groups[:-1][inside])


def test_sizes_times_and_sessions(tmp_path: Path) -> None:
    shop = simulate(300, 30_000, out=tmp_path, users=1000, seed=5)
    events, users, items, first = rows(
        f"""SELECT count(*), count(DISTINCT user_id), count(DISTINCT item_id), min(timestamp)
        FROM '{shop.events}'"""
    )[0]
    assert (events, users) == (30_000, 1000)
    assert items > 250
    assert str(first) >= "2024-01-01"
    pauses = np.array(
        rows(f"""SELECT epoch(timestamp) - epoch(lag(timestamp) OVER log) AS pause
        FROM read_parquet('{shop.events}', file_row_number = true)
        WINDOW log AS (PARTITION BY user_id ORDER BY file_row_number) QUALIFY pause IS NOT NULL""")
    ).ravel()
    within = pauses[pauses <= 300]
    assert within.min() >= 5
    assert pauses[pauses > 300].min() >= 3600
    sessions = 1000 + np.count_nonzero(pauses > 300)
    assert abs(sessions - (1000 + 29_000 / 5)) < 300  # each later event opens one with chance 1/5; sd 68
    assert rows(f"SELECT count(*) FROM '{shop.items}'")[0][0] == 300


def test_equal_seeds_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cowalk.datasets.behave.CHUNK", 1000)
    shops = [
        simulate(200, 5000, out=tmp_path / name, seed=seed, price=True, missing=0.1, string_ids=True)
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    ]
    one, two, other = [(shop.events.read_bytes(), shop.items.read_bytes()) for shop in shops]
    assert one == two
    assert one[0] != other[0]
    assert one[1] != other[1]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["events.parquet", "items.parquet"]
    assert rows(f"SELECT count(*), count(DISTINCT user_id) FROM '{shops[0].events}'") == [(5000, 200)]


def test_missing_values_prices_and_text_ids(tmp_path: Path) -> None:
    shop = simulate(1000, 1000, out=tmp_path, missing=0.3, price=True, string_ids=True, fields={"a 'b'": 1.0})
    found = rows(f"""SELECT avg((price IS NULL)::INT), avg(("a 'b'" IS NULL)::INT),
        min(item_id), max(item_id),
        min("a 'b'"), min(price) > 0 FROM '{shop.items}'""")[0]
    assert found[2:] == ("item-0000001", "item-0001000", "a 'b'-01", True)
    assert abs(found[0] - 0.3) < 0.06
    assert abs(found[1] - 0.3) < 0.06


@pytest.mark.parametrize(("items", "events", "users"), [(1, 1, 1), (1, 50, 3), (2, 10, 10), (3, 7, None)])
def test_tiny_shops(tmp_path: Path, items: int, events: int, users: int | None) -> None:
    shop = simulate(items, events, out=tmp_path, users=users)
    assert rows(f"SELECT count(*) FROM '{shop.events}'") == [(events,)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": 0}, "items must be 1 or more, got 0"),
        ({"events": -1}, "events must be 1 or more, got -1"),
        ({"items": 2**31}, "items must be at most"),
        ({"users": 0}, "users must be 1 or more"),
        ({"users": 101}, "101 users need as many events"),
        ({"values": 0}, "values must be 1 or more"),
        ({"noise": 1.5}, "noise must lie between 0 and 1"),
        ({"missing": float("nan")}, "missing must lie between 0 and 1"),
        ({"exponent": -1}, "exponent must lie"),
        ({"fields": {}}, "sum to 1"),
        ({"fields": {"a": 0.5}}, "sum to 1"),
        ({"fields": {"a": float("nan")}}, "sum to 1"),
        ({"fields": {"price": 1.0}}, "must differ in name"),
        ({"fields": {"a": 0.5, "A": 0.5}}, "must differ in name"),
    ],
)
def test_bad_numbers_are_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        simulate(**{"items": 10, "events": 100, "out": tmp_path / "shop", **change})
    assert not (tmp_path / "shop").exists()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write to .*file"):
        simulate(10, 100, out=tmp_path / "file" / "shop")


@pytest.mark.parametrize("error", [duckdb.IOException("No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("fresh", [True, False])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, fresh: bool
) -> None:
    out = tmp_path / "shop"
    if not fresh:
        simulate(10, 100, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}
    real, calls = shop_files._copy, []

    def fails(con: Any, query: str, target: Path) -> None:
        calls.append(target)
        if len(calls) == 3:
            raise error
        real(con, query, target)

    monkeypatch.setattr(shop_files, "_copy", fails)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else DataError
    with pytest.raises(expected):
        simulate(20, 200, out=out, seed=9)
    assert len(calls) == 3
    assert out.exists() != fresh
    assert ({path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}) == before
