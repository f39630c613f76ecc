// Operations and their envelopes (chapter 3).

import { ascending, hash, hex, isBytes, require, same } from "./bytes.mjs";
import { decode, encode, isInteger, isMap } from "./cbor.mjs";
import { DOMAINS, verify } from "./keys.mjs";

const HEADER = 16_384;
const ENVELOPE = 221_184;
const ATTACHMENT = 16 * 1024 * 1024;
const ATTACHMENTS = 65_536;
const PARTS = 131_072;

const within = (value, least, most) => isInteger(value) && value >= least && value <= most;
const isId = (value) => isBytes(value) && value.length === 32;

const readDescription = (item) => {
  require(Array.isArray(item) && item.length === 3, "contents");
  const [sort, digest, size] = item;
  require(sort === 0 || sort === 1, "contents");
  require(isId(digest) && within(size, 0, sort === 0 ? ATTACHMENT : PARTS), "contents");
  return { part: sort === 1, digest, size };
};

const readHeader = (header) => {
  const fields = decode(header, HEADER);
  require(Array.isArray(fields) && fields.length === 9, "header");
  const [version, council, author, depth, deps, time, kind, body, contents] = fields;
  require(version === 1, "version");
  require(isBytes(council) && (council.length === 32 || council.length === 0), "council");
  require(isId(author), "author");
  require(within(depth, 0, 2n ** 63n - 1n), "depth");
  require(Array.isArray(deps) && deps.length <= 64 && deps.every(isId) && ascending(deps), "deps");
  require(within(time, 0, 2n ** 63n - 1n), "time");
  require(typeof kind === "string" && /^[a-z0-9.-]{1,64}$/.test(kind), "kind");
  require(isMap(body), "body");
  require(Array.isArray(contents) && contents.length <= 64, "contents");
  const founding = council.length === 0;
  require(founding === (depth === 0) && founding === (deps.length === 0), "founding");
  const described = contents.map(readDescription);
  const parts = described.filter((one) => one.part).reduce((sum, one) => sum + one.size, 0);
  require(parts <= PARTS, "parts");
  return {
    bytes: header, id: hex(hash(header)), council: hex(council), author: hex(author), depth,
    deps: deps.map(hex), time, kind, body, contents: described,
  };
};

const readContent = (place, described) => {
  if (place === null) {
    require(!described.part, "part");
    return null;
  }
  require(Array.isArray(place) && place.length === 2 && place.every(isBytes), "content");
  const [salt, bytes] = place;
  require(salt.length === (described.part ? 0 : 16), "salt");
  require(bytes.length === described.size, "size");
  require(same(hash(salt, bytes), described.digest), "content-hash");
  return { salt, bytes };
};

/** The operation in an envelope, with `signature` and `places` (what its contents are). The signature is looked at by `signed`. */
export const readEnvelope = (data) => {
  const fields = decode(data, ENVELOPE);
  require(Array.isArray(fields) && fields.length === 3, "envelope");
  const [header, signature, contents] = fields;
  require(isBytes(header) && isBytes(signature) && signature.length === 64 && Array.isArray(contents), "envelope");
  const operation = readHeader(header);
  require(contents.length === operation.contents.length, "contents");
  const places = contents.map((place, i) => readContent(place, operation.contents[i]));
  const attached = places.filter((place, i) => place && !operation.contents[i].part);
  require(attached.reduce((sum, place) => sum + place.bytes.length, 0) <= ATTACHMENTS, "attachments");
  return { ...operation, signature, places };
};

export const signed = (operation) => verify(Buffer.from(operation.author, "hex"), DOMAINS.OPERATION, operation.bytes, operation.signature);

/** The envelope's bytes, without its attachments when it is to be bare. */
export const writeEnvelope = (operation, bare = false) =>
  encode([
    operation.bytes,
    operation.signature,
    operation.places.map((place, i) => (place === null || (bare && !operation.contents[i].part) ? null : [place.salt, place.bytes])),
  ]);
