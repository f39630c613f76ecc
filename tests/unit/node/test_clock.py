"""A clock that is wrong by hours, or leaps: it is said in a sentence, and the teller waits."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from node import clock as clocks
from node.clock import Clock
from node.service import Service
from node.store import Store
from node.teller import Teller
from tests.worlds import World

HOUR = 3_600_000
NOON = 1_790_000_000_000


@dataclass
class Computer:
    """A computer whose clock somebody sets."""

    store: Store
    since_start: int = 0
    set_to: int = NOON
    time_server: bool | None = False

    def clock(self) -> Clock:
        return Clock(self.store, self.now, lambda: self.since_start, lambda: self.time_server)

    def now(self) -> int:
        return self.set_to

    def pass_by(self, ms: int) -> None:
        self.since_start += ms
        self.set_to += ms


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(Store(tmp_path / "store.db"))


def test_time_that_passes_is_believed(computer: Computer) -> None:
    clock = computer.clock()
    for _ in range(100):
        computer.pass_by(5 * HOUR)
        assert clock.doubt() is None
        clock.note()
    assert clock() == NOON + 500 * HOUR


def test_a_clock_that_was_set_back_while_the_node_runs(computer: Computer) -> None:
    clock = computer.clock()
    computer.pass_by(HOUR)
    clock.note()
    computer.set_to -= 3 * HOUR
    assert "but it has been" in (clock.doubt() or "")
    computer.pass_by(3 * HOUR)
    assert clock.doubt() is None


def test_a_time_server_may_set_it_back_a_little(computer: Computer) -> None:
    clock = computer.clock()
    computer.set_to -= 60_000
    assert clock.doubt() is None


def test_a_computer_that_starts_in_the_past(computer: Computer) -> None:
    """It has no battery: it begins in 1970, or when it was switched off."""
    clock = computer.clock()
    computer.pass_by(HOUR)
    clock.note()
    computer.since_start, computer.set_to = 0, 1000
    again = computer.clock()
    assert "1970" in (again.doubt() or "")
    # The time server is heard, and all is well at once.
    computer.set_to, computer.time_server = NOON + 9 * HOUR, True
    assert again.doubt() is None


def test_a_leap_ahead_is_believed_only_of_a_time_server(computer: Computer) -> None:
    clock = computer.clock()
    computer.set_to += 5 * HOUR
    assert "leapt ahead by 300 minutes" in (clock.doubt() or "")
    clock.note()
    computer.set_to -= 5 * HOUR
    assert clock.doubt() is None  # what was in doubt was not remembered
    computer.set_to += 5 * HOUR
    computer.time_server = True
    assert clock.doubt() is None


def test_somebody_says_that_it_is_right(computer: Computer) -> None:
    clock = computer.clock()
    computer.set_to += 24 * HOUR
    clock.trust()
    assert clock.doubt() is None
    computer.set_to -= 24 * HOUR
    assert clock.doubt() is not None
    clock.trust()
    assert clock.doubt() is None
    assert computer.clock().doubt() is None


def test_the_teller_waits_while_the_clock_is_in_doubt(computer: Computer) -> None:
    world = World()
    service = Service(computer.store, computer.now, world.teller.node, world.teller.key)
    clock = computer.clock()
    teller = Teller(service, computer.store, world.teller.seed, clock=clock)
    assert teller.silent(world.council.id) is None
    assert teller._sleep() > 1e9
    computer.set_to -= 5 * HOUR
    assert (teller.silent(world.council.id) or "").startswith("the teller waits, because this computer's clock shows")
    assert teller._sleep() == 60
    teller.confirm(world.council.id)
    assert teller.silent(world.council.id) is None


def test_what_this_computer_says() -> None:
    assert clocks.wall() > NOON - 10 * 365 * 24 * HOUR
    assert clocks.steady() > 0
    assert clocks.synchronised() in (True, False, None)
