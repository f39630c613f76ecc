"""Try one target with so many inputs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import trio

from .answerers import ANSWERERS
from .decoders import DECODERS
from .mutation import Mutation
from .target import Target

__all__ = ["TARGETS", "Found", "corpus", "run", "try_one"]

TARGETS = (*DECODERS, *ANSWERERS)
_FOLDER = Path(__file__).parent / "corpus"
_POOL = 600  # inputs from which others are made, at most
_RENEW = 20_000  # inputs after which a target begins anew


@dataclass
class Found:
    """How it went: inputs tried, outcomes and how often, and the first input that was a fault, with what it raised."""

    target: str
    inputs: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    fault: bytes | None = None
    error: BaseException | None = None


def corpus(target: Target) -> list[bytes]:
    """The inputs that are kept for a target, because they were faults once: one in hexadecimal to a line."""
    path = _FOLDER / f"{target.name}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]


def run(
    target: Target, inputs: int, begin: int, tell: Callable[[Found], None] = lambda _: None, *, kept: bool = True
) -> Found:
    """Try what is kept, the seeds, and then inputs made from them; stops at the first fault.

    begin: the number of the first input; the same number gives the same inputs. tell: called now and then.
    """
    found = Found(target.name)
    seeds = target.seeds()
    pool = [*seeds, *corpus(target)]
    first = [*corpus(target), *seeds] if kept else []
    mutation = Mutation(Random(f"{target.name} {begin}"))

    def supply() -> Iterable[bytes]:
        yield from first
        while True:
            yield mutation.make(pool)

    supplied = iter(supply())
    while found.inputs < inputs and found.error is None:
        with TemporaryDirectory() as folder:
            trio.run(_round, target, Path(folder), min(_RENEW, inputs - found.inputs), supplied, pool, found, tell)
    return found


async def _round(
    target: Target,
    folder: Path,
    count: int,
    supplied: Iterable[bytes],
    pool: list[bytes],
    found: Found,
    tell: Callable[[Found], None],
) -> None:
    async with target.open(folder / "home") as one:
        for data, _ in zip(supplied, range(count), strict=False):
            try:
                word = await one(data)
            except Exception as error:  # noqa: BLE001  # every one is a fault, and is what is looked for
                found.fault, found.error = data, error
                return
            found.inputs += 1
            if word not in found.outcomes and len(pool) < _POOL and len(found.outcomes) < _POOL:
                pool.append(data)  # it got further, or elsewhere, than those before
            found.outcomes[word] = found.outcomes.get(word, 0) + 1
            if found.inputs % 1000 == 0:
                tell(found)


def try_one(target: Target, data: bytes) -> str:
    """Try a single input; raises what it provokes."""

    async def one() -> str:
        with TemporaryDirectory() as folder:
            async with target.open(Path(folder) / "home") as read:
                return await read(data)

    return trio.run(one)
