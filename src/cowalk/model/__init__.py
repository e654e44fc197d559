"""Model: what a fit gives back, the answers it gives, its folder, and its users event by event."""

from cowalk.model.answers import Answer, Hit
from cowalk.model.asking import Fallback
from cowalk.model.cold_items import ColdItems, Policy, unknown_values
from cowalk.model.data import ModelData
from cowalk.model.model import Model, load
from cowalk.model.user_store import UserStore, as_micros

__all__ = [
    "Answer",
    "ColdItems",
    "Fallback",
    "Hit",
    "Model",
    "ModelData",
    "Policy",
    "UserStore",
    "as_micros",
    "load",
    "unknown_values",
]
