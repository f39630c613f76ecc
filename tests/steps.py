"""What can happen in a village: one function a step.

A step is a tuple of small numbers, read as far as it makes sense where the village stands: so
every list of steps is a village, and a failing one shrinks to few steps.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from protocol.council.bodies import TellersChange, enrolment_message, node_message
from protocol.council.charter import PROFILES
from protocol.council.compose import leave_message, revocation_message
from protocol.council.council import Council, Heads
from protocol.council.epochs import Record, seal
from protocol.council.outcomes import Inserted
from protocol.council.signatures import sign_epoch, sign_replacement
from protocol.errors import Refusal
from protocol.ids import Membership
from protocol.keys import ENROLMENT, LEAVE, NODE, POSSESSION, REVOCATION, public_key, sign
from protocol.log.operation import Content, Draft

from .delivery import closure, deliver
from .villages import CHARTER, HALLS, NAMES, SITES, Village, pick
from .worlds import Person, Teller, attachment, carry, seed

__all__ = ["STEPS", "Step", "play"]

Step = tuple[int, int, int, int, int]
"""Which of `STEPS`, the site, and three numbers to choose by."""


def play(steps: Sequence[Step]) -> Village:
    """A village in which these steps were taken, one after the other."""
    village = Village()
    for action, at, who, what, how in steps:
        STEPS[action](village, at % SITES, who, what, how)
    return village


# --- what people say --------------------------------------------------------------------------


def _comment(v: Village, at: int, who: int, what: int, how: int) -> None:
    ids = v.ids(at)
    on = ids[what % len(ids)]
    needs = (on,) if how % 5 else ()
    v.write(at, v.author(at, who), "comment.write", {"on": on, "text": 0}, needs, old=how, contents=(attachment("so"),))


def _open(v: Village, at: int, who: int, what: int, how: int) -> None:
    contents = (attachment(f"title {what % 3}"), attachment("text"))
    v.write(at, v.author(at, who), "proposal.open", {"title": 0, "text": 1}, old=how, contents=contents)


def _amend(v: Village, at: int, who: int, what: int, how: int) -> None:
    version = v.one("version", what)
    proposal = v.sites[at].talk.proposal_of.get(version, version)
    body = {"proposal": proposal, "replaces": version, "text": 0}
    v.write(at, v.author(at, who), "proposal.amend", body, (version,), old=how, contents=(attachment("more"),))


def _drop(v: Village, at: int, who: int, what: int, how: int) -> None:
    proposal = v.one("proposal", what)
    author = v.devices.get(v.pool[proposal].operation.author) if proposal in v.pool and who % 3 else None
    v.write(
        at,
        author or v.author(at, who),
        "proposal.withdraw",
        {"proposal": proposal},
        (proposal,) * (who % 5 > 0),
        old=how,
    )


def _erase(v: Village, at: int, who: int, what: int, how: int) -> None:
    target = v.one("version", what)
    author = v.devices.get(v.pool[target].operation.author) if target in v.pool and who % 3 else None
    body = {"operation": target, "attachments": [how % 3]}
    v.write(at, author or v.author(at, who), "talk.erase", body, (target,) * (who % 5 > 0), old=how)


# --- who belongs ------------------------------------------------------------------------------


def _invite(v: Village, at: int, who: int, what: int, how: int) -> None:
    body: dict[str, Any] = {"key": public_key(seed("invitation", len(v.secrets) + 1)), "uses": 1 + what % 2}
    if what % 5 == 4:
        body["expires"] = v.world.clock - 1
    v.write(at, v.author(at, who), "council.invite", body, old=how)


def _uninvite(v: Village, at: int, who: int, what: int, how: int) -> None:
    invitation = v.one("invitation", what)
    v.write(at, v.author(at, who), "council.uninvite", {"invitation": invitation}, (invitation,), old=how)


def _request(v: Village, at: int, who: int, what: int, how: int) -> None:
    invitation = v.one("invitation", what)
    if invitation not in v.sites[at]:
        return
    person = Person(pick(NAMES, who))
    context = v.one("invitation", 0) if how % 7 == 6 else invitation
    body = {**person.enrolment(context, how % 3), **person.listing(context)}
    v.world.clock += 1
    draft = Draft(
        v.founding.operation.id,
        public_key(v.secrets[invitation]),
        v.pool[invitation].operation.depth + 1,
        (invitation,),
        v.world.clock,
        "council.request",
        body,
    )
    v.put(at, draft.signed(v.secrets[invitation]))


def _leave(v: Village, at: int, who: int, what: int, how: int) -> None:
    found = v.member(at, who)
    if found is not None:
        membership, person, device = found
        grant = sign(person.seed, LEAVE, leave_message(v.founding.operation.id, membership))
        v.write(at, device if what % 3 else v.author(at, what), "member.leave", {"grant": grant}, old=how)


def _absence(v: Village, at: int, who: int, what: int, how: int) -> None:
    found = v.member(at, who)
    if found is not None:
        _, _, device = found
        v.write(at, device, "member.absent", {}, old=how if what % 2 else 0)


def _return(v: Village, at: int, who: int, what: int, how: int) -> None:
    members = v.sites[at].head.members
    away = [m for m in sorted(members) if members[m].absent and members[m].devices] or sorted(members)
    devices = sorted(members[pick(away, who)].devices) if away else []
    if devices:
        v.write(at, v.devices[pick(devices, what)], "member.return", {}, old=how if what % 2 else 0)


def _device(v: Village, at: int, who: int, what: int, how: int) -> None:
    found = v.member(at, who)
    if found is None:
        return
    membership, person, _ = found
    device = person.device(what % 3)
    if what // 3 % 2:
        message = enrolment_message(membership, person.key, device)
        body = {
            "membership": membership,
            "device": device,
            "grant": sign(person.seed, ENROLMENT, message),
            "possession": sign(v.devices[device], POSSESSION, message),
        }
        v.write(at, v.author(at, what), "device.enrol", body, old=how)
    else:
        grant = sign(person.seed, REVOCATION, revocation_message(v.founding.operation.id, membership, device))
        body = {"membership": membership, "device": device, "grant": grant}
        v.write(at, v.author(at, what), "device.revoke", body, old=how)


def _node(v: Village, at: int, who: int, what: int, how: int) -> None:
    found = v.member(at, who)
    if found is None:
        return
    membership, _, device = found
    secret = seed("a node", what % 3)
    node = public_key(secret)
    if what // 3 % 2:
        possession = sign(secret, NODE, node_message(membership, node))
        body: dict[str, Any] = {"node": node, "possession": possession, "addresses": [f"/ip4/10.0.0.{what % 5}/tcp/1"]}
        v.write(at, device, "node.enrol", body, old=how)
    else:
        listed = sorted(v.sites[at].head.members[membership].nodes) or [node]
        v.write(at, device, "node.revoke", {"node": pick(listed, what)}, old=how)


# --- what they decide -------------------------------------------------------------------------


def _motion(v: Village, at: int, who: int, what: int, how: int) -> None:
    """A motion of some sort, and the assents of as many as `who` says."""
    effect, needs = _effect(v, at, what, how)
    _move(v, at, v.author(at, who), effect, needs, v.enrolled(at)[: who // 8 % 7], how)


def _move(
    v: Village, at: int, author: bytes, effect: dict[str, Any], needs: tuple[bytes, ...], by: list[bytes], old: int
) -> None:
    before = len(v.named["motion"])
    v.write(at, author, "motion.move", {"effect": effect}, needs, old=old)
    for motion in v.named["motion"][before:]:
        for device in by:
            v.write(at, v.devices[device], "motion.assent", {"motion": motion}, (motion,))


def _decide(v: Village, at: int, who: int, what: int, how: int) -> None:
    """A motion that everybody at site 0 assents to, and the epoch that follows."""
    effect, needs = _effect(v, 0, what, how)
    by = v.enrolled(0)
    _move(v, 0, v.devices[pick(by, who)], effect, needs, by, 0)
    _epoch(v, 0, who, what, 0)


def _effect(v: Village, at: int, what: int, how: int) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    site, rest = v.sites[at], what // 8
    match what % 8:
        case 0 | 1:
            request = v.one("request", rest)
            return {"kind": "admit", "request": request}, (request,)
        case 2:
            members = sorted(site.head.members) or [Membership(site.id)]
            return {"kind": "remove", "membership": pick(members, rest)}, ()
        case 3:
            changes: dict[str, Any] = {"purpose": f"purpose {rest % 2}", "tellers": site.head.profile}
            if rest % 4 == 3:
                changes["size"] = {"min": 1 + rest % 8}
            if rest % 7 == 6:
                changes["name"] = " "
            charter = {**CHARTER.data(), **changes, "size": {**CHARTER.data()["size"], **changes.get("size", {})}}
            return {"kind": "charter", "charter": charter, "replaces": site.head.charter.digest()}, ()
        case 4:
            return _tellers_change(site, rest), ()
        case 5:
            found = v.member(at, rest)
            if found is not None:
                membership, person, _ = found
                fresh = Person(person.name, (person.number + 1) % 3)
                body = fresh.enrolment(membership, how % 3)
                return {"kind": "rekey", "membership": membership, "replaces": person.key, **body}, ()
            return {"kind": "remove", "membership": site.id}, ()
        case 6:
            version = v.one("version", rest)
            proposal = site.talk.proposal_of.get(version, version)
            adopted = site.head.adopted.get(proposal)
            effect = {"kind": "adopt", "proposal": proposal, "version": version}
            return effect | ({} if adopted is None else {"replaces": adopted.version}), (version,)
        case _:
            target = v.one("version", rest)
            return {"kind": "erase", "operation": target, "attachment": how % 2}, (target,)


def _tellers_change(site: Council, number: int) -> dict[str, Any]:
    three = number % 2
    halls = [pick(HALLS, number // 2 + place) for place in range(3 if three else 1)]
    return {
        "kind": "tellers",
        "profile": "3-absence" if three else "1",
        "tellers": [Teller(hall).keys(site.id) for hall in halls],
        "replaces": site.head.tellers_digest(),
    }


def _assent(v: Village, at: int, who: int, what: int, how: int) -> None:
    motion = v.one("motion", what)
    v.write(at, v.author(at, who), "motion.assent", {"motion": motion}, (motion,) * (who % 9 > 0), old=how)


def _withdraw(v: Village, at: int, who: int, what: int, how: int) -> None:
    assent = v.one("assent" if what % 2 else "motion", what // 2)
    author = v.devices.get(v.pool[assent].operation.author) if assent in v.pool and who % 3 else None
    v.write(at, author or v.author(at, who), "motion.withdraw", {"assent": assent}, (assent,), old=how)


def _odd(v: Village, at: int, who: int, what: int, how: int) -> None:
    """What nobody here understands, or should not have been said so."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("garden.plan", {"beds": what % 3}),
        ("merge", {}),
        ("comment.write", {"on": 7}),
        ("council.invite", {"key": b"short", "uses": 1}),
        ("member.leave", {"grant": bytes(64), "more": True}),
        ("council.found", dict(v.founding.operation.body)),
        ("motion.move", {"effect": {"kind": "crown", "king": "me"}}),
        ("council.request", {}),
    ]
    kind, body = pick(kinds, what)
    v.write(at, v.author(at, who), kind, body, old=how)


# --- ballots ----------------------------------------------------------------------------------


def _ballot(v: Village, at: int, who: int, what: int, how: int) -> None:
    """A question, open or with an effect when it is adopted, for the next few seconds."""
    site = v.sites[at]
    effect, needs = _effect(v, at, what, how)
    body = {
        "epoch": site.head.digest,
        "question": {"rule": "majority-simple/1"},
        "title": 0,
        "deadline": v.world.clock + 1000 * (2 + how % 8),
        **({"effect": effect} if what % 3 else {}),
    }
    old = how if how % 7 == 6 else 0
    v.write(at, v.author(at, who), "ballot.open", body, needs if what % 3 else (), old=old, contents=(attachment("?"),))


def _cast(v: Village, at: int, who: int, what: int, how: int) -> None:
    ballot = v.one("ballot", what)
    body = {"ballot": ballot, "revision": 0, "choice": pick(("yes", "no", "abstain", "perhaps"), how)}
    needs: tuple[bytes, ...] = (ballot,)
    if how % 5 == 4:
        earlier = v.one("cast", what)
        body |= {"revision": 1, "replaces": earlier}
        needs = (ballot, earlier)
    v.write(at, v.author(at, who), "ballot.cast", body, needs, old=how)


def _tell(v: Village, at: int, who: int, what: int, how: int) -> None:
    """What the tellers at site 0, present and former, have to say of ballots, for some rounds."""
    v.world.clock += 1000 * (how % 8)
    for _ in range(1 + what % 12):
        for hall in HALLS:
            for deed in list(v.duties[hall].deeds(v.world.clock)):
                contents = tuple(Content(b"", part) for part in deed.parts)
                v.write(0, Teller(hall).seed, deed.kind, deed.body, deed.needs, contents=contents)


def _poll(v: Village, at: int, who: int, what: int, how: int) -> None:
    """A ballot from its opening to the epoch that takes its result, as far as the tellers let it come."""
    before = len(v.named["ballot"])
    _ballot(v, 0, who, what, 0)
    for ballot in v.named["ballot"][before:]:
        _tell(v, 0, 0, 1, 0)
        for device in v.enrolled(0)[: 1 + how % 6]:
            body = {"ballot": ballot, "revision": 0, "choice": "yes" if how % 3 else "no"}
            v.write(0, v.devices[device], "ballot.cast", body, (ballot,))
    _tell(v, 0, 0, 11, 7)
    if what % 5:
        _epoch(v, 0, who, what, 0)


# --- epochs -----------------------------------------------------------------------------------


def _signatures(v: Village, record: Record) -> list[tuple[bytes, bytes]]:
    """A quorum's, of the tellers of the epoch before."""
    sealing = {Teller(hall).key: Teller(hall).seed for hall in HALLS}
    head = v.sites[0].head
    keys = [teller.key for teller in head.tellers][: PROFILES[head.profile].q]
    return [(key, sign_epoch(sealing[key], record.digest)) for key in keys]


def _epoch(v: Village, at: int, who: int, what: int, how: int) -> None:
    """The step that is due at site 0, on all heads or on an older basis, in one operation or two."""
    site = v.sites[0]
    ids = v.ids(0)
    basis = None
    if how % 3 == 2:
        basis = sorted({site.branch.links[-1].operation, ids[what % len(ids)]})
    record = site.compose(basis)
    if record is not None:
        _carry(v, record, _signatures(v, record), who, what)


def _replacement(v: Village, at: int, who: int, what: int, how: int) -> None:
    """Members replace the tellers."""
    if how % 4:
        return  # rarely
    site = v.sites[0]
    data = {key: value for key, value in _tellers_change(site, what).items() if key != "kind"}
    effect = msgspec.convert(data, TellersChange, builtin_types=(bytes,))
    record = site.compose_replacement(effect)
    if isinstance(record, Refusal):
        return
    members = site.head.members
    devices = [min(members[m].devices) for m in sorted(members) if members[m].devices]
    signatures = [(device, sign_replacement(v.devices[device], record.digest)) for device in devices[who % 2 :]]
    _carry(v, record, signatures, who, what)


def _carry(v: Village, record: Record, signatures: list[tuple[bytes, bytes]], who: int, what: int) -> None:
    site = v.sites[0]
    first = Teller(pick(HALLS, who)).seed if who % 3 else v.author(0, who // 3)
    serving = [Teller(hall).seed for hall in HALLS if Teller(hall).key in {teller.key for teller in site.head.tellers}]
    before = site.head.number
    # In the end by a teller who may: what tellers signed, they bring out.
    for author in [first, *[Teller(hall).seed for hall in HALLS[: what % 5]], *serving]:
        if site.head.number == before or what % 4 == 3:
            v.put(0, carry(site, record, signatures, author))


def _copy(v: Village, at: int, who: int, what: int, how: int) -> None:
    """Somebody carries the record of an old epoch once more."""
    site = v.sites[at]
    envelope = pick(v.carried, what)
    old = envelope.operation
    if any(dep not in site for dep in old.deps):
        return
    author = v.author(at, who) if how % 2 else pick(list(v.devices.values()), who)
    deps = old.deps if how % 3 else tuple({*old.deps, pick(v.ids(at), how)})
    v.world.council = site
    contents = tuple(content for content in envelope.contents if content is not None)
    v.put(at, v.world.draft(author, old.kind, old.body, contents=contents, deps=deps))


def _lie(v: Village, at: int, who: int, what: int, how: int) -> None:
    """The tellers sign a record that does not follow: less, or more, than there are reasons for."""
    site = v.sites[0]
    record = site.compose()
    effects = [dict(effect) for effect in record.effects] if record is not None else []
    if what % 2 and effects:
        effects.pop(how % len(effects))
    else:
        effects.append({"kind": "remove", "membership": site.id, "reason": site.id, "assents": []})
    heads = site.draft()
    assert isinstance(heads, Heads)
    basis = heads.deps if record is None else record.basis
    false = seal(site.head, basis, effects, site.head)
    v.put(0, carry(site, false, _signatures(v, false), Teller("hall").seed))


# --- hearing of one another -------------------------------------------------------------------


def _exchange(v: Village, at: int, who: int, what: int, how: int) -> None:
    """A site is told all that another knows, or what one operation there builds on."""
    other = who % SITES
    news = v.here[other]
    if how % 3 == 2:
        news = closure(news, [news[what % len(news)].operation.id])
    known = v.sites[at]
    fresh = [envelope for envelope in news if envelope.operation.id not in known]
    outcomes = deliver(known, fresh)
    v.here[at] += [envelope for envelope in fresh if isinstance(outcomes.get(envelope.operation.id), Inserted)]


STEPS: Final[tuple[Callable[[Village, int, int, int, int], None], ...]] = (
    _exchange,
    _epoch,
    _motion,
    _assent,
    _comment,
    _open,
    _amend,
    _drop,
    _erase,
    _invite,
    _uninvite,
    _request,
    _leave,
    _absence,
    _return,
    _device,
    _node,
    _withdraw,
    _odd,
    _replacement,
    _copy,
    _lie,
    _ballot,
    _cast,
    _tell,
    _motion,
    _epoch,
    _exchange,
    _decide,
    _decide,
    _decide,
    _request,
    _leave,
    _comment,
    _poll,
    _poll,
    _cast,
    _tell,
)
"""What can happen: (village, site, three numbers to choose by)."""
