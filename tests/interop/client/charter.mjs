// Charters (chapter 6).

import { hash, require } from "./bytes.mjs";
import { encode, isInteger, isMap } from "./cbor.mjs";
import { isMajority, readThreshold } from "./threshold.mjs";

export const PROFILES = {
  1: { n: 1, f: 0, q: 1 },
  "3-absence": { n: 3, f: 0, q: 2 },
  "3-liar": { n: 3, f: 1, q: 3 },
  4: { n: 4, f: 1, q: 3 },
  7: { n: 7, f: 2, q: 5 },
  10: { n: 10, f: 3, q: 7 },
};

export const profileNamed = (name) => (typeof name === "string" && Object.hasOwn(PROFILES, name) ? PROFILES[name] : null);

const MATTERS = ["admission", "adoption", "charter", "erasure", "rekey", "removal", "tellers"];
const OVER_HALF = ["charter", "rekey", "removal", "tellers"];

const exactly = (value, fields, rule, optional = []) => {
  require(isMap(value), rule);
  require(fields.every((field) => field in value), rule);
  require(Object.keys(value).every((key) => fields.includes(key) || optional.includes(key)), rule);
};

const number = (value, least, most, rule) => require(isInteger(value) && value >= least && value <= most, rule);
// Characters are code points, not JavaScript's halves of them.
const text = (value, least, most, rule) =>
  require(typeof value === "string" && [...value].length >= least && [...value].length <= most, rule);

const MOST = 2n ** 63n - 1n;

/** The charter, checked; it is the decoded map itself. */
export const readCharter = (charter) => {
  exactly(charter, ["version", "template", "name", "purpose", "visibility", "size", "thresholds", "tellers", "ballots", "durations", "limits", "rules"], "charter");
  require(charter.version === 1, "version");
  text(charter.name, 1, 80, "name");
  text(charter.purpose, 0, 2000, "purpose");
  text(charter.template, 0, 40, "template");
  require(["members", "public", "seats"].includes(charter.visibility), "visibility");
  exactly(charter.size, ["min", "max"], "size", ["reason"]);
  number(charter.size.min, 1, 500, "size");
  number(charter.size.max, 1, 500, "size");
  require(charter.size.min <= charter.size.max, "size");
  if ("reason" in charter.size) text(charter.size.reason, 1, 2000, "size");
  require((charter.size.min >= 25 && charter.size.max <= 50) || "reason" in charter.size, "size-reason");
  exactly(charter.thresholds, MATTERS, "thresholds");
  for (const matter of MATTERS) {
    readThreshold(charter.thresholds[matter]);
    require(!OVER_HALF.includes(matter) || isMajority(charter.thresholds[matter]), "majority");
  }
  require(profileNamed(charter.tellers) !== null, "profile");
  exactly(charter.ballots, ["supporters", "quorum"], "ballots");
  number(charter.ballots.supporters, 1, 41, "ballots");
  readThreshold(charter.ballots.quorum);
  const { durations, limits } = charter;
  exactly(durations, ["motion_epochs", "discussion", "notice", "extension", "extensions", "grace"], "durations");
  number(durations.motion_epochs, 1, MOST, "durations");
  number(durations.extensions, 0, 10, "durations");
  for (const span of ["discussion", "notice", "extension", "grace"]) number(durations[span], 0, MOST, "durations");
  exactly(limits, ["devices", "nodes", "storage"], "limits");
  number(limits.devices, 1, 64, "limits");
  number(limits.nodes, 1, 64, "limits");
  number(limits.storage, 0, MOST, "limits");
  require(Array.isArray(charter.rules) && charter.rules.length === 1 && charter.rules[0] === "folkmoot/1", "rules");
  require(encode(charter).length <= 8192, "size");
  return charter;
};

export const charterDigest = (charter) => hash(encode(charter));
