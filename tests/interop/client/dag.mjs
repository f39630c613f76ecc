// The log as a graph (chapters 4 and 8): rows in `(depth, id)` order, pasts, and what is kept.
//
// Ids are hexadecimal text here: for ids of one length its order is that of the bytes.

export const byPlace = (a, b) => (a.depth !== b.depth ? (a.depth < b.depth ? -1 : 1) : a.id < b.id ? -1 : 1);

export class Dag {
  constructor() {
    this.rows = new Map(); // id -> { id, depth, deps, epoch, absorbed, ... }
  }

  add(row) {
    this.rows.set(row.id, row);
  }

  has(id) {
    return this.rows.has(id);
  }

  get(id) {
    return this.rows.get(id);
  }

  missing(deps) {
    return deps.filter((dep) => !this.rows.has(dep));
  }

  /** The rows in the past of these, themselves included; not those where `stop` says so, nor what lies behind them. */
  past(ids, stop = () => false) {
    const seen = new Map();
    const todo = [...ids];
    while (todo.length) {
      const row = this.rows.get(todo.pop());
      if (seen.has(row.id) || stop(row)) continue;
      seen.set(row.id, row);
      todo.push(...row.deps);
    }
    return seen;
  }

  /** What no epoch has taken in of the past of a basis, in order. */
  gather(basis) {
    return [...this.past(basis, (row) => row.absorbed !== null).values()].sort(byPlace);
  }

  holds(deps, wanted) {
    const past = this.past(deps);
    return wanted.every((id) => past.has(id));
  }

  /** The roots and their pasts. Made anew each time: a log for tests is small, and this is chapter 8 word for word. */
  kept(isRoot) {
    return this.past([...this.rows.values()].filter(isRoot).map((row) => row.id));
  }
}

/** Of these rows, those that none of them refers to. */
export const headsOf = (rows) => {
  const named = new Set([...rows.values()].flatMap((row) => row.deps));
  return [...rows.keys()].filter((id) => !named.has(id)).sort();
};
