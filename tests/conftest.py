"""Shared by every test: how hard Hypothesis searches, and what must not run side by side."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline in any profile: how long an example takes says something of the machine, not of the code.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile(
    "thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that run whole nodes on one worker: two at once starve each other on a small machine."""
    for item in items:
        if {"network", "soak", "walkthroughs"} & set(Path(item.path).relative_to(Path(__file__).parent).parts):
            item.add_marker(pytest.mark.xdist_group("nodes"))
