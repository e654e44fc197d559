"""Baselines: what every recipe has to beat, tuned with as many trials."""

from cowalk.evaluate.baselines.item_cf import ItemCF
from cowalk.evaluate.baselines.neighbours import AttributeNeighbours
from cowalk.evaluate.baselines.overlap import AttributeOverlap
from cowalk.evaluate.baselines.ridge import Ridge
from cowalk.evaluate.baselines.simple import Popularity, Random

__all__ = ["AttributeNeighbours", "AttributeOverlap", "ItemCF", "Popularity", "Random", "Ridge"]
