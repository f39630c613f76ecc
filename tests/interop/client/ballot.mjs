// One ballot (chapter 10): casts, closes, values, and the record of what came of it.

import { hash, hex, require, same, unhex } from "./bytes.mjs";
import { decode, encode } from "./cbor.mjs";
import { Agreement, firstOf } from "./agreement.mjs";
import { charterDigest, profileNamed } from "./charter.mjs";
import { divide, weightsOf } from "./classes.mjs";
import { MATTERS } from "./compose.mjs";
import { fraction, sum } from "./fraction.mjs";
import { DOMAINS, verify } from "./keys.mjs";
import { isChoice, isDrawn, isQuestion, tally } from "./questions.mjs";
import { lotSeed } from "./lots.mjs";
import { choose, isCounted } from "./rules.mjs";
import { rollDigest } from "./state.mjs";
import { meets } from "./threshold.mjs";

const ROOM = 120 * 1024;
const MAJORITY = ["charter", "rekey", "removal", "tellers"];

/** How many casts of one voter the tellers list at most. */
export const shareOf = (people, hidden) => Math.min(64, Math.floor(ROOM / (people * (hidden ? 35 + 437 : 35))));

const eightBytes = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
};

export const valueOf = (closes) => hex(hash(encode([...closes].sort().map(unhex))));

const unwound = (nonce, times) => (times === 0 ? nonce : unwound(hash(nonce), times - 1));

export class Ballot {
  constructor(id, council, epoch, body) {
    const { charter, members, tellers } = epoch.state;
    Object.assign(this, { id, council, body, charter, roll: members, epoch: epoch.number });
    this.tellers = tellers.map((teller) => teller.key);
    this.profile = profileNamed(charter.tellers);
    this.hidden = body.hidden ?? false;
    this.weights = new Map((body.weights ?? []).map(([member, a, b]) => [hex(member), fraction(a, b)]));
    this.drawn = isDrawn(body.question.rule);
    this.classes = charter.ballots.classes ?? body.classes ?? null;
    this.division = this.classes === null || this.drawn ? new Map() : divide(this.classes, members);
    this.each = this.classes?.by === "each" && isQuestion(body.question.rule);
    if (this.division.size && this.classes.by === "shares") this.weights = weightsOf(this.classes, this.division);
    /** Whether what votes weigh is the opener's word alone. */
    this.stated = this.weights.size > 0 && !("classes" in charter.ballots);
    this.share = shareOf(members.size, this.hidden);
    this.casts = new Map(); // id -> { id, voter, revision, choice }, a hidden one's choice being its commitment
    this.opened = new Map();
    this.accepts = new Map(); // id -> { teller, commitment }
    this.certificates = new Map(); // id -> { instance, record }
    this.instances = [this.begin(0)];
  }

  begin(number) {
    const order = [...this.tellers].sort();
    const sealed = (teller, round, value, signature) => signature !== null && verify(unhex(teller), DOMAINS.DECISION, this.message(this.record(number, value), round), signature);
    const first = firstOf(Buffer.concat([unhex(this.id), eightBytes(number)]), order.length);
    return { closes: new Map(), values: new Map(), agreement: new Agreement(order, this.profile.q, first, sealed) };
  }

  message(record, round) {
    return encode([hash(record), round]);
  }

  // --- casts ----------------------------------------------------------------------------------------

  judgeCast({ body, who }, deps) {
    const { revision, replaces = null, choice = null, commitment = null, boxes = null } = body;
    if (!this.roll.has(who)) return "cast-roll";
    if (revision >= this.share) return "cast-revision";
    const earlier = replaces === null ? undefined : this.casts.get(hex(replaces));
    if (revision === 0) {
      if (replaces !== null) return "cast-revision";
    } else if (earlier === undefined || !deps.includes(earlier.id) || earlier.voter !== who || earlier.revision !== revision - 1) return "cast-revision";
    if (this.hidden) return commitment === null || boxes === null || choice !== null ? "cast-hidden" : null;
    if (commitment !== null || boxes !== null) return "cast-open";
    return isChoice(this.body.question, choice) ? null : "choice";
  }

  /** The voter's casts that may not lie in the past of one of this revision. */
  later(voter, revision) {
    return [...this.casts.values()].filter((cast) => cast.voter === voter && cast.revision >= revision);
  }

  // --- closes ---------------------------------------------------------------------------------------

  judgeClose({ body, author }, casts, deps) {
    const committed = deps.map((dep) => this.accepts.get(dep)).filter((accept) => accept?.teller === author);
    if (!committed.some((accept) => same(accept.commitment, unwound(body.nonce, body.instance + 1)))) return "close-nonce";
    if (body.instance > 0) {
      const before = this.instances[body.instance - 1];
      const values = this.instances[body.instance] === undefined ? [] : before.agreement.decidedIn(deps);
      if (!values.some((value) => this.outcome(body.instance - 1, value).extended !== undefined)) return "close-instance";
    }
    return casts.every((cast) => this.casts.has(cast)) ? null : "close-casts";
  }

  addClose({ id, body, author }, casts, openings) {
    let listed = new Set(casts);
    if (this.hidden) {
      const fitting = openings.filter(([cast, salt, choice]) => {
        const said = listed.has(hex(cast)) ? this.casts.get(hex(cast)).choice : null;
        return said !== null && same(said, hash(salt, encode(choice))) && isChoice(this.body.question, choice);
      });
      for (const [cast, , choice] of fitting) this.opened.set(hex(cast), choice);
      listed = new Set(fitting.map(([cast]) => hex(cast)));
    }
    this.instances[body.instance].closes.set(id, { teller: author, casts: listed, at: body.at, attended: body.attended, nonce: body.nonce });
  }

  // --- what a value means ---------------------------------------------------------------------------

  outcome(number, value) {
    const { closes, values } = this.instances[number];
    const { f } = this.profile;
    const { extension, extensions } = this.charter.durations;
    const all = values.get(value).map((id) => closes.get(id));
    if (all.filter((close) => close.attended).length < 2 * f + 1) {
      if (number >= extensions) return { lapsed: true };
      const at = all.map((close) => BigInt(close.at)).sort((a, b) => (a < b ? 1 : -1));
      return { extended: Number(at[f]) + extension * 1000 };
    }
    const listed = new Map();
    for (const close of all) for (const cast of close.casts) listed.set(cast, (listed.get(cast) ?? 0) + 1);
    return { counted: [...listed].filter(([, tellers]) => tellers > f).map(([cast]) => cast) };
  }

  /** The cast that counts for each voter, by voter. */
  counted(number, value) {
    const best = new Map();
    for (const id of (this.outcome(number, value).counted ?? []).sort()) {
      const cast = this.casts.get(id);
      const other = best.get(cast.voter);
      if (other === undefined || cast.revision > other.revision) best.set(cast.voter, cast);
    }
    return [...best.keys()].sort().map((voter) => best.get(voter)).map((cast) => (this.hidden ? { ...cast, choice: this.opened.get(cast.id) } : cast));
  }

  /** The record that a value makes: canonical bytes. `given`: a record whose result is taken over where this client does not count the rule. */
  record(number, value, given = null) {
    const casts = this.counted(number, value);
    const fields = {
      version: 1, council: unhex(this.council), epoch: this.epoch, epoch_digest: this.body.epoch, charter: charterDigest(this.charter),
      tellers: hash(encode([this.charter.tellers, [...this.tellers].sort().map(unhex)])), roll: rollDigest(this.roll), people: this.roll.size,
      ballot: unhex(this.id), instance: number, value: unhex(value), voted: casts.length,
      counted: hash(encode(casts.map(({ id, voter, revision }) => [unhex(id), unhex(voter), revision]))),
    };
    const { extended, lapsed } = this.outcome(number, value);
    if (extended !== undefined) return encode({ ...fields, outcome: "extended", deadline: extended });
    if (lapsed) return encode({ ...fields, outcome: "lapsed" });
    if (!this.drawn && !meets(this.charter.ballots.quorum, casts.length, this.roll.size)) return encode({ ...fields, outcome: "no quorum" });
    return encode({ ...fields, outcome: "decided", ...this.results(casts, number, value, given) });
  }

  results(casts, number, value, given) {
    const { question } = this.body;
    if (!isQuestion(question.rule) && !isCounted(question.rule)) {
      require(given !== null, "uncounted");
      const { result, equal } = decode(given);
      return this.weights.size ? { result, equal } : { result };
    }
    const { closes, values } = this.instances[number];
    const seed = lotSeed(unhex(this.id), number, values.get(value).map((id) => closes.get(id).nonce));
    const count = (votes, roll) => (isQuestion(question.rule) ? tally(question, votes, roll) : choose(question, votes, seed));
    const equal = count(casts.map((cast) => [fraction(1), cast.choice]), fraction(this.roll.size));
    if (this.each) return { result: equal, classes: [...this.division].map((one) => this.inClass(one, casts)) };
    if (!this.weights.size) return { result: equal };
    const weightOf = (voter) => this.weights.get(voter) ?? fraction(1);
    const roll = sum([...this.roll.keys()].map(weightOf));
    return { result: count(casts.map((cast) => [weightOf(cast.voter), cast.choice]), roll), equal };
  }

  inClass([name, members], casts) {
    const theirs = casts.filter((cast) => members.includes(cast.voter));
    const votes = theirs.map((cast) => [fraction(1), cast.choice]);
    return [name, members.length, votes.length, tally(this.body.question, votes, fraction(members.length))];
  }

  /** What a record makes due, or null. */
  due(number, value, record) {
    const { effect = null } = this.body;
    const { result, equal, classes = [] } = decode(record);
    const all = result === undefined ? [] : [result, ...classes.map(([, , , one]) => one)];
    if (effect === null || all.length === 0 || all.some((one) => one.elected.length === 0)) return null;
    const beside = this.stated ? equal : result;
    if (effect.kind === "elect") {
      if ([...beside.elected].sort().join() !== [...result.elected].sort().join()) return null;
      const members = result.elected.map((option) => effect.candidates[option]).filter((one) => one !== null);
      return members.length ? { kind: "office", office: effect.office, members } : null;
    }
    if (beside.elected.length === 0) return null;
    const matter = MATTERS[effect.kind];
    if (MAJORITY.includes(matter) || (matter === "admission" && this.profile.f === 0)) {
      const yes = this.counted(number, value).filter((cast) => cast.choice === "yes" || cast.choice === "agree").length;
      if (!meets(this.charter.thresholds[matter], yes, this.roll.size)) return null;
    }
    return effect;
  }
}
