"""Shared Hypothesis strategies: what the format can hold, random orders, and whole councils."""

from typing import Any

from hypothesis import strategies as st

from .steps import STEPS, play

__all__ = ["orders", "steps", "texts", "values", "villages"]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
"""Text that UTF-8 can carry."""

_leaves = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(max_size=40) | texts

values: st.SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
"""Values that the format can hold."""

orders = st.randoms(use_true_random=False)
"""A source of orders, splits and meetings."""

_number = st.integers(0, 255)
steps = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.sampled_from((0, 0, 1, 2)), _number, _number, _number),
    min_size=1,
    max_size=25,
)
"""What happens in a village, see `tests.steps`."""

villages = steps.map(play)
"""A council with all that was ever written in it."""
