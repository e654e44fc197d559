"""Learning vectors: one engine for the skip-gram family, and vectors for cold items."""

import sys
from types import ModuleType

from cowalk.learn.cold import ColdMap
from cowalk.learn.engine import learn
from cowalk.learn.result import Learned
from cowalk.learn.settings import ColdSettings, LearnSettings, WalkSettings

__all__ = ["ColdMap", "ColdSettings", "LearnSettings", "Learned", "WalkSettings", "learn"]


class _Room(ModuleType):
    """The module, which called is its function: `cowalk.learn` is both, whichever was imported first."""

    __call__ = staticmethod(learn)


sys.modules[__name__].__class__ = _Room
