// The vectors of what stands by itself: codec, ids, keys, operations, charters, tickets. Each function returns how much it checked and throws at a mismatch.

import { deepStrictEqual as equal, ok, throws } from "node:assert";

import { hash, hex, unhex } from "./bytes.mjs";
import { decode, encode, isMap } from "./cbor.mjs";
import { charterDigest, readCharter } from "./charter.mjs";
import { fraction } from "./fraction.mjs";
import { DOMAINS, keyOf, sign, verify } from "./keys.mjs";
import { readEnvelope, signed, writeEnvelope } from "./operation.mjs";
import { isQuestion, tally } from "./questions.mjs";
import { choose, isCounted } from "./rules.mjs";
import { operationText, parseOperation, parsePeer, parsePerson, peerText, personText } from "./texts.mjs";
import { needed } from "./threshold.mjs";
import { parseTicket, readTicket, ticketText, writeTicket } from "./ticket.mjs";

/** The CBOR value behind its JSON form. */
export const plain = (value) => {
  if (Array.isArray(value)) return value.map(plain);
  if (!isMap(value)) return value;
  if (Object.keys(value).join() === "bytes") return unhex(value.bytes);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
};

/** JSON, with integers beyond 2^53 as they are written: JSON.parse would round them. */
export const readJson = (text) =>
  JSON.parse(text.replace(/(?<=[\s[:,])-?\d{16,}(?=\s*[,\]}\n])/g, (digits) => `{"integer":"${digits}"}`), (_, value) =>
    isMap(value) && typeof value.integer === "string" ? BigInt(value.integer) : value,
  );

const codec = ({ values, refused }) => {
  for (const { value, encoded } of values) {
    equal(hex(encode(plain(value))), encoded);
    equal(hex(encode(decode(unhex(encoded)))), encoded);
  }
  for (const { data, rule } of refused) throws(() => decode(unhex(data)), (error) => "rule" in error, `${data} (${rule})`);
  return { values: values.length, refused: refused.length };
};

const ids = ({ ids: cases }) => {
  for (const { id, operation, person, peer } of cases) {
    const bytes = unhex(id);
    equal([operationText(bytes), personText(bytes), peerText(bytes)], [operation, person, peer]);
    equal([parseOperation(operation), parsePerson(person), parsePeer(peer)].map(hex), [id, id, id]);
  }
  return { ids: cases.length };
};

const keys = ({ domains, seed, key, message, cases, odd }) => {
  equal(Object.fromEntries(Object.entries(DOMAINS).map(([name, bytes]) => [name, bytes.toString()])), { ...domains });
  equal(hex(keyOf(unhex(seed))), key);
  const said = unhex(message);
  for (const { domain, signature, valid } of cases) {
    equal(verify(unhex(key), DOMAINS[domain], said, unhex(signature)), valid);
    if (valid) equal(hex(sign(unhex(seed), DOMAINS[domain], said)), signature);
  }
  for (const one of odd) {
    equal(verify(unhex(one.key), DOMAINS[one.domain], one.message === undefined ? said : unhex(one.message), unhex(one.signature)), one.valid, one.why);
  }
  return { domains: Object.keys(domains).length, signatures: cases.length, odd: odd.length };
};

const operations = ({ accepted, refused }) => {
  for (const one of accepted) {
    const operation = readEnvelope(unhex(one.envelope));
    ok(signed(operation));
    equal([operation.id, operation.author, operation.depth, operation.kind], [one.id, one.author, one.depth, one.kind]);
    equal(operation.deps, one.deps);
    equal(hex(encode(operation.body)), hex(encode(plain(one.body))));
    equal(hex(writeEnvelope(operation)), one.envelope);
    equal(hex(writeEnvelope(operation, true)), one.bare);
    equal(readEnvelope(unhex(one.bare)).id, one.id);
  }
  for (const { why, envelope } of refused) throws(() => readEnvelope(unhex(envelope)), (error) => "rule" in error, why);
  return { accepted: accepted.length, refused: refused.length };
};

const charter = ({ charters, refused = [], needed: cases }) => {
  for (const one of charters) {
    const read = readCharter(decode(unhex(one.encoded)));
    equal(hex(encode(plain(one.charter))), one.encoded);
    equal(hex(charterDigest(read)), one.digest);
  }
  for (const one of refused) throws(() => readCharter(decode(unhex(one.encoded))), (error) => error.rule === one.rule, one.why);
  for (const one of cases) equal(needed(one.threshold, one.of), one.needed);
  return { charters: charters.length, refused: refused.length, needed: cases.length };
};

const tickets = ({ data, text, also, refused }) => {
  equal(hex(parseTicket(text)), data);
  equal(hex(writeTicket(readTicket(unhex(data)))), data);
  equal(ticketText(unhex(data)), text);
  for (const other of also) equal(hex(parseTicket(other)), data);
  for (const bad of refused) throws(() => parseTicket(bad), (error) => "rule" in error, bad);
  return { texts: 1 + also.length, refused: refused.length };
};

const weightOf = (text) => fraction(...text.split("/"));

const counting = ({ counts }) => {
  let counted = 0;
  for (const { question, votes: cast, roll, seed, result: wanted, digest } of counts) {
    const votes = cast.map(([weight, choice]) => [weightOf(weight), choice]);
    const { rule } = question;
    if (!isQuestion(rule) && !isCounted(rule)) continue;
    const result = isQuestion(rule) ? tally(question, votes, weightOf(roll)) : choose(question, votes, unhex(seed));
    equal(hex(encode(result)), hex(encode(plain(wanted))), rule);
    equal(hex(hash(encode(result))), digest, rule);
    counted += 1;
  }
  return { counts: counted, left: counts.length - counted };
};

export const CHECKS = { codec, ids, keys, operations, charter, tickets, counting };
