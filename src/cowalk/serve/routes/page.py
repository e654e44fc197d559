"""GET / and its files, and /map: the page on which a person sees what was learned."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated

from msgspec import Meta, Struct

from cowalk.errors import UsageError
from cowalk.serve import schemas as s
from cowalk.serve.errors import RefusedError
from cowalk.serve.operations import Call, Operation, Reply
from cowalk.serve.page_data import PageData
from cowalk.serve.sources import FolderSource
from cowalk.serve.static_files import FILES, sent, tagged

KEPT = 4  # versions of two models: those that answer and those before, which a page may still be reading
MOST = 100  # neighbours that say where a new item lies
BINARY = "application/octet-stream"


class Neighbours(Struct, forbid_unknown_fields=True):
    """The neighbours of an item that is not on the map, nearest first."""

    items: Annotated[list[s.Id], Meta(min_length=1, max_length=MOST)]
    scores: Annotated[list[float], Meta(min_length=1, max_length=MOST)]


class Place(Struct):
    """x and y on the map, within -1..1."""

    place: list[float]


class MapField(Struct):
    """A field that items can be coloured by. values: most held first, numbers in their order."""

    name: str
    kind: str
    values: list[str]
    counts: list[int]


class About(Struct):
    """What the map shows. clusters: what its groups are called; beside: whether a second model stands at
    /beside; map: how it was made.
    """

    title: str
    version: str
    recipe: str
    items: int
    dimensions: int
    map: str
    fields: list[MapField]
    clusters: list[str]
    beside: bool


class Pages:
    """The handlers, and what they made of the latest models."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, str], PageData] = {}

    def data(self, call: Call) -> PageData:
        """The page's view of the model that answers."""
        state, key = call.state, (id(call.service), call.state.version)
        found = self._made.get(key)
        if found is None or found.model is not state.model:
            found = PageData(state.model, state.version, _title(call), state.names.names)
            self._made[key] = found
            while len(self._made) > KEPT:
                self._made.pop(next(iter(self._made)))
        return found

    async def page(self, call: Call) -> Reply:
        """The page."""
        return sent(call.scope, "index.html")

    async def static(self, call: Call) -> Reply:
        """A file of the page."""
        name = call.path["name"]
        if name not in FILES:
            raise RefusedError(404, "the page has no such file", "name")
        return sent(call.scope, name)

    async def about(self, call: Call) -> About:
        """What the map shows, with the fields that it can be coloured by."""
        told = await call.service.aside(lambda: self.data(call).about)
        fields = [MapField(**field) for field in told["fields"]]
        return About(**{**told, "fields": fields}, beside=_has_other(call))

    async def places(self, call: Call) -> Reply:
        """Places, counts and groups of all items in one binary.

        "CWMAP1", two zero bytes, uint32 number of items V, uint32 number of groups; then float32 x, y [V, 2],
        uint32 events [V], uint8 group [V]. Little-endian, in the order of /map/ids.
        """
        data = self.data(call)
        return tagged(call.scope, _tag(data, "places"), await call.service.aside(data.places), BINARY)

    async def ids(self, call: Call) -> Reply:
        """Ids and names of all items, in the order of the map: {"ids": [...], "names": [...]}.

        Where the model knows no names, the values of the first fields stand for them.
        """
        data = self.data(call)
        plain, packed = await call.service.aside(lambda: data.ids)
        return tagged(call.scope, _tag(data, "ids"), plain, "application/json", packed=packed)

    async def field(self, call: Call) -> Reply:
        """One code an item of a field, uint16 in the order of /map/ids.

        0 is missing, n the n-th of the field's values. An item of several values counts by the one that most
        items hold.
        """
        data, name = self.data(call), call.path["field"]
        try:
            colours = await call.service.aside(data.field, name)
        except UsageError as error:
            raise RefusedError(404, str(error), "field") from None
        return tagged(call.scope, _tag(data, f"field/{name}"), colours.codes.tobytes(), BINARY)

    async def place(self, call: Call) -> Place:
        """Where an item lies on the map that has these neighbours."""
        wish: Neighbours = call.body
        if len(wish.items) != len(wish.scores):
            raise RefusedError(422, f"scores: {len(wish.scores)} for {len(wish.items)} items", "scores")
        return Place(await call.service.aside(self.data(call).place, list(wish.items), wish.scores))


def _title(call: Call) -> str:
    """The name of the model's folder, or else of its recipe."""
    source = call.service.source
    if not isinstance(source, FolderSource):
        return call.state.model.recipe.name
    folder = source.folder.resolve()
    return folder.parent.parent.name if folder.parent.name == "versions" else folder.name


def _has_other(call: Call) -> bool:
    """Whether a second model is compared with this one."""
    told = call.scope["app"].state
    return told.beside is not None and call.service is told.service


def _tag(data: PageData, part: str) -> str:
    return blake2b(f"{data.version}/{part}".encode(), digest_size=8).hexdigest()


def operations() -> list[Operation]:
    """The page, its files, and what it reads in bulk."""
    pages = Pages()
    return [
        Operation("GET", "/", "The page", pages.page, str),
        Operation("GET", "/static/{name}", "A file of the page", pages.static, str, statuses=(404,)),
        Operation("GET", "/map/about", "What the map shows", pages.about, About),
        Operation("GET", "/map", "The map", pages.places, bytes),
        Operation("GET", "/map/ids", "Ids and names of the map", pages.ids, dict),
        Operation("GET", "/map/fields/{field:path}", "Colours", pages.field, bytes, statuses=(404,)),
        Operation("POST", "/map/place", "Where a new item lies", pages.place, Place, body=Neighbours),
    ]  # fmt: skip
