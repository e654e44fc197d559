"""The routes, a file each kind; `operations` is the list of all."""

from __future__ import annotations

from cowalk.serve.operations import Operation
from cowalk.serve.options import ServeSettings
from cowalk.serve.routes import admin, embed, events, items, page, recommend, similar, status


def operations(settings: ServeSettings) -> list[Operation]:
    """All that the service answers; those of /admin only where there is a token for them."""
    open_to_all = (recommend, similar, embed, events, items, status)
    found = [operation for room in open_to_all for operation in room.OPERATIONS] + page.operations()
    return [*found, *admin.OPERATIONS] if settings.admin_token is not None else found
