"""Tuning: the settings of a recipe searched by Optuna on a validation part inside the data."""

from cowalk.tuning.purposes import PURPOSES, Purpose
from cowalk.tuning.tune import TuneSettings, search, space_of, tune
from cowalk.tuning.tuned import Tuned

__all__ = ["PURPOSES", "Purpose", "TuneSettings", "Tuned", "search", "space_of", "tune"]
