"""Judging: what a method is worth on held-out data, beside tuned baselines, with bounds."""
