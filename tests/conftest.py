"""Shared by every test: how hard Hypothesis searches."""

from hypothesis import HealthCheck, settings

# No deadline in any profile: how long an example takes says something of the machine, not of the code.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("default")
