"""Known data sets, and a simulated shop with planted interests."""

from cowalk.datasets.dataset import Dataset
from cowalk.datasets.known import load, names
from cowalk.datasets.shop import SimulatedShop, simulate
from cowalk.datasets.simulated_clicks import SimulatedClicks, simulate_ctr

__all__ = ["Dataset", "SimulatedClicks", "SimulatedShop", "load", "names", "simulate", "simulate_ctr"]
