// Canonical CBOR (chapter 1), written out: general libraries take and make more than it allows.
//
// Integers are numbers while these are exact, BigInt beyond; maps are objects without a prototype, so that no key can collide with what objects inherit.

import { Refused, require } from "./bytes.mjs";

const DEEPEST = 16;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const narrow = (value) =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

const head = (major, value) => {
  const top = major << 5;
  if (value < 24) return Buffer.from([top | Number(value)]);
  if (value < 0x100) return Buffer.from([top | 24, Number(value)]);
  const bytes = value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
  const out = Buffer.alloc(1 + bytes);
  out[0] = top | (bytes === 2 ? 25 : bytes === 4 ? 26 : 27);
  if (bytes === 8) out.writeBigUInt64BE(BigInt(value), 1);
  else out.writeUIntBE(Number(value), 1, bytes);
  return out;
};

export const isInteger = (value) => typeof value === "bigint" || Number.isSafeInteger(value);

export const isMap = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

const write = (value, depth, out) => {
  if (value === false || value === true || value === null) {
    out.push(Buffer.from([value === null ? 0xf6 : value ? 0xf5 : 0xf4]));
  } else if (isInteger(value)) {
    require(value >= -(2n ** 63n) && value < 2n ** 64n, "range");
    out.push(value < 0 ? head(1, -1n - BigInt(value)) : head(0, value));
  } else if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8");
    out.push(head(3, bytes.length), bytes);
  } else if (value instanceof Uint8Array) {
    out.push(head(2, value.length), value);
  } else if (Array.isArray(value)) {
    require(depth < DEEPEST, "nesting");
    out.push(head(4, value.length));
    for (const item of value) write(item, depth + 1, out);
  } else if (isMap(value)) {
    require(depth < DEEPEST, "nesting");
    const entries = Object.keys(value).map((key) => [encode(key), value[key]]);
    entries.sort((a, b) => Buffer.compare(a[0], b[0]));
    out.push(head(5, entries.length));
    for (const [key, item] of entries) {
      out.push(key);
      write(item, depth + 1, out);
    }
  } else {
    throw new Refused("type", `no CBOR for ${String(value)}`);
  }
};

export const encode = (value) => {
  const out = [];
  write(value, 0, out);
  return Buffer.concat(out);
};

class Reader {
  constructor(data) {
    this.data = Buffer.from(data);
    this.at = 0;
  }

  take(count) {
    require(this.at + count <= this.data.length, "cut-short");
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  argument(info) {
    if (info < 24) return info;
    require(info < 28, "head", "indefinite length or reserved");
    const bytes = this.take(1 << (info - 24));
    const value = bytes.length === 8 ? bytes.readBigUInt64BE() : bytes.readUIntBE(0, bytes.length);
    const least = [24, 0x100, 0x10000, 0x100000000][info - 24];
    require(value >= least, "head", "a longer head than needed");
    return narrow(BigInt(value));
  }

  /** A length: more than what is left would only make us reserve memory for nothing. */
  length(info) {
    const value = this.argument(info);
    require(value <= this.data.length - this.at, "cut-short");
    return value;
  }

  text(info) {
    try {
      return utf8.decode(this.take(this.length(info)));
    } catch (error) {
      throw error instanceof Refused ? error : new Refused("utf-8");
    }
  }

  item(depth) {
    const first = this.take(1)[0];
    const [major, info] = [first >> 5, first & 31];
    if (major === 0) return this.argument(info);
    if (major === 1) {
      const value = -1n - BigInt(this.argument(info));
      require(value >= -(2n ** 63n), "range");
      return narrow(value);
    }
    if (major === 2) return this.take(this.length(info));
    if (major === 3) return this.text(info);
    if (major === 4) {
      require(depth < DEEPEST, "nesting");
      return Array.from({ length: this.length(info) }, () => this.item(depth + 1));
    }
    if (major === 5) {
      require(depth < DEEPEST, "nesting");
      return this.map(this.length(info), depth);
    }
    if (first === 0xf4 || first === 0xf5) return first === 0xf5;
    require(first === 0xf6, "type", "a tag, a float or another simple value");
    return null;
  }

  map(size, depth) {
    const made = Object.create(null);
    let before = null;
    for (let i = 0; i < size; i++) {
      const start = this.at;
      const first = this.take(1)[0];
      require(first >> 5 === 3, "key");
      const key = this.text(first & 31);
      const encoded = this.data.subarray(start, this.at);
      require(before === null || Buffer.compare(before, encoded) < 0, "key-order");
      before = encoded;
      made[key] = this.item(depth + 1);
    }
    return made;
  }
}

/** One item and nothing after it. */
export const decode = (data, limit = Infinity) => {
  require(data.length <= limit, "size");
  const reader = new Reader(data);
  const value = reader.item(0);
  require(reader.at === reader.data.length, "trailing");
  return value;
};

/** A CBOR sequence (RFC 8742): items one after the other. */
export const decodeSequence = (data) => {
  const reader = new Reader(data);
  const items = [];
  while (reader.at < reader.data.length) items.push(reader.item(0));
  return items;
};
