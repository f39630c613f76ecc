// What a council is in one epoch, and what is pending in it (chapter 7).

import { hash, hex, unhex } from "./bytes.mjs";
import { encode } from "./cbor.mjs";
import { charterDigest } from "./charter.mjs";

const bytewise = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

export const sortedEntries = (map) => [...map].sort(([a], [b]) => bytewise(a, b));

export const tellersOf = (list) =>
  list.map(({ key, node, addresses }) => ({ key: hex(key), node: hex(node), addresses: addresses ?? [] })).sort((a, b) => bytewise(a.key, b.key));

export const nodesOf = ({ node = null, addresses = null }) => new Map(node === null ? [] : [[hex(node), addresses ?? []]]);

export const rollData = (members) =>
  sortedEntries(members).map(([membership, member]) => [
    unhex(membership),
    unhex(member.person),
    member.since,
    [...member.devices].sort().map(unhex),
    sortedEntries(member.nodes).map(([node, addresses]) => [unhex(node), addresses]),
    member.absent,
  ]);

export const rollDigest = (members) => hash(encode(rollData(members)));

export const tellersDigest = (profile, tellers) => hash(encode([profile, tellers.map(({ key, node }) => [unhex(key), unhex(node)])]));

export const foundingState = (operation, charter) => {
  const { person, tellers } = operation.body;
  const founder = { membership: operation.id, person: hex(person), since: 0, devices: new Set([operation.author]), nodes: nodesOf(operation.body), absent: false };
  return {
    council: operation.id, number: 0, digest: unhex(operation.id), charter, profile: charter.tellers, tellers: tellersOf(tellers), former: [], replaced: 0,
    members: new Map([[founder.membership, founder]]), devicesEver: new Set([operation.author]), barred: new Set(),
    invitations: new Map(), requests: new Map(), motions: new Map(), acts: [], decisions: new Map(), decided: new Set(), accepted: new Map(),
    adopted: new Map(), offices: new Map(), erased: new Set(), ownErased: new Set(), withdrawn: new Set(),
  };
};

/** A copy whose collections may be changed. What is in them is replaced, never changed. */
export const copyOf = (state) =>
  Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name,
      value instanceof Map ? new Map(value) : value instanceof Set ? new Set(value) : Array.isArray(value) ? [...value] : value,
    ]),
  );

export const isForming = (state) => state.members.size < state.charter.size.min;

export const personsOf = (state) => new Set([...state.members.values()].map((member) => member.person));

export const servingOf = (state) => new Set([...state.tellers, ...state.former].map((teller) => teller.key));

const TAKE = {
  "council.request": (state, fact) => state.requests.set(fact.id, { invitation: fact.invitation, time: fact.time, body: fact.body }),
  "council.invite": (state, { id, body }) => state.invitations.set(id, { uses: body.uses, expires: body.expires ?? null, used: 0, withdrawn: false }),
  "council.uninvite": (state, { body }) => {
    const named = hex(body.invitation);
    if (state.invitations.has(named)) state.invitations.set(named, { ...state.invitations.get(named), withdrawn: true });
  },
  "motion.move": (state, { id, epoch, who, author, body }) =>
    state.motions.set(id, { id, moved: epoch, effect: body.effect, assents: new Map([[id, { who, device: author }]]), withdrawn: new Set() }),
  "motion.assent": (state, { id, who, author, body }) => {
    const motion = state.motions.get(hex(body.motion));
    if (motion !== undefined) state.motions.set(motion.id, { ...motion, assents: new Map(motion.assents).set(id, { who, device: author }) });
  },
  "motion.withdraw": (state, { who, body }) => {
    const assent = hex(body.assent);
    const motion = [...state.motions.values()].find((one) => one.assents.get(assent)?.who === who);
    if (motion !== undefined) state.motions.set(motion.id, { ...motion, withdrawn: new Set(motion.withdrawn).add(assent) });
  },
  "proposal.withdraw": (state, { body }) => state.withdrawn.add(hex(body.proposal)),
  "talk.erase": (state, { body }) => state.ownErased.add(hex(body.operation)),
  "teller.accept": (state, { author, opened, quorum, body }) => {
    const ballot = hex(body.ballot);
    if (state.decided.has(ballot)) return;
    const keys = new Set(state.accepted.get(ballot)?.keys).add(author);
    state.accepted.set(ballot, { opened, quorum, keys });
  },
  "teller.certify": (state, { id, decision }) => {
    const first = state.decisions.get(decision.ballot);
    if (!state.decided.has(decision.ballot) && (first === undefined || id < first.id)) state.decisions.set(decision.ballot, { id, ...decision });
  },
};

const ACTS = ["device.revoke", "member.leave", "device.enrol", "node.revoke", "node.enrol", "member.absent", "member.return"];

/** Kinds that an epoch can take as a reason, or that change what is one. */
export const isGoverning = (kind) => kind in TAKE || ACTS.includes(kind);

/** The state with facts, in `(depth, id)` order, taken into what is pending. Nothing takes effect here. */
export const absorb = (state, facts) => {
  const taken = copyOf(state);
  for (const fact of facts) {
    if (fact.kind in TAKE) TAKE[fact.kind](taken, fact);
    else taken.acts.push(fact);
  }
  return taken;
};

/** The tellers of earlier epochs whose terms go on: enough accepted a ballot that nothing is certified of yet. */
const formerOf = (previous, after) => {
  const serving = new Set(after.tellers.map((teller) => teller.key));
  const bound = new Set();
  const oldest = Math.max(after.replaced, previous.number + 1 - 256);
  for (const [ballot, { opened, quorum, keys }] of after.accepted) {
    if (keys.size >= quorum && opened >= oldest && !after.decided.has(ballot)) for (const key of keys) if (!serving.has(key)) bound.add(key);
  }
  const before = new Map([...previous.former, ...previous.tellers].map((teller) => [teller.key, teller]));
  return sortedEntries(before).map(([, teller]) => teller).filter((teller) => bound.has(teller.key));
};

/** Offices without those who left the roll, and without those that nobody holds. */
const officesOf = (after) => {
  const held = [...after.offices].map(([name, holders]) => [name, holders.filter((member) => after.members.has(member))]);
  return new Map(held.filter(([, holders]) => holders.length > 0));
};

/** The record of the epoch whose effects turned `previous` into `after`, with the state that it makes. */
export const seal = (previous, basis, effects, after) => {
  const number = previous.number + 1;
  const data = encode({
    version: 1, council: unhex(previous.council), number, previous: previous.digest, basis: [...basis].sort().map(unhex), effects,
    roll: rollDigest(after.members), charter: charterDigest(after.charter), tellers: tellersDigest(after.profile, after.tellers),
  });
  return { number, data, effects, state: { ...after, former: formerOf(previous, after), offices: officesOf(after), number, digest: hash(data) } };
};
