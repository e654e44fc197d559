"""Learning vectors: one engine for the skip-gram family, and vectors for cold items."""

from cowalk.learn.cold import ColdMap
from cowalk.learn.engine import Learned, learn
from cowalk.learn.settings import ColdSettings, LearnSettings, WalkSettings

__all__ = ["ColdMap", "ColdSettings", "LearnSettings", "Learned", "WalkSettings", "learn"]
