// The tellers' agreement (chapter 10.3): which messages count, and what is decided.

import { hash } from "./bytes.mjs";

/** Which of n tellers proposes first. */
export const firstOf = (instance, n) => Number(BigInt(`0x${hash(instance).toString("hex")}`) % BigInt(n));

export class Agreement {
  /** sealed: is this teller's signature good for a value and a round? */
  constructor(tellers, q, first, sealed) {
    Object.assign(this, { tellers, q, first, sealed });
    this.valid = new Map();
    this.decided = null; // [round, value], the lowest such round
  }

  /** The tellers of the valid messages of a sort and round that are named in `deps`. */
  named(deps, sort, round, value = null) {
    const found = deps.map((dep) => this.valid.get(dep)).filter((one) => one && one.sort === sort && one.round === round && (value === null || one.value === value));
    return new Set(found.map((one) => one.author));
  }

  judge({ author, sort, round, value, validRound, deps, signature }) {
    if (!this.tellers.includes(author)) return "teller";
    if (round > 0 && this.named(deps, "precommit", round - 1).size < this.q) return "V1";
    if (sort === "propose") {
      if (author !== this.tellers[(this.first + round) % this.tellers.length]) return "V2";
      if (validRound < -1 || validRound >= round) return "V2";
      return validRound >= 0 && this.named(deps, "prevote", validRound, value).size < this.q ? "V2" : null;
    }
    if (value === "") return null;
    if (sort === "prevote") return this.named(deps, "propose", round, value).size ? null : "V3";
    if (this.named(deps, "prevote", round, value).size < this.q) return "V4";
    return this.sealed(author, round, value, signature) ? null : "V4";
  }

  add(message) {
    const why = this.judge(message);
    if (why !== null) return why;
    this.valid.set(message.id, message);
    const { sort, round, value } = message;
    if (sort === "precommit" && value !== "" && this.precommitted([...this.valid.keys()], round, value).size >= this.q) {
      if (this.decided === null || round < this.decided[0]) this.decided = [round, value];
    }
    return null;
  }

  precommitted(ids, round, value) {
    return this.named(ids, "precommit", round, value);
  }

  /** Values that a quorum of precommits of one round stands for, among these messages. */
  decidedIn(deps) {
    const votes = deps.map((dep) => this.valid.get(dep)).filter((one) => one && one.sort === "precommit" && one.value !== "");
    return votes.filter(({ round, value }) => this.precommitted(deps, round, value).size >= this.q).map(({ value }) => value);
  }
}
