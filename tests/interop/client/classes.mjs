// Classes of the roll (chapter 10.1): in each a majority, or a share of the whole for each.

import { isBlank, require, unhex } from "./bytes.mjs";
import { fraction, sum, times } from "./fraction.mjs";
import { operationText } from "./texts.mjs";

const inOrder = (list) => list.every((text, i) => i === 0 || Buffer.compare(Buffer.from(list[i - 1]), Buffer.from(text)) < 0);

/** Throws `rule` when no roll could be divided like that. Its shape was checked. */
export const checkClasses = ({ by, of }, rule) => {
  const named = of.flatMap((one) => one.members ?? []);
  const shares = of.filter((one) => (one.share ?? null) !== null).map(({ share: [a, b] }) => fraction(a, b));
  require(inOrder(of.map((one) => one.name)) && !of.some((one) => isBlank(one.name)), rule);
  require(of.filter((one) => !one.members?.length).length === 1, rule);
  require(new Set(named).size === named.length && of.every((one) => inOrder(one.members ?? [])), rule);
  if (by === "each") require(shares.length === 0, rule);
  else require(shares.length === of.length && sum(shares).top === 1n && sum(shares).bottom === 1n, rule);
};

/** Class -> the memberships of it, every class in order of name. */
export const divide = ({ of }, roll) => {
  const place = new Map(of.flatMap((one) => (one.members ?? []).map((member) => [member, one.name])));
  const rest = of.find((one) => !one.members?.length).name;
  const out = new Map(of.map((one) => [one.name, []]));
  for (const membership of roll.keys()) out.get(place.get(operationText(unhex(membership))) ?? rest).push(membership);
  return out;
};

/** Membership -> what a vote weighs by the shares: a class weighs its share of as many votes as there are people. */
export const weightsOf = ({ of }, division) => {
  const people = sum([...division.values()].map((members) => fraction(members.length)));
  return new Map(
    of.flatMap(({ name, share: [a, b] }) => division.get(name).map((member) => [member, times(times(fraction(a, b), people), fraction(1, division.get(name).length))])),
  );
};
