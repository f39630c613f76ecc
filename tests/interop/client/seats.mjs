// A light client (chapter 15): another council's epochs, followed with its tellers' keys alone.

import { deepStrictEqual as equal } from "node:assert";

import { ascending, hash, hex, isBytes, require, same, unhex } from "./bytes.mjs";
import { decode, encode, isInteger, isMap } from "./cbor.mjs";
import { profileNamed } from "./charter.mjs";
import { DOMAINS, verify } from "./keys.mjs";
import { readEnvelope, signed } from "./operation.mjs";
import { enrolmentProven, signedByTellers, tellerProven } from "./proofs.mjs";
import { readSignatures } from "./record.mjs";

const PARTS = 131_072;
const FIELDS = ["basis", "charter", "council", "effects", "number", "previous", "roll", "tellers", "version"];
const isId = (value) => isBytes(value) && value.length === 32;

const pairsOf = (tellers) => tellers.map(({ key, node }) => ({ key: hex(key), node: hex(node) })).sort((a, b) => (a.key < b.key ? -1 : 1));

const tellersName = (profile, tellers) => hash(encode([profile, tellers.map(({ key, node }) => [unhex(key), unhex(node)])]));

/** The tellers of a founding or of a change, if they fit their profile and are proven. */
const readTellers = (context, profile, tellers) => {
  require(profileNamed(profile) !== null && Array.isArray(tellers), "seat-tellers");
  require(tellers.every((one) => isMap(one) && isId(one.key) && isId(one.node) && isBytes(one.possession)), "seat-tellers");
  const { n } = profileNamed(profile);
  require(tellers.length === n && new Set(tellers.map(({ key }) => hex(key))).size === n, "seat-tellers");
  require(tellers.every((one) => tellerProven(context, one)), "seat-tellers");
  return { profile, tellers: pairsOf(tellers) };
};

const readRoll = (data) => {
  const rows = decode(data, PARTS);
  require(Array.isArray(rows) && rows.every((row) => Array.isArray(row) && row.length === 6), "seat-roll");
  require(ascending(rows.map(([membership]) => membership)), "seat-roll");
  const owners = new Map(rows.flatMap(([membership, , , devices]) => devices.map((device) => [hex(device), hex(membership)])));
  return { digest: hash(data), people: rows.length, owners, nodes: [...new Set(rows.flatMap((row) => row[4].map(([key]) => hex(key))))].sort() };
};

const counting = (link, roll) =>
  roll !== null && same(roll.digest, link.roll) ? { ...link, people: roll.people, nodes: roll.nodes, counted: link.number } : link;

const foundingLink = (operation) => {
  const { body } = operation;
  require(operation.kind === "council.found" && operation.deps.length === 0 && signed(operation), "seat-founding");
  require(enrolmentProven(body.nonce, { person: body.person, device: unhex(operation.author), grant: body.grant }), "seat-founding");
  const id = unhex(operation.id);
  const nodes = body.node ? [[body.node, body.addresses ?? []]] : [];
  const roll = readRoll(encode([[id, body.person, 0, [unhex(operation.author)], nodes, false]]));
  const { profile, tellers } = readTellers(body.nonce, body.charter.tellers, body.tellers);
  return counting({ council: id, number: 0, digest: id, roll: roll.digest, profile, tellers, members: false }, roll);
};

const signedByRoll = (link, record, seals, roll) => {
  require(roll !== null && same(roll.digest, link.roll) && same(record.roll, link.roll), "seat-roll");
  const good = seals.signatures.filter(([key, seal]) => roll.owners.has(hex(key)) && verify(key, DOMAINS.REPLACEMENT, record.digest, seal));
  const people = new Set(good.map(([key]) => roll.owners.get(hex(key)))).size;
  require(roll.people > 0 && people * 3 >= roll.people * 2, "seat-signatures");
};

/** The epoch after `link`. */
const follow = (link, record, seals, roll) => {
  require(same(record.council, link.council) && record.number === link.number + 1 && same(record.previous, link.digest), "seat-order");
  const [first] = record.effects;
  const members = record.effects.length === 1 && first.kind === "tellers" && first.by === "members";
  if (members) signedByRoll(link, record, seals, roll);
  else require(signedByTellers(record.digest, seals, link.tellers, profileNamed(link.profile).q), "seat-signatures");
  let { profile, tellers } = link;
  for (const effect of record.effects.filter(({ kind }) => kind === "tellers")) ({ profile, tellers } = readTellers(link.council, effect.profile, effect.tellers));
  require(same(tellersName(profile, tellers), record.tellers), "seat-tellers");
  return { ...link, number: record.number, digest: record.digest, roll: record.roll, profile, tellers, members };
};

const readRecord = (data) => {
  const record = decode(data, PARTS);
  require(isMap(record) && Object.keys(record).sort().join() === FIELDS.join() && record.version === 1, "seat-record");
  require(["council", "previous", "roll", "charter", "tellers"].every((name) => isId(record[name])), "seat-record");
  require(isInteger(record.number) && record.number >= 1 && Array.isArray(record.basis) && record.basis.every(isId), "seat-record");
  require(Array.isArray(record.effects) && record.effects.every(isMap), "seat-record");
  return { ...record, digest: hash(data) };
};

const take = (links, rivals, step) => {
  const [record, seals] = [readRecord(unhex(step.record)), readSignatures(unhex(step.signatures))];
  const roll = step.roll === undefined ? null : readRoll(unhex(step.roll));
  if (record.number < links.length) {
    require(!same(record.digest, links[record.number].digest), "seat-known");
    rivals.add(hex(follow(links[record.number - 1], record, seals, roll).digest));
    require(false, "seat-rival");
  }
  const link = follow(links.at(-1), record, seals, roll);
  require(!link.members || step.decided, "seat-replacement");
  links.push(counting(link, roll));
};

export const checkSeats = ({ chains }) => {
  for (const { founding, steps, links: wanted, rivals: proofs } of chains) {
    const links = [foundingLink(readEnvelope(unhex(founding)))];
    const rivals = new Set();
    for (const step of steps) {
      let refused = false;
      try {
        take(links, rivals, step);
      } catch (error) {
        if (!("rule" in error)) throw error;
        refused = true;
      }
      equal(refused, "refused" in step, step.refused);
    }
    const told = links.map(({ number, digest, profile, tellers, members, people, counted, nodes }) => ({
      number, digest: hex(digest), profile, tellers: tellers.map(({ key }) => key), by_members: members, people, counted, nodes,
    }));
    equal(told, wanted.map((link) => ({ ...link })));
    equal([...rivals].sort(), proofs);
  }
  return { chains: chains.length, steps: chains.reduce((sum, { steps }) => sum + steps.length, 0) };
};
