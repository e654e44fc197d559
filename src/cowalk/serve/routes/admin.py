"""POST /admin/reload: look for a new version now."""

from __future__ import annotations

from cowalk.errors import CowalkError
from cowalk.serve import schemas as s
from cowalk.serve.errors import RefusedError
from cowalk.serve.operations import Call, Operation
from cowalk.serve.security import has_token, secret


async def reload(call: Call) -> s.Reloaded:
    """Let the folder's current version answer. One that cannot is 409, and the one before goes on.

    Of several processes this one answers by it at once, the others within a second of it.
    """
    token = secret(call.service.settings.admin_token)
    if token is None or not has_token(call.scope, token):
        raise RefusedError(403, "send the admin token as X-Admin-Token")
    try:
        outcome = await call.service.reload_all()
    except (CowalkError, OSError) as error:
        raise RefusedError(
            409, f"refused: {' '.join(str(error).split())}; the version before goes on"
        ) from None
    return s.Reloaded(outcome, call.service.state.version)


OPERATIONS = [
    Operation("POST", "/admin/reload", "Look for a new version", reload, s.Reloaded, statuses=(403, 409))
]
