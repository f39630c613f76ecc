"""A short part of what `make fuzz` does: what is kept, every seed, and some new inputs for each target."""

import logging
from collections.abc import Iterator
from random import Random

import pytest

from .mutation import Mutation
from .run import TARGETS, run
from .target import Target

_INPUTS = 150_000  # shared out as in a long run
_LEAST = 30
_SHARES = sum(target.share for target in TARGETS)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Hostile input is warned of in every line."""
    log = logging.getLogger("folkmoot")
    before = log.level
    log.setLevel(logging.ERROR)
    yield
    log.setLevel(before)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_that_is_read_is_a_fault(target: Target) -> None:
    found = run(target, max(_LEAST, _INPUTS * target.share // _SHARES // 10), 1)
    if found.error is not None:
        raise AssertionError(f"{target.name}, by the input {(found.fault or b'').hex()}") from found.error
    assert found.inputs
    assert found.outcomes


def test_the_same_beginning_gives_the_same_inputs() -> None:
    pool = [bytes(20), b"\x82\x01\x02", b"a text"]
    one, same, other = (Mutation(Random(seed)) for seed in (1, 1, 2))
    made = [one.make(pool) for _ in range(200)]
    assert made == [same.make(pool) for _ in range(200)]
    assert made != [other.make(pool) for _ in range(200)]
    assert len(set(made)) > 100


def test_a_fault_is_found_and_told() -> None:
    """The fuzzer itself: one that reads a length and believes it is caught."""
    found = run(TARGETS[0], 10, 1)
    assert found.inputs == 10
    broken = Target("broken", 1, lambda: [b"\x04abcd"], _Believes)
    found = run(broken, 100_000, 1)
    assert isinstance(found.error, IndexError)
    assert found.fault is not None


class _Believes:
    """Reads what a length says, without a look at how much there is."""

    def __init__(self, _: object) -> None: ...

    async def __aenter__(self) -> "_Believes":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def __call__(self, data: bytes) -> str:
        return str(data[data[0]]) if data else ""
