"""Who hurries waits."""

from node.host.pacing import Pacing, Turnstile


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_goes_through_at_once_and_the_rest_in_step() -> None:
    clock = Clock()
    turnstile = Turnstile(3, 2.0, clock)
    assert [turnstile.wait(9) for _ in range(6)] == [0, 0, 0, 0.5, 1.0, 1.5]
    clock.now += 1.5
    assert [turnstile.idle, turnstile.wait(9)] == [False, 0.5]
    clock.now += 100
    assert [turnstile.idle, turnstile.idle] == [True, True], "to ask takes no turn"
    assert [turnstile.wait(9) for _ in range(4)] == [0, 0, 0, 0.5], "no more than a burst is saved up"


def test_who_would_wait_too_long_takes_no_turn() -> None:
    clock = Clock()
    turnstile = Turnstile(1, 1.0, clock)
    assert [turnstile.wait(1.5) for _ in range(5)] == [0, 1.0, None, None, None]
    clock.now += 1
    assert turnstile.wait(1.5) == 1.0, "those who were sent away hold nobody up"


def test_each_key_has_its_own_and_the_unused_are_forgotten() -> None:
    clock = Clock()
    pacing = Pacing(1, 1.0, clock)
    assert pacing.wait("a", 9) == 0
    assert pacing.wait("a", 9) == 1.0
    assert pacing.wait("b", 9) == 0
    assert len(pacing) == 2
    clock.now += 10
    assert pacing.wait("b", 9) == 0
    assert len(pacing) == 1


def test_the_number_of_keys_is_bounded() -> None:
    pacing = Pacing(1, 1.0, Clock())
    for number in range(5000):
        assert pacing.wait(number, 9) == 0
    assert len(pacing) == 4096
    assert pacing.wait(4999, 9) == 1.0, "the latest are remembered"
