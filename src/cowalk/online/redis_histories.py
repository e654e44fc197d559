"""Histories in Redis, which all replicas of a service share: one capped list a user, with expiry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from cowalk.errors import StoreAwayError
from cowalk.model.user_store import Time
from cowalk.online.histories import KEEP, Event, History, check_bounds, checked, user_of
from cowalk.online.redis_link import TIMEOUT, Link, Script
from cowalk.tables import Id

MONTH = 30 * 86_400.0
AT_ONCE = 1_000  # events of one call of the script: Lua unpacks at most about 8,000 values

# Entries are "<microseconds> <i|s><item>": i a whole number, s a text. The rule is `histories.place`, in Lua
# so that reading and writing back are one step, whoever else writes.
ADD = Script(
    """
    local keep, expiry, repeats = tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1'
    local counted = 0
    local function parts(entry)
      local gap = string.find(entry, ' ', 1, true)
      return string.sub(entry, 1, gap - 1), string.sub(entry, gap + 2)
    end
    for n, key in ipairs(KEYS) do
      local time, stamped, item = ARGV[3 * n + 1], ARGV[3 * n + 2] == '1', ARGV[3 * n + 3]
      local newest = redis.call('LINDEX', key, -1)
      local newest_time, newest_item
      if newest then newest_time, newest_item = parts(newest) end
      if repeats or newest_item ~= string.sub(item, 2) then
        counted = counted + 1
        if newest and stamped and tonumber(time) < tonumber(newest_time) then time = newest_time end
        if not newest or tonumber(time) >= tonumber(newest_time) then
          redis.call('RPUSH', key, time .. ' ' .. item)
        else
          local all = redis.call('LRANGE', key, 0, -1)
          local at = #all
          while at > 0 and tonumber((parts(all[at]))) > tonumber(time) do at = at - 1 end
          table.insert(all, at + 1, time .. ' ' .. item)
          redis.call('DEL', key)
          redis.call('RPUSH', key, unpack(all))
        end
        redis.call('LTRIM', key, -keep, -1)
      end
      if expiry ~= '0' then redis.call('PEXPIRE', key, expiry) end
    end
    return counted
    """
)


class RedisHistories:
    """Histories (see there) at redis://host:port/db?name=shop; every call is one trip to the server.

    expiry: seconds after the latest event that came in, after which Redis forgets a user; None = never.
    Memory is bounded by it and by `keep`. An event whose answer was lost on the way is sent once more, so
    that with `repeats` it may stand twice.
    """

    def __init__(
        self,
        url: str,
        *,
        keep: int = KEEP,
        repeats: bool = False,
        expiry: float | None = MONTH,
        timeout: float = TIMEOUT,
    ) -> None:
        check_bounds(keep, expiry)
        self.keep, self.repeats, self.expiry = keep, repeats, expiry
        self._link = Link(url, timeout=timeout)

    def add(self, user: Id, item: Id, time: Time | None = None) -> bool:
        """Take one event in; gives whether it counts."""
        return self.extend([(user, item, time)]) == 1

    def extend(self, events: Iterable[Event]) -> int:
        """Take events in, in this order, a thousand to a trip; gives how many count."""
        wanted = [checked(event) for event in events]
        expiry = 0 if self.expiry is None else max(1, round(self.expiry * 1000))
        counted = 0
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            arguments: list[Any] = [self.keep, expiry, int(self.repeats)]
            for event in part:
                kind = "s" if isinstance(event.item, str) else "i"
                arguments += [event.time, int(event.stamped), f"{kind}{event.item}"]
            keys = [self._key(event.user) for event in part]
            counted += int(self._link.ask(partial(ADD, keys=keys, arguments=arguments)))
        return counted

    def get(self, user: Id) -> History:
        """The events of one user; of one who was never seen an empty history."""
        key = self._key(user_of(user))
        return history_of(self._link.ask(lambda client: client.lrange(key, 0, -1)))

    def get_many(self, users: Sequence[Id]) -> list[History]:
        """The events of several users, in one trip."""
        keys = [self._key(user_of(user)) for user in users]
        if not keys:
            return []

        def read(client: Any) -> list[list[bytes]]:
            with client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.lrange(key, 0, -1)
                answers: list[list[bytes]] = pipe.execute()
            return answers

        return [history_of(entries) for entries in self._link.ask(read)]

    def forget(self, user: Id) -> bool:
        """Drop all that is kept of a user; gives whether there was anything."""
        key = self._key(user_of(user))
        return bool(self._link.ask(lambda client: client.delete(key)))

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def _key(self, user: str) -> str:
        return self._link.place.key("history", user)


def history_of(entries: Any) -> History:
    """A history as Redis holds it; StoreAwayError where the entries are not ours."""
    items: list[Id] = []
    times: list[int] = []
    try:
        for entry in entries:
            at, _, item = entry.decode().partition(" ")
            items.append(int(item[1:]) if item[:1] == "i" else item[1:])
            times.append(int(at))
    except (ValueError, AttributeError):
        raise StoreAwayError("Redis holds a history that cowalk did not write; give another name") from None
    return History(items, times)
