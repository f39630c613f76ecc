from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import decode
from protocol.council.charter import (
    MATTERS,
    MAX_CHARTER,
    PROFILES,
    TEMPLATES,
    Threshold,
    UnknownRules,
    parse_charter,
    template,
)
from protocol.errors import Malformed, Misuse
from tests.worlds import small_charter

DATA = small_charter().data()


def changed(**fields: Any) -> dict[str, Any]:
    return {**DATA, **fields}


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in DATA.items() if field != name}


# --- thresholds -------------------------------------------------------------------------------

thresholds = st.builds(
    lambda sort, a, b: Threshold(sort, min(a, b), max(a, b)),
    st.sampled_from(["at_least", "more_than"]),
    st.integers(1, 60),
    st.integers(1, 60),
)


@given(thresholds, st.integers(0, 600), st.integers(0, 600))
def test_a_threshold_is_exact(threshold: Threshold, yes: int, of: int) -> None:
    share, asked = yes, Fraction(threshold.a, threshold.b) * of
    enough = share >= asked if threshold.sort == "at_least" else share > asked
    assert threshold.met(yes, of) == (enough and yes > 0)


@given(thresholds, st.integers(0, 600))
def test_what_is_needed_is_the_least_that_is_enough(threshold: Threshold, of: int) -> None:
    needed = threshold.needed(of)
    assert threshold.met(needed, of)
    assert not threshold.met(needed - 1, of)


@pytest.mark.parametrize(
    ("threshold", "of", "needed"),
    [
        (Threshold("more_than", 1, 2), 8, 5),
        (Threshold("more_than", 1, 2), 9, 5),
        (Threshold("at_least", 1, 2), 8, 4),
        (Threshold("at_least", 2, 3), 9, 6),
        (Threshold("at_least", 2, 3), 10, 7),
        (Threshold("at_least", 1, 1), 50, 50),
        (Threshold("at_least", 1, 10), 3, 1),
        (Threshold("at_least", 1, 2), 0, 1),
    ],
)
def test_how_many_are_needed(threshold: Threshold, of: int, needed: int) -> None:
    assert threshold.needed(of) == needed


def test_a_threshold_in_words() -> None:
    assert Threshold("more_than", 1, 2).words() == "more than 1/2"
    assert Threshold("at_least", 2, 3).words() == "at least 2/3"


# --- charters ---------------------------------------------------------------------------------


def test_a_charter_comes_back_from_its_bytes() -> None:
    charter = small_charter()
    assert parse_charter(decode(charter.encode(), MAX_CHARTER)) == charter
    assert parse_charter(DATA) == charter
    assert charter.digest() == parse_charter(DATA).digest()
    assert charter.digest() != small_charter(visibility="public").digest()
    assert charter.profile() is PROFILES["1"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_are_charters(name: str) -> None:
    charter = template(name, "Mill Lane", "to live together")
    assert (charter.template, charter.name, charter.purpose) == (name, "Mill Lane", "to live together")
    assert parse_charter(charter.data()) == charter
    assert sorted(charter.thresholds) == list(MATTERS)


def test_a_template_is_changed_field_by_field() -> None:
    charter = template(
        "commune", "Mill Lane", "", size={"min": 30}, durations={"motion_epochs": 7}, visibility="public"
    )
    assert (charter.size.min, charter.size.max) == (30, 50)
    assert charter.durations.motion_epochs == 7
    assert charter.durations.grace == 10
    assert charter.visibility == "public"


def test_there_is_no_such_template() -> None:
    with pytest.raises(Misuse, match="there are commune, working-group, federation"):
        template("kingdom", "Mill Lane", "")


def matters(**changes: Any) -> dict[str, Any]:
    return {**DATA["thresholds"], **changes}


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (None, "charter"),
        ([], "charter"),
        ({}, "charter"),
        *[(without(field), "charter") for field in DATA],
        (changed(more=1), "charter"),
        (changed(version=2), "charter"),
        (changed(version=True), "charter"),
        (changed(name=""), "charter"),
        (changed(name=5), "charter"),
        (changed(name="a" * 81), "charter"),
        (changed(name="  "), "charter-name"),
        (changed(purpose="a" * 2001), "charter"),
        (changed(visibility="secret"), "charter"),
        (changed(size={"min": 0, "max": 5, "reason": "x"}), "charter"),
        (changed(size={"min": 3, "max": 501, "reason": "x"}), "charter"),
        (changed(size={"min": 9, "max": 8, "reason": "x"}), "charter-size"),
        (changed(size={"min": 24, "max": 50}), "charter-size"),
        (changed(size={"min": 25, "max": 51}), "charter-size"),
        (changed(size={"min": 1, "max": 2, "reason": " "}), "charter-size"),
        (changed(size={"min": 25, "max": 50, "reason": ""}), "charter"),
        (changed(thresholds={}), "charter-thresholds"),
        (changed(thresholds=matters(crowning=["at_least", 1, 2])), "charter-thresholds"),
        (changed(thresholds=matters(admission=["at_least", 0, 2])), "charter"),
        (changed(thresholds=matters(admission=["at_least", 1, 1_000_001])), "charter"),
        (changed(thresholds=matters(admission=["at_most", 1, 2])), "charter"),
        (changed(thresholds=matters(admission=["at_least", 1])), "charter"),
        (changed(thresholds=matters(admission=["at_least", 1, 2, 3])), "charter"),
        (changed(thresholds=matters(admission=["at_least", 3, 2])), "charter-thresholds"),
        (changed(thresholds=matters(admission=["more_than", 2, 2])), "charter-thresholds"),
        *[
            (changed(thresholds=matters(**{matter: few})), "charter-thresholds")
            for matter in ("charter", "rekey", "removal", "tellers")
            for few in (["at_least", 1, 2], ["more_than", 1, 3])
        ],
        (changed(ballots={**DATA["ballots"], "quorum": ["at_least", 3, 2]}), "charter-quorum"),
        (changed(ballots={**DATA["ballots"], "quorum": ["more_than", 1, 1]}), "charter-quorum"),
        (changed(tellers="2"), "charter-tellers"),
        (changed(durations={**DATA["durations"], "motion_epochs": 0}), "charter"),
        (changed(limits={**DATA["limits"], "devices": 0}), "charter"),
        (changed(rules=[]), "charter"),
        (changed(rules=[5]), "charter"),
        (changed(rules="folkmoot/1"), "charter"),
        (changed(rules=["folkmoot/1"] * 33), "charter"),
    ],
)
def test_what_is_no_charter(data: Any, rule: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_charter(data)
    assert caught.value.rule == rule
    assert caught.value.message.endswith(".")


def test_a_charter_has_8_kib_at_most() -> None:
    size = {"min": 1, "max": 5, "reason": "€" * 500}
    assert parse_charter(changed(size=size, purpose="ü" * 2000)).size.reason == "€" * 500
    with pytest.raises(Malformed, match="longer than 8192 bytes") as caught:
        parse_charter(changed(size=size, purpose="\U0001f600" * 2000))
    assert caught.value.rule == "charter"


def test_the_usual_size_needs_no_reason() -> None:
    assert parse_charter(changed(size={"min": 25, "max": 50})).size.reason == ""


def test_majorities_may_be_just_more_than_half() -> None:
    for enough in (["more_than", 1, 2], ["at_least", 51, 100], ["at_least", 1, 1]):
        charter = parse_charter(changed(thresholds=matters(removal=enough, charter=enough)))
        assert [charter.thresholds["removal"].sort, charter.thresholds["removal"].a] == enough[:2]


@pytest.mark.parametrize("rules", [["folkmoot/2"], ["folkmoot/1", "folkmoot/2"], ["a", "b", "c", "d", "e", "f"]])
def test_unknown_rules_are_nobodys_fault(rules: list[str]) -> None:
    with pytest.raises(UnknownRules) as caught:
        parse_charter(changed(rules=rules))
    assert not isinstance(caught.value, Malformed)
    assert len(str(caught.value).split(", ")) <= 5
    # Not even when the rest makes no sense to this program.
    with pytest.raises(UnknownRules):
        parse_charter({"rules": rules})
