"""Spans and deadlines as people write them."""

from datetime import UTC, datetime

import pytest

from node.ballots.durations import deadline_of, seconds_of, span_words
from node.refused import Refused


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90s", 90), ("30m", 1_800), ("2h", 7_200), ("3d", 259_200), ("1w", 604_800), ("1d 12h", 129_600)],
)
def test_a_span_is_read(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "1.5h", "2h3", "two hours", "1y"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="write it like"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "no time"),
        (0.4, "no time"),
        (1, "1 second"),
        (61, "1 minute 1 second"),
        (3_600, "1 hour"),
        (3_661, "1 hour 1 minute"),
        (86_400 * 2 + 3_600 * 3 + 59, "2 days 3 hours"),
        (86_400 + 59, "1 day"),
    ],
)
def test_a_span_is_told_in_its_largest_units(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


def test_a_deadline_is_a_span_from_now_or_a_local_time() -> None:
    assert deadline_of("2h", None, 1_000) == 7_201_000
    local = datetime(2026, 12, 1, 20, 0).astimezone()
    for text in ("2026-12-01 20:00", "2026-12-01T20:00:00"):
        assert deadline_of(None, text, 0) == round(local.timestamp() * 1000)
    zoned = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
    assert deadline_of(None, "2026-12-01T20:00:00+00:00", 0) == round(zoned.timestamp() * 1000)


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01 20:00", "20:00", "2026-12-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is no date and time"):
        deadline_of(None, text, 0)
