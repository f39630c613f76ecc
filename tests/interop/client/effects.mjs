// What motions and ballots bring about (chapter 7.2): each effect changes the state, or lapses and says why.

import { Refused, hex, same, unhex } from "./bytes.mjs";
import { charterDigest, profileNamed, readCharter } from "./charter.mjs";
import { enrolled, tellerProven } from "./proofs.mjs";
import { nodesOf, personsOf, servingOf, tellersDigest, tellersOf } from "./state.mjs";

export class Lapse extends Error {}

const unless = (wrong, why) => {
  if (wrong) throw new Lapse(why);
};

export const inUse = (state, device) => state.devicesEver.has(device) || servingOf(state).has(device);

const checkedCharter = (charter, before) => {
  try {
    return readCharter(charter);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Lapse(`${before}: ${error.rule}`);
  }
};

const admit = (state, number, { request }) => {
  const id = hex(request);
  unless(!state.requests.has(id), "the request was used already, or is not proven");
  const { invitation, time, body } = state.requests.get(id);
  const { uses, used, withdrawn, expires } = state.invitations.get(invitation);
  unless(withdrawn, "the invitation was withdrawn");
  unless(used >= uses, "the invitation is used up");
  unless(expires !== null && time > expires, "the invitation had expired");
  unless(personsOf(state).has(hex(body.person)), "the person is on the roll already");
  unless(inUse(state, hex(body.device)), "the device's key was used before");
  unless(state.members.size >= state.charter.size.max, "the council is full");
  const device = hex(body.device);
  state.requests.delete(id);
  state.invitations.set(invitation, { uses, expires, withdrawn, used: used + 1 });
  state.devicesEver.add(device);
  state.members.set(id, { membership: id, person: hex(body.person), since: number, devices: new Set([device]), nodes: nodesOf(body), absent: false });
  return { membership: request, person: body.person, device: body.device };
};

const remove = (state, number, { membership }) => {
  unless(!state.members.has(hex(membership)), "the membership had ended already");
  unless(state.members.size === 1, "nobody would be left");
  state.members.delete(hex(membership));
  return { membership };
};

const rekey = (state, number, effect) => {
  const { membership, person, device, replaces } = effect;
  const member = state.members.get(hex(membership));
  unless(member === undefined || member.person !== hex(replaces), "the membership does not have the key that was to be replaced");
  unless(!enrolled(membership, effect), "the new keys are not proven");
  unless(personsOf(state).has(hex(person)) || inUse(state, hex(device)), "the new keys are in use already, or were");
  state.devicesEver.add(hex(device));
  state.members.set(member.membership, { ...member, person: hex(person), devices: new Set([hex(device)]) });
  return { membership, person, device, replaces };
};

const charter = (state, number, effect) => {
  const old = charterDigest(state.charter);
  unless(!same(effect.replaces, old), "the charter was changed meanwhile");
  const next = checkedCharter(effect.charter, "the new charter is not valid");
  unless(next.tellers !== state.profile, "the tellers' profile changes with the tellers, not with the charter");
  unless(state.members.size > next.size.max, "the council has more members than the new charter allows");
  unless(state.members.size < next.size.min, "the council has fewer members than the new charter asks for");
  state.charter = next;
  return { charter: charterDigest(next), replaces: old };
};

export const tellers = (state, number, effect) => {
  const old = tellersDigest(state.profile, state.tellers);
  unless(!same(effect.replaces, old), "the tellers were changed meanwhile");
  const profile = profileNamed(effect.profile);
  const next = tellersOf(effect.tellers);
  const distinct = new Set(next.map((teller) => teller.key)).size;
  unless(profile === null || next.length !== profile.n || distinct !== profile.n, "the profile does not fit the number of tellers");
  unless(!effect.tellers.every((teller) => tellerProven(unhex(state.council), teller)), "a teller did not prove possession of its key");
  unless(next.some((teller) => state.devicesEver.has(teller.key)), "a teller's key is a member's device");
  state.charter = checkedCharter({ ...state.charter, tellers: effect.profile }, "the charter would not be valid");
  state.profile = effect.profile;
  state.tellers = next;
  return { profile: effect.profile, tellers: [...effect.tellers].sort((a, b) => Buffer.compare(a.key, b.key)).map(written), replaces: old };
};

/** A teller as a record has it: addresses that are null are left out. */
const written = ({ addresses = null, ...keys }) => (addresses === null ? keys : { ...keys, addresses });

const adopt = (state, number, { proposal, version, replaces = null }) => {
  const now = state.adopted.get(hex(proposal));
  unless((replaces === null ? undefined : hex(replaces)) !== now?.version, "another version was adopted meanwhile");
  unless(state.withdrawn.has(hex(proposal)), "the proposal was withdrawn");
  const gone = state.ownErased.has(hex(version)) || [...state.erased].some((target) => target.startsWith(hex(version)));
  unless(gone, "the text was erased");
  state.adopted.set(hex(proposal), { version: hex(version), epoch: number });
  return { proposal, version, replaces };
};

const erase = (state, number, { operation, attachment }) => {
  const target = `${hex(operation)} ${attachment}`;
  unless(state.erased.has(target), "it was erased already");
  state.erased.add(target);
  return { operation, attachment };
};

const office = (state, number, { office: name, members }) => {
  const holders = members.filter((member) => state.members.has(hex(member)));
  unless(members.length > 0 && holders.length === 0, "nobody of them is a member any more");
  state.offices.set(name, holders.map(hex));
  return { office: name, members: holders };
};

const APPLY = { admit, remove, rekey, charter, tellers, adopt, erase, office };

/** Change the state by one effect; what the record says of it. */
export const apply = (state, number, effect) => {
  try {
    return { kind: effect.kind, ...APPLY[effect.kind](state, number, effect) };
  } catch (error) {
    if (!(error instanceof Lapse)) throw error;
    return { kind: "lapse", why: error.message };
  }
};
