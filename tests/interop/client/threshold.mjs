// Thresholds (chapter 6): whole numbers only, so that no rounding enters.

import { require } from "./bytes.mjs";
import { isInteger } from "./cbor.mjs";

export const readThreshold = (value) => {
  require(Array.isArray(value) && value.length === 3, "threshold");
  const [sort, a, b] = value;
  require(sort === "at_least" || sort === "more_than", "threshold");
  require(isInteger(a) && isInteger(b) && a > 0 && (sort === "at_least" ? a <= b : a < b), "threshold");
  return value;
};

export const meets = ([sort, a, b], y, n) => {
  const [left, right] = [BigInt(y) * BigInt(b), BigInt(n) * BigInt(a)];
  return y >= 1 && (sort === "at_least" ? left >= right : left > right);
};

/** Nothing but more than half? */
export const isMajority = ([sort, a, b]) => {
  const twice = 2n * BigInt(a);
  return sort === "at_least" ? twice > BigInt(b) : twice >= BigInt(b);
};

export const needed = (threshold, of) => {
  let y = 1;
  while (!meets(threshold, y, of)) y += 1;
  return y;
};
