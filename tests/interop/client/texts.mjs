// Ids and keys as text (chapter 2).

import { require } from "./bytes.mjs";

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

const toBase58 = (bytes) => {
  let number = BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text;
  for (const byte of bytes) {
    if (byte !== 0) break;
    text = BASE58[0] + text;
  }
  return text;
};

const fromBase58 = (text) => {
  let number = 0n;
  for (const letter of text) {
    require(BASE58.includes(letter), "base58");
    number = number * 58n + BigInt(BASE58.indexOf(letter));
  }
  const digits = number.toString(16);
  const zeros = text.length - text.replace(/^1+/, "").length;
  return Buffer.concat([Buffer.alloc(zeros), number ? Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex") : Buffer.alloc(0)]);
};

/** Bits in groups of five, the most significant first, the last group filled with zeros. */
export const toBase32 = (bytes, alphabet = BASE32) => {
  let [text, bits, held] = ["", 0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31];
    held &= 31;
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text;
};

export const fromBase32 = (text, alphabet = BASE32) => {
  const out = [];
  let [bits, held] = [0, 0];
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    require(value >= 0, "base32");
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((held >> bits) & 255);
    }
    held &= 255;
  }
  // Else several texts would stand for the same bytes.
  require(bits < 5 && (held & ((1 << bits) - 1)) === 0, "base32");
  return Buffer.from(out);
};

const prefixed = (prefix, bytes, what) => {
  require(bytes.length === prefix.length + 32 && prefix.every((byte, i) => bytes[i] === byte), what);
  return bytes.subarray(prefix.length);
};

const PERSON = [0xed, 0x01];
const PEER = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
const CID = [0x01, 0x71, 0x12, 0x20];

export const personText = (key) => `did:key:z${toBase58(Buffer.concat([Buffer.from(PERSON), key]))}`;
export const peerText = (key) => toBase58(Buffer.concat([Buffer.from(PEER), key]));
export const operationText = (id) => `b${toBase32(Buffer.concat([Buffer.from(CID), id]))}`;

export const parsePerson = (text) => {
  require(text.startsWith("did:key:z"), "person");
  return prefixed(PERSON, fromBase58(text.slice(9)), "person");
};
export const parsePeer = (text) => prefixed(PEER, fromBase58(text), "peer");
export const parseOperation = (text) => {
  require(text.startsWith("b"), "operation");
  return prefixed(CID, fromBase32(text.slice(1)), "operation");
};
