// What an epoch's operation claims (chapter 7): its record and the signatures, read but not judged.

import { ascending, hash, hex, isBytes, require } from "./bytes.mjs";
import { decode, isInteger, isMap } from "./cbor.mjs";

const PARTS = 131_072;

/** The part `signatures` of an epoch or a certificate. */
export const readSignatures = (part) => {
  const value = decode(part, PARTS);
  require(isMap(value) && Object.keys(value).length === 2, "signatures");
  const { round, signatures } = value;
  require(isInteger(round) && round >= 0 && round < 2 ** 32 && Array.isArray(signatures), "signatures");
  require(signatures.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isBytes)), "signatures");
  require(ascending(signatures.map(([key]) => key)), "signatures");
  return { round, signatures };
};

export const readRecord = (data, number) => {
  const value = decode(data, PARTS);
  require(isMap(value) && value.version === 1 && value.number === number, "epoch-record");
  const { basis, previous, effects } = value;
  require(isBytes(previous) && Array.isArray(effects) && Array.isArray(basis) && basis.length > 0 && basis.every(isBytes), "epoch-record");
  const members = effects.length === 1 && isMap(effects[0]) && effects[0].by === "members";
  return { number, previous, basis: basis.map(hex), effects, data, digest: hash(data), members };
};

/** The claim in an epoch's operation. */
export const readClaim = ({ body, places }) => ({
  ...readRecord(places[body.record].bytes, body.number),
  seals: readSignatures(places[body.signatures].bytes),
});
