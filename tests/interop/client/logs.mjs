// What is checked of whole councils: the vector with every step's outcome, and exported logs (chapter 12).

import { deepStrictEqual as equal, ok } from "node:assert";

import { hash, hex, require, same, unhex } from "./bytes.mjs";
import { decode, decodeSequence, encode, isMap } from "./cbor.mjs";
import { Council } from "./council.mjs";
import { stateData, stateDigest } from "./digest.mjs";
import { readEnvelope } from "./operation.mjs";
import { plain } from "./vectors.mjs";

const encoded = (value) => hex(encode(value));

/** Every operation's fate, every epoch, and what the state is in the end. */
export const checkCouncil = ({ council: id, steps, epochs, kept, heads, state, state_digest: digest }) => {
  const [first, ...rest] = steps;
  const council = new Council(readEnvelope(unhex(first.envelope)));
  equal(council.id, id);
  rest.forEach((step, i) => {
    const operation = readEnvelope(unhex(step.envelope));
    const became = council.insert(operation);
    const where = `step ${i + 1}, ${operation.kind}, ${became.rule ?? ""}`;
    equal(became.outcome, step.outcome, where);
    if (step.outcome !== "inserted") return;
    equal([became.epoch, became.kept], [step.epoch, step.kept], where);
    // What nobody in standing vouches for is judged when somebody does.
    if (step.kept) equal(became.without !== null, step.without_effect !== undefined, `${where}: ${became.without} / ${step.without_effect}`);
  });
  equal(council.epochs.map((epoch) => [epoch.number, hex(epoch.digest)]), epochs.map((epoch) => [epoch.number, epoch.digest]));
  epochs.forEach((epoch, i) => equal(encoded(council.epochs[i].effects), encoded(plain(epoch.effects))));
  equal([...council.kept().keys()].sort(), kept);
  equal(council.heads(), heads);
  const data = stateData(council);
  for (const name of Object.keys(state)) equal(encoded(data[name]), encoded(plain(state[name])), name);
  equal(hex(stateDigest(council)), digest);
  return { steps: steps.length, epochs: epochs.length, kept: kept.length };
};

const isAttachment = (item) => item[0] === 0x83 && item[1] < 0x20; // [index, ...]; an envelope begins with a byte string

/** Build the council anew from an exported log; what was checked, or an error at the first thing that is wrong. */
export const checkLog = (data) => {
  const [first, ...items] = decodeSequence(data);
  const head = decode(first);
  require(isMap(head) && head.format === "folkmoot log" && head.version === 1, "format");
  let [council, last, operations, attachments] = [null, null, 0, 0];
  for (const item of items) {
    if (isAttachment(item)) {
      const [index, salt, bytes] = decode(item);
      require(last !== null && last.places[index] === null, "attachment");
      ok(same(last.contents[index].digest, hash(salt, bytes)), "attachment");
      attachments += 1;
      continue;
    }
    last = readEnvelope(item);
    operations += 1;
    if (council === null) council = new Council(last);
    else {
      const became = council.insert(last);
      equal(became.outcome, "inserted", `${last.kind} ${last.id}: ${became.rule}`);
    }
  }
  equal(operations, head.operations, "the log is cut off");
  equal(council.id, hex(head.council));
  equal(hex(stateDigest(council)), hex(head.state_digest), "the state digest");
  return { operations, epochs: council.head.number, members: council.head.members.size, attachments };
};
