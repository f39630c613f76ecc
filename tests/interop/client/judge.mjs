// Which operations have an effect, and what was said (chapters 5 and 10).
//
// All of it is a function of an operation's own past, so each is judged once, when it comes; what of it shows in the state is a matter of what is kept.

import { hex, isBlank, unhex } from "./bytes.mjs";
import { BallotBox } from "./ballots.mjs";
import { listingProven, enrolled } from "./proofs.mjs";

const NAMED = { "motion.assent": "motion", "motion.withdraw": "assent", "council.uninvite": "invitation", "replacement.sign": "offer" };

export class Judge {
  /** council: what it has to know of the log around it; see `Council`. */
  constructor(council) {
    this.council = council;
    this.motions = new Set();
    this.proposals = new Map(); // proposal -> its author's membership
    this.proposalOf = new Map(); // version -> proposal
    this.box = new BallotBox(council, (effect, deps) => this.effect(effect, deps));
  }

  /** Why a fact has no effect, or null; the fact is completed with what an epoch must know of it. */
  take(fact, operation) {
    if (BallotBox.judges(fact.kind)) return this.box.take(fact, operation);
    const why = this.judge(fact, operation.deps);
    if (why === null) this.remember(fact);
    return why;
  }

  judge(fact, deps) {
    const { kind, body, who } = fact;
    if (kind === "council.request") {
      fact.invitation = deps[0];
      const context = unhex(deps[0]);
      return enrolled(context, body) && listingProven(context, body) ? null : "request-proof";
    }
    if (kind === "merge") return null;
    if (kind === "council.found") return "founding";
    if (who === null) return "voice";
    if (kind in NAMED && !deps.includes(hex(body[NAMED[kind]]))) return "deps";
    if (kind === "motion.move") return this.effect(body.effect, deps);
    if (kind === "motion.assent" && !this.motions.has(hex(body.motion))) return "assent";
    return this.judgeTalk(fact, deps);
  }

  judgeTalk({ kind, body, who }, deps) {
    if (kind === "proposal.amend") {
      const replaces = hex(body.replaces);
      if (!deps.includes(replaces) || this.proposalOf.get(replaces) !== hex(body.proposal)) return "amend";
    } else if (kind === "proposal.withdraw") {
      if (!deps.includes(hex(body.proposal)) || this.proposals.get(hex(body.proposal)) !== who) return "withdraw";
    } else if (kind === "comment.write") {
      if (!deps.includes(hex(body.on))) return "comment";
    } else if (kind === "talk.erase") {
      if (!deps.includes(hex(body.operation)) || this.council.membershipOf(hex(body.operation)) !== who) return "erase";
    }
    return null;
  }

  /** Why an effect cannot be moved by an operation with these deps, or null. */
  effect(effect, deps) {
    if (effect.kind === "admit") {
      const request = hex(effect.request);
      if (!deps.includes(request) || !this.council.isRequest(request)) return "motion-request";
    } else if (effect.kind === "erase") {
      if (!deps.includes(hex(effect.operation))) return "motion-erase";
    } else if (effect.kind === "adopt") {
      const version = hex(effect.version);
      if (!deps.includes(version) || this.proposalOf.get(version) !== hex(effect.proposal)) return "motion-version";
    } else if (effect.kind === "office") {
      const held = effect.members.map(hex);
      if (new Set(held).size !== held.length || isBlank(effect.office)) return "motion-office";
    }
    return null;
  }

  remember({ id, kind, body, who }) {
    if (kind === "motion.move") this.motions.add(id);
    if (kind === "proposal.open") {
      this.proposals.set(id, who);
      this.proposalOf.set(id, id);
    } else if (kind === "proposal.amend") this.proposalOf.set(id, hex(body.proposal));
  }
}
