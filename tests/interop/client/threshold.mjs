// Thresholds (chapter 6): whole numbers only, so that no rounding enters.

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
