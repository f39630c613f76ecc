// Who may write, in which epochs (chapter 4). A standing is one key in one role; ended ones never return.

export class Standings {
  constructor() {
    this.byKey = new Map();
  }

  begin(key, membership, since) {
    const standing = { key, membership, since, until: null };
    this.byKey.set(key, [...(this.byKey.get(key) ?? []), standing]);
    return standing;
  }

  end(key, until) {
    this.byKey.get(key).find((standing) => standing.until === null).until = until;
  }

  at(key, epoch) {
    return (this.byKey.get(key) ?? []).find(({ since, until }) => since <= epoch && (until === null || epoch < until)) ?? null;
  }

  /** Begin and end what differs between two states: key -> membership, null for a teller. */
  change(before, after, number) {
    for (const key of before.keys()) if (!after.has(key)) this.end(key, number);
    for (const [key, membership] of after) if (!before.has(key)) this.begin(key, membership, number);
  }
}

/** All keys with a standing in a state. */
export const keysOf = (state) =>
  new Map([
    ...[...state.members.values()].flatMap((member) => [...member.devices].map((device) => [device, member.membership])),
    ...[...state.tellers, ...state.former].map((teller) => [teller.key, null]),
  ]);
