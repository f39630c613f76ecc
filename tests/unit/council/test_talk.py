from protocol.council.bodies import Comment, Merge, WithdrawProposal
from protocol.council.talk import Talk
from protocol.ids import Membership
from tests.attacks.scenes import founded, membership
from tests.worlds import seed


def test_versions_form_a_tree() -> None:
    world, (ada, ben) = founded("Ben")
    proposal = world.proposal(ada)
    amendment = {"proposal": proposal, "replaces": proposal, "text": 0}
    heads = tuple(world.council.heads())
    one = world.say(ada, "proposal.amend", amendment, deps=heads, texts=("one",))
    two = world.say(ben, "proposal.amend", amendment, deps=heads, texts=("two",))
    opened = world.council.talk.proposals[proposal]
    assert opened.author == membership(world, ada)
    assert [version.id for version in opened.ordered()] == [proposal, *sorted([one, two])]
    assert [version.id for version in opened.latest()] == sorted([one, two])
    assert opened.versions[two].author == membership(world, ben)
    three = world.say(ben, "proposal.amend", {**amendment, "replaces": one}, (one,), texts=("three",))
    assert [version.id for version in opened.latest()] == [two, three]
    assert all(world.council.talk.proposal_of[version] == proposal for version in (proposal, one, two, three))


def test_comments_hang_on_what_they_are_about() -> None:
    world, (ada, ben) = founded("Ben")
    proposal = world.proposal(ada)
    first = world.say(ben, "comment.write", {"on": proposal, "text": 0}, (proposal,), texts=("why?",))
    answer = world.say(ada, "comment.write", {"on": first, "text": 0}, (first,), texts=("because",))
    talk = world.council.talk
    assert talk.thread == {proposal: [first], first: [answer]}
    assert (talk.remarks[answer].on, talk.remarks[answer].author) == (first, membership(world, ada))


def test_its_author_withdraws_a_proposal() -> None:
    world, (ada, _ben) = founded("Ben")
    proposal = world.proposal(ada)
    word = world.say(ada, "proposal.withdraw", {"proposal": proposal}, (proposal,))
    assert world.council.talk.proposals[proposal].withdrawn == {word}


def test_what_says_nothing_changes_nothing() -> None:
    talk = Talk()
    empty = talk.data()
    who = Membership(seed("who"))
    talk.add(seed("a"), 1, 0, who, Merge())
    assert talk.data() == empty
    assert talk.take(seed("a"), None) is None
    assert talk.take(seed("a"), WithdrawProposal(seed("gone"))) is None


def test_what_was_added_is_taken_back_whole() -> None:
    talk = Talk()
    empty = talk.data()
    who = Membership(seed("who"))
    remark = Comment(seed("p"), 2)
    talk.add(seed("r"), 5, 77, who, remark)
    assert talk.take(seed("r"), None) == (5, 77, who, remark)
    assert talk.data() == empty
    assert talk.thread == {}
