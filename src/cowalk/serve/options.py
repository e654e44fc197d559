"""Settings of the service."""

from __future__ import annotations

from pydantic import Field, SecretStr

from cowalk.types import Settings
from cowalk.users.tower import Runtime


class ServeSettings(Settings):
    """How the service guards itself, and how it follows new versions of its model."""

    api_key: SecretStr | None = Field(
        None, description="What every request has to bring; none = all may ask."
    )
    admin_token: SecretStr | None = Field(
        None, description="What requests to /admin have to bring; none = there is no /admin."
    )
    max_body: int = Field(1 << 20, ge=1024, description="Bytes of a request's body, at most.")
    body_seconds: float = Field(10.0, gt=0, description="Seconds in which a body has to be there.")
    watch_seconds: float = Field(
        2.0, ge=0, description="Seconds between two looks for a new version of the model; 0 = never looks."
    )
    tower: Runtime = Field(
        "numpy", description="What runs the user tower of two-tower and youtube-dnn: numpy or onnx."
    )
    name_field: str | None = Field(
        None, description="Field of the items that is their name; name or title unless given."
    )
