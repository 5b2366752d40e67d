"""Weights: which ones, where they come from, and how they are run."""
