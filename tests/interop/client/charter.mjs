// Charters (chapter 6).

import { hash, isBlank, require } from "./bytes.mjs";
import { encode, isInteger, isMap } from "./cbor.mjs";
import { checkClasses } from "./classes.mjs";
import { isMajority } from "./threshold.mjs";

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

/** The charter pins rules that this client does not know: what depends on it must wait. */
export class UnknownRules extends Error {}

// A charter that is refused shows in the record of an epoch, with the name of what is wrong and of that the first; so names and order are part of the protocol.
const FORM = "charter";

const exactly = (value, fields, optional = []) => {
  require(isMap(value), FORM);
  require(fields.every((field) => field in value), FORM);
  require(Object.keys(value).every((key) => fields.includes(key) || optional.includes(key)), FORM);
};

const number = (value, least, most) => require(isInteger(value) && value >= least && value <= most, FORM);
// Characters are code points, not JavaScript's halves of them.
const text = (value, least, most) => require(typeof value === "string" && [...value].length >= least && [...value].length <= most, FORM);

const threshold = (value) => {
  require(Array.isArray(value) && value.length === 3, FORM);
  require(value[0] === "at_least" || value[0] === "more_than", FORM);
  number(value[1], 1, 1_000_000);
  number(value[2], 1, 1_000_000);
};
const possible = ([sort, a, b]) => (sort === "at_least" ? a <= b : a < b);

const FIELDS = ["version", "template", "name", "purpose", "visibility", "size", "thresholds", "tellers", "ballots", "durations", "limits", "rules"];
const YEAR = 31_536_000;

const classes = (value) => {
  exactly(value, ["by", "of"]);
  require(value.by === "each" || value.by === "shares", FORM);
  require(Array.isArray(value.of) && value.of.length >= 2 && value.of.length <= 12, FORM);
  for (const one of value.of) {
    exactly(one, ["name"], ["members", "share"]);
    text(one.name, 1, 60);
    if ("members" in one) {
      require(Array.isArray(one.members) && one.members.length >= 1 && one.members.length <= 500, FORM);
      one.members.forEach((member) => text(member, 0, 80));
    }
    if ("share" in one) {
      require(Array.isArray(one.share) && one.share.length === 2, FORM);
      one.share.forEach((part) => number(part, 1, 1_000_000));
    }
  }
};

/** Every field there, of its type and within its range. */
const checkForm = (charter) => {
  exactly(charter, FIELDS);
  const { size, thresholds, ballots, durations, limits, rules } = charter;
  require(charter.version === 1, FORM);
  text(charter.name, 1, 80);
  text(charter.purpose, 0, 2000);
  text(charter.template, 0, 40);
  text(charter.tellers, 0, Infinity);
  require(["members", "public", "seats"].includes(charter.visibility), FORM);
  exactly(size, ["min", "max"], ["reason"]);
  number(size.min, 1, 500);
  number(size.max, 1, 500);
  if ("reason" in size) text(size.reason, 1, 500);
  require(isMap(thresholds), FORM);
  Object.values(thresholds).forEach(threshold);
  exactly(ballots, ["supporters", "quorum"], ["classes", "openers"]);
  if ("openers" in ballots) text(ballots.openers, 1, 80);
  if ("classes" in ballots) classes(ballots.classes);
  number(ballots.supporters, 1, 41);
  threshold(ballots.quorum);
  exactly(durations, ["motion_epochs", "discussion", "notice", "extension", "extensions", "grace"]);
  number(durations.motion_epochs, 1, 10_000);
  number(durations.discussion, 0, YEAR);
  number(durations.notice, 0, YEAR);
  number(durations.extension, 1, YEAR);
  number(durations.extensions, 0, 10);
  number(durations.grace, 1, 86_400);
  exactly(limits, ["devices", "nodes", "storage"]);
  number(limits.devices, 1, 64);
  number(limits.nodes, 1, 64);
  number(limits.storage, 2 ** 20, 2 ** 40);
  require(Array.isArray(rules) && rules.length >= 1 && rules.length <= 32, FORM);
  rules.forEach((rule) => text(rule, 0, 40));
};

/** The charter, checked; it is the decoded map itself. */
export const readCharter = (charter) => {
  if (isMap(charter) && Array.isArray(charter.rules) && charter.rules.some((rule) => typeof rule === "string" && rule !== "folkmoot/1")) throw new UnknownRules();
  checkForm(charter);
  const { name, size, thresholds, ballots } = charter;
  require(!isBlank(name), "charter-name");
  require(size.min <= size.max, "charter-size");
  require((size.min >= 25 && size.max <= 50) || !isBlank(size.reason ?? ""), "charter-size");
  require(Object.keys(thresholds).sort().join() === MATTERS.join(), "charter-thresholds");
  require(Object.values(thresholds).every(possible), "charter-thresholds");
  require(OVER_HALF.every((matter) => isMajority(thresholds[matter])), "charter-thresholds");
  require(possible(ballots.quorum), "charter-quorum");
  if ("classes" in ballots) checkClasses(ballots.classes, "charter-classes");
  require(profileNamed(charter.tellers) !== null, "charter-tellers");
  require(encode(charter).length <= 8192, FORM);
  return charter;
};

export const charterDigest = (charter) => hash(encode(charter));
