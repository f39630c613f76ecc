import pytest

from protocol.counting.ballots import QuestionElection
from protocol.counting.consent import Block, consent
from protocol.counting.majority import ADOPTED
from protocol.counting.thresholds import Threshold, at_least
from protocol.errors import Malformed


def question(agree: int, abstain: int, disagree: int, block: int) -> QuestionElection:
    counts = {"agree": agree, "abstain": abstain, "disagree": disagree, "block": block}
    return QuestionElection(tuple((1, answer) for answer, count in counts.items() for _ in range(count)), 30)


@pytest.mark.parametrize(
    ("counts", "block", "block_threshold", "outcome"),
    [
        ((10, 5, 2, 0), "stops", None, "adopted"),
        ((10, 5, 2, 1), "stops", None, "blocked"),
        ((10, 5, 2, 1), "refers", None, "referred"),
        ((10, 5, 2, 0), "refers", None, "adopted"),
        ((10, 5, 2, 1), "disagrees", None, "adopted"),
        ((10, 5, 9, 1), "disagrees", None, "rejected"),
        ((15, 1, 0, 4), "share", at_least(1, 5), "blocked"),
        ((16, 1, 0, 3), "share", at_least(1, 5), "adopted"),
        ((0, 9, 0, 0), "stops", None, "rejected"),
        ((4, 0, 4, 0), "stops", None, "rejected"),
    ],
)
def test_a_block_means_what_the_charter_says(
    counts: tuple[int, int, int, int], block: Block, block_threshold: Threshold | None, outcome: str
) -> None:
    result = consent(question(*counts), block=block, block_threshold=block_threshold)
    assert result.rule == "consent/1"
    assert result.rounds[0].outcome == outcome
    assert result.elected == (ADOPTED if outcome == "adopted" else ())


def test_the_threshold_is_among_those_who_did_not_stand_aside() -> None:
    assert consent(question(9, 20, 1, 0), threshold=at_least(9, 10)).elected == ADOPTED
    assert consent(question(8, 20, 1, 0), threshold=at_least(9, 10)).elected == ()


def test_quorum_comes_before_blocks() -> None:
    assert consent(question(5, 0, 0, 1), quorum=at_least(1, 2)).rounds[0].outcome == "no quorum"
    assert consent(question(15, 0, 0, 1), quorum=at_least(1, 2)).rounds[0].outcome == "blocked"


@pytest.mark.parametrize(("block", "threshold"), [("share", None), ("stops", at_least(1, 5))])
def test_a_share_of_blocks_is_stated_exactly_when_it_is_needed(block: Block, threshold: Threshold | None) -> None:
    with pytest.raises(Malformed) as fault:
        consent(question(1, 0, 0, 0), block=block, block_threshold=threshold)
    assert fault.value.rule == "consent.block"


def test_yes_is_no_answer_to_a_consent_question() -> None:
    with pytest.raises(Malformed, match="agree, abstain, disagree, block"):
        consent(QuestionElection(((1, "yes"),), 1))
