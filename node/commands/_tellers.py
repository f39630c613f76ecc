"""`moot council tellers`: who they are, and replacing them without them."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option, wait_options
from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import ReplacementAnswer
    from node.commands._voice import Voice

__all__ = ["tellers"]


@click.group("tellers", invoke_without_command=True)
@click.option("--wait-for", type=click.IntRange(min=1), metavar="N", help="Wait until so many offers are open.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="With --wait-for: give up after N seconds (exit code 1).",
)
@council_option
@json_option
@pass_caller
@click.pass_context
def tellers(
    ctx: click.Context,
    caller: Caller,
    wait_for: int | None,
    seconds: float | None,
    council: str | None,
    as_json: bool,
) -> None:
    """Show the tellers, and the replacements that were offered.

    As long as the tellers work, they are changed like anything else: `moot motion tellers`. When they
    are gone for good, two thirds of all members can replace them by signing the same record.
    JSON: tellers (list of TellerAnswer), replacements (of ReplacementAnswer).
    """
    if ctx.invoked_subcommand is not None:
        return
    from node.api.answers import CouncilAnswer, ReplacementAnswer
    from node.commands._follow_up import timed_out
    from node.commands._pick import pick_council
    from node.commands._render import clean, count_of, say, say_json, short
    from node.commands._voice import connect

    client = connect(caller)
    path = f"/v1/councils/{pick_council(client, council).council}"
    answer = client.get(path, CouncilAnswer)

    def look() -> list[ReplacementAnswer] | None:
        offered = client.get(f"{path}/replacements", list[ReplacementAnswer])
        return offered if sum(one.state == "open" for one in offered) >= (wait_for or 0) else None

    offered = look()
    if offered is None:
        try:
            offered = client.wait(answer.council, look, seconds)
        except TimeoutError as fault:
            raise timed_out(f"fewer than {wait_for} offers are open") from fault
    if as_json:
        say_json({"tellers": answer.tellers, "replacements": offered})
        return
    for teller in answer.tellers:
        say(f"{teller.peer}" + (" (this node)" if teller.here else ""))
    for one in offered:
        who = f"{short(one.offer)} by {clean(one.by.name)}"
        if one.state == "open":
            say(f"Offered: {who}: {', '.join(one.tellers)}; {count_of(one.signed, 'signature')} of {one.needed}")
        else:
            say(f"{one.state.capitalize()}: {who}")


@tellers.command("replace")
@click.argument("offers", nargs=-1, required=True, metavar="OFFER...")
@council_option
@signing_options
@json_option
@pass_caller
def replace(
    caller: Caller, offers: tuple[str, ...], council: str | None, passphrase_fd: int | None, as_json: bool
) -> None:
    """Offer the members other tellers, because the present ones are gone for good.

    Each OFFER comes from a node that is to be one: `moot node teller COUNCIL-ID`. You sign first;
    the others sign with `moot council tellers sign`. Talk to each other before: if the old tellers
    come back meanwhile, the council may part. JSON: the ReplacementAnswer.
    """
    from node.api.answers import RecordAnswer, RecordAsked, TellerNamed
    from node.commands._founding import profile_for
    from node.commands._voice import Attached, speak
    from node.offer import TellerOffer
    from protocol.council.bodies import ReplacementOffer

    parsed = [TellerOffer.parse(text) for text in offers]
    profile = profile_for(len(parsed))
    voice = speak(caller, council, passphrase_fd)
    if any(offer.context != voice.council_id for offer in parsed):
        raise Refused("teller-context", "An offer was made for another council; ask for one for this council's id.")
    named = [
        TellerNamed(
            key=offer.teller.key.hex(),
            node=offer.teller.node.hex(),
            possession=offer.teller.possession.hex(),
            addresses=list(offer.teller.addresses or ()),
        )
        for offer in parsed
    ]
    made = voice.client.post(f"{voice.path}/replacements", RecordAsked(profile=profile, tellers=named), RecordAnswer)
    attached = Attached.none()
    offer = voice.say("replacement.offer", ReplacementOffer(attached.add_part(made.record)), attached)
    _signed(voice, offer, False, None, as_json)


@tellers.command("sign")
@click.argument("offer")
@council_option
@wait_options("the new tellers are in office")
@signing_options
@json_option
@pass_caller
def sign(
    caller: Caller,
    offer: str,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Sign an OFFER of other tellers (the beginning of its id; `moot council tellers` lists them).

    Whoever's signature completes two thirds of the roll puts it into effect. JSON: the ReplacementAnswer.
    """
    from node.commands._pick import pick_operation
    from node.commands._voice import speak

    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, offer, voice.council.council, ("replacement.offer",))
    _signed(voice, picked.id, wait, seconds, as_json)


def _signed(voice: "Voice", offer: str, wait: bool, seconds: float | None, as_json: bool) -> None:
    from node.commands._follow_up import timed_out
    from node.commands._render import count_of, say, say_json
    from protocol.council.bodies import ReplacementSign
    from protocol.council.signatures import sign_replacement
    from protocol.ids import parse_operation

    answer = _look(voice, offer)
    if answer.state == "open" and all(one.member.membership != voice.me.membership for one in answer.signatures):
        signature = sign_replacement(voice.secrets.device_seed, bytes.fromhex(answer.digest))
        voice.say("replacement.sign", ReplacementSign(parse_operation(offer), signature), needs=[offer])

    def look() -> "ReplacementAnswer":
        now = _look(voice, offer)
        if now.state == "open" and now.signed >= now.needed:
            _carry(voice, now)
            now = _look(voice, offer)
        return now

    def done() -> "ReplacementAnswer | None":
        now = look()
        return None if now.state == "open" else now

    answer = look()
    if wait and answer.state == "open":
        try:
            answer = voice.client.wait(voice.council.council, done, seconds)
        except TimeoutError as fault:
            raise timed_out("fewer than two thirds of the members have signed") from fault
    if as_json:
        say_json(answer)
    elif answer.state == "effective":
        say("The new tellers are in office.")
    elif answer.state == "lapsed":
        raise Refused("replacement-lapsed", "The council has moved on since; that offer cannot take effect any more.")
    else:
        missing = count_of(answer.needed - answer.signed, "more signature is needed", "more signatures are needed")
        say(f"{answer.signed} of {answer.needed} have signed, {missing}: moot council tellers sign {offer}")


def _look(voice: "Voice", offer: str) -> "ReplacementAnswer":
    from node.api.answers import ReplacementAnswer

    offered = voice.client.get(f"{voice.path}/replacements", list[ReplacementAnswer])
    found = [one for one in offered if one.offer == offer]
    if not found:
        raise Refused("unknown-offer", "That offer of other tellers is not well formed; ask for another one.")
    return found[0]


def _carry(voice: "Voice", answer: "ReplacementAnswer") -> None:
    """Put the record into the log as an epoch, with everybody's signatures."""
    from node.commands._voice import now, submit
    from protocol.codec import decode
    from protocol.council.bodies import EpochBody
    from protocol.council.signatures import pack_signatures
    from protocol.ids import parse_person
    from protocol.keys import public_key
    from protocol.log.operation import MAX_PARTS, Content, Draft

    record = decode(answer.record, MAX_PARTS)
    signatures = [(bytes(parse_person(one.device)), bytes.fromhex(one.signature)) for one in answer.signatures]
    contents = (Content(b"", answer.record), Content(b"", pack_signatures(0, signatures)))
    draft = Draft(
        council=voice.council_id,
        author=public_key(voice.secrets.device_seed),
        depth=answer.depth,
        deps=tuple(record["basis"]),
        time=now(),
        kind="council.epoch",
        body=EpochBody(record["number"], 0, 1).data(),
        contents=contents,
    )
    submit(voice.client, draft.signed(voice.secrets.device_seed), contents)
