// The shapes of bodies (chapters 5 and 10): for each kind its fields with their types.
//
// A type is a function that says whether a value is one. A field marked `?` may be left out.

import { isBytes } from "./bytes.mjs";
import { isInteger, isMap } from "./cbor.mjs";

const LATEST = 2n ** 63n - 1n;
const ROUND = 0xfffffff0;

const integer = (least, most) => (value) => isInteger(value) && value >= least && value <= most;
const text = (least, most) => (value) => typeof value === "string" && [...value].length >= least && [...value].length <= most;
const list = (of, most, least = 0) => (value) => Array.isArray(value) && value.length >= least && value.length <= most && value.every(of);
const orNull = (of) => (value) => value === null || of(value);

const id = (value) => isBytes(value) && value.length === 32;
const sig = (value) => isBytes(value) && value.length === 64;
const value32 = (value) => isBytes(value) && value.length <= 32;
const idx = integer(0, 63);
const time = integer(0, LATEST);
const map = isMap;
const any = () => true;
const flag = (value) => typeof value === "boolean";
const addresses = list(text(1, 256), 16);
const weight = (value) => Array.isArray(value) && value.length === 3 && id(value[0]) && integer(0, 1_000_000)(value[1]) && integer(1, 1_000_000)(value[2]);

/** A map with these fields and no others. */
export const shaped = (fields) => (value) => {
  if (!isMap(value)) return false;
  const names = Object.keys(fields).map((name) => name.replace("?", ""));
  return (
    Object.keys(value).every((key) => names.includes(key)) &&
    Object.entries(fields).every(([name, type]) => {
      const key = name.replace("?", "");
      return key in value ? type(value[key]) : name.endsWith("?");
    })
  );
};

const teller = shaped({ key: id, node: id, possession: sig, "addresses?": orNull(addresses) });
const tellers = list(teller, 10, 1);
const question = shaped({ rule: text(1, 60), "options?": list(text(1, 200), 100), "seats?": integer(1, 500), "settings?": (value) => isMap(value) && Object.keys(value).length <= 16 });

export const EFFECTS = {
  admit: shaped({ kind: any, request: id }),
  remove: shaped({ kind: any, membership: id }),
  charter: shaped({ kind: any, charter: map, replaces: id }),
  tellers: shaped({ kind: any, profile: text(0, 40), tellers, replaces: id }),
  rekey: shaped({ kind: any, membership: id, person: id, device: id, grant: sig, possession: sig, replaces: id }),
  adopt: shaped({ kind: any, proposal: id, version: id, "replaces?": orNull(id) }),
  erase: shaped({ kind: any, operation: id, attachment: idx }),
  office: shaped({ kind: any, office: text(1, 80), members: list(id, 100) }),
};

/** The effect of a ballot with options; no motion has it. */
const elect = shaped({ kind: any, office: text(1, 80), candidates: list(orNull(id), 100, 1) });

const part = integer(1, 1_000_000);
const oneClass = shaped({ name: text(1, 60), "members?": list(text(0, 80), 500), "share?": orNull(list(part, 2, 2)) });
/** How a roll is divided (chapter 10.1), in a charter or an opening. */
export const isClasses = shaped({ by: (value) => value === "each" || value === "shares", of: list(oneClass, 12, 2) });

export const isEffect = (value) => isMap(value) && typeof value.kind === "string" && Object.hasOwn(EFFECTS, value.kind) && EFFECTS[value.kind](value);

export const isBallotEffect = (value) => isEffect(value) || (isMap(value) && value.kind === "elect" && elect(value));

const listing = { "node?": orNull(id), "node_possession?": orNull(sig), "addresses?": orNull(addresses), "name?": orNull(idx) };
const files = orNull(list(idx, 16));

const BODIES = {
  "council.found": { nonce: id, charter: map, person: id, grant: sig, tellers, ...listing },
  "council.invite": { key: id, uses: integer(1, 50), "expires?": orNull(time) },
  "council.uninvite": { invitation: id },
  "council.request": { person: id, device: id, grant: sig, possession: sig, ...listing, "letter?": orNull(idx) },
  "council.epoch": { number: integer(1, ROUND), record: idx, signatures: idx },
  "motion.move": { effect: isEffect, "reason?": orNull(idx) },
  "motion.assent": { motion: id },
  "motion.withdraw": { assent: id },
  "member.leave": { grant: sig },
  "member.absent": {},
  "member.return": {},
  "device.enrol": { membership: id, device: id, grant: sig, possession: sig },
  "device.revoke": { membership: id, device: id, grant: sig },
  "node.enrol": { node: id, possession: sig, addresses },
  "node.revoke": { node: id },
  "proposal.open": { title: idx, text: idx, "files?": files },
  "proposal.amend": { proposal: id, replaces: id, text: idx, "title?": orNull(idx), "note?": orNull(idx), "files?": files },
  "proposal.withdraw": { proposal: id },
  "comment.write": { on: id, text: idx },
  "talk.erase": { operation: id, attachments: list(idx, 64, 1) },
  merge: {},
  "replacement.offer": { record: idx },
  "replacement.sign": { offer: id, signature: sig },
  "ballot.support": { proposal: id },
  "ballot.open": {
    epoch: id, question, title: idx, deadline: time, "text?": orNull(idx), "proposal?": orNull(id), "pins?": list(id, 16),
    "supports?": list(id, 40), "effect?": orNull(map), "hidden?": flag, "weights?": list(weight, 500), "classes?": orNull(isClasses),
  },
  "ballot.cast": {
    ballot: id, revision: integer(0, 1_000_000), "choice?": any, "replaces?": orNull(id), "commitment?": orNull(id),
    "boxes?": orNull(idx), "reason?": orNull(idx),
  },
  "teller.accept": { ballot: id, commitment: id },
  "teller.decline": { ballot: id, rule: text(1, 60) },
  "teller.seen": { ballot: id, casts: idx },
  "teller.close": { ballot: id, instance: integer(0, 1000), casts: idx, nonce: id, at: time, attended: flag, "openings?": orNull(idx) },
  "teller.propose": { of: id, instance: integer(0, 1000), round: integer(0, ROUND), valid_round: integer(-1, ROUND), "closes?": list(id, 64), "record?": orNull(idx) },
  "teller.prevote": { of: id, instance: integer(0, 1000), round: integer(0, ROUND), value: value32 },
  "teller.precommit": { of: id, instance: integer(0, 1000), round: integer(0, ROUND), value: value32, "signature?": orNull(sig) },
  "teller.certify": { ballot: id, instance: integer(0, 1000), round: integer(0, ROUND), record: idx, signatures: idx },
};

const SHAPES = new Map(Object.entries(BODIES).map(([kind, fields]) => [kind, shaped(fields)]));
const ATTACHMENTS = ["name", "letter", "reason", "title", "text", "note", "files"];
const PARTS = ["record", "signatures", "casts", "openings", "boxes"];

export const isKnown = (kind) => SHAPES.has(kind);

/** Whether an operation's body is one of its kind, and its indices name contents of the right sort. */
export const fits = ({ kind, body, contents }) => {
  if (!SHAPES.get(kind)(body)) return false;
  const names = (fields, part) =>
    fields.every((field) => [body[field] ?? []].flat().every((index) => index < contents.length && contents[index].part === part));
  return names(ATTACHMENTS, false) && names(PARTS, true);
};
