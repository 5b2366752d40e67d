"""Weights: which ones, where they come from, and how they are run."""

from models.privacy import disable_usage_reports

disable_usage_reports()
