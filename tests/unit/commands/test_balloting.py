"""Ballots by the command, with several people at one computer and its node as the teller."""

import contextlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.ballots import minutes as sheet
from node.ballots.proof import as_json, from_file
from protocol.council.certificate import read_certificate
from protocol.errors import Malformed
from tests.homes import PASSPHRASE, PATIENCE, Done, Home, running

# One node serves all of these: they stay on one worker.
pytestmark = pytest.mark.xdist_group("ballots")

SECONDS = ("--seconds", PATIENCE)
WAIT = ("--wait", *SECONDS)
NAMES = ("ana", "ben", "cleo")


class Hall:
    """One home with a node, where people sit at the same computer."""

    def __init__(self, home: Home) -> None:
        self.home = home
        for name in (*NAMES, "dora"):
            home.person(name)

    def moot(self, who: str, *args: str) -> Done:
        """Run a command that may be refused."""
        return self.home.moot("--as", who, *args, passphrase=PASSPHRASE)

    def sign(self, who: str, *args: str) -> Done:
        """Run a command that signs; it must succeed."""
        done = self.moot(who, *args)
        assert done.code == 0, done.err
        return done

    def look(self, *args: str, who: str = "ana") -> Done:
        """Run a command that only looks; it must succeed."""
        done = self.home.moot("--as", who, *args)
        assert done.code == 0, done.err
        return done

    def open(self, who: str, title: str, *args: str) -> str:
        """Open a ballot that its teller has accepted; gives its id."""
        answer = self.sign(who, "ballot", "open", title, *args, *WAIT, "--json").json
        assert answer["state"] == "open"
        return str(answer["ballot"])

    def ballot(self, title: str, *until: str) -> Any:
        """A ballot's answer, once `until` has come."""
        wait = ("--wait", *until, *SECONDS) if until else ()
        return self.look("ballot", "show", title, *wait, "--json").json


@contextlib.contextmanager
def council(folder: Path) -> Iterator[Hall]:
    """The council Mill with Ana, Ben and Cleo, whose charter asks for little patience. Dora is not in it."""
    with running(folder / "home") as node:
        hall = Hall(node.home)
        spans = ("--notice", "0", "--discussion", "0", "--grace", "1s", "--quorum", "at_least:1/2")
        size = ("--template", "working-group", "--min", "2", "--reason", "few")
        hall.sign("ana", "council", "found", "--name", "Mill", "--purpose", "Flour", *size, *spans)
        ticket = hall.sign("ana", "invite", "--uses", "5", "--json").json["ticket"]
        for place, name in enumerate(NAMES[1:], start=1):
            hall.sign(name, "join", ticket)
            for member in NAMES[:place]:
                hall.sign(member, "admit", name, *WAIT if member == NAMES[place - 1] else ())
        yield hall


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with council(tmp_path_factory.mktemp("hall")) as hall:
        yield hall


@pytest.fixture(scope="module")
def stove(hall: Hall) -> str:
    """A ballot on a proposal that was adopted, with a revision, a reason and one who stayed away."""
    hall.sign("ben", "propose", "Heat the hall", "--text", "We buy a wood stove.")
    ballot = hall.open(
        "cleo", "Heat the hall?", "--proposal", "Heat", "--adopt", "--in", "4s", "--text", "Winter is near."
    )
    hall.sign("ana", "ballot", "cast", "Heat the hall?", "yes")
    first = hall.sign("ben", "ballot", "cast", ballot, "no", "--json").json
    assert (first["revision"], first["stands"]) == (0, "cast")
    again = hall.sign("ben", "ballot", "cast", ballot[:16], "y", "--reason", "I thought it over", "--json").json
    assert (again["revision"], again["choice"]) == (1, "yes")
    hall.ballot(ballot, "final")
    return ballot


@pytest.fixture(scope="module")
def bench(hall: Hall) -> str:
    """A ballot that stays open."""
    return hall.open("ana", "A bench?", "--in", "1h")


@pytest.fixture(scope="module")
def proofs(hall: Hall, stove: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the ballot's certificate in every form."""
    folder = tmp_path_factory.mktemp("proofs")
    for name, words in (("full.cbor", ("--with-casts",)), ("bare.cbor", ()), ("full.json", ("--with-casts",))):
        hall.look("certificate", "get", stove, *words, "-o", str(folder / name))
    return folder


def test_a_ballot_shows_who_voted_what_and_what_came_of_it(hall: Hall, stove: str) -> None:
    answer = hall.ballot(stove)
    assert answer["state"] == "certified"
    result = answer["result"]
    assert (result["outcome"], result["figures"], result["adopted"]) == ("decided", "2-0", True)
    assert result["certified"] == "certified 2-0, round 0, 1 of 1 tellers"
    assert result["beyond_recall"]
    assert result["effect"] == "version 1 of 'Heat the hall' was adopted"
    votes = {vote["voter"]["name"]: vote for vote in answer["votes"]}
    assert votes["cleo"]["cast"] is None
    assert votes["ben"]["earlier"] == 1
    ben = votes["ben"]["cast"]
    assert (ben["choice"], ben["reason"], ben["counted"]) == ("yes", "I thought it over", True)
    assert ben["stands"] == "certified 2-0, round 0, 1 of 1 tellers, beyond recall"
    shown = hall.look("ballot", "show", stove).out
    for line in (
        "Heat the hall?",
        "    Winter is near.",
        "  on version 1 of 'Heat the hall'",
        "  one teller, this node: accepted",
        "Adopted; certified 2-0, round 0, 1 of 1 tellers, beyond recall.",
        "  2 of 3 voted.",
        "  In effect since epoch 3: version 1 of 'Heat the hall' was adopted.",
        'yes (revised)  certified 2-0, round 0, 1 of 1 tellers, beyond recall: "I thought it over"',
    ):
        assert line in shown
    assert hall.look("show", "Heat the hall", "--json").json["state"] == "adopted"
    assert "version 1 of 'Heat the hall' was adopted" in hall.look("council", "epochs").out


def test_a_closed_ballot_takes_no_more(hall: Hall, stove: str) -> None:
    done = hall.moot("cleo", "ballot", "cast", stove, "yes")
    assert (done.code, done.out) == (1, "")
    assert done.err == "moot: The ballot is closed: nothing can be cast in it any more.\n"


def test_a_certificate_is_verified_without_a_node(proofs: Path, tmp_path: Path, hall: Hall) -> None:
    elsewhere = Home(tmp_path / "elsewhere")
    for name in ("full.cbor", "full.json"):
        shown = elsewhere.moot("certificate", "verify", str(proofs / name)).out
        assert shown.startswith("Heat the hall?\n  Adopted. 2-0; 2 of 3 voted.\n")
        assert "counted again: the same result." in shown
        assert "That these keys are the council's tellers" in shown
    bare = elsewhere.moot("certificate", "verify", str(proofs / "bare.cbor"), "--json").json
    assert (bare["ok"], bare["refusal"], bare["reads"]["casts"]) == (True, None, None)
    assert "That the casts add up to this result: the certificate does not hold them." in bare["unproved"]
    full = elsewhere.moot("certificate", "verify", str(proofs / "full.json"), "--json").json
    assert sorted((cast["revision"], cast["words"]) for cast in full["reads"]["casts"]) == [
        (0, "no"),
        (0, "yes"),
        (1, "yes"),
    ]
    teller = hall.look("council", "show", "--json").json["tellers"][0]["key"]
    known = elsewhere.moot("certificate", "verify", str(proofs / "full.cbor"), "--tellers", teller)
    assert "The tellers' keys, which you know:" in known.out
    assert "compare them with the council's charter" not in known.out


def test_a_certificate_of_other_tellers_proves_nothing(proofs: Path, hall: Hall, tmp_path: Path) -> None:
    stranger = hall.home.person("stranger")
    file = str(proofs / "full.cbor")
    done = hall.home.moot("certificate", "verify", file, "--tellers", stranger)
    assert (done.code, done.out) == (1, "")
    assert "the certificate's tellers are not those that you know" in done.err
    said = hall.home.moot("certificate", "verify", file, "--tellers", stranger, "--json")
    assert (said.code, said.json["ok"], said.json["refusal"]["rule"]) == (1, False, "certificate-tellers")
    assert hall.home.moot("certificate", "verify", str(tmp_path / "none")).code == 1


def test_a_certificate_with_one_byte_changed_is_refused(proofs: Path, hall: Hall, tmp_path: Path) -> None:
    data = (proofs / "full.cbor").read_bytes()
    record = read_certificate(data).record
    at = data.index(record) + record.index(b"yes") + 4
    damaged = tmp_path / "damaged.cbor"
    damaged.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    done = hall.home.moot("certificate", "verify", str(damaged), "--json")
    assert (done.code, done.json["ok"]) == (1, False)


def test_what_people_read_in_the_json_form_must_be_what_it_proves(proofs: Path) -> None:
    value = json.loads((proofs / "full.json").read_text())
    assert value["reads"]["title"] == "Heat the hall?"
    assert from_file(json.dumps(value).encode()) == from_file((proofs / "full.cbor").read_bytes())
    for changed, rule in (
        ({**value, "reads": {**value["reads"], "words": "Rejected."}}, "certificate-reads"),
        ({**value, "format": "other"}, "certificate-json"),
        ({**value, "cbor": "?"}, "certificate-json"),
    ):
        with pytest.raises(Malformed) as malformed:
            from_file(json.dumps(changed).encode())
        assert malformed.value.rule == rule
    for nothing in (json.dumps([value]).encode(), json.dumps({**value, "cbor": b64encode(b"x").decode()}).encode()):
        with pytest.raises(Malformed):
            from_file(nothing)
    with pytest.raises(Malformed, match="begins like JSON"):
        from_file(b'{"format": ')
    certificate = read_certificate(b64decode(value["cbor"]))
    assert as_json(certificate)["reads"] == value["reads"]


def test_a_certificate_is_printed_for_reading(hall: Hall, stove: str) -> None:
    shown = json.loads(hall.look("certificate", "get", stove).out)
    assert (shown["reads"]["figures"], shown["reads"]["casts"]) == ("2-0", None)
    assert hall.look("certificate", "get", stove, "--with-casts", "--json").json["reads"]["voted"] == 2
    done = hall.home.moot("certificate", "get", stove, "-o", "/nowhere/x")
    assert (done.code, "cannot be written" in done.err) == (1, True)


def test_minutes_are_one_sheet(hall: Hall, stove: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = hall.look("minutes", stove).out
    assert max(len(line) for line in text.splitlines()) <= 79
    for line in ("MILL", "Heat the hall?", "Adopted. 2-0", "    We buy a wood stove.", "  Winter is near."):
        assert line in text.splitlines()
    page = tmp_path / "minutes.html"
    said = hall.look("minutes", stove, "--html", str(page), "--json").json
    assert said["files"] == [str(page)]
    html = page.read_text()
    assert said["record"] in html
    assert "<script" not in html
    assert not re.search(r"(src|href)=", html), "nothing comes from elsewhere"
    monkeypatch.setattr(sheet, "_BROWSERS", ())
    done = hall.home.moot("minutes", stove, "--pdf", str(tmp_path / "minutes.pdf"))
    assert (done.code, "--html FILE" in done.err) == (1, True)


@pytest.mark.skipif(sheet.browser() is None, reason="there is no Chromium here that prints")
def test_minutes_are_printed_by_the_browser(hall: Hall, stove: str, tmp_path: Path) -> None:
    pdf = tmp_path / "minutes.pdf"
    hall.look("minutes", stove, "--pdf", str(pdf))
    data = pdf.read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", data)) == 1


def test_options_are_ranked_and_hidden_until_the_close(hall: Hall) -> None:
    options = [word for name in ("Ana", "Ben", "Cleo") for word in ("--option", name)]
    ballot = hall.open("ana", "Who saws?", "--rule", "approval", *options, "--hidden", "--in", "4s")
    done = hall.sign("ana", "ballot", "cast", ballot, "ben")
    assert "only the tellers can read it" in done.out
    reason = hall.moot("ben", "ballot", "cast", ballot, "2", "--reason", "He is strong")
    assert "a reason would be read before" in reason.err
    hall.sign("ben", "ballot", "cast", ballot, "2, cleo")
    before = hall.ballot(ballot)
    assert [vote["cast"] and vote["cast"]["words"] for vote in before["votes"]] == [None, None, None]
    assert "(hidden)" in hall.look("ballot", "show", ballot).out
    after = hall.ballot(ballot, "certified")
    assert after["result"]["words"] == "Chosen: Ben."
    assert [vote["cast"] and vote["cast"]["words"] for vote in after["votes"]] == ["Ben", "Ben, Cleo", None]


def test_who_has_not_voted_is_reminded(hall: Hall) -> None:
    ballot = hall.open("ana", "Mend the roof?", "--in", "1h")
    assert hall.look("ballot", "list", "--json").json["ballots"][0]["ballot"] == ballot
    hall.sign("ana", "ballot", "cast", ballot, "yes")
    reminder = hall.look("remind", ballot, "--json", who="ben").json["ballots"][0]
    assert [person["name"] for person in reminder["missing"]] == ["ben", "cleo"]
    assert reminder["here"] == ["ben"]
    assert f"moot ballot cast {ballot[:15]} yes | no | abstain" in reminder["text"]
    shown = hall.home.moot("remind").out
    assert "2 have not voted; of this home ben, cleo." in shown
    for name in ("ben", "cleo"):
        hall.sign(name, "ballot", "cast", ballot, "no")
    assert "everybody has voted" in hall.look("remind").out


@pytest.mark.slow
def test_a_vote_that_the_teller_has_says_so(hall: Hall, bench: str) -> None:
    stands = hall.sign("cleo", "ballot", "cast", bench, "abstain", *WAIT, "--json").json["stands"]
    assert stands == "with 1 of 1 tellers, on time"


def test_weights_are_told_beside_the_equal_count(hall: Hall) -> None:
    ballot = hall.open("ana", "Share the cost?", "--in", "4s", "--weight", "ana=3", "--weight", "ben=1/2")
    hall.sign("ana", "ballot", "cast", ballot, "no")
    hall.sign("ben", "ballot", "cast", ballot, "yes")
    hall.sign("cleo", "ballot", "cast", ballot, "yes")
    answer = hall.ballot(ballot, "certified")
    assert [vote["weight"] for vote in answer["votes"]] == ["3", "1/2", "1"]
    assert (answer["result"]["figures"], answer["result"]["equal_words"]) == (
        "3/2-3",
        "With one vote a person: 2-1.",
    )
    assert "With one vote a person: 2-1." in hall.look("ballot", "show", ballot).out
    assert "With one vote a person: 2-1." in hall.look("minutes", ballot).out


def test_too_few_votes_decide_nothing(hall: Hall) -> None:
    ballot = hall.open("ana", "A lamp?", "--in", "2s")
    hall.sign("ana", "ballot", "cast", ballot, "yes")
    result = hall.ballot(ballot, "certified")["result"]
    assert (result["outcome"], result["figures"], result["adopted"]) == ("no quorum", "no quorum", False)
    assert result["words"] == "Without effect: 1 of 3 voted, too few."
    assert "Without effect" in hall.look("minutes", ballot).out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--in", "soon"), "is no span of time"),
        (("--deadline", "2020-01-01 10:00"), "The deadline is over already"),
        (("--in", "1h", "--option", "A"), "Say how the options are counted"),
        (("--in", "1h", "--adopt"), "Say which proposal is to be adopted"),
        (("--in", "1h", "--remove", "ben", "--motion", "nothing"), "Nothing here has an id"),
        (("--in", "1h", "--weight", "ana"), "is no weight"),
        (("--in", "1h", "--weight", "ana=-1"), "is no weight"),
        (("--in", "1h", "--setting", "quorum=more_than:1/1"), "More than everybody"),
        (("--in", "1h", "--remove", "dora"), "No member is called 'dora'"),
        (("--in", "1h", "--rule", "approval", "--option", "A", "--remove", "ben"), "An effect follows from a question"),
    ],
)
def test_a_ballot_that_cannot_be_is_refused_before_anything_is_signed(
    hall: Hall, options: tuple[str, ...], reason: str
) -> None:
    # Not all operations: the teller says something about other ballots now and then.
    before = hall.look("ballot", "list", "--all", "--json").json["ballots"]
    done = hall.moot("ana", "ballot", "open", "Well?", *options)
    assert (done.code, done.out) == (1, "")
    assert reason in done.err
    after = hall.look("ballot", "list", "--all", "--json").json["ballots"]
    assert [ballot["ballot"] for ballot in after] == [ballot["ballot"] for ballot in before]


def test_wrong_usage_and_unknown_ballots(hall: Hall, stove: str, bench: str) -> None:
    assert hall.moot("ana", "ballot", "open", "Well?").code == 2
    assert hall.moot("ana", "ballot", "open", "Well?", "--in", "1h", "--deadline", "2030-01-01 10:00").code == 2
    assert "needs a title" in hall.moot("ana", "ballot", "open", " ", "--in", "1h").err
    assert "Nothing here has an id" in hall.home.moot("ballot", "show", "No such thing").err
    proposal = hall.look("show", "Heat the hall", "--json").json["proposal"]
    assert "is a proposal.open; what is wanted here is a ballot.open" in hall.home.moot("ballot", "show", proposal).err
    assert "answer one of yes, no, abstain" in hall.moot("ana", "ballot", "cast", bench, "perhaps").err
    assert "dora is not a member" in hall.moot("dora", "ballot", "cast", bench, "yes").err
    assert "has no result yet" in hall.home.moot("minutes", bench).err
    assert "has no certificate yet" in hall.home.moot("certificate", "get", bench).err
    late = hall.home.moot("ballot", "show", bench, "--wait", "certified", "--seconds", "0.2")
    assert "its result is not certified yet" in late.err


def test_the_charter_says_what_it_asks_of_ballots(hall: Hall) -> None:
    shown = hall.look("council", "charter").out
    assert "at least 1/2 of the roll must vote." in shown
    assert "Notice before it closes: no time." in shown
    assert "Tellers wait 1 second for each other; a ballot is extended by 1 day, at most 3 times." in shown


def test_a_motion_is_put_to_a_ballot(tmp_path: Path) -> None:
    with council(tmp_path) as hall:
        _put_a_motion(hall)


def _put_a_motion(hall: Hall) -> None:
    motion = hall.sign("ana", "motion", "charter", "--purpose", "Bread", "--supporters", "2", "--json").json["motion"]
    ballot = hall.open("ben", "Bread as well?", "--motion", motion, "--in", "4s")
    for name in NAMES:
        hall.sign(name, "ballot", "cast", ballot, "yes")
    answer = hall.ballot(ballot, "final")
    assert "change the charter" in answer["effect_words"]
    charter = hall.look("council", "charter", "--json").json["charter"]
    assert (charter["purpose"], charter["ballots"]["supporters"]) == ("Bread", 2)
    # From now on two have to ask for a ballot, on a proposal.
    done = hall.moot("ana", "ballot", "open", "Alone?", "--in", "1h")
    assert "The charter wants 2 members to ask for a ballot, on a proposal" in done.err
    proposal = hall.sign("ana", "propose", "An oven", "--text", "Of clay.", "--json").json["proposal"]
    few = hall.moot("ana", "ballot", "open", "An oven?", "--proposal", proposal, "--in", "1h")
    assert f"with you it is 1. Others ask with: moot ballot support {proposal[:15]}" in few.err
    assert hall.sign("ben", "ballot", "support", "An oven").out.startswith("1 of the 2 that the charter wants")
    again = hall.sign("ben", "ballot", "support", "An oven", "--json").json
    assert ([one["member"]["name"] for one in again["supports"]], again["needed"]) == (["ben"], 2)
    opened = hall.open("ana", "An oven?", "--proposal", proposal, "--in", "1h")
    assert hall.ballot(opened)["supports"] == 2


def test_minutes_of_what_was_decided_by_assent(hall: Hall, tmp_path: Path) -> None:
    proposal = hall.sign("ana", "propose", "Paint", "--text", "The door becomes green.", "--json").json["proposal"]
    assert "is not adopted" in hall.home.moot("minutes", "Paint").err
    hall.sign("ana", "assent", proposal)
    motion = hall.look("show", "Paint", "--json").json["motions"][0]["motion"]
    assert "has 1 of 2 assents" in hall.home.moot("minutes", motion).err
    hall.sign("ben", "assent", motion, *WAIT)
    for named in ("Paint", motion):
        text = hall.look("minutes", named).out
        assert max(len(line) for line in text.splitlines()) <= 79
        for line in ("MILL", "Paint", "Decided: version 1 of 'Paint' was adopted.", "  The door becomes green."):
            assert line in text.splitlines()
        assert "2 members assented; the charter asks for more than 1/2:" in text
        assert "    ana, ben" in text
    page = tmp_path / "paint.html"
    said = hall.look("minutes", motion, "--html", str(page), "--json").json
    assert (said["motion"], said["assents"], said["files"]) == (motion, 2, [str(page)])
    html = page.read_text()
    assert "The door becomes green." in html
    assert not re.search(r"(src|href)=", html)
    admitted = next(
        one for one in hall.look("motion", "list", "--all", "--json").json["motions"] if one["kind"] == "admit"
    )
    assert "To admit" in hall.look("minutes", admitted["motion"]).out


def test_a_text_adopted_by_a_ballot_has_the_ballots_minutes(hall: Hall, stove: str) -> None:
    done = hall.home.moot("minutes", hall.look("ballot", "show", stove, "--json").json["proposal"])
    assert (done.code, "was adopted by a ballot" in done.err) == (1, True)


def test_remind_stands_among_the_ballots_commands_too(hall: Hall) -> None:
    assert hall.look("ballot", "remind", "--json").json == hall.look("remind", "--json").json
