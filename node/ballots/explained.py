"""A result told to people: the figures in short, every round in sentences, ties and lots.

All of it is read off the plain data that the tellers signed, so whoever has the certificate
can tell the same without a node.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from node.ballots.question import rule_of
from protocol.counting.ballots import (
    ApprovalElection,
    BudgetElection,
    QuestionElection,
    RankedElection,
    ScoreElection,
)
from protocol.counting.sortition import Pool
from protocol.counting.stv import decimal
from protocol.tellers.question import Question

__all__ = ["Bar", "bars", "chosen", "class_words", "explain", "figures", "tie_words", "verdict"]

Data = Mapping[str, Any]

_BASES: Final = {"decided": "yes and no", "cast": "all votes cast", "roll": "the whole roll"}
_OUTCOMES: Final = {
    "adopted": "Adopted.",
    "rejected": "Rejected.",
    "blocked": "Blocked: it does not pass.",
    "referred": "Referred back: somebody blocked it, so it is talked over again.",
    "no quorum": "Without effect: too few voted.",
}
_MOST: Final = 12
"""Lines of one kind that are shown; whoever wants all of them has the data."""


def chosen(question: Question, result: Data) -> list[str]:
    """The options that won, in order; for a question nothing."""
    return [question.options[number] for number in result["elected"]] if question.options else []


def figures(question: Question, result: Data) -> str:
    """The result in a word: `412-97`, or who was chosen."""
    if "refused" in result:
        return "not countable"
    if rule_of(question).takes is QuestionElection:
        answers = dict(result["rounds"][0]["answers"])
        if "yes" in answers:
            return f"{answers['yes']}-{answers['no']}"
        blocks = answers["block"]
        said = f", {blocks} block{'' if blocks == 1 else 's'}" if blocks else ""
        return f"{answers['agree']}-{answers['disagree']}{said}"
    return ", ".join(chosen(question, result)) or "nobody"


def class_words(question: Question, one: Sequence[Any]) -> str:
    """What one class said, of a record's `classes`: `workers: 4-1 of 7, adopted`."""
    name, people, _, result = one
    outcome = result["rounds"][0]["outcome"] if "rounds" in result else "not countable"
    return f"{name}: {figures(question, result)} of {people}, {outcome}"


def verdict(question: Question, result: Data, classes: Sequence[Sequence[Any]] = ()) -> str:
    """What was decided, as one sentence. classes: those of the record, where each has a say."""
    against = [name for name, _, _, theirs in classes if not theirs["elected"]]
    if result["elected"] and against:
        return f"Rejected: there is a majority, but not among {' or '.join(against)}."
    if "refused" in result:
        return f"It could not be counted ({result['refused']})."
    if rule_of(question).takes is QuestionElection:
        return _OUTCOMES[result["rounds"][0]["outcome"]]
    names = chosen(question, result)
    if not names:
        return "Nothing was chosen."
    return f"{'Drawn' if rule_of(question).takes is Pool else 'Chosen'}: {', '.join(names)}."


class Bar(NamedTuple):
    """One line of a result: what, its figure, its share of the greatest from 0 to 1, and whether it won."""

    name: str
    figure: str
    share: float
    won: bool


def bars(question: Question, result: Data) -> list[Bar]:
    """The result, where one figure a line tells it; nothing where it takes more."""
    rounds = result.get("rounds") or []
    if not rounds or "digest" in rounds[0]:
        return []
    first = rounds[0]
    takes = rule_of(question).takes
    if takes is QuestionElection:
        rows = [(str(name), value, name in ("yes", "agree")) for name, value in first["answers"]]
    elif "sums" in first:
        order = [number for tier in result["ranking"] for number in tier]
        rows = [(question.options[n], first["sums"][n], n in result["elected"]) for n in order]
    else:
        return []
    most = max([Fraction(value) for _, value, _ in rows], default=Fraction(0)) or Fraction(1)
    return [Bar(name, str(value), float(Fraction(value) / most), won) for name, value, won in rows]


def explain(question: Question, result: Data) -> list[str]:
    """Every round in sentences."""
    if "refused" in result:
        return ["The casts could not be counted by the rule."]
    rounds = result["rounds"]
    if rounds and "digest" in rounds[0]:
        return [
            "The rounds are too long for the record; it holds their digest. Whoever counts the casts again has them all."
        ]
    takes = rule_of(question).takes
    if takes is QuestionElection:
        lines = _question(rounds[0])
    elif takes in (ApprovalElection, ScoreElection):
        lines = _sums(question, rounds[0]) if "sums" in rounds[0] else _medians(question, rounds[0])
    elif takes is RankedElection:
        lines = _ranked(question, rounds)
    elif takes is Pool:
        lines = [_drawn(question, round) for round in rounds]
    else:
        assert takes is BudgetElection
        lines = [_bought(question, round) for round in rounds]
    if len(result["ranking"]) > 1:
        lines.append(f"Order: {_order(question, result['ranking'])}.")
    return lines


def _order(question: Question, ranking: Sequence[Sequence[int]]) -> str:
    return " > ".join(" = ".join(question.options[number] for number in tier) for tier in ranking)


def _share(threshold: Data) -> str:
    share = Fraction(threshold["share"])
    return f"{'more than' if threshold['strict'] else 'at least'} {share.numerator}/{share.denominator}"


def _question(round: Data) -> list[str]:
    answers = dict(round["answers"])
    lines = [", ".join(f"{name} {value}" for name, value in answers.items()) + f": {round['cast']} of {round['roll']}."]
    if round["quorum"] is not None:
        met = "is not met" if round["outcome"] == "no quorum" else "is met"
        lines.append(f"The rule's quorum, {_share(round['quorum'])} of the roll, {met}.")
    if round["outcome"] == "no quorum":
        return lines
    if round["outcome"] in ("blocked", "referred"):
        share = round["block_threshold"]
        lines.append(
            f"{answers['block']} blocked it; {_share(share)} of all votes cast is enough for that."
            if share is not None
            else f"{answers['block']} blocked it; one is enough for that."
        )
        return lines
    favour = answers.get("yes", answers.get("agree"))
    base = _BASES[round["base"]] if "base" in round else "all who agree, disagree or block"
    enough = "is enough" if round["outcome"] == "adopted" else "is not"
    lines.append(f"Needed: {_share(round['threshold'])} of {base} ({round['whole']}); {favour} {enough}.")
    if "yes" in answers and answers["yes"] == answers["no"] and Fraction(answers["yes"]) > 0:
        lines.append("As many said yes as no. A tie meets no threshold: the motion fails, and no lot is drawn.")
    return lines


def _sums(question: Question, round: Data) -> list[str]:
    pairs = sorted(zip(question.options, round["sums"], strict=True), key=lambda pair: -Fraction(pair[1]))
    return [", ".join(f"{name} {value}" for name, value in pairs) + f"; {round['cast']} voted."]


def _medians(question: Question, round: Data) -> list[str]:
    lines = []
    for name, median, profile in zip(question.options, round["medians"], round["grades"], strict=True):
        given = ", ".join(f"{weight} x {grade}" for grade, weight in reversed(list(enumerate(profile))) if weight)
        lines.append(f"{name}: the majority's grade is {median} ({given}).")
    return lines


def _ranked(question: Question, rounds: Sequence[Data]) -> list[str]:
    if "pairwise" in rounds[0]:
        return _schulze(question, rounds[0])
    if "action" in rounds[0]:
        return [_stage(question, number, stage) for number, stage in enumerate(rounds, 1)]
    lines = []
    for number, round in enumerate(rounds, 1):
        left = [(name, votes) for name, votes in zip(question.options, round["votes"], strict=True) if Fraction(votes)]
        said = ", ".join(f"{name} {votes}" for name, votes in left) or "nobody has a vote"
        gone = f", {round['exhausted']} name nobody left" if Fraction(round["exhausted"]) else ""
        out = "" if round["excluded"] is None else f"; {question.options[round['excluded']]} leaves"
        lines.append(f"Round {number}: {said}{gone}{out}.")
    return lines


def _schulze(question: Question, round: Data) -> list[str]:
    names, wins, paths = question.options, round["pairwise"], round["paths"]
    lines = []
    pairs = [(a, b) for a in range(len(names)) for b in range(a + 1, len(names))]
    for a, b in pairs[: 2 * _MOST]:
        first, second = (a, b) if Fraction(wins[a][b]) >= Fraction(wins[b][a]) else (b, a)
        lines.append(f"{names[first]} against {names[second]}: {wins[first][second]} to {wins[second][first]}.")
    if len(pairs) > 2 * _MOST:
        lines.append(f"... and {len(pairs) - 2 * _MOST} pairs more.")
    if round["status_quo"] is not None:
        gone = ", ".join(names[number] for number in round["dropped"]) or "none"
        lines.append(
            f"Dropped, because they do not win against '{names[round['status_quo']]}' by {_share(round['threshold'])}: {gone}."
        )
    chains = [
        f"{names[a]} to {names[b]} {paths[a][b]} (back {paths[b][a]})"
        for a in range(len(names))
        for b in range(len(names))
        if a != b and Fraction(paths[a][b]) > Fraction(paths[b][a])
    ]
    if chains:
        more = f", and {len(chains) - _MOST} more" if len(chains) > _MOST else ""
        lines.append(f"Strongest chains of majorities: {', '.join(chains[:_MOST])}{more}.")
    return lines


def _stage(question: Question, number: int, stage: Data) -> str:
    names = question.options
    votes = ", ".join(f"{name} {decimal(int(v))}" for name, v in zip(names, stage["votes"], strict=True) if int(v))
    who = "" if stage["candidate"] is None else f" of {names[stage['candidate']]}"
    elected = ", ".join(names[winner] for winner in stage["elected"])
    won = f" Elected: {elected}." if elected else ""
    quota = f" The quota is {decimal(int(stage['quota']))}." if number == 1 else ""
    return f"Stage {number}, {stage['action']}{who}: {votes}.{quota}{won}"


def _drawn(question: Question, draw: Data) -> str:
    names = [question.options[number] for number in draw["order"]]
    sit, others = names[: draw["seats"]], names[draw["seats"] :]
    rest = f"; after them {', '.join(others)}" if others else ""
    whose = f"{draw['name']}, {draw['share']} of the seats: " if draw["name"] else ""
    return f"{whose}{', '.join(sit) or 'nobody'}{rest}."


def _bought(question: Question, round: Data) -> str:
    if "by" in round:
        return f"Everyone's share was raised by {round['by']}, as the rule's completion has it."
    name = question.options[round["project"]]
    if "rho" in round:
        return (
            f"{name} is bought: supporters paid at most {_money(round['price'])} each; {_money(round['left'])} is left."
        )
    if "value" in round:
        return f"{name} is added from what was left; {_money(round['left'])} is left."
    return f"{name} is not bought: its supporters had only {_money(round['funds'])} left."


def _money(amount: object) -> str:
    value = Fraction(str(amount))
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.2f}"


_PURPOSES: Final[dict[str, Callable[[str, str, int], str]]] = {
    "elect": lambda among, name, round: f"{among} were equal at the last place; the lot fell to {name}.",
    "exclude": lambda among, name, round: f"{among} were equal at the bottom in round {round}; the lot put out {name}.",
}


def tie_words(question: Question, result: Data, f: int = 0) -> list[str]:
    """Every lot that was drawn, and why it can be believed; nothing where the casts alone decided.

    f: how many tellers could lie.
    """
    drawn = rule_of(question).takes is Pool and "refused" not in result
    ties = result.get("ties") or {"lots": []}
    if not ties["lots"] and not drawn:
        return []
    lines = []
    for lot in ties["lots"][-_MOST:]:
        *others, last = [question.options[number] for number in lot["among"]]
        among = f"{', '.join(others)} and {last}"
        name = question.options[lot["chosen"]]
        told = _PURPOSES.get(lot["purpose"])
        lines.append(
            told(among, name, lot["round"] + 1)
            if told is not None
            else f"{among} were equal in round {lot['round'] + 1} ({lot['purpose']}); the lot fell to {name}."
        )
    lines.append(
        "A lot comes from numbers to which the tellers bound themselves before anybody voted, never from the casts; whoever "
        "has the certificate draws it again."
    )
    if f:
        liars = "One lying teller" if f == 1 else f"{f} lying tellers"
        lines.append(f"{liars} could at most have held back a number after seeing the others'.")
    else:
        lines.append("The tellers of this council are trusted not to choose their numbers by what would come of them.")
    return lines
