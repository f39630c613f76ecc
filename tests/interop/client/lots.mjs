// Lots (chapter 10.5): numbers from a seed, and places that they decide.

import { hash } from "./bytes.mjs";

const eightBytes = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
};

/** The seed of a ballot's lots, from the nonces of its value's closes. */
export const lotSeed = (ballot, instance, nonces) => {
  const parts = [ballot, eightBytes(instance), ...[...nonces].sort(Buffer.compare)];
  return hash("folkmoot/lot-seed/1\0", ...parts.flatMap((part) => [eightBytes(part.length), part]));
};

/** Whole numbers, each exactly as likely as any other. */
export class Stream {
  constructor(seed, label) {
    this.key = hash(label, "\0", seed);
    this.block = 0;
    this.held = Buffer.alloc(0);
  }

  below(n) {
    const bits = n < 2 ? 0 : 32 - Math.clz32(n - 1);
    for (;;) {
      let number = 0;
      for (const byte of this.take(Math.ceil(bits / 8))) number = number * 256 + byte;
      number %= 2 ** bits;
      if (number < n) return number;
    }
  }

  take(size) {
    while (this.held.length < size) this.held = Buffer.concat([this.held, hash(this.key, eightBytes(this.block++))]);
    const taken = this.held.subarray(0, size);
    this.held = this.held.subarray(size);
    return taken;
  }
}

/** The lots of one count. */
export class Lots {
  constructor(seed) {
    this.seed = seed;
    this.drawn = [];
  }

  /** One of those equal; a single one without a lot. */
  pick(equal, round, purpose) {
    const among = [...equal].sort((a, b) => a - b);
    if (among.length === 1) return among[0];
    const chosen = among[new Stream(this.seed, `folkmoot/lot/1/${purpose}/${round}/${among.join(",")}`).below(among.length)];
    this.drawn.push({ round, purpose, among, chosen });
    return chosen;
  }

  /** Who takes the seats of a ranking, best tier first. */
  fill(ranking, seats) {
    const elected = [];
    for (const tier of ranking) {
      const free = seats - elected.length;
      if (tier.length <= free) {
        elected.push(...[...tier].sort((a, b) => a - b));
        continue;
      }
      const left = new Set(tier);
      for (let seat = 0; seat < free; seat += 1) {
        const chosen = this.draw([...left]);
        left.delete(chosen);
        elected.push(chosen);
      }
      break;
    }
    return elected;
  }

  draw(among) {
    return this.pick(among, 0, "elect");
  }

  get ties() {
    return this.drawn.length ? { lots: this.drawn, outcomes: [], complete: true } : null;
  }
}
