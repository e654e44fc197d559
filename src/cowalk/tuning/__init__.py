"""Tuning: the settings of a recipe searched by Optuna on a validation part inside the data."""

from cowalk.tuning.purposes import PURPOSES, Purpose
from cowalk.tuning.run import TuneSettings, search, space_of, tune
from cowalk.tuning.space import Knob, parse_knobs, plain, read_knobs
from cowalk.tuning.tuned import Tuned, trial_rows

__all__ = [
    "PURPOSES",
    "Knob",
    "Purpose",
    "TuneSettings",
    "Tuned",
    "parse_knobs",
    "plain",
    "read_knobs",
    "search",
    "space_of",
    "trial_rows",
    "tune",
]
