// Ed25519 under domains (chapter 2), with libsodium's rules of acceptance on top of OpenSSL's.

import { createPrivateKey, createPublicKey, sign as cryptoSign, verify as cryptoVerify } from "node:crypto";

const domain = (name) => Buffer.from(`folkmoot ${name} 1\n`, "ascii");

export const DOMAINS = Object.fromEntries(
  ["operation", "enrolment", "possession", "revocation", "leave", "node", "teller", "epoch", "replacement", "decision"].map((name) => [name.toUpperCase(), domain(name)]),
);

// What DER puts before the 32 bytes of a public key and of a seed (RFC 8410).
const PUBLIC = Buffer.from("302a300506032b6570032100", "hex");
const SECRET = Buffer.from("302e020100300506032b657004220420", "hex");

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const little = (bytes) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
const height = (point) => little(point) & (2n ** 255n - 1n); // the y coordinate, without the sign of x

// The y coordinates of the eight points of small order, and their encodings that are not reduced.
const ORDER_EIGHT = ["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"];
const SMALL = new Set([0n, 1n, P - 1n, P, P + 1n, ...ORDER_EIGHT.map((y) => little(Buffer.from(y, "hex")))]);

const known = new Map();

const publicKey = (key) => {
  const name = key.toString("latin1");
  if (!known.has(name)) known.set(name, createPublicKey({ key: Buffer.concat([PUBLIC, key]), format: "der", type: "spki" }));
  return known.get(name);
};

const seeded = (seed) => createPrivateKey({ key: Buffer.concat([SECRET, seed]), format: "der", type: "pkcs8" });

export const keyOf = (seed) => createPublicKey(seeded(seed)).export({ format: "der", type: "spki" }).subarray(PUBLIC.length);

export const sign = (seed, name, message) => cryptoSign(null, Buffer.concat([name, message]), seeded(seed));

export const verify = (key, name, message, signature) => {
  if (key.length !== 32 || signature.length !== 64) return false;
  if (little(signature.subarray(32)) >= L || SMALL.has(height(signature.subarray(0, 32)))) return false;
  if (height(key) >= P || SMALL.has(height(key))) return false;
  try {
    return cryptoVerify(null, Buffer.concat([name, message]), publicKey(Buffer.from(key)), signature);
  } catch {
    return false; // a key that is no point of the curve
  }
};
