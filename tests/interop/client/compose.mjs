// The record that follows from a basis (chapter 7.2).

import { hex, unhex } from "./bytes.mjs";
import { apply, inUse, tellers } from "./effects.mjs";
import { enrolled, leaveProven, nodeProven, revocationProven } from "./proofs.mjs";
import { copyOf, isForming, seal, sortedEntries } from "./state.mjs";
import { meets } from "./threshold.mjs";

const MOST = { acts: 48, decisions: 32, motions: 48, assents: 1500, lapses: 200 };
const FIRST = ["device.revoke", "member.leave", "device.enrol"];
const CLASSES = ["remove", "rekey", "admit", "erase", "adopt", "office", "charter", "tellers"];
const FORMING = ["admit", "tellers"];

export const MATTERS = { remove: "removal", rekey: "rekey", admit: "admission", erase: "erasure", adopt: "adoption", office: "adoption", charter: "charter", tellers: "tellers" };

// --- what people do to their own standing ---------------------------------------------------------

const ACTS = {
  "device.revoke": (state, member, { body }) => {
    const device = hex(body.device);
    if (!revocationProven(state.council, member.membership, unhex(member.person), body.device, body.grant)) return null;
    if (!member.devices.has(device)) {
      // Its enrolment may still be on its way, in this epoch or a later one.
      state.barred.add(`${member.membership} ${device}`);
      return null;
    }
    const devices = new Set(member.devices);
    devices.delete(device);
    state.members.set(member.membership, { ...member, devices });
    return { kind: "revoke-device", device: body.device };
  },
  "member.leave": (state, member, { body }) => {
    if (!leaveProven(state.council, member.membership, unhex(member.person), body.grant)) return null;
    state.members.delete(member.membership);
    return { kind: "leave" };
  },
  "device.enrol": (state, member, { body }) => {
    const device = hex(body.device);
    if (inUse(state, device) || state.barred.has(`${member.membership} ${device}`)) return null;
    if (member.devices.size >= state.charter.limits.devices) return null;
    if (!enrolled(unhex(member.membership), { ...body, person: unhex(member.person) })) return null;
    state.devicesEver.add(device);
    state.members.set(member.membership, { ...member, devices: new Set(member.devices).add(device) });
    return { kind: "enrol-device", device: body.device };
  },
  "node.enrol": (state, member, { body }) => {
    const node = hex(body.node);
    if (!member.nodes.has(node) && member.nodes.size >= state.charter.limits.nodes) return null;
    if (!nodeProven(unhex(member.membership), body.node, body.possession)) return null;
    state.members.set(member.membership, { ...member, nodes: new Map(member.nodes).set(node, body.addresses) });
    return { kind: "enrol-node", node: body.node };
  },
  "node.revoke": (state, member, { body }) => {
    const nodes = new Map(member.nodes);
    if (!nodes.delete(hex(body.node))) return null;
    state.members.set(member.membership, { ...member, nodes });
    return { kind: "revoke-node", node: body.node };
  },
  "member.absent": (state, member) => away(state, member, true),
  "member.return": (state, member) => away(state, member, false),
};

const away = (state, member, absent) => {
  if (member.absent === absent) return null;
  state.members.set(member.membership, { ...member, absent });
  return { kind: absent ? "absent" : "return" };
};

const act = (state, fact) => {
  const carried = fact.kind === "device.revoke" || fact.kind === "device.enrol";
  const member = state.members.get(carried ? hex(fact.body.membership) : fact.who);
  if (member === undefined) return null;
  // A departure is good by the person's own signature, even if the device that carried it is revoked beside it.
  const alone = fact.kind === "member.leave" || carried;
  if (!alone && !member.devices.has(fact.author)) return null;
  const effect = ACTS[fact.kind](state, member, fact);
  return effect === null ? null : { ...effect, membership: unhex(member.membership), reason: unhex(fact.id) };
};

const takeActs = (state, forming) => {
  const place = ({ kind }) => (FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length);
  const acts = [...state.acts].sort((a, b) => place(a) - place(b));
  const effects = [];
  state.acts = acts.filter((fact) => {
    if (effects.length === MOST.acts || (forming && (fact.kind === "member.absent" || fact.kind === "member.return"))) return true;
    const effect = act(state, fact);
    if (effect !== null) effects.push(effect);
    return false;
  });
  return effects;
};

// --- ballots ----------------------------------------------------------------------------------------

const decide = (state, previous, { opened, effect }) => {
  if (opened < previous.replaced) return { kind: "lapse", why: "the members replaced the tellers after it was opened" };
  if (effect === null) return { kind: "decision" };
  if (isForming(previous) && !FORMING.includes(effect.kind)) return { kind: "lapse", why: "the council is forming" };
  return apply(state, previous.number + 1, effect);
};

const takeDecisions = (state, previous) =>
  sortedEntries(state.decisions).slice(0, MOST.decisions).map(([ballot, decision]) => {
    state.decisions.delete(ballot);
    state.accepted.delete(ballot);
    state.decided.add(ballot);
    return { ...decide(state, previous, decision), ballot: unhex(ballot), record: decision.record, reason: unhex(decision.id) };
  });

// --- motions ----------------------------------------------------------------------------------------

/** The assents that count for a motion on a roll, the lowest of each member; null when they do not meet the threshold. */
const standing = (state, motion) => {
  const { kind, membership } = motion.effect;
  const concerned = kind === "remove" || kind === "rekey" ? hex(membership) : null;
  const yes = new Map();
  for (const [assent, { who, device }] of sortedEntries(motion.assents)) {
    const counts = !motion.withdrawn.has(assent) && who !== concerned && state.members.get(who)?.devices.has(device);
    if (counts && !yes.has(who)) yes.set(who, assent);
  }
  const of = [...state.members.values()].filter((member) => member.membership !== concerned && (yes.has(member.membership) || !member.absent)).length;
  return meets(state.charter.thresholds[MATTERS[kind]], yes.size, of) ? [...yes.values()].sort() : null;
};

const stale = (previous, motion) => previous.number + 1 - motion.moved > previous.charter.durations.motion_epochs;

const due = (state, previous) => {
  const found = [];
  for (const motion of state.motions.values()) {
    if (stale(previous, motion) || (isForming(previous) && !FORMING.includes(motion.effect.kind))) continue;
    const assents = standing(state, motion);
    if (assents !== null) found.push({ motion, assents });
  }
  const rank = ({ motion }) => CLASSES.indexOf(motion.effect.kind);
  found.sort((a, b) => rank(a) - rank(b) || b.assents.length - a.assents.length || (a.motion.id < b.motion.id ? -1 : 1));
  let room = MOST.assents;
  const fit = found.slice(0, MOST.motions).findIndex(({ assents }) => (room -= assents.length) < 0);
  return found.slice(0, fit < 0 ? MOST.motions : Math.max(1, fit));
};

/** What follows the state `previous` from a basis; `absorbed` is that state with the basis' past taken in. Null: nothing does. */
export const compose = (previous, absorbed, basis) => {
  const state = copyOf(absorbed);
  // On the roll and the charter of the epoch before: whatever acts and ballots change below, it does not change who is due.
  const motions = due(absorbed, previous);
  const effects = [...takeActs(state, isForming(previous)), ...takeDecisions(state, previous)];
  for (const { motion, assents } of motions) {
    state.motions.delete(motion.id);
    effects.push({ ...apply(state, previous.number + 1, motion.effect), reason: unhex(motion.id), assents: assents.map(unhex) });
  }
  if (effects.length === 0) return null;
  const old = [...state.motions.values()].filter((motion) => stale(previous, motion)).map((motion) => motion.id);
  for (const id of old.sort().slice(0, MOST.lapses)) {
    state.motions.delete(id);
    effects.push({ kind: "lapse", why: "too old", reason: unhex(id) });
  }
  return seal(previous, basis, effects, state);
};

/** The record by which the members replace the tellers without them (chapter 7.3). Throws a Lapse when they cannot serve. */
export const composeReplacement = (previous, effect, basis) => {
  const state = copyOf(previous);
  const named = { kind: "tellers", ...tellers(state, previous.number + 1, effect), by: "members" };
  state.replaced = previous.number + 1;
  return seal(previous, basis, [named], state);
};
