// Tickets as text (chapter 12).

import { hash, isBytes, require, same } from "./bytes.mjs";
import { decode, encode } from "./cbor.mjs";
import { fromBase32, toBase32 } from "./texts.mjs";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX = "moot1";

const checksum = (data) => hash(Buffer.from(PREFIX), data).subarray(0, 5);

export const ticketText = (data) => {
  const body = toBase32(Buffer.concat([data, checksum(data)]), ALPHABET);
  let length = "";
  for (let place = 15; place >= 0; place -= 5) length += ALPHABET[(body.length >> place) & 31];
  return PREFIX + length + body;
};

/** The data of a ticket's text, as bytes. */
export const parseTicket = (text) => {
  const clean = text.toLowerCase().replace(/[\s-]/g, "");
  require(clean.startsWith(PREFIX), "prefix");
  // Letters that people confuse; the prefix itself has an o and a 1, so it is taken off first.
  const letters = clean.slice(PREFIX.length).replace(/o/g, "0").replace(/[il]/g, "1");
  require(letters.length >= 4, "length");
  const length = [...letters.slice(0, 4)].reduce((sum, letter) => sum * 32 + ALPHABET.indexOf(letter), 0);
  const body = letters.slice(4);
  require(body.length === length, "length");
  const bytes = fromBase32(body, ALPHABET);
  require(bytes.length > 5, "length");
  const data = bytes.subarray(0, -5);
  require(same(bytes.subarray(-5), checksum(data)), "checksum");
  return data;
};

export const readTicket = (data) => {
  const fields = decode(data);
  require(Array.isArray(fields) && fields.length === 8 && fields[0] === 1, "ticket");
  const [, council, name, invitation, seed, depth, epoch, nodes] = fields;
  require([council, invitation, seed].every((id) => isBytes(id) && id.length === 32), "ticket");
  require(typeof name === "string" && Number.isInteger(depth) && Number.isInteger(epoch) && Array.isArray(nodes), "ticket");
  return { council, name, invitation, seed, depth, epoch, nodes };
};

export const writeTicket = (ticket) =>
  encode([1, ticket.council, ticket.name, ticket.invitation, ticket.seed, ticket.depth, ticket.epoch, ticket.nodes]);
