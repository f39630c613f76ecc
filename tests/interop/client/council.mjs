// One council (chapters 4 to 9): `insert` takes an operation in and says what became of it.

import { Refused, hex, require, same, unhex } from "./bytes.mjs";
import { UnknownRules, profileNamed, readCharter } from "./charter.mjs";
import { compose, composeReplacement } from "./compose.mjs";
import { Dag, headsOf } from "./dag.mjs";
import { Lapse } from "./effects.mjs";
import { Judge } from "./judge.mjs";
import { signed } from "./operation.mjs";
import { enrolmentProven, listingProven, signedByMembers, signedByTellers, tellerProven } from "./proofs.mjs";
import { readClaim } from "./record.mjs";
import { EFFECTS, fits, isKnown } from "./shapes.mjs";
import { Standings, keysOf } from "./standings.mjs";
import { absorb, foundingState, isGoverning } from "./state.mjs";

const outcome = (what, more = {}) => ({ outcome: what, ...more });

export class Council {
  /** The council that a founding operation founds. */
  constructor(operation) {
    const { body } = operation;
    require(operation.deps.length === 0 && operation.kind === "council.found" && fits(operation), "founding");
    require(signed(operation), "signature");
    const charter = readCharter(body.charter);
    const keys = new Set(body.tellers.map((teller) => hex(teller.key)));
    const { n } = profileNamed(charter.tellers);
    require(body.tellers.length === n && keys.size === n && !keys.has(operation.author), "founding-tellers");
    require(body.tellers.every((teller) => tellerProven(body.nonce, teller)), "founding-tellers");
    require(enrolmentProven(body.nonce, { person: body.person, device: unhex(operation.author), grant: body.grant }), "founding-grant");
    require(listingProven(body.nonce, body), "founding-node");

    this.id = operation.id;
    this.dag = new Dag();
    this.standings = new Standings();
    this.invitations = new Map(); // invitation -> { uses, key, requests }
    this.head = foundingState(operation, charter);
    this.epochs = [{ number: 0, digest: this.head.digest, effects: [], state: this.head, operation: this.id }];
    this.judge = new Judge(this);
    for (const [key, membership] of keysOf(this.head)) this.standings.begin(key, membership, 0);
    this.add(operation, 0, this.standings.at(operation.author, 0)).absorbed = 0;
  }

  // --- what the judge asks --------------------------------------------------------------------------

  epoch(number) {
    return this.epochs[number];
  }

  isRequest(id) {
    return this.dag.get(id).standing.invitation !== undefined;
  }

  /** Whose words an operation is, as its own past says; null for a teller's. */
  membershipOf(id) {
    return this.isRequest(id) ? id : this.dag.get(id).standing.membership;
  }

  // --- what is kept ---------------------------------------------------------------------------------

  isRoot(row) {
    if (row.absorbed === 0 || this.epochs.some((epoch) => epoch.operation === row.id)) return true;
    const { invitation, until } = row.standing;
    if (invitation === undefined) return until === null;
    // Whose standing had ended could make invitations, and requests on them, without end.
    const made = this.dag.get(invitation);
    const good = made.standing.until === null || (made.absorbed !== null && made.absorbed <= made.standing.until);
    const { requests, uses } = this.invitations.get(invitation);
    return good && requests.indexOf(row.id) < uses;
  }

  kept() {
    this.keptRows ??= this.dag.kept((row) => this.isRoot(row));
    return this.keptRows;
  }

  heads() {
    return headsOf(this.kept());
  }

  /** The head with everything kept that no epoch took in: what stands to be decided. */
  pending() {
    return absorb(this.head, this.facts([...this.kept().keys()]));
  }

  /** What governs and no epoch has taken in of the past of these. */
  facts(ids) {
    return this.dag.gather(ids).filter((row) => row.fact && row.without === null && isGoverning(row.fact.kind)).map((row) => row.fact);
  }

  // --- the way in -----------------------------------------------------------------------------------

  insert(operation) {
    try {
      const made = this.tryInsert(operation);
      return made.outcome === "inserted" ? { ...made, kept: this.kept().has(operation.id) } : made;
    } catch (error) {
      if (error instanceof Refused) return outcome("refused", { rule: error.rule });
      if (error instanceof UnknownRules) return outcome("waiting");
      throw error;
    }
  }

  tryInsert(operation) {
    const { dag } = this;
    if (dag.has(operation.id)) return outcome("known");
    require(operation.council === this.id, "council");
    if (dag.missing(operation.deps).length) return outcome("waiting");
    require(signed(operation), "signature");
    const deps = operation.deps.map((dep) => dag.get(dep));
    require(operation.depth === 1 + Math.max(...deps.map((dep) => dep.depth)), "depth");
    const epoch = Math.max(...deps.map((dep) => dep.epoch));
    const standing = this.standingOf(operation, epoch);
    const good = isKnown(operation.kind) && fits(operation);
    if (operation.kind === "council.epoch") {
      require(good, "body");
      return this.insertEpoch(operation, readClaim(operation), epoch, standing);
    }
    const row = this.add(operation, epoch, standing);
    if (good) this.fold(row, operation);
    else if (isKnown(operation.kind)) row.without = "body";
    return outcome("inserted", { epoch, without: row.without });
  }

  standingOf(operation, epoch) {
    if (operation.kind !== "council.request") {
      const standing = this.standings.at(operation.author, epoch);
      require(standing !== null, "standing");
      return standing;
    }
    const [invitation] = operation.deps;
    require(operation.deps.length === 1 && this.invitations.get(invitation)?.key === operation.author, "standing");
    return { key: operation.author, membership: null, invitation, until: null };
  }

  add({ id, depth, deps }, epoch, standing) {
    const row = { id, depth, deps, epoch, standing, absorbed: null, fact: null, without: null };
    this.dag.add(row);
    this.keptRows = null;
    if (standing.invitation !== undefined) {
      const { requests } = this.invitations.get(standing.invitation);
      requests.push(id);
      requests.sort();
    }
    return row;
  }

  fold(row, operation) {
    const { id, kind, body, author, time } = operation;
    row.fact = { id, kind, body, author, time, epoch: row.epoch, depth: row.depth, who: row.standing.membership };
    if (kind === "council.invite" && row.fact.who !== null) this.invitations.set(id, { uses: body.uses, key: hex(body.key), requests: [] });
    row.without = this.judge.take(row.fact, operation);
  }

  // --- epochs ---------------------------------------------------------------------------------------

  insertEpoch(operation, claim, epoch, standing) {
    require(claim.basis.join() === operation.deps.join(), "epoch-basis");
    const held = this.epochs[claim.number];
    if (held !== undefined) {
      require(this.isSigned(claim), "epoch-signatures");
      if (!same(held.digest, claim.digest)) return outcome("rival");
      this.add(operation, Math.max(epoch, claim.number), standing);
      // Of several that carry it, the lowest is kept for the epoch's sake, whichever came first.
      if (operation.id < held.operation) held.operation = operation.id;
      return outcome("inserted", { epoch: Math.max(epoch, claim.number), without: null });
    }
    require(claim.number === this.head.number + 1 && same(claim.previous, this.head.digest), "epoch-previous");
    require(epoch === this.head.number, "epoch-basis");
    require(this.isSigned(claim), "epoch-signatures");
    const record = this.follows(claim);
    require(record !== null && same(record.data, claim.data), "epoch-reasons");
    this.enter(operation, claim, record, standing);
    return outcome("inserted", { epoch: claim.number, without: null });
  }

  isSigned(claim) {
    const before = this.epochs[claim.number - 1];
    if (before === undefined || !same(before.digest, claim.previous)) return false;
    const { members, tellers, profile } = before.state;
    if (claim.members) return signedByMembers(claim.digest, claim.seals, members);
    return signedByTellers(claim.digest, claim.seals, tellers, profileNamed(profile).q);
  }

  /** What the program of the council makes of a claim's basis; null: nothing. */
  follows(claim) {
    if (!claim.members) return compose(this.head, absorb(this.head, this.facts(claim.basis)), claim.basis);
    const { by, ...effect } = claim.effects[0];
    require(effect.kind === "tellers" && EFFECTS.tellers(effect), "epoch-record");
    try {
      return composeReplacement(this.head, effect, claim.basis);
    } catch (error) {
      if (error instanceof Lapse) throw new Refused("tellers", error.message);
      throw error;
    }
  }

  enter(operation, claim, record, standing) {
    this.add(operation, claim.number, standing);
    // A replacement by the members takes in nothing: what is pending stays so.
    if (!claim.members) for (const row of this.dag.gather(claim.basis)) row.absorbed = claim.number;
    this.standings.change(keysOf(this.head), keysOf(record.state), claim.number);
    this.head = record.state;
    this.epochs.push({ number: claim.number, digest: claim.digest, effects: record.effects, state: record.state, operation: operation.id });
    this.keptRows = null;
  }
}
