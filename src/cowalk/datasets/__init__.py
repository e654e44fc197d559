"""Known data sets, and a simulated shop with planted interests."""

from cowalk.datasets.dataset import Dataset
from cowalk.datasets.known import load, names
from cowalk.datasets.shop import SimulatedShop, simulate

__all__ = ["Dataset", "SimulatedShop", "load", "names", "simulate"]
