// Exact fractions, for weights: every node must reach the same bytes.

const gcd = (a, b) => (b === 0n ? a : gcd(b, a % b));

export const fraction = (a, b = 1) => {
  const [top, bottom] = [BigInt(a), BigInt(b)];
  const shared = gcd(top < 0n ? -top : top, bottom) || 1n;
  return { top: top / shared, bottom: bottom / shared };
};

export const plus = (x, y) => fraction(x.top * y.bottom + y.top * x.bottom, x.bottom * y.bottom);

export const minus = (x, y) => fraction(x.top * y.bottom - y.top * x.bottom, x.bottom * y.bottom);

export const compare = (x, y) => {
  const difference = x.top * y.bottom - y.top * x.bottom;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

export const times = (x, y) => fraction(x.top * y.top, x.bottom * y.bottom);

export const over = (x, y) => fraction(x.top * y.bottom, x.bottom * y.top);

export const sum = (list) => list.reduce(plus, fraction(0));

/** As results write it: an integer where it is whole, else text. */
export const written = ({ top, bottom }) => (bottom === 1n ? (top <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(top) : top) : `${top}/${bottom}`);

/** Is `part` enough of `whole`? Nothing never is. */
export const enough = ({ share, strict }, part, whole) => {
  const left = part.top * share.bottom * whole.bottom;
  const right = share.top * whole.top * part.bottom;
  return part.top > 0n && (strict ? left > right : left >= right);
};
