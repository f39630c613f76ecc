// Who must have signed what (chapter 2): enrolments, nodes, tellers, departures, epochs.

import { hex, unhex } from "./bytes.mjs";
import { encode } from "./cbor.mjs";
import { DOMAINS, verify } from "./keys.mjs";

export const enrolmentProven = (context, { person, device, grant }) => verify(person, DOMAINS.ENROLMENT, encode([context, person, device]), grant);

export const possessionProven = (context, { person, device, possession }) => verify(device, DOMAINS.POSSESSION, encode([context, person, device]), possession);

export const enrolled = (context, keys) => enrolmentProven(context, keys) && possessionProven(context, keys);

export const nodeProven = (context, node, possession) => verify(node, DOMAINS.NODE, encode([context, node]), possession);

/** A node and its proof come together, or neither. */
export const listingProven = (context, { node = null, node_possession = null }) =>
  node === null || node_possession === null ? node === node_possession : nodeProven(context, node, node_possession);

export const tellerProven = (context, { key, node, possession }) => verify(key, DOMAINS.TELLER, encode([context, key, node]), possession);

export const leaveProven = (council, membership, person, grant) => verify(person, DOMAINS.LEAVE, Buffer.concat([unhex(council), unhex(membership)]), grant);

export const revocationProven = (council, membership, person, device, grant) =>
  verify(person, DOMAINS.REVOCATION, Buffer.concat([unhex(council), unhex(membership), device]), grant);

/** Have q of these tellers signed the record in this one round? */
export const signedByTellers = (digest, { round, signatures }, tellers, q) => {
  const keys = new Set(tellers.map((teller) => teller.key));
  const message = encode([digest, round]);
  return signatures.filter(([key, signature]) => keys.has(hex(key)) && verify(key, DOMAINS.EPOCH, message, signature)).length >= q;
};

/** Have devices of two thirds of the whole roll signed it? Nobody is not two thirds of nobody. */
export const signedByMembers = (digest, { signatures }, members) => {
  const owner = new Map([...members.values()].flatMap((member) => [...member.devices].map((device) => [device, member.membership])));
  const signed = new Set(
    signatures.filter(([key, signature]) => owner.has(hex(key)) && verify(key, DOMAINS.REPLACEMENT, digest, signature)).map(([key]) => owner.get(hex(key))),
  );
  return members.size > 0 && signed.size * 3 >= members.size * 2;
};
