"""Villages: one council with everything that its people, its tellers and some liars ever wrote.

Three sites hear of it at different times and write on what they know. A village is played from
steps, tuples of small numbers, each read as far as it makes sense where the village stands: so
every list of steps is a village, and a failing one shrinks to few steps.

Only the tellers at site 0 compose epochs, as honest tellers would have agreed to: what happens
when they do not is not a matter of convergence.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from protocol.council.bodies import TellersChange, enrolment_message, node_message
from protocol.council.charter import PROFILES
from protocol.council.compose import leave_message, revocation_message
from protocol.council.council import Council, Heads
from protocol.council.epochs import Record, seal
from protocol.council.outcomes import Inserted, Known, Outcome, Waiting
from protocol.council.signatures import sign_epoch, sign_replacement
from protocol.errors import Refusal
from protocol.ids import Membership
from protocol.keys import ENROLMENT, LEAVE, NODE, POSSESSION, REVOCATION, public_key, sign
from protocol.log.operation import Content, Draft, Envelope

from .worlds import Person, Teller, World, attachment, carry, seed, small_charter

__all__ = ["STEPS", "Village", "closure", "deliver", "meet", "portrait"]

T = TypeVar("T")


# --- delivery ---------------------------------------------------------------------------------


def deliver(council: Council, envelopes: Iterable[Envelope], *, verified: bool = True) -> dict[bytes, Outcome]:
    """Insert in this order, and again what waited, until nothing moves; the last outcome of each."""
    outcomes: dict[bytes, Outcome] = {}
    todo = list(envelopes)
    moving = True
    while todo and moving:
        rest = []
        for envelope in todo:
            outcome = council.insert(envelope, verified=verified)
            if isinstance(outcome, Waiting):
                rest.append(envelope)
            if not isinstance(outcome, Known):
                outcomes[envelope.operation.id] = outcome
        moving = len(rest) < len(todo)
        todo = rest
    return outcomes


def meet(founding: Envelope, envelopes: Iterable[Envelope] = (), *, verified: bool = True) -> Council:
    """A council new to this founding operation, that was told of these."""
    council = Council.found(founding)
    assert isinstance(council, Council)
    deliver(council, envelopes, verified=verified)
    return council


def closure(envelopes: Sequence[Envelope], tips: Iterable[bytes]) -> list[Envelope]:
    """What among `envelopes` the tips are, and build on."""
    known: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in envelopes}
    seen: set[bytes] = set()
    todo = list(tips)
    while todo:
        tip = todo.pop()
        if tip in known and tip not in seen:
            seen.add(tip)
            todo.extend(known[tip].operation.deps)
    return [envelope for envelope in envelopes if envelope.operation.id in seen]


def portrait(council: Council) -> dict[str, Any]:
    """All that must be the same wherever the same operations came together."""
    dag = council.dag
    rows = dag.kept_rows()
    kept = [dag.ids[row] for row in rows]
    return {
        "order": [(dag.depth[row], dag.ids[row]) for row in rows],
        "epochs": [dag.epoch[row] for row in rows],
        "absorbed": [dag.absorbed[row] for row in rows],
        "items": list(council.items),
        "fingerprint": council.items.fingerprint(0, len(council.items)),
        "heads": council.heads(),
        "draft": council.draft(),
        "links": council.branch.links,
        "head": council.head,
        "pending": council.pending(),
        "settled": council.settled,
        "motions": sorted(council.motions),
        "proposals": council.talk.data(),
        "without effect": {id: council.without_effect[id] for id in kept if id in council.without_effect},
        "whose": [council.membership_of(id) for id in kept],
        "erased": [council.erased(id) for id in kept],
        "digest": council.digest(),
    }


# --- the village ------------------------------------------------------------------------------

NAMES: Final = ("Ada", "Ben", "Cyd", "Dov", "Eva", "Fay")
HALLS: Final = ("hall", "barn", "mill", "forge")
SITES: Final = 3
_LOW: Final = ["at_least", 1, 10]
_CHARTER: Final = small_charter(
    thresholds={"admission": _LOW, "adoption": _LOW, "erasure": _LOW},
    durations={"motion_epochs": 4},
    limits={"devices": 2, "nodes": 2},
)


def _begin() -> list[Envelope]:
    """Ada, Ben, Cyd and Dov, under a charter that lets much happen."""
    world = World(charter=_CHARTER)
    for name in NAMES[1:4]:
        world.admit(Person(name), world.founder)
    return world.said


_PRELUDE: Final = _begin()
_LISTS: Final = ("invitation", "request", "motion", "assent", "proposal", "version")


@dataclass
class Village:
    """A council at random. `pool` holds all that was written, refused operations too."""

    world: World = field(default_factory=lambda: World(charter=_CHARTER))
    sites: list[Council] = field(default_factory=lambda: [meet(_PRELUDE[0], _PRELUDE) for _ in range(SITES)])
    here: list[list[Envelope]] = field(default_factory=lambda: [_PRELUDE[1:] for _ in range(SITES)])
    """For each site, what entered its log."""
    pool: dict[bytes, Envelope] = field(default_factory=dict)
    devices: dict[bytes, bytes] = field(default_factory=dict)
    """Every device key that there may ever be -> its seed."""
    people: dict[bytes, Person] = field(default_factory=dict)
    secrets: dict[bytes, bytes] = field(default_factory=dict)
    """Invitation -> the seed that its ticket carries."""
    named: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in _LISTS})
    carried: list[Envelope] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in NAMES:
            for number in range(3):
                person = Person(name, number)
                self.people[person.key] = person
                for n in range(3):
                    self.devices[person.device(n)] = person.device_seed(n)
        for envelope in _PRELUDE[1:]:
            self.pool[envelope.operation.id] = envelope
            self._note(envelope)

    @property
    def founding(self) -> Envelope:
        return _PRELUDE[0]

    def play(self, steps: Sequence[tuple[int, int, int, int, int]]) -> "Village":
        """Take the steps, one after the other."""
        for action, at, who, what, how in steps:
            STEPS[action](self, at % SITES, who, what, how)
        return self

    def write(
        self,
        at: int,
        author: bytes,
        kind: str,
        body: dict[str, Any],
        needs: tuple[bytes, ...] = (),
        *,
        old: int = 0,
        contents: tuple[Content, ...] = (),
    ) -> None:
        """One operation by the key of this seed, written at a site, if the site has what it needs.

        old: unless it is a multiple of 4, the deps come from anywhere in the log: from the past, from
        what was removed since, from one side of a fork.
        """
        site = self.sites[at]
        if any(need not in site for need in needs):
            return
        deps = None
        if old % 4:
            ids = self.ids(at)
            deps = tuple({*needs, ids[old % len(ids)], ids[old * 7 % len(ids)]})
        self.world.council = site
        self.put(at, self.world.draft(author, kind, body, needs, contents=contents, deps=deps))

    def put(self, at: int, envelope: Envelope) -> None:
        """Insert at a site what was written there."""
        if isinstance(self.sites[at].insert(envelope), Inserted):
            self.here[at].append(envelope)
        if envelope.operation.id not in self.pool:
            self.pool[envelope.operation.id] = envelope
            self._note(envelope)

    def _note(self, envelope: Envelope) -> None:
        operation = envelope.operation
        kinds = {
            "council.invite": "invitation",
            "council.request": "request",
            "motion.move": "motion",
            "motion.assent": "assent",
            "proposal.open": "proposal",
        }
        if operation.kind in kinds:
            self.named[kinds[operation.kind]].append(operation.id)
        if operation.kind in ("proposal.open", "proposal.amend"):
            self.named["version"].append(operation.id)
        if operation.kind == "council.invite" and operation.id not in self.secrets:
            self.secrets[operation.id] = seed("invitation", len(self.secrets) + 1)
        if operation.kind == "council.epoch":
            self.carried.append(envelope)

    # --- choosing ---------------------------------------------------------------------------

    def ids(self, at: int) -> list[bytes]:
        """What is in the site's log, in the order in which it came."""
        return list(self.sites[at].dag.rows)

    def author(self, at: int, who: int) -> bytes:
        """The seed of a device: mostly of one on the site's roll, else of any, or of a teller."""
        if who % 16 == 15:
            return Teller(_any(HALLS, who // 16)).seed
        if who % 16 == 14:
            return _any(list(self.devices.values()), who // 16)
        return self.devices[_any(self.enrolled(at), who)]

    def enrolled(self, at: int) -> list[bytes]:
        """The devices on the site's roll, or if there are none all others."""
        members = self.sites[at].head.members
        return [d for m in sorted(members) for d in sorted(members[m].devices)] or sorted(self.devices)

    def member(self, at: int, who: int) -> tuple[Membership, Person, bytes] | None:
        """A membership on the site's roll, its person, and the seed of one of its devices."""
        members = self.sites[at].head.members
        if not members:
            return None
        membership = _any(sorted(members), who)
        member = members[membership]
        devices = sorted(member.devices) or self.enrolled(at)
        return membership, self.people[member.person], self.devices[_any(devices, who)]

    def one(self, sort: str, number: int) -> bytes:
        """One of the operations of a sort; of none, an id that no operation has."""
        return _any(self.named[sort], number) if self.named[sort] else seed("nothing")


def _any(things: Sequence[T], number: int) -> T:
    return things[number % len(things)]


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
    person = Person(_any(NAMES, who))
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
        membership, _, device = found
        away = v.sites[at].head.members[membership].absent is (what % 4 > 0)
        v.write(at, device, "member.return" if away else "member.absent", {}, old=how)


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
        v.write(at, device, "node.revoke", {"node": _any(listed, what)}, old=how)


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
    _move(v, 0, v.devices[_any(by, who)], effect, needs, by, 0)
    _epoch(v, 0, who, what, 0)


def _effect(v: Village, at: int, what: int, how: int) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    site, rest = v.sites[at], what // 8
    match what % 8:
        case 0 | 1:
            request = v.one("request", rest)
            return {"kind": "admit", "request": request}, (request,)
        case 2:
            members = sorted(site.head.members) or [Membership(site.id)]
            return {"kind": "remove", "membership": _any(members, rest)}, ()
        case 3:
            changes: dict[str, Any] = {"purpose": f"purpose {rest % 2}", "tellers": site.head.profile}
            if rest % 4 == 3:
                changes["size"] = {"min": 1 + rest % 8}
            if rest % 7 == 6:
                changes["name"] = " "
            charter = {**_CHARTER.data(), **changes, "size": {**_CHARTER.data()["size"], **changes.get("size", {})}}
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
    halls = [_any(HALLS, number // 2 + place) for place in range(3 if three else 1)]
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
    kind, body = _any(kinds, what)
    v.write(at, v.author(at, who), kind, body, old=how)


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
    first = Teller(_any(HALLS, who)).seed if who % 3 else v.author(0, who // 3)
    serving = [Teller(hall).seed for hall in HALLS if Teller(hall).key in {teller.key for teller in site.head.tellers}]
    before = site.head.number
    # In the end by a teller who may: what tellers signed, they bring out.
    for author in [first, *[Teller(hall).seed for hall in HALLS[: what % 5]], *serving]:
        if site.head.number == before or what % 4 == 3:
            v.put(0, carry(site, record, signatures, author))


def _copy(v: Village, at: int, who: int, what: int, how: int) -> None:
    """Somebody carries the record of an old epoch once more."""
    site = v.sites[at]
    envelope = _any(v.carried, what)
    old = envelope.operation
    if any(dep not in site for dep in old.deps):
        return
    author = v.author(at, who) if how % 2 else _any(list(v.devices.values()), who)
    deps = old.deps if how % 3 else tuple({*old.deps, _any(v.ids(at), how)})
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
    _device,
    _node,
    _withdraw,
    _odd,
    _replacement,
    _copy,
    _lie,
    _motion,
    _epoch,
    _exchange,
    _decide,
    _decide,
    _decide,
    _request,
    _leave,
    _comment,
)
"""What can happen: (village, site, three numbers to choose by)."""
