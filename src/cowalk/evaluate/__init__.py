"""Judging: what a method is worth on held-out data, beside tuned baselines, with bounds."""

from cowalk.evaluate.baselines import (
    AttributeNeighbours,
    AttributeOverlap,
    ItemCF,
    Popularity,
    Random,
    Ridge,
)
from cowalk.evaluate.bootstrap import Estimate, bound, paired_difference
from cowalk.evaluate.comparison import Comparison
from cowalk.evaluate.consistency import neighbour_consistency
from cowalk.evaluate.data import DataSettings, TrainData, train_data
from cowalk.evaluate.harness import CompareSettings, compare
from cowalk.evaluate.labelled import Classification, classification
from cowalk.evaluate.methods import Chosen, Fitted, Method, choose
from cowalk.evaluate.pictures import Extras, Picture, draw
from cowalk.evaluate.report import print_tables, to_html, to_json, write_report
from cowalk.evaluate.vectors import FittedVectors, VectorMethod

__all__ = [
    "AttributeNeighbours",
    "AttributeOverlap",
    "Chosen",
    "Classification",
    "CompareSettings",
    "Comparison",
    "DataSettings",
    "Estimate",
    "Extras",
    "Fitted",
    "FittedVectors",
    "ItemCF",
    "Method",
    "Picture",
    "Popularity",
    "Random",
    "Ridge",
    "TrainData",
    "VectorMethod",
    "bound",
    "choose",
    "classification",
    "compare",
    "draw",
    "neighbour_consistency",
    "paired_difference",
    "print_tables",
    "to_html",
    "to_json",
    "train_data",
    "write_report",
]
