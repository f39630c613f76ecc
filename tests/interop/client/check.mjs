// A client of Folkmoot written from docs/protocol.md alone, checking itself:
//
//   node check.mjs FOLDER       the test vectors, one line a file
//   node check.mjs --log FILE   a log from `moot export`: every epoch and the state digest, made anew
//
// Ends with 1 at a mismatch.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { checkComparisons } from "./comparisons.mjs";
import { checkCouncil, checkLog } from "./logs.mjs";
import { checkSeats } from "./seats.mjs";
import { CHECKS, readJson } from "./vectors.mjs";

const VECTORS = { ...CHECKS, council: checkCouncil, negentropy: checkComparisons, seats: checkSeats };

const counts = (made) => Object.entries(made).map(([what, count]) => `${what} ${count}`).join(", ");

const attempt = (name, work) => {
  try {
    console.log(`${name}: ok, ${counts(work())}`);
    return true;
  } catch (error) {
    console.log(`${name}: MISMATCH, ${error.stack}`);
    return false;
  }
};

const checkVectors = (folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => {
      const check = VECTORS[file.replace(/\.json$|-.*$/g, "")];
      if (check === undefined) {
        console.log(`${file}: not looked at, no check for it`);
        return true;
      }
      return attempt(file, () => check(readJson(readFileSync(join(folder, file), "utf8"))));
    })
    .every(Boolean);

const [first, second] = process.argv.slice(2);
if (first === undefined || (first === "--log" && second === undefined)) {
  console.error("usage: node check.mjs FOLDER | node check.mjs --log FILE");
  process.exit(2);
}
const good = first === "--log" ? attempt(second, () => checkLog(readFileSync(second))) : checkVectors(first);
process.exitCode = good ? 0 : 1;
