// What is checked of `negentropy.json`: fingerprints, whole exchanges, single answers, what is refused.

import { deepStrictEqual as equal, throws } from "node:assert";

import { hash, hex, unhex } from "./bytes.mjs";
import { Side, fingerprint, itemsOf } from "./negentropy.mjs";

const digest = (ids) => ({ number: ids.length, sha256: hex(hash(...ids.map(unhex))) });

const exchange = ({ about, initiator, responder, messages, hashes, have, need, have_digest: haveDigest, need_digest: needDigest }) => {
  const [asking, answering] = [new Side(itemsOf(initiator.items), true, initiator.frame_limit), new Side(itemsOf(responder.items), false, responder.frame_limit)];
  const said = [];
  const [had, needed] = [new Set(), new Set()];
  for (let message = asking.initiate(); message !== null; ) {
    const { reply } = answering.answer(message);
    said.push(message, reply);
    const learned = asking.answer(reply);
    learned.have.forEach((id) => had.add(id));
    learned.need.forEach((id) => needed.add(id));
    message = learned.reply;
  }
  if (messages !== undefined) equal(said.map(hex), messages, about);
  else equal(said.map((one) => ({ bytes: one.length, sha256: hex(hash(one)) })), hashes.map((one) => ({ ...one })), about);
  const [haves, needs] = [[...had].sort(), [...needed].sort()];
  equal(have === undefined ? digest(haves) : haves, have ?? { ...haveDigest }, about);
  equal(need === undefined ? digest(needs) : needs, need ?? { ...needDigest }, about);
};

export const checkComparisons = ({ fingerprints, exchanges, answers, malformed }) => {
  for (const one of fingerprints) equal(hex(fingerprint(itemsOf(one.items))), one.fingerprint, one.about);
  exchanges.forEach(exchange);
  for (const { about, items, initiator, frame_limit: limit, message, reply, have, need } of answers) {
    const made = new Side(itemsOf(items), initiator, limit).answer(unhex(message));
    equal([made.reply && hex(made.reply), made.have, made.need], [reply, have, need], about);
  }
  for (const { about, initiator, message, rule } of malformed) {
    throws(() => new Side(itemsOf(answers[0].items), initiator).answer(unhex(message)), (error) => error.rule === rule, about);
  }
  return { fingerprints: fingerprints.length, exchanges: exchanges.length, answers: answers.length, malformed: malformed.length };
};
