// All ballots of a council: which operations about them have an effect (chapter 10).

import { Refused, ascending, hash, hex, isBlank, isBytes, require, same, unhex } from "./bytes.mjs";
import { decode, encode } from "./cbor.mjs";
import { Agreement, firstOf } from "./agreement.mjs";
import { Ballot, shareOf, valueOf } from "./ballot.mjs";
import { profileNamed } from "./charter.mjs";
import { DOMAINS, verify } from "./keys.mjs";
import { checkClasses, divide } from "./classes.mjs";
import { checkQuestion, isChoosing, isDrawn, isQuestion } from "./questions.mjs";
import { readSignatures } from "./record.mjs";
import { isBallotEffect } from "./shapes.mjs";
import { isMajority } from "./threshold.mjs";

const BOX = 48 + 16 + 2 + 384;
const VOTES = ["teller.propose", "teller.prevote", "teller.precommit"];

const readIds = (part) => {
  const list = decode(part);
  require(Array.isArray(list) && list.every((id) => isBytes(id) && id.length === 32) && ascending(list), "casts");
  return list.map(hex);
};

const readOpenings = (part) => {
  const list = decode(part);
  require(Array.isArray(list) && list.every((one) => Array.isArray(one) && one.length === 3 && isBytes(one[0]) && isBytes(one[1]) && one[1].length === 16), "openings");
  require(ascending(list.map(([cast]) => cast)), "openings");
  return list;
};

const checkBoxes = (part, tellers) => {
  const list = decode(part);
  require(Array.isArray(list) && list.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isBytes)), "cast-boxes");
  require(ascending(list.map(([teller]) => teller)), "cast-boxes");
  require(list.every(([teller, box]) => tellers.includes(hex(teller)) && box.length === BOX), "cast-boxes");
};

export class BallotBox {
  /** judgeEffect: why an effect cannot be moved by an operation with these deps, or null. */
  constructor(council, judgeEffect) {
    Object.assign(this, { council, judgeEffect });
    this.ballots = new Map();
    this.supports = new Map();
    this.epochs = new Map();
  }

  static judges(kind) {
    return /^ballot\.(support|open|cast)$|^teller\.(accept|decline|seen|close|propose|prevote|precommit|certify)$/.test(kind);
  }

  /** Why a fact has no effect, or null. */
  take(fact, operation) {
    const { kind, body } = fact;
    try {
      if (kind.startsWith("ballot.")) {
        require(fact.who !== null, "voice");
        this[kind.slice("ballot.".length)](fact, operation);
        return null;
      }
      if (VOTES.includes(kind) && same(body.of, this.council.epoch(fact.epoch).digest)) return this.epochVote(fact, operation);
      const ballot = this.ballots.get(hex(body.of ?? body.ballot));
      require(ballot !== undefined, "ballot");
      this.teller(ballot, fact, operation);
      return null;
    } catch (error) {
      if (error instanceof Refused) return error.rule;
      throw error;
    }
  }

  version(id) {
    return this.council.judge.proposalOf.has(hex(id));
  }

  // --- members --------------------------------------------------------------------------------------

  support({ id, body, who }, { deps }) {
    require(deps.includes(hex(body.proposal)) && this.version(body.proposal), "support");
    this.supports.set(id, { proposal: hex(body.proposal), who });
  }

  open({ id, body, who, epoch }, { deps }) {
    const { state, digest, number } = this.council.epoch(epoch);
    const { pins = [], supports = [], proposal = null, effect = null, weights = [], classes = null, hidden = false, question } = body;
    const { members, charter } = state;
    require(same(body.epoch, digest), "ballot-epoch");
    require(members.size >= charter.size.min, "ballot-forming");
    const named = [...pins, ...supports, ...(proposal === null ? [] : [proposal])];
    require(named.every((one) => deps.includes(hex(one))) && pins.every((pin) => this.version(pin)), "ballot-pins");
    const openers = state.offices.get(charter.ballots.openers ?? "") ?? [];
    require(openers.length === 0 || openers.includes(who), "ballot-opener");
    const backers = new Set([who]);
    for (const support of supports) {
      const one = this.supports.get(hex(support));
      if (one !== undefined && proposal !== null && one.proposal === hex(proposal) && members.has(one.who)) backers.add(one.who);
    }
    require(backers.size >= charter.ballots.supporters, "ballot-supporters");
    checkQuestion(question);
    if (effect !== null) {
      require(isBallotEffect(effect), "ballot-effect");
      if (effect.kind === "elect") this.checkElection(effect, question, members);
      else {
        require(isQuestion(question.rule), "ballot-effect");
        const { threshold } = question.settings ?? {};
        require(threshold === undefined || isMajority(threshold), "ballot-effect");
      }
    }
    const voters = weights.map(([member]) => hex(member));
    require(new Set(voters).size === voters.length && voters.every((voter) => members.has(voter)), "ballot-weights");
    this.checkDivision(body, charter, members);
    if (isDrawn(question.rule)) require(!hidden && weights.length === 0 && classes === null, "ballot-lot");
    require(shareOf(members.size, hidden) > 0, "ballot-hidden");
    const wrong = effect === null || effect.kind === "elect" ? null : this.judgeEffect(effect, deps);
    require(wrong === null, wrong);
    this.ballots.set(id, new Ballot(id, this.council.id, { number, state }, body));
  }

  checkElection({ office, candidates }, { rule, options = [] }, members) {
    const people = candidates.filter((one) => one !== null).map(hex);
    require(isChoosing(rule) && candidates.length === options.length, "ballot-election");
    require(people.length > 0 && new Set(people).size === people.length && people.every((one) => members.has(one)), "ballot-election");
    require(!isBlank(office), "ballot-election");
  }

  checkDivision({ weights = [], classes = null, question }, charter, members) {
    const ruled = charter.ballots.classes ?? null;
    if (classes !== null) {
      require(ruled === null, "ballot-classes");
      checkClasses(classes, "ballot-classes");
      require(classes.by === "shares" || isQuestion(question.rule), "ballot-classes");
    }
    const divided = ruled ?? classes;
    if (divided === null || isDrawn(question.rule)) return;
    require(weights.length === 0, "ballot-weights");
    require([...divide(divided, members).values()].every((one) => one.length > 0), "ballot-classes");
  }

  cast(fact, { deps, places }) {
    const { id, body, who } = fact;
    const ballot = this.ballots.get(hex(body.ballot));
    require(ballot !== undefined && deps.includes(ballot.id), "ballot");
    const why = ballot.judgeCast(fact, deps);
    require(why === null, why);
    if (ballot.hidden) checkBoxes(places[body.boxes].bytes, ballot.tellers);
    require(!ballot.later(who, body.revision).some((cast) => this.council.dag.holds(deps, [cast.id])), "cast-revision");
    ballot.casts.set(id, { id, voter: who, revision: body.revision, choice: ballot.hidden ? body.commitment : body.choice });
  }

  // --- tellers --------------------------------------------------------------------------------------

  teller(ballot, fact, operation) {
    const { id, kind, body, author } = fact;
    const { deps, places } = operation;
    if (kind === "teller.certify") return this.certify(ballot, fact, operation);
    require(ballot.tellers.includes(author), "teller");
    if (kind === "teller.propose") return this.propose(ballot, fact, operation);
    if (VOTES.includes(kind)) return this.vote(ballot, fact, operation);
    if (kind === "teller.close") {
      const casts = readIds(places[body.casts].bytes);
      const why = ballot.judgeClose(fact, casts, deps);
      require(why === null, why);
      require(this.council.dag.holds(deps, casts), "close-casts");
      return ballot.addClose(fact, casts, (body.openings ?? null) === null ? [] : readOpenings(places[body.openings].bytes));
    }
    require(deps.includes(ballot.id), "ballot");
    if (kind === "teller.seen") {
      const casts = readIds(places[body.casts].bytes);
      require(casts.every((cast) => ballot.casts.has(cast)) && this.council.dag.holds(deps, casts), "seen-casts");
    } else if (kind === "teller.accept") {
      ballot.accepts.set(id, { teller: author, commitment: body.commitment });
      Object.assign(fact, { opened: ballot.epoch, quorum: ballot.profile.q });
    }
  }

  message({ id, author, kind, body }, deps, value) {
    return { id, author, sort: kind.slice("teller.".length), round: body.round, value, validRound: body.valid_round ?? -1, deps, signature: body.signature ?? null };
  }

  propose(ballot, fact, { deps }) {
    const { body } = fact;
    const { closes: names = [] } = body;
    const instance = ballot.instances[body.instance];
    require(instance !== undefined && ascending(names) && names.every((one) => deps.includes(hex(one))), "propose-closes");
    const closes = names.map(hex);
    require(closes.every((one) => instance.closes.has(one)), "propose-closes");
    const makers = new Set(closes.map((one) => instance.closes.get(one).teller));
    require(makers.size === closes.length && makers.size >= ballot.profile.q, "propose-closes");
    const value = valueOf(closes);
    const why = instance.agreement.add(this.message(fact, deps, value));
    require(why === null, why);
    instance.values.set(value, closes);
  }

  vote(ballot, fact, { deps }) {
    const instance = ballot.instances[fact.body.instance];
    require(instance !== undefined && deps.some((dep) => instance.closes.has(dep)), "vote-close");
    const why = instance.agreement.add(this.message(fact, deps, hex(fact.body.value)));
    require(why === null, why);
    const last = ballot.instances.length - 1;
    const { decided } = instance.agreement;
    if (fact.body.instance === last && decided !== null && ballot.outcome(last, decided[1]).extended !== undefined) ballot.instances.push(ballot.begin(last + 1));
  }

  certify(ballot, fact, { deps, places }) {
    const { id, body } = fact;
    const record = places[body.record].bytes;
    const { round, signatures } = readSignatures(places[body.signatures].bytes);
    require(round === body.round, "certify-round");
    const instance = ballot.instances[body.instance];
    const value = instance && [...instance.values.keys()].find((one) => same(ballot.record(body.instance, one, record), record));
    require(value !== undefined, "certify-record");
    require(instance.agreement.precommitted(deps, round, value).size >= ballot.profile.q, "certify-deps");
    const message = ballot.message(record, round);
    const good = signatures.every(([key, signature]) => ballot.tellers.includes(hex(key)) && verify(key, DOMAINS.DECISION, message, signature));
    require(good && signatures.length >= ballot.profile.q, "certify-signatures");
    require(ballot.outcome(body.instance, value).extended === undefined, "certify-extended");
    ballot.certificates.set(id, { instance: body.instance, record });
    fact.decision = { ballot: ballot.id, opened: ballot.epoch, record: hash(record), effect: ballot.due(body.instance, value, record) };
  }

  /** A message of the agreement on the next epoch: nothing in the state depends on it, only whether it has an effect. */
  epochVote(fact, { deps, places }) {
    const { body, epoch } = fact;
    if (body.instance !== 0) return "epoch-instance";
    const { state, digest } = this.council.epoch(epoch);
    const name = hex(digest);
    if (!this.epochs.has(name)) {
      const sealed = (teller, round, value, signature) => signature !== null && verify(unhex(teller), DOMAINS.EPOCH, encode([unhex(value), round]), signature);
      const order = state.tellers.map((teller) => teller.key);
      this.epochs.set(name, new Agreement(order, profileNamed(state.profile).q, firstOf(digest, order.length), sealed));
    }
    const proposal = fact.kind === "teller.propose";
    if (proposal && ((body.record ?? null) === null || (body.closes ?? []).length)) return "propose-record";
    const value = proposal ? hex(hash(places[body.record].bytes)) : hex(body.value);
    return this.epochs.get(name).add(this.message(fact, deps, value));
  }

  // --- the state --------------------------------------------------------------------------------------

  /** Of what is kept, for the state digest. */
  data(kept) {
    const held = (map) => [...map.keys()].filter((id) => kept.has(id)).sort();
    return held(this.ballots).map((id) => {
      const ballot = this.ballots.get(id);
      const certified = new Map();
      for (const proof of held(ballot.certificates)) {
        const { instance, record } = ballot.certificates.get(proof);
        if (!certified.has(instance)) certified.set(instance, hash(record));
      }
      return [unhex(id), held(ballot.casts).map(unhex), [...certified].sort(([a], [b]) => a - b)];
    });
  }
}
