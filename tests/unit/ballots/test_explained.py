"""Results in words, from the data that tellers sign."""

from fractions import Fraction
from typing import Any

import pytest

from node.ballots.explained import bars, chosen, explain, figures, tie_words, verdict
from protocol.errors import Refusal
from protocol.tellers.question import Question, Vote, tally

THREE = ["Oil", "Wood", "Gas"]


def counted(question: Question, *votes: Vote, people: int = 10) -> dict[str, Any]:
    result = tally(question, votes, people, people, b"seed")
    assert not isinstance(result, Refusal), result
    return result


def several(*votes: tuple[int, Any]) -> list[Vote]:
    return [(1, choice) for count, choice in votes for _ in range(count)]


def test_a_question_is_told_with_its_figures() -> None:
    question = Question("majority-simple/1")
    result = counted(question, *several((3, "yes"), (1, "no"), (1, "abstain")))
    assert figures(question, result) == "3-1"
    assert verdict(question, result) == "Adopted."
    assert chosen(question, result) == []
    assert explain(question, result) == [
        "yes 3, no 1, abstain 1: 5 of 10.",
        "Needed: more than 1/2 of yes and no (4); 3 is enough.",
    ]
    assert [(bar.name, bar.figure, bar.won) for bar in bars(question, result)] == [
        ("yes", "3", True),
        ("no", "1", False),
        ("abstain", "1", False),
    ]
    assert [bar.share for bar in bars(question, result)] == [1.0, 1 / 3, 1 / 3]
    assert tie_words(question, result) == []


def test_a_tied_question_fails_without_a_lot() -> None:
    question = Question("majority-simple/1")
    result = counted(question, *several((2, "yes"), (2, "no")))
    assert verdict(question, result) == "Rejected."
    assert explain(question, result)[-1] == (
        "As many said yes as no. A tie meets no threshold: the motion fails, and no lot is drawn."
    )


def test_nobody_voted() -> None:
    question = Question("majority-simple/1")
    result = counted(question)
    assert figures(question, result) == "0-0"
    assert explain(question, result) == [
        "yes 0, no 0, abstain 0: 0 of 10.",
        "Needed: more than 1/2 of yes and no (0); 0 is not.",
    ]
    assert [bar.share for bar in bars(question, result)] == [0.0, 0.0, 0.0]


def test_the_rules_own_quorum_is_told() -> None:
    question = Question(
        "majority-qualified/1", settings={"threshold": ["at_least", 2, 3], "quorum": ["at_least", 1, 2]}
    )
    few = counted(question, *several((3, "yes")))
    assert verdict(question, few) == "Without effect: too few voted."
    assert explain(question, few)[1:] == ["The rule's quorum, at least 1/2 of the roll, is not met."]
    many = counted(question, *several((4, "yes"), (2, "no")))
    assert explain(question, many)[1:] == [
        "The rule's quorum, at least 1/2 of the roll, is met.",
        "Needed: at least 2/3 of yes and no (6); 4 is enough.",
    ]


def test_consent_tells_what_a_block_did() -> None:
    question = Question("consent/1")
    blocked = counted(question, *several((4, "agree"), (1, "block")))
    assert (figures(question, blocked), verdict(question, blocked)) == ("4-0, 1 block", "Blocked: it does not pass.")
    assert explain(question, blocked)[1] == "1 blocked it; one is enough for that."
    share = Question("consent/1", settings={"block": "share", "block_threshold": ["at_least", 1, 4]})
    stopped = counted(share, *several((4, "agree"), (2, "block")))
    assert figures(share, stopped) == "4-0, 2 blocks"
    assert explain(share, stopped)[1] == "2 blocked it; at least 1/4 of all votes cast is enough for that."
    refers = Question("consent/1", settings={"block": "refers"})
    assert verdict(refers, counted(refers, (1, "block"))).startswith("Referred back")
    agreed = counted(question, *several((4, "agree"), (1, "disagree")))
    assert figures(question, agreed) == "4-1"
    assert explain(question, agreed)[1].startswith("Needed: more than 1/2 of all who agree, disagree or block (5)")


def test_approvals_and_scores_are_drawn_as_bars() -> None:
    approval = Question("approval/1", THREE)
    result = counted(approval, *several((3, [1]), (2, [0, 1]), (1, [])))
    assert (figures(approval, result), verdict(approval, result)) == ("Wood", "Chosen: Wood.")
    assert explain(approval, result) == ["Wood 5, Oil 2, Gas 0; 6 voted.", "Order: Wood > Oil > Gas."]
    assert [(bar.name, bar.won) for bar in bars(approval, result)] == [("Wood", True), ("Oil", False), ("Gas", False)]
    grades = Question("majority-judgement/1", THREE, settings={"best": 3})
    judged = counted(grades, *several((2, [3, 1, None]), (1, [0, 3, 0])))
    assert explain(grades, judged)[0] == "Oil: the majority's grade is 3 (2 x 3, 1 x 0)."
    assert bars(grades, judged) == []


def test_a_run_off_tells_every_round() -> None:
    question = Question("irv/1", THREE)
    result = counted(question, *several((3, [[0]]), (2, [[1], [2]]), (1, [[2]])))
    assert explain(question, result)[0] == "Round 1: Oil 3, Wood 2, Gas 1; Gas leaves."
    assert "1 name nobody left" in explain(question, result)[1]


def test_a_transferable_vote_tells_its_stages_and_lots() -> None:
    question = Question("stv-scottish/1", THREE, seats=2)
    result = counted(question, *several((3, [[0]]), (1, [[1]]), (1, [[2]])))
    told = explain(question, result)
    assert told[0] == (
        "Stage 1, first preferences: Oil 3.00000, Wood 1.00000, Gas 1.00000. The quota is 2.00000. Elected: Oil."
    )
    ties = tie_words(question, result, f=1)
    assert ties[0].startswith("Wood and Gas were equal at the bottom in round")
    assert "never from the casts" in ties[1]
    assert ties[2] == "One lying teller could at most have held back a number after seeing the others'."
    assert tie_words(question, result, f=3)[2].startswith("3 lying tellers")
    assert "trusted" in tie_words(question, result)[2]


def test_schulze_tells_every_pair_and_the_strongest_chains() -> None:
    question = Question("schulze-winning/1", THREE, settings={"status_quo": 2})
    result = counted(question, *several((3, [[1], [2], [0]]), (2, [[0], [1], [2]])))
    assert explain(question, result) == [
        "Wood against Oil: 3 to 2.",
        "Gas against Oil: 3 to 2.",
        "Wood against Gas: 5 to 0.",
        "Dropped, because they do not win against 'Gas' by more than 1/2: Oil.",
        "Strongest chains of majorities: Wood to Gas 5 (back 0).",
        "Order: Wood > Gas > Oil.",
    ]


def test_many_pairs_are_cut_short() -> None:
    question = Question("schulze-margins/1", [f"Option {number}" for number in range(12)])
    result = counted(question, (1, [[number] for number in range(12)]))
    told = explain(question, result)
    assert "... and 42 pairs more." in told
    assert ", and 54 more." in told[-2]


def test_a_tie_at_the_last_seat_is_told() -> None:
    question = Question("approval/1", THREE)
    result = counted(question, *several((1, [0]), (1, [1])))
    assert tie_words(question, result)[0].startswith("Oil and Wood were equal at the last place; the lot fell to")


def test_what_the_money_bought_is_told() -> None:
    settings = {"budget": 10, "costs": [5, 6, 7]}
    question = Question("equal-shares-cost/1", THREE, settings=settings)
    result = counted(question, *several((2, [[0, 1]]), (2, [[1, 1]])))
    assert explain(question, result) == [
        "Oil is bought: supporters paid at most 2.50 each; 5 is left.",
        "Wood is not bought: its supporters had only 5 left.",
        "Gas is not bought: its supporters had only 0 left.",
    ]
    completed = Question(
        "equal-shares-cost-add1-utilitarian/1", ["Oil", "Wood"], settings={"budget": 20, "costs": [9, 10]}
    )
    told = explain(completed, counted(completed, *several((3, [[0, 1]]), (1, [[1, 1]]))))
    assert any("raised by" in line or "is added from what was left" in line for line in told)


def test_a_weighted_question_keeps_its_fractions() -> None:
    question = Question("majority-simple/1")
    result = counted(question, (Fraction(1, 2), "yes"), (Fraction(1, 3), "no"))
    assert figures(question, result) == "1/2-1/3"
    assert [bar.share for bar in bars(question, result)] == [1.0, 2 / 3, 0.0]


def test_rounds_too_long_for_a_record_are_named_by_their_digest() -> None:
    question = Question("approval/1", THREE)
    result = {**counted(question, (1, [0])), "rounds": [{"digest": "00"}]}
    assert "their digest" in explain(question, result)[0]
    assert bars(question, result) == []


def test_what_could_not_be_counted_says_so() -> None:
    question = Question("approval/1", THREE)
    refused: dict[str, Any] = {"elected": [], "refused": "choice"}
    assert figures(question, refused) == "not countable"
    assert verdict(question, refused) == "It could not be counted (choice)."
    assert explain(question, refused) == ["The casts could not be counted by the rule."]
    assert verdict(question, {"elected": [], "rounds": [], "ranking": []}) == "Nothing was chosen."


@pytest.mark.parametrize("purpose", ["surplus", "buy"])
def test_any_other_lot_is_told_too(purpose: str) -> None:
    question = Question("approval/1", THREE)
    lots = [{"round": 1, "purpose": purpose, "among": [0, 2], "chosen": 2}]
    assert tie_words(question, {"ties": {"lots": lots}})[0] == (
        f"Oil and Gas were equal in round 2 ({purpose}); the lot fell to Gas."
    )
