"""A certificate as a file: canonical CBOR for programs, or JSON that people can read, with the same inside.

The readable part of the JSON is derived from the certificate, so it proves nothing by itself:
whoever reads the file derives it again, and refuses one that says something else.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any, Final

from node.ballots.choice import choice_words
from node.ballots.explained import chosen, class_words, explain, figures, tie_words, verdict
from node.ballots.question import rule_of, terms_words
from protocol.council.ballot_bodies import CastBody, OpenBallot
from protocol.council.bodies import parse_body
from protocol.council.certificate import Certificate, read_certificate
from protocol.council.charter import PROFILES, parse_charter
from protocol.counting.sortition import Pool
from protocol.errors import Malformed
from protocol.ids import digest, operation_text, person_text
from protocol.log.operation import decode_envelope
from protocol.tellers.question import Question

__all__ = ["as_json", "from_file", "question_of", "readable", "title_of"]

_FORMAT: Final = "folkmoot certificate, readable"


def from_file(data: bytes) -> Certificate:
    """The certificate in a file of either form; `Malformed` says what is wrong with it."""
    if data.lstrip()[:1] != b"{":
        return read_certificate(data)
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Malformed("certificate-json", f"The file begins like JSON and is not: {error}.") from error
    if not isinstance(value, dict) or value.get("format") != _FORMAT or not isinstance(value.get("cbor"), str):
        raise Malformed("certificate-json", "This JSON is not a certificate of Folkmoot.")
    try:
        certificate = read_certificate(b64decode(value["cbor"], validate=True))
    except NotBase64 as error:
        raise Malformed("certificate-json", "The certificate in this JSON is damaged.") from error
    if value.get("reads") != json.loads(json.dumps(readable(certificate))):
        raise Malformed(
            "certificate-reads", "The readable part of this file says something else than the certificate in it."
        )
    return certificate


def as_json(certificate: Certificate) -> dict[str, Any]:
    """The JSON form."""
    return {"format": _FORMAT, "reads": readable(certificate), "cbor": b64encode(certificate.encode()).decode()}


def question_of(certificate: Certificate) -> Question:
    """What was asked."""
    return _opening(certificate).question


def _opening(certificate: Certificate) -> OpenBallot:
    body = parse_body(decode_envelope(certificate.opening).operation)
    if not isinstance(body, OpenBallot):
        raise Malformed("certificate-opening", "The certificate's ballot is no opening of a ballot.")
    return body


def title_of(certificate: Certificate) -> tuple[str | None, str | None]:
    """The ballot's title and text, as its opener signed them; None for what the file leaves out."""
    envelope, body = decode_envelope(certificate.opening), _opening(certificate)

    def written(index: int | None) -> str | None:
        content = None if index is None or index >= len(envelope.contents) else envelope.contents[index]
        return None if content is None else content.data.decode("utf-8", "replace")

    title = written(body.title)
    return None if title is None else " ".join(title.split()), written(body.text)


def readable(certificate: Certificate) -> dict[str, Any]:
    """What a certificate says, for people. `Malformed` when it breaks a format.

    Keys: council, ballot, title, text, question, terms, deadline, hidden, drawn (by lot), epoch, people, voted,
    outcome, words, figures, equal (the figures with one vote a person, or null), classes (sentences), explanation, ties, elected, round, tellers (each with key and
    signed), needed, record, casts (null, or each with voter, choice and words).
    """
    try:
        return _readable(certificate)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise Malformed("certificate-record", "The certificate's record is not one of a ballot.") from error


def _readable(certificate: Certificate) -> dict[str, Any]:
    fields, body = certificate.fields(), _opening(certificate)
    title, text = title_of(certificate)
    question, profile = body.question, PROFILES[parse_charter(certificate.charter).tellers]
    signed = {key for key, _ in certificate.signatures}
    deadline = body.deadline
    classes = fields.get("classes", [])
    if fields["outcome"] == "decided":
        result, equal = fields["result"], fields.get("equal")
        told = {
            "words": verdict(question, result, classes),
            "figures": figures(question, result),
            "equal": None if equal is None else figures(question, equal),
            "classes": [class_words(question, one) for one in classes],
            "explanation": explain(question, result),
            "ties": tie_words(question, result, profile.f),
            "elected": chosen(question, result),
        }
    else:
        words = {"no quorum": "Without effect: too few voted.", "lapsed": "It lapsed: too few tellers were there."}
        told = {
            "words": words[fields["outcome"]],
            "figures": fields["outcome"],
            "equal": None,
            "classes": [],
            "explanation": [],
            "ties": [],
            "elected": [],
        }
    return {
        "council": operation_text(fields["council"]),
        "ballot": operation_text(fields["ballot"]),
        "title": title,
        "text": text,
        "question": {
            "rule": question.rule,
            "options": list(question.options),
            "seats": question.seats,
            "settings": dict(question.settings),
        },
        "terms": terms_words(question),
        "deadline": deadline,
        "hidden": body.hidden,
        "drawn": rule_of(question).takes is Pool,
        "epoch": fields["epoch"],
        "people": fields["people"],
        "voted": fields["voted"],
        "outcome": fields["outcome"],
        **told,
        "round": certificate.round,
        "tellers": [{"key": person_text(key), "signed": key in signed} for key in certificate.tellers],
        "needed": profile.q,
        "record": digest(certificate.record).hex(),
        "casts": _casts(certificate, question),
    }


def _casts(certificate: Certificate, question: Question) -> list[dict[str, Any]] | None:
    """The casts with whom the roll says they are from. Which of one voter's count, the examination finds."""
    if certificate.casts is None or certificate.roll is None:
        return None
    people = {device: person for _, person, _, devices, _, _ in certificate.roll for device in devices}
    out = []
    for data in certificate.casts:
        operation = decode_envelope(data).operation
        cast = parse_body(operation)
        if not isinstance(cast, CastBody):
            raise Malformed("certificate-cast", "A cast in the certificate is none.")
        shown = cast.commitment is None
        out.append(
            {
                "voter": person_text(people[operation.author]) if operation.author in people else None,
                "revision": cast.revision,
                "choice": cast.choice if shown else None,
                "words": choice_words(question, cast.choice) if shown else None,
            }
        )
    return out
