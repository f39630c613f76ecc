// Bytes: hashes, hexadecimal, order.

import { createHash } from "node:crypto";

export const hash = (...pieces) => {
  const made = createHash("sha256");
  for (const piece of pieces) made.update(piece);
  return made.digest();
};

export const hex = (bytes) => Buffer.from(bytes).toString("hex");

export const unhex = (text) => {
  const bytes = Buffer.from(text, "hex");
  // Buffer.from stops silently at the first letter that is no digit.
  if (bytes.length * 2 !== text.length) throw new Error(`not hexadecimal: ${text.slice(0, 80)}`);
  return bytes;
};

export const isBytes = (value) => value instanceof Uint8Array;

export const same = (a, b) => Buffer.compare(a, b) === 0;

/** Are the items strictly ascending by their bytes? */
export const ascending = (items) => items.every((item, i) => i === 0 || Buffer.compare(items[i - 1], item) < 0);

/** What a reader refuses carries the rule that was broken. */
export class Refused extends Error {
  constructor(rule, message = rule) {
    super(message);
    this.rule = rule;
  }
}

export const require = (holds, rule, message) => {
  if (!holds) throw new Refused(rule, message);
};

/** White space as the protocol lists it (chapter 6); JavaScript's own list is another. */
export const isBlank = (text) => /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/.test(text);
