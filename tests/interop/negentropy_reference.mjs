// The JavaScript reference of Negentropy, asked over standard input and output, one JSON object a line.
//
//   {"load": NAME, "items": BASE64}            items of 40 bytes: timestamp, most significant byte first, and id
//   {"replay": NAME, "by": "reference" | "nostr-tools", "initiator": BOOL, "limit": BYTES, "messages": [HEX]}
//     -> {"replies": [HEX | null], "have": [HEX], "need": [HEX], "ms": MILLISECONDS}
//
// Replays one side of an exchange: for an initiator the first reply is its first message.
// Started with the folder of packages as its argument.

import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const load = (path) => import(pathToFileURL(resolve(process.argv[2], path)).href);
const reference = await load("applesauce-relay/dist/lib/negentropy.js");
const nostr = await load("nostr-tools/lib/esm/nip77.js");
const stores = new Map();

function store(library, items) {
  const vector = new library.NegentropyStorageVector();
  for (let at = 0; at < items.length; at += 40) {
    vector.insert(Number(items.readBigUInt64BE(at)), items.toString("hex", at + 8, at + 40));
  }
  vector.seal();
  return vector;
}

async function replay({ replay: name, by, initiator, limit, messages }) {
  const have = [], need = [], replies = [];
  const [items, other] = stores.get(name);
  const received = messages.map((message) => new Uint8Array(Buffer.from(message, "hex")));
  const begun = process.hrtime.bigint();
  if (by === "reference") {
    const side = new reference.Negentropy(items, limit);
    side.wantUint8ArrayOutput = true;
    if (initiator) replies.push(await side.initiate());
    for (const message of received) {
      const [reply, had, needed] = await side.reconcile(message);
      replies.push(reply);
      have.push(...had);
      need.push(...needed);
    }
  } else {
    // It knows the initiator's part only, and takes "no limit" as a number.
    const side = new nostr.Negentropy(other(), limit || Infinity);
    replies.push(side.initiate());
    for (const message of messages) {
      replies.push(side.reconcile(message, (id) => have.push(id), (id) => need.push(id)));
    }
  }
  const ms = Number(process.hrtime.bigint() - begun) / 1e6;
  const hex = (bytes) => (bytes === null || typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("hex"));
  return { replies: replies.map(hex), have: have.map(hex), need: need.map(hex), ms };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if ("load" in asked) {
    const items = Buffer.from(asked.items, "base64");
    stores.set(asked.load, [store(reference, items), () => store(nostr, items)]);
  } else {
    process.stdout.write(JSON.stringify(await replay(asked)) + "\n");
  }
}
