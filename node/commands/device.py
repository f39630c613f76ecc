"""`moot device`: the computers on which you sign."""

import click

from node.commands import Caller, json_option, pass_caller, passphrase_option, signing_options
from node.commands._pick import council_option, wait_options
from node.refused import Refused

__all__ = ["command"]


@click.group("device", short_help="Enrol and revoke the computers that you sign on.")
def command() -> None:
    """Enrol and revoke the computers that you sign on.

    Each computer has a device key of its own, made with `moot key new` or `moot key import`. A
    council counts you once, however many devices you have.
    """


@command.command("list")
@click.argument("member", required=False)
@council_option
@json_option
@pass_caller
def list_(caller: Caller, member: str | None, council: str | None, as_json: bool) -> None:
    """List your devices in a council, or MEMBER's.

    JSON: membership, name, devices (each with device and here), nodes.
    """
    from node.commands._pick import mine, pick_council, pick_member
    from node.commands._render import clean, say, say_json
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    who = mine(client, caller, line) if member is None else pick_member(client, line.council, member)
    here = {person.device for person in caller.keystore().people()}
    if as_json:
        return say_json(
            {
                "membership": who.membership,
                "name": who.name,
                "devices": [{"device": device, "here": device in here} for device in who.devices],
                "nodes": who.nodes,
            }
        )
    say(f"{clean(who.name)}, membership {who.membership}")
    for device in who.devices:
        say(f"  device {device}" + (" (here)" if device in here else ""))
    for node in who.nodes:
        say(f"  node {node}")


@command.command("offer")
@click.argument("membership")
@click.option("--no-node", is_flag=True, help="Offer the device alone, not this home's node.")
@passphrase_option
@json_option
@pass_caller
def offer(caller: Caller, membership: str, no_node: bool, passphrase_fd: int | None, as_json: bool) -> None:
    """Offer this computer as a device of yours, for a council that is not here yet.

    MEMBERSHIP is your membership's id: `moot device list` shows it on your other computer,
    `moot device list YOUR-NAME` on anybody's. Send the offer there, where it is carried into the council
    with `moot device enrol`; or, if your key is lost and this is a new one, with
    `moot motion rekey`. An offer is no secret. JSON: offer.
    """
    from node.commands._render import say, say_json
    from node.commands._voice import connect, proofs, unlock
    from node.offer import DeviceOffer
    from protocol.council.bodies import enrolment_message
    from protocol.ids import parse_operation
    from protocol.keys import ENROLMENT, POSSESSION, public_key, sign

    context = parse_operation(membership)
    here = None if no_node else proofs(connect(caller), context)
    _, opened = unlock(caller, passphrase_fd)
    person, device = public_key(opened.person_seed), public_key(opened.device_seed)
    message = enrolment_message(context, person, device)
    made = DeviceOffer(
        membership=context,
        person=person,
        device=device,
        grant=sign(opened.person_seed, ENROLMENT, message),
        possession=sign(opened.device_seed, POSSESSION, message),
        node=None if here is None else bytes.fromhex(here.node),
        node_possession=None if here is None else bytes.fromhex(here.node_possession),
        addresses=() if here is None else tuple(here.addresses),
    ).text()
    if as_json:
        say_json({"offer": made})
    else:
        say(made)


@command.command("pass")
@click.argument("offer")
@council_option
@json_option
@pass_caller
def pass_(caller: Caller, offer: str, council: str | None, as_json: bool) -> None:
    """Make the pass for a device OFFER: what brings the council's log to the computer that offered.

    It is made when the council lists the device, which was enrolled or came with a new key, and is
    used there with `moot join PASS`. A pass is no secret: only that device can use it.
    JSON: pass.
    """
    from node.commands._passing import pass_for
    from node.commands._pick import pick_council
    from node.commands._render import say, say_json
    from node.commands._voice import connect
    from node.offer import DeviceOffer

    parsed = DeviceOffer.parse(offer)
    client = connect(caller)
    made = pass_for(client, pick_council(client, council).council, parsed)
    if as_json:
        say_json({"pass": made})
    else:
        say(made)


@command.command("enrol")
@click.argument("offer")
@council_option
@wait_options("the device is enrolled")
@signing_options
@json_option
@pass_caller
def enrol(
    caller: Caller,
    offer: str,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Carry a device OFFER into a council: yours, or another member's who cannot.

    A node that comes with the offer is enrolled too if the offer is your own. For another member's,
    `moot device pass OFFER` makes what brings the council to her computer.
    JSON: device, node, operations.
    """
    from node.api.answers import MemberAnswer, NodeAnswer
    from node.commands._follow_up import wait_for_effect
    from node.commands._render import clean, say, say_json
    from node.commands._voice import speak
    from node.offer import DeviceOffer
    from protocol.council.bodies import EnrolDevice, EnrolNode
    from protocol.ids import operation_text, parse_person, peer_text, person_text

    parsed = DeviceOffer.parse(offer)
    voice = speak(caller, council, passphrase_fd)
    roll = voice.client.get(f"{voice.path}/roll", list[MemberAnswer])
    member = next((one for one in roll if one.membership == operation_text(parsed.membership)), None)
    if member is None:
        raise Refused(
            "unknown-member", f"The offer is for a membership that is not on the roll of {voice.council.name}."
        )
    if parse_person(member.person) != parsed.person:
        raise Refused(
            "offer-person",
            f"The offer is signed by another key than {clean(member.name)}'s; if she lost hers: moot motion rekey OFFER.",
        )
    body = EnrolDevice(parsed.membership, parsed.device, parsed.grant, parsed.possession)
    said = [voice.say("device.enrol", body)]
    own = member.membership == voice.me.membership
    if own and parsed.node is not None and parsed.node_possession is not None:
        said.append(voice.say("node.enrol", EnrolNode(parsed.node, parsed.node_possession, list(parsed.addresses))))
    if wait:
        for operation in said:
            wait_for_effect(voice.client, voice.path, operation, seconds)
    node = peer_text(parsed.node) if len(said) > 1 and parsed.node is not None else None
    if as_json:
        return say_json({"device": person_text(parsed.device), "node": node, "operations": said})
    when = "is enrolled" if wait else "is enrolled with the next epoch"
    say(f"The device of {clean(member.name)} {when}: {person_text(parsed.device)}")
    if node is not None:
        say(f"So is the node {node}. To bring the council's log there:")
        here = voice.client.get("/v1/node", NodeAnswer)
        addresses = [f"{address}/p2p/{here.peer}" for address in here.addresses[:1]]
        say(f"moot node follow {voice.council.council} --from {' --from '.join(addresses) or 'ADDRESS'}")
    else:
        once = "" if wait else "Once it is: "
        say(f"{once}'moot device pass OFFER', with this offer, makes what brings the council to that computer.")


@command.command("revoke")
@click.argument("device")
@council_option
@wait_options("the device is revoked")
@signing_options
@json_option
@pass_caller
def revoke(
    caller: Caller,
    device: str,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Revoke a DEVICE of yours (the beginning of its key): one that is lost, or that you gave away.

    What it signs from the next epoch on is worth nothing. JSON: device, operation, effective.
    """
    from node.commands._follow_up import wait_for_effect
    from node.commands._render import say, say_json
    from node.commands._voice import speak
    from protocol.council.bodies import RevokeDevice
    from protocol.council.compose import revocation_message
    from protocol.ids import parse_person
    from protocol.keys import REVOCATION, sign

    voice = speak(caller, council, passphrase_fd)
    found = [
        one for one in voice.me.devices if one.startswith(device) or one.removeprefix("did:key:").startswith(device)
    ]
    if len(found) != 1:
        raise Refused("device", f"{len(found)} of your devices begin with {device!r}; 'moot device list' shows them.")
    if len(voice.me.devices) == 1:
        raise Refused("last-device", "That is your only device; enrol another one first, or leave with 'moot leave'.")
    key = parse_person(found[0])
    grant = sign(voice.secrets.person_seed, REVOCATION, revocation_message(voice.council_id, voice.membership, key))
    operation = voice.say("device.revoke", RevokeDevice(voice.membership, key, grant))
    if wait:
        wait_for_effect(voice.client, voice.path, operation, seconds)
    if as_json:
        say_json({"device": found[0], "operation": operation, "effective": wait})
    else:
        say(f"The device {found[0]} {'is revoked' if wait else 'is revoked with the next epoch'}.")
