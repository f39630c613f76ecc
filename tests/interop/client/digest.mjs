// The state digest (chapter 9).

import { hash, hex, unhex } from "./bytes.mjs";
import { encode } from "./cbor.mjs";
import { charterDigest } from "./charter.mjs";
import { byPlace } from "./dag.mjs";
import { rollDigest, sortedEntries, tellersDigest } from "./state.mjs";

const ids = (names) => [...names].sort().map(unhex);

/** The map that the digest is over. */
export const stateData = (council) => {
  const { head } = council;
  const pending = council.pending();
  return {
    version: 1,
    council: unhex(council.id),
    epoch: [head.number, head.digest],
    roll: rollDigest(head.members),
    charter: charterDigest(head.charter),
    tellers: tellersDigest(head.profile, head.tellers),
    adopted: sortedEntries(head.adopted).map(([proposal, { version, epoch }]) => [unhex(proposal), unhex(version), epoch]),
    offices: [...head.offices].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([name, holders]) => [name, holders.map(unhex)]),
    erased: erasures(head),
    motions: sortedEntries(pending.motions).map(([id, motion]) => [unhex(id), ids(motion.assents.keys()), ids(motion.withdrawn)]),
    invitations: sortedEntries(pending.invitations).map(([id, { used, withdrawn }]) => [unhex(id), used, withdrawn]),
    requests: ids(pending.requests.keys()),
    acts: ids(pending.acts.map((fact) => fact.id)),
    withdrawn: ids(pending.withdrawn),
    talk: talk(council),
    ballots: council.judge.box.data(council.kept()),
  };
};

const erasures = ({ erased }) =>
  [...erased].map((target) => target.split(" ")).sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j)).map(([id, index]) => [unhex(id), Number(index)]);

const talk = (council) => {
  const facts = [...council.kept().values()].filter((row) => row.fact && row.without === null).sort(byPlace).map((row) => row.fact);
  const of = (...kinds) => facts.filter((fact) => kinds.includes(fact.kind));
  const byId = (list) => list.sort((a, b) => Buffer.compare(a[0], b[0]));
  const versions = of("proposal.open", "proposal.amend");
  const proposals = of("proposal.open").map(({ id, who }) => [
    unhex(id),
    unhex(who),
    versions
      .filter((one) => one.id === id || (one.kind === "proposal.amend" && hex(one.body.proposal) === id))
      .map((one) => [unhex(one.id), one.body.replaces ?? null, unhex(one.who)]),
    ids(of("proposal.withdraw").filter(({ body }) => hex(body.proposal) === id).map((fact) => fact.id)),
  ]);
  const erased = new Map();
  for (const { body } of of("talk.erase")) {
    const target = hex(body.operation);
    erased.set(target, new Set([...(erased.get(target) ?? []), ...body.attachments]));
  }
  return {
    proposals: byId(proposals),
    comments: byId(of("comment.write").map(({ id, body, who }) => [unhex(id), body.on, unhex(who)])),
    erasures: sortedEntries(erased).map(([target, indices]) => [unhex(target), [...indices].sort((a, b) => a - b)]),
  };
};

export const stateDigest = (council) => hash(encode(stateData(council)));
