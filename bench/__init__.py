"""Measurements, as ratios to raw references that are taken in the same run.

Each module has `run(quick) -> dict`, which measures, and `table(result) -> str`, which shows
what it measured to a person. `python -m bench` runs them.
"""
