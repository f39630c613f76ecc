// The messages of `compare` (chapter 11.1): Negentropy Protocol V1, timestamp := depth.

import { Refused, hash, hex, require, unhex } from "./bytes.mjs";

const VERSION = 0x61;
const [SKIP, FINGERPRINT, IDS] = [0, 1, 2];
const INFINITY = 2n ** 64n - 1n;
const BUCKETS = 16;
const RESERVE = 200; // bytes of a frame that are left for what closes a message

const bounded = (timestamp, prefix) => ({ timestamp, prefix, key: timestamp.toString(16).padStart(16, "0") + hex(prefix).padEnd(64, "0") });
const END = { timestamp: INFINITY, prefix: Buffer.alloc(0), key: "g" }; // behind every hexadecimal digit

const varint = (value) => {
  const digits = [Number(value & 127n)];
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) digits.unshift(Number(rest & 127n) | 128);
  return Buffer.from(digits);
};

export const fingerprint = (items) => {
  const total = items.reduce((sum, { id }) => sum + BigInt(`0x${hex(Buffer.from(id).reverse())}`), 0n) % 2n ** 256n;
  return hash(Buffer.from(total.toString(16).padStart(64, "0"), "hex").reverse(), varint(BigInt(items.length))).subarray(0, 16);
};

const NOTHING = hex(fingerprint([]));

class Reader {
  constructor(message) {
    Object.assign(this, { message, at: 1, timestamp: 0n, last: "", ends: 0 });
    this.last = bounded(0n, Buffer.alloc(0)).key;
  }

  get more() {
    return this.at < this.message.length;
  }

  take(count) {
    require(BigInt(this.at) + BigInt(count) <= BigInt(this.message.length), "negentropy-short");
    this.at += Number(count);
    return this.message.subarray(this.at - Number(count), this.at);
  }

  varint() {
    let number = 0n;
    for (let first = true; ; first = false) {
      const digit = this.take(1)[0];
      require(!first || digit !== 128, "negentropy-number");
      number = (number << 7n) | BigInt(digit & 127);
      require(number <= INFINITY, "negentropy-number");
      if (digit < 128) return number;
    }
  }

  bound() {
    const [offset, length] = [this.varint(), this.varint()];
    require(length <= 32n, "negentropy-bound");
    const prefix = this.take(length);
    if (offset === 0n) {
      // An answer that filled its frame exactly is closed by an empty range that ends there too.
      this.ends += 1;
      require(prefix.length === 0 && this.ends <= 2, "negentropy-bound");
      this.last = END.key;
      return END;
    }
    this.timestamp += offset - 1n;
    require(this.timestamp < INFINITY, "negentropy-bound");
    const bound = bounded(this.timestamp, prefix);
    require(bound.key > this.last, "negentropy-order");
    this.last = bound.key;
    return bound;
  }

  ids() {
    const packed = this.take(this.varint() * 32n);
    return new Set(Array.from({ length: packed.length / 32 }, (_, i) => hex(packed.subarray(32 * i, 32 * i + 32))));
  }
}

class Writer {
  constructor() {
    Object.assign(this, { timestamp: 0n, skipped: null });
  }

  range(bound, ...payload) {
    const before = this.skipped;
    this.skipped = null;
    const first = before === null ? Buffer.alloc(0) : this.range(before, Buffer.from([SKIP]));
    if (bound === END) return Buffer.concat([first, Buffer.from([0, 0]), ...payload]);
    const offset = bound.timestamp - this.timestamp;
    this.timestamp = bound.timestamp;
    return Buffer.concat([first, varint(offset + 1n), Buffer.from([bound.prefix.length]), bound.prefix, ...payload]);
  }

  ids(bound, items) {
    return this.range(bound, Buffer.from([IDS]), varint(BigInt(items.length)), ...items.map(({ id }) => id));
  }

  fingerprint(bound, items) {
    return this.range(bound, Buffer.from([FINGERPRINT]), fingerprint(items));
  }
}

/** The shortest bound between two neighbours. */
const between = (before, after) => {
  if (before.timestamp !== after.timestamp) return bounded(after.timestamp, Buffer.alloc(0));
  const shared = before.id.findIndex((byte, i) => byte !== after.id[i]);
  return bounded(after.timestamp, after.id.subarray(0, shared + 1));
};

export class Side {
  constructor(items, initiator, frameLimit = 0) {
    this.items = items.map(({ timestamp, id }) => ({ timestamp, id, key: bounded(timestamp, id).key })).sort((a, b) => (a.key < b.key ? -1 : 1));
    this.initiator = initiator;
    this.most = frameLimit ? frameLimit - RESERVE : Infinity;
  }

  initiate() {
    return Buffer.concat([Buffer.from([VERSION]), this.split(0, this.items.length, END, new Writer())]);
  }

  split(low, high, bound, writer) {
    const { items } = this;
    const count = high - low;
    if (count < 2 * BUCKETS) return writer.ids(bound, items.slice(low, high));
    const cut = (i) => low + Math.floor(count / BUCKETS) * i + Math.min(i, count % BUCKETS);
    const pieces = Array.from({ length: BUCKETS }, (_, i) => {
      const end = cut(i + 1);
      return writer.fingerprint(i === BUCKETS - 1 ? bound : between(items[end - 1], items[end]), items.slice(cut(i), end));
    });
    return Buffer.concat(pieces);
  }

  lowerBound(bound, from) {
    const found = this.items.findIndex((item, i) => i >= from && item.key >= bound.key);
    return found < 0 ? this.items.length : found;
  }

  /** The answer to a message (null: done), and what the initiator learns: ids to send and to ask for. */
  answer(message) {
    require(message.length > 0, "negentropy-short");
    require(message[0] >= 0x60 && message[0] <= 0x6f, "negentropy-version");
    if (message[0] !== VERSION) {
      require(!this.initiator, "negentropy-version");
      return { reply: Buffer.from([VERSION]), have: [], need: [] };
    }
    const [have, need] = [[], new Set()];
    const [reader, writer] = [new Reader(message), new Writer()];
    let reply = Buffer.from([VERSION]);
    let [high, said, rest] = [0, 0, null];
    while (reader.more && rest === null) {
      let bound = reader.bound();
      const mode = reader.take(1)[0];
      const low = high;
      high = this.lowerBound(bound, low);
      const ours = this.items.slice(low, high);
      let made = null;
      if (mode === FINGERPRINT) {
        const theirs = hex(reader.take(16));
        if (theirs !== hex(fingerprint(ours))) {
          made = this.split(low, high, bound, writer);
          // Where the other side has nothing, the fingerprint of what lies behind would hide this range from it.
          if (reply.length + made.length > this.most) rest = theirs === NOTHING ? said : high;
        }
      } else if (mode === IDS && this.initiator) {
        const listed = reader.ids();
        for (const { id } of ours) if (!listed.delete(hex(id))) have.push(hex(id));
        for (const id of listed) need.add(id);
      } else if (mode === IDS) {
        reader.ids();
        const room = Math.floor((this.most - reply.length) / 32) + 1;
        if (room < high - low) {
          high = low + room;
          bound = bounded(this.items[high].timestamp, this.items[high].id);
        }
        reply = Buffer.concat([reply, writer.ids(bound, this.items.slice(low, high))]);
        if (reply.length > this.most) rest = high;
        said = high;
        continue;
      } else if (mode !== SKIP) throw new Refused("negentropy-mode");
      if (made === null) writer.skipped = bound;
      else if (rest === null) {
        reply = Buffer.concat([reply, made]);
        said = high;
      }
    }
    if (rest !== null) reply = Buffer.concat([reply, writer.fingerprint(END, this.items.slice(rest))]);
    return { reply: this.initiator && reply.length === 1 ? null : reply, have, need: [...need] };
  }
}

const numbered = ({ number: [from, to], per_timestamp: per = 1, step = 1, without = [] }) => {
  const left = new Set(without);
  const made = [];
  for (let n = from; n < to; n += step) {
    if (left.has(n)) continue;
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(n));
    made.push({ timestamp: BigInt(Math.floor(n / per)), id: hash(bytes) });
  }
  return made;
};

/** The items of a vector: written out, or made. */
export const itemsOf = (list) => list.flatMap((one) => (one.number === undefined ? [{ timestamp: BigInt(one.timestamp), id: unhex(one.id) }] : numbered(one)));
