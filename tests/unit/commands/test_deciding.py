"""From a ticket to a decision, by the command, with several people at one computer."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.homes import PASSPHRASE, PATIENCE, Done, Home, running


class Hall:
    """One home with a node, where Ana, Ben and Cleo each have a key."""

    def __init__(self, home: Home) -> None:
        self.home = home
        for name in ("ana", "ben", "cleo"):
            home.person(name)

    def moot(self, who: str, *args: str, passphrase: str | None = PASSPHRASE, stdin: str = "") -> Done:
        """Run a command as somebody."""
        return self.home.moot("--as", who, *args, passphrase=passphrase, stdin=stdin)

    def sign(self, who: str, *args: str, stdin: str = "") -> Done:
        """Run a command that signs; it must succeed."""
        done = self.moot(who, *args, stdin=stdin)
        assert done.code == 0, done.err
        return done

    def look(self, *args: str, who: str = "ana") -> Done:
        """Run a command that only looks; it must succeed."""
        done = self.moot(who, *args, passphrase=None)
        assert done.code == 0, done.err
        return done


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with running(tmp_path_factory.mktemp("hall") / "home") as node:
        yield Hall(node.home)


@pytest.fixture
def hall(empty: Hall) -> Hall:
    """The council Mill with Ana and Ben; Cleo is not in it."""
    found = ("council", "found", "--name", "Mill", "--template", "working-group", "--min", "2", "--reason", "few")
    empty.sign("ana", *found)
    ticket = empty.sign("ana", "invite", "--uses", "5", "--json").json["ticket"]
    empty.sign("ben", "join", ticket, "--letter", "I live next door")
    empty.sign("ana", "admit", "ben", "--wait", "--seconds", PATIENCE)
    return empty


WAIT = ("--wait", "--seconds", PATIENCE)


def test_founding_says_what_comes_next(empty: Hall) -> None:
    done = empty.sign("ana", "council", "found", "--name", "Mill", "--purpose", "Flour")
    assert re.search(r"You founded 'Mill': bafyrei\w+\nIt is forming: with 24 more members it can decide.", done.out)
    answer = empty.look("council", "show", "--json").json
    assert (answer["name"], answer["purpose"], answer["smallest"], answer["forming"]) == ("Mill", "Flour", 25, True)
    assert answer["tellers"][0]["here"]
    assert empty.look("council", "list", "--json").json["councils"][0]["council"] == answer["council"]
    roll = empty.look("council", "roll", "--json").json["members"]
    assert [member["name"] for member in roll] == ["ana"]


def test_a_charter_that_cannot_be_is_refused(empty: Hall) -> None:
    for options, reason in (
        (("--min", "3"), "give a reason"),
        (("--threshold", "adoption=most"), "is no threshold"),
        (("--threshold", "lunch=at_least:1/2"), "decide no 'lunch'"),
        (("--threshold", "removal=at_least:1/3"), "must be more than half"),
        (("--min", "30", "--max", "26"), "above its largest"),
        (("--teller", "mootteller1abc"), "give the same one with --nonce"),
        (("--nonce", "abc"), "64 hex digits"),
    ):
        done = empty.moot("ana", "council", "found", "--name", "Mill", *options)
        assert (done.code, done.out) == (1, "")
        assert reason in done.err
    assert empty.look("council", "list", "--json").json["councils"] == []


def test_a_wrong_passphrase_loses_nothing(hall: Hall) -> None:
    done = hall.moot("ana", "propose", "Stove", "--text", "x", passphrase="wrong")
    assert (done.code, done.out, done.err) == (1, "", "moot: That is not ana's passphrase; try again.\n")
    assert hall.look("show", "--json").json["proposals"] == []


def test_a_text_is_proposed_amended_discussed_and_adopted(hall: Hall) -> None:
    done = hall.sign("ana", "propose", "Heat  the hall", "--text", "We buy a stove.")
    assert done.out.startswith("Your proposal 'Heat the hall' is open: bafyrei")
    assert "more than 1/2 of the members" in done.out
    comment = hall.sign("ben", "comment", "heat", "--text", "Which one?", "--json").json
    hall.sign("ana", "comment", comment["comment"], "--file", "-", stdin="A small one.\nOf iron.")
    amended = hall.sign(
        "ben", "amend", "Heat the hall", "--text", "We buy a small stove.", "--note", "cheaper", "--json"
    ).json
    assert amended["number"] == 2
    done = hall.sign("ben", "assent", "heat")
    assert "You assent: adopt version 2 of 'Heat the hall'" in done.out
    assert "1 of 2 so far, 1 more assent is needed" in done.out
    again = hall.sign("ben", "assent", "heat", "--json").json
    assert (again["yes"], len(again["assents"])) == (1, 1)
    done = hall.sign("ana", "assent", "Heat the hall", *WAIT)
    assert done.out == "Decided in epoch 2: adopt version 2 of 'Heat the hall'.\n"
    shown = hall.look("show", "heat").out
    for line in (
        "Adopted: version 2, in epoch 2.",
        "Version 1 by ana",
        "Version 2 by ben",
        "Note: cheaper",
        "We buy a small stove.",
        "In effect since epoch 2, by 2 assents.",
        "Which one?",
        "      A small one.\n      Of iron.",
    ):
        assert line in shown
    assert "We buy a stove." not in shown
    assert "We buy a stove." in hall.look("show", "heat", "--all").out
    answer = hall.look("show", "heat", "--json").json
    assert answer["state"] == "adopted"
    assert answer["adopted"]["version"] == amended["version"]
    assert [comment["level"] for comment in answer["comments"]] == [0, 1]
    hall.sign("ana", "assent", "heat", "--json")
    assert len(hall.look("motion", "list", "--all", "--json").json["motions"]) == 2


def test_two_versions_at_once_have_to_be_told_apart(hall: Hall) -> None:
    first = hall.sign("ana", "propose", "Roof", "--text", "Tin", "--json").json["proposal"]
    one = hall.sign("ana", "amend", first, "--text", "Slate", "--json").json["version"]
    raw = hall.look("show", one, "--raw", "--json").json
    assert raw["kind"] == "proposal.amend"
    two = hall.sign("ben", "amend", first, "--text", "Straw", "--json").json
    # Ben amended the latest version, so the line is straight ...
    assert hall.look("show", first, "--json").json["versions"][2]["replaces"] == one
    # ... until Ana goes back to Slate.
    hall.sign("ana", "amend", one, "--text", "Slate, green", "--json")
    done = hall.moot("ana", "assent", "Roof")
    assert done.code == 1
    assert "has 2 latest versions" in done.err
    assert "by ben" in done.err
    assert hall.sign("ana", "assent", two["version"], "--json").json["yes"] == 1


def test_names_that_fit_nothing_or_too_much(hall: Hall) -> None:
    hall.sign("ana", "propose", "Stove", "--text", "x")
    hall.sign("ana", "propose", "Stove pipe", "--text", "y")
    done = hall.moot("ana", "show", "sto", passphrase=None)
    assert (done.code, "could mean several" in done.err) == (1, True)
    assert hall.look("show", "Stove", "--json").json["title"] == "Stove"
    done = hall.moot("ana", "show", "Cellar", passphrase=None)
    assert (done.code, "Nothing here has an id or a title" in done.err) == (1, True)
    done = hall.moot("ana", "amend", "bafyrei", "--text", "x")
    assert done.code == 1
    done = hall.moot("ana", "council", "show", "-c", "Hill", passphrase=None)
    assert (done.code, done.err) == (1, "moot: This node knows no council 'Hill'; it knows: Mill.\n")
    council = hall.look("council", "show", "-c", "mill", "--json").json["council"]
    for given in (council, council[:12], council[7:15], "MI"):
        assert hall.look("council", "show", "-c", given, "--json").json["council"] == council
    done = hall.moot("ana", "remove", "zoe")
    assert (done.code, "No member is called 'zoe'" in done.err) == (1, True)


def test_who_is_no_member_is_told_before_the_passphrase(hall: Hall) -> None:
    done = hall.moot("cleo", "propose", "x", "--text", "y", passphrase=None)
    assert done.code == 1
    assert "cleo is not a member of Mill" in done.err


def test_assents_are_taken_back(hall: Hall) -> None:
    hall.sign("ana", "propose", "Stove", "--text", "x", "--move")
    done = hall.sign("ana", "assent", "Stove", "--withdraw")
    assert "0 of 2 assents" in done.out
    done = hall.moot("ana", "assent", "Stove", "--withdraw")
    assert (done.code, "You have not assented" in done.err) == (1, True)
    motion = hall.look("motion", "list", "--json").json["motions"][0]["motion"]
    assert hall.sign("ben", "assent", motion, "--json").json["yes"] == 1
    assert hall.sign("ben", "motion", "withdraw", motion, "--json").json["yes"] == 0
    shown = hall.look("motion", "show", motion).out
    assert shown.count("(does not count)") == 2


def test_requests_are_seen_and_supported(hall: Hall) -> None:
    ticket = hall.sign("ben", "invite", "--json").json["ticket"]
    asked = hall.sign("cleo", "join", ticket, "--as-name", "Cleo from the hill", "--letter", "I bake", "--json").json
    requests = hall.look("admit", "--json").json["requests"]
    assert [(one["name"], one["letter"], one["motions"]) for one in requests] == [("Cleo from the hill", "I bake", [])]
    assert "I bake" in hall.look("admit").out
    moved = hall.sign("ana", "admit", "cleo", "--json").json["motions"][0]
    assert (moved["kind"], moved["yes"], moved["needed"]) == ("admit", 1, 2)
    assert "moved" in hall.look("admit").out
    done = hall.sign("ben", "assent", asked["request"], *WAIT)
    assert done.out == "Decided in epoch 2: admit Cleo from the hill.\n"
    assert hall.look("admit").out == "Nobody asks to join.\n"
    assert "Cleo from the hill was admitted (2 assents)" in hall.look("council", "epochs").out


def test_a_used_up_ticket_and_a_mistyped_one(hall: Hall) -> None:
    ticket = hall.sign("ana", "invite", "--json").json["ticket"]
    changed = ticket[:40] + ("2" if ticket[40] != "2" else "3") + ticket[41:]
    done = hall.moot("cleo", "join", changed)
    assert (done.code, "typing error" in done.err) == (1, True)
    done = hall.moot("cleo", "join", ticket[:-3])
    assert (done.code, "not copied whole" in done.err) == (1, True)
    hall.sign("cleo", "join", ticket)
    hall.sign("ana", "admit", "cleo")
    hall.sign("ben", "admit", "cleo", *WAIT)
    hall.home.person("dora")
    done = hall.moot("dora", "join", ticket)
    assert (done.code, done.out) == (1, "")
    assert "This ticket is used up; ask whoever gave it to you for a new one." in done.err


def test_absence_leaving_and_removal(hall: Hall) -> None:
    done = hall.sign("ben", "absent", *WAIT)
    assert done.out == "You are absent from Mill now.\n"
    done = hall.moot("ben", "absent")
    assert (done.code, "You are absent from Mill already" in done.err) == (1, True)
    assert "absent" in hall.look("council", "roll").out
    # One of one now: Ben does not count while he is away.
    hall.sign("ana", "propose", "Stove", "--text", "x", "--move")
    assert hall.look("show", "Stove", "--wait", "adopted", "--seconds", PATIENCE, "--json").json["state"] == "adopted"
    hall.sign("ben", "absent", "--back", *WAIT)
    done = hall.moot("ben", "absent", "--back")
    assert (done.code, "You are not absent" in done.err) == (1, True)
    done = hall.moot("ana", "remove", "ana")
    assert (done.code, "moot leave" in done.err) == (1, True)
    moved = hall.sign("ana", "remove", "ben", "--reason", "never there", *WAIT, "--json").json
    assert (moved["state"], moved["reason"]) == ("effective", "never there")
    done = hall.moot("ben", "propose", "x", "--text", "y")
    assert (done.code, "is not a member" in done.err) == (1, True)


def test_leaving(hall: Hall) -> None:
    done = hall.sign("ben", "leave", *WAIT)
    assert done.out == "You are no longer a member of Mill.\n"
    assert [member["name"] for member in hall.look("council", "roll", "--json").json["members"]] == ["ana"]


def test_the_charter_is_changed(hall: Hall) -> None:
    done = hall.moot("ana", "motion", "charter")
    assert (done.code, "at least one thing" in done.err) == (2, True)
    moved = hall.sign(
        "ana", "motion", "charter", "--purpose", "Bread", "--threshold", "adoption=at_least:2/3", "--json"
    ).json
    assert moved["words"] == (
        "change the charter: purpose from '' to 'Bread', thresholds.adoption from more than 1/2 to at least 2/3"
    )
    hall.sign("ben", "assent", moved["motion"], *WAIT)
    charter = hall.look("council", "charter", "--json").json
    assert charter["words"]["adoption"] == "at least 2/3"
    assert charter["charter"]["purpose"] == "Bread"
    assert "adoption" in hall.look("council", "charter").out


def test_other_tellers(hall: Hall) -> None:
    council = hall.look("council", "show", "--json").json["council"]
    offer = hall.look("node", "teller", council).out.strip()
    done = hall.moot("ana", "motion", "tellers", offer, offer)
    assert (done.code, "1, 3, 4, 7, 10 tellers, not 2" in done.err) == (1, True)
    other = hall.look("node", "teller", "00" * 32).out.strip()
    done = hall.moot("ana", "motion", "tellers", other)
    assert (done.code, "made for another council" in done.err) == (1, True)
    moved = hall.sign("ana", "motion", "tellers", offer, "--json").json
    assert moved["kind"] == "tellers"
    done = hall.moot("ana", "motion", "tellers", offer[:-1])
    assert (done.code, "typing error" in done.err) == (1, True)


def test_own_words_are_erased_and_the_councils_by_the_council(hall: Hall) -> None:
    comment = hall.sign(
        "ana",
        "comment",
        hall.sign("ana", "propose", "Stove", "--text", "secret", "--json").json["proposal"],
        "--text",
        "oops",
        "--json",
    ).json
    done = hall.moot("ben", "erase", comment["comment"])
    assert (done.code, "You did not write that" in done.err) == (1, True)
    done = hall.sign("ana", "erase", comment["comment"])
    assert done.out.startswith("1 attachment erased here")
    assert "(erased)" in hall.look("show", "Stove").out
    proposal = hall.look("show", "Stove", "--json").json["proposal"]
    moved = hall.sign("ana", "motion", "erase", "Stove", "1", "--json").json
    assert moved["words"] == "erase attachment 1 of what ana wrote"
    hall.sign("ben", "assent", moved["motion"], *WAIT)
    shown = hall.look("show", proposal, "--json").json
    assert (shown["versions"][0]["text"], shown["versions"][0]["erased"]) == (None, True)


def test_petnames_go_before_the_names_that_people_give_themselves(hall: Hall) -> None:
    hall.look("council", "petname", "ben", "the miller")
    assert hall.look("council", "roll", "--json").json["members"][1]["name"] == "the miller"
    # Somebody who calls herself like a member is shown with her key.
    ticket = hall.sign("ana", "invite", "--json").json["ticket"]
    hall.sign("cleo", "join", ticket, "--as-name", "the miller")
    request = hall.look("admit", "--json").json["requests"][0]
    assert re.fullmatch(r"the miller \(z6Mk\w{4}…\w{4}\)", request["name"])
    hall.look("council", "petname", "the miller")
    assert hall.look("council", "roll", "--json").json["members"][1]["name"] == "ben"


def test_what_others_write_cannot_drive_the_terminal(hall: Hall) -> None:
    hall.sign("ben", "propose", "Red \x1b[31m\u202etext", "--text", "a\x1b]0;title\x07b")
    shown = hall.look("show", "Red").out + hall.look("show").out + hall.look("council", "show").out
    for letter in "\x1b\x07\u202e":
        assert letter not in shown
    assert "a]0;titleb" in shown


def test_files_travel_with_a_proposal(hall: Hall, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("files")
    plan = folder / "plan.png"
    plan.write_bytes(bytes(range(256)) * 600)
    hall.sign("ana", "propose", "Plan", "--text", "see", "--attach", str(plan))
    files = hall.look("show", "Plan", "--json").json["versions"][0]["files"]
    assert files == [{"index": 2, "size": 153_600, "state": "here"}]
    hall.look("show", "Plan", "--save", "2", str(folder / "copy.png"))
    assert (folder / "copy.png").read_bytes() == plan.read_bytes()
    done = hall.moot("ana", "propose", "x", "--text", "y", "--attach", str(folder / "none"))
    assert (done.code, "cannot be read" in done.err) == (1, True)


def test_texts_come_from_one_place(hall: Hall) -> None:
    for options in ((), ("--text", "x", "--file", "-")):
        assert hall.moot("ana", "propose", "x", *options).code == 2
    done = hall.moot("ana", "propose", "x", "--text", " ")
    assert (done.code, "The text is empty" in done.err) == (1, True)


def test_a_time_limit_ends_the_waiting(hall: Hall) -> None:
    hall.sign("ana", "propose", "Stove", "--text", "x")
    done = hall.moot("ana", "assent", "Stove", "--wait", "--seconds", "0.2")
    assert (done.code, "The time is over, and the motion is still open" in done.err) == (1, True)
    done = hall.moot("ana", "show", "Stove", "--wait", "adopted", "--seconds", "0.1", passphrase=None)
    assert (done.code, "not adopted yet" in done.err) == (1, True)
    done = hall.moot("ana", "watch", "--until", "epoch", "--seconds", "0.1", passphrase=None)
    assert (done.code, "no epoch came" in done.err) == (1, True)
    assert hall.moot("ana", "watch", "--seconds", "0.1", passphrase=None).code == 0


def test_a_withdrawn_proposal(hall: Hall) -> None:
    hall.sign("ana", "propose", "Stove", "--text", "x")
    done = hall.moot("ben", "amend", "Stove", "--withdraw")
    assert (done.code, "only its author can withdraw it" in done.err) == (1, True)
    assert hall.sign("ana", "amend", "Stove", "--withdraw").out == "The proposal 'Stove' is withdrawn.\n"
    assert hall.look("show", "--json").json["proposals"][0]["state"] == "withdrawn"


def test_a_device_comes_and_goes(hall: Hall) -> None:
    from node.keystore import Keystore
    from tests.homes import CHEAP

    keystore = Keystore(hall.home.config.keys_dir, cost=CHEAP)
    seed = keystore.unlock("ana", PASSPHRASE.encode()).person_seed
    keystore.create("ana2", PASSPHRASE.encode(), seed)
    done = hall.moot("ana2", "propose", "x", "--text", "y")
    assert (done.code, "is not enrolled in Mill" in done.err) == (1, True)
    mine = hall.look("device", "list", "--json").json
    offer = hall.sign("ana2", "device", "offer", mine["membership"], "--json").json["offer"]
    enrolled = hall.sign("ana", "device", "enrol", offer, *WAIT, "--json").json
    assert enrolled["node"] is not None
    hall.sign("ana2", "propose", "From the new one", "--text", "y")
    listed = hall.look("device", "list", "--json").json["devices"]
    assert len(listed) == 2
    old = mine["devices"][0]["device"]
    done = hall.sign("ana2", "device", "revoke", old, *WAIT)
    assert f"The device {old} is revoked." in done.out
    done = hall.moot("ana2", "device", "revoke", enrolled["device"])
    assert (done.code, "your only device" in done.err) == (1, True)
    done = hall.moot("ana", "propose", "x", "--text", "y")
    assert (done.code, "is not enrolled" in done.err) == (1, True)


def test_who_lost_her_key_gets_a_new_one(hall: Hall) -> None:
    membership = hall.look("device", "list", "ben", "--json").json["membership"]
    hall.home.person("ben-again")
    offer = hall.sign("ben-again", "device", "offer", membership).out.strip()
    done = hall.moot("ana", "device", "enrol", offer)
    assert (done.code, "moot motion rekey" in done.err) == (1, True)
    moved = hall.sign("ana", "motion", "rekey", offer, *WAIT, "--json").json
    assert moved["state"] == "effective"
    assert hall.look("device", "list", who="ben-again").out.startswith("ben, membership " + membership)
    hall.sign("ben-again", "propose", "Back", "--text", "again")
    done = hall.moot("ben", "propose", "x", "--text", "y")
    assert (done.code, "is not a member" in done.err) == (1, True)


def test_another_member_carries_a_device_but_no_node(hall: Hall) -> None:
    from node.keystore import Keystore
    from tests.homes import CHEAP

    keystore = Keystore(hall.home.config.keys_dir, cost=CHEAP)
    keystore.create("ana2", PASSPHRASE.encode(), keystore.unlock("ana", PASSPHRASE.encode()).person_seed)
    membership = hall.look("device", "list", "--json").json["membership"]
    offer = hall.sign("ana2", "device", "offer", membership, "--json").json["offer"]
    done = hall.sign("ben", "device", "enrol", offer, *WAIT)
    assert "'moot device pass OFFER', with this offer, makes" in done.out
    assert hall.sign("ana2", "node", "enrol", *WAIT, "--json").json["effective"]
    peer = hall.look("device", "list", "--json").json["nodes"][0]
    assert hall.sign("ana2", "node", "revoke", peer, *WAIT).out == f"The node {peer} is revoked.\n"


def test_a_log_is_exported_and_checked_without_a_node(hall: Hall, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("out")
    file = folder / "mill.moot"
    (folder / "big").write_bytes(bytes(70_000))
    hall.sign("ana", "propose", "Stove", "--text", "x", "--move", "--attach", str(folder / "big"))
    shown = hall.look("council", "show", "--json").json
    done = hall.look("export", str(file), "--json").json
    assert done["bytes"] == file.stat().st_size > 70_000
    elsewhere = Home(folder / "elsewhere")
    for found in (elsewhere.moot("verify", str(file), "--json"), hall.look("verify", "--json")):
        assert found.code == 0
        assert found.json["ok"]
        assert found.json["operations"] == shown["operations"]
        assert found.json["state_digest"] == shown["state_digest"]
        assert (found.json["epochs"], found.json["absent"]) == (1, 0)
    assert "every hash, signature and rule holds" in elsewhere.moot("verify", str(file)).out
    whole = file.read_bytes()
    for cut in (whole[:-10], whole[:10], b""):
        file.write_bytes(cut)
        assert elsewhere.moot("verify", str(file)).code == 1
    file.write_bytes(whole.replace(b"Stove", b"Steve"))
    done_badly = elsewhere.moot("verify", str(file))
    assert done_badly.code == 1
    assert "fault" in done_badly.err
    done_badly = elsewhere.moot("verify", str(folder / "none"))
    assert (done_badly.code, "cannot be read" in done_badly.err) == (1, True)


def test_watching(hall: Hall) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import cli; cli.main()", "watch", "--json", "--until", "epoch"],
        env={**os.environ, "MOOT_HOME": str(hall.home.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline()) == {"event": "ready"}
        proposal = hall.sign("ben", "propose", "Stove", "--text", "x", "--json").json["proposal"]
        event = json.loads(watching.stdout.readline())
        assert (event["event"], event["operation"], event["words"]) == ("operation", proposal, "ben proposed 'Stove'")
        hall.sign("ana", "absent")
        events = [json.loads(line) for line in watching.stdout]
    assert watching.returncode == 0
    assert [event.get("kind", event["event"]) for event in events] == ["member.absent", "council.epoch", "epoch"]
    assert events[-1]["effects"][0]["words"] == "ana is absent"


def test_two_who_move_the_same_come_together(hall: Hall) -> None:
    proposal = hall.sign("ana", "propose", "Stove", "--text", "x", "--json").json["proposal"]
    hall.sign("ana", "motion", "adopt", proposal)
    # As when the first had not come here yet.
    hall.sign("ben", "motion", "adopt", proposal)
    assert [motion["yes"] for motion in hall.look("motion", "list", "--json").json["motions"]] == [1, 1]
    done = hall.sign("ana", "assent", "Stove", *WAIT)
    assert done.out == "Decided in epoch 2: adopt version 1 of 'Stove'.\n"
    motions = hall.look("motion", "list", "--all", "--json").json["motions"]
    assert sorted(motion["state"] for motion in motions if motion["kind"] == "adopt") == ["effective", "open"]


def test_a_ticket_is_withdrawn(hall: Hall) -> None:
    made = hall.sign("ana", "invite", "--days", "3", "--json").json
    listed = hall.look("invite", "list", "--json").json["invitations"]
    mine = next(one for one in listed if one["invitation"] == made["invitation"])
    assert (mine["inviter"]["name"], mine["uses"], mine["used"], mine["expires"]) == ("ana", 1, 0, made["expires"])
    assert hall.sign("ben", "invite", "withdraw", made["invitation"]).out.startswith("The ticket is withdrawn")
    assert "withdrawn" in hall.look("invite", "list").out
    done = hall.moot("cleo", "join", made["ticket"])
    assert (done.code, "This ticket was withdrawn" in done.err) == (1, True)


def test_a_ticket_as_a_picture(hall: Hall, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("pictures")
    done = hall.sign("ana", "invite", "--qr", str(folder / "ticket.svg"))
    assert re.fullmatch(r"moot1\w+\n", done.out)
    assert "The same as a picture" in done.err
    assert (folder / "ticket.svg").read_text().startswith("<svg")
    hall.sign("ana", "invite", "--qr", str(folder / "ticket.png"))
    assert (folder / "ticket.png").read_bytes().startswith(b"\x89PNG")
    assert hall.moot("ana", "invite", "--qr", str(folder / "ticket.gif")).code == 2
    done = hall.moot("ana", "invite", "--qr", str(folder / "none" / "ticket.png"))
    assert (done.code, "cannot be written" in done.err) == (1, True)
    assert done.out.startswith("moot1")


def test_without_another_branch_there_is_none_to_choose(hall: Hall) -> None:
    answer = hall.look("council", "branch", "--json").json
    assert (answer["epoch"], answer["rivals"]) == (1, [])
    assert "No other branch was seen." in hall.look("council", "branch").out
    done = hall.moot("ana", "council", "branch", "--choose", answer["digest"], passphrase=None)
    assert (done.code, "0 of the rival epochs" in done.err) == (1, True)


def test_tellers_that_are_gone_are_replaced_by_the_members(
    hall: Hall, tmp_path_factory: pytest.TempPathFactory
) -> None:
    council = hall.look("council", "show", "--json").json["council"]
    with running(tmp_path_factory.mktemp("new") / "home") as other:
        offer = other.home.moot("node", "teller", council, "--json").json["offer"]
        peer = other.home.moot("node", "status", "--json").json["peer"]
    wrong = hall.look("node", "teller", "00" * 32).out.strip()
    done = hall.moot("ana", "council", "tellers", "replace", wrong)
    assert (done.code, "made for another council" in done.err) == (1, True)
    offered = hall.sign("ana", "council", "tellers", "replace", offer, "--json").json
    assert (offered["state"], offered["signed"], offered["needed"], offered["tellers"]) == ("open", 1, 2, [peer])
    assert "1 signature of 2" in hall.look("council", "tellers").out
    again = hall.sign("ana", "council", "tellers", "sign", offered["offer"])
    assert again.out.startswith("1 of 2 have signed, 1 more signature is needed")
    done = hall.moot("ana", "council", "tellers", "sign", offered["offer"], "--wait", "--seconds", "0.1")
    assert (done.code, "fewer than two thirds" in done.err) == (1, True)
    assert (
        hall.sign("ben", "council", "tellers", "sign", offered["offer"], *WAIT).out
        == "The new tellers are in office.\n"
    )
    shown = hall.look("council", "tellers", "--json").json
    assert [teller["peer"] for teller in shown["tellers"]] == [peer]
    assert shown["replacements"][0]["state"] == "effective"
    assert "the members made" in hall.look("council", "epochs").out
    assert not shown["tellers"][0]["here"]
