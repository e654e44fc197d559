"""Array types by what they hold, and the strict base of all settings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Ids = NDArray[np.int32]
"""Row numbers of a vocabulary; -1 means none."""
Offsets = NDArray[np.int64]
"""Row starts of a ragged table: n + 1 numbers that rise from 0."""
Floats = NDArray[np.float32]
AnyArray = NDArray[Any]


class Settings(BaseModel):
    """Settings of one stage: frozen, and a key that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)
