// Questions, choices and results (chapter 10.4): the rules that ask one question, counted; of all others the choices' form.

import { Refused, require } from "./bytes.mjs";
import { isInteger } from "./cbor.mjs";
import { enough, fraction, plus, sum, written } from "./fraction.mjs";

const HALF = { share: fraction(1, 2), strict: true };
const YES = ["yes", "no", "abstain"];
const CONSENT = ["agree", "abstain", "disagree", "block"];

const RULES = {
  "majority-simple/1": { answers: YES, settings: ["quorum"] },
  "majority-absolute/1": { answers: YES, settings: ["quorum"] },
  "majority-qualified/1": { answers: YES, settings: ["quorum", "threshold", "base"] },
  "consent/1": { answers: CONSENT, settings: ["quorum", "threshold", "block", "block_threshold"] },
};
const WORDS = { base: ["decided", "cast", "roll"], block: ["stops", "share", "refers", "disagrees"] };
const ELECTION = ["best", "budget", "costs", "classes", "shares"]; // settings of elections, which questions pass over

export const isQuestion = (rule) => Object.hasOwn(RULES, rule);

const readShare = (value) => {
  require(Array.isArray(value) && value.length === 3 && isInteger(value[1]) && isInteger(value[2]), "threshold");
  const [sort, a, b] = value;
  require(sort === "at_least" || sort === "more_than", "threshold");
  require(b >= 1 && a >= 1 && (sort === "at_least" ? a <= b : a < b), "threshold");
  return { share: fraction(a, b), strict: sort === "more_than" };
};

const readSettings = ({ rule, settings = {} }) => {
  const read = { quorum: null, base: "decided", block: "stops", block_threshold: null, threshold: HALF };
  for (const [name, value] of Object.entries(settings)) {
    if (ELECTION.includes(name)) continue;
    require(RULES[rule].settings.includes(name), "setting");
    if (name in WORDS) require(WORDS[name].includes(value), "setting");
    read[name] = name in WORDS ? value : readShare(value);
  }
  if (rule === "majority-qualified/1") require("threshold" in settings, "setting");
  if (rule === "majority-absolute/1") read.base = "roll";
  if (rule === "consent/1") require((read.block === "share") === (read.block_threshold !== null), "block");
  return read;
};

/** The rules of elections that choose among people. */
export const isChoosing = (rule) => /^(approval|score|majority-judgement|schulze-winning|schulze-margins|irv|stv-scottish|sortition)\/1$/.test(rule);

/** The rule by which nobody votes: lots are drawn. */
export const isDrawn = (rule) => rule === "sortition/1";

/** People in a pool, each once, and for every class as many as it could be given seats by whatever lot. */
const checkPool = (options, seats, { classes = [], shares = [] }) => {
  require(new Set(options).size === options.length && seats <= options.length, "pool");
  require(Array.isArray(classes) && classes.every((name) => typeof name === "string"), "pool");
  const isShare = (one) => Array.isArray(one) && one.length === 3 && typeof one[0] === "string" && isInteger(one[1]) && isInteger(one[2]) && one[1] >= 0 && one[2] >= 1;
  require(Array.isArray(shares) && shares.every(isShare), "pool");
  require(classes.length === (shares.length ? options.length : 0), "pool");
  if (shares.length === 0) return;
  const names = shares.map(([name]) => name);
  const whole = sum(shares.map(([, a, b]) => fraction(a, b)));
  require(new Set(names).size === names.length && classes.every((name) => names.includes(name)) && whole.top === 1n && whole.bottom === 1n, "pool");
  const enoughPeople = ([name, a, b]) => BigInt(classes.filter((one) => one === name).length) * BigInt(b) >= BigInt(a) * BigInt(seats);
  require(shares.every(enoughPeople), "pool");
};

/** Throws when nobody could vote on this question. */
export const checkQuestion = (question) => {
  if (!isQuestion(question.rule)) {
    const { options = [], seats = 1, settings = {} } = question;
    require(options.length > 0, "options");
    if (isDrawn(question.rule)) checkPool(options, seats, settings);
    return;
  }
  require((question.options ?? []).length === 0, "options");
  readSettings(question);
};

const numbers = (value, count) => Array.isArray(value) && value.every((one) => isInteger(one) && one >= 0 && one < count);
const rising = (list) => list.every((one, i) => i === 0 || list[i - 1] < one);

/** Does the rule know this choice? */
export const isChoice = ({ rule, options = [], settings = {} }, choice) => {
  if (isQuestion(rule)) return RULES[rule].answers.includes(choice);
  if (!Array.isArray(choice) || isDrawn(rule)) return false;
  const count = options.length;
  if (rule === "approval/1") return numbers(choice, count) && rising(choice);
  if (rule === "score/1" || rule === "majority-judgement/1") {
    return choice.length === count && choice.every((grade) => grade === null || (isInteger(grade) && grade >= 0 && grade <= settings.best));
  }
  if (rule.startsWith("equal-shares")) {
    return choice.every((pair) => Array.isArray(pair) && pair.length === 2 && numbers([pair[0]], count) && isInteger(pair[1]) && pair[1] >= 0) && rising(choice.map(([project]) => project));
  }
  return choice.every((tier) => numbers(tier, count) && tier.length > 0) && new Set(choice.flat()).size === choice.flat().length;
};

const plainThreshold = (threshold) => threshold && { share: written(threshold.share), strict: threshold.strict };

const outcomeOf = (rule, weights, cast, whole, roll, settings) => {
  const { quorum, block, block_threshold: blockThreshold, threshold } = settings;
  if (quorum !== null && !enough(quorum, cast, roll)) return "no quorum";
  if (rule === "consent/1") {
    const blocks = weights.get("block");
    const any = blocks.top > 0n;
    if ((block === "stops" && any) || (blockThreshold !== null && enough(blockThreshold, blocks, cast))) return "blocked";
    if (block === "refers" && any) return "referred";
  }
  return enough(threshold, weights.get(rule === "consent/1" ? "agree" : "yes"), whole) ? "adopted" : "rejected";
};

/** The result of a question as plain data. votes: pairs of a weight and an answer. */
export const tally = (question, votes, roll) => {
  const { rule } = question;
  if (!isQuestion(rule)) throw new Refused("uncounted", rule);
  const settings = readSettings(question);
  const weights = new Map(RULES[rule].answers.map((answer) => [answer, fraction(0)]));
  for (const [weight, answer] of votes) weights.set(answer, plus(weights.get(answer), weight));
  const cast = sum([...weights.values()]);
  const of = (...answers) => sum(answers.map((answer) => weights.get(answer)));
  const consent = rule === "consent/1";
  const whole = consent ? of("agree", "disagree", "block") : { decided: of("yes", "no"), cast, roll }[settings.base];
  const outcome = outcomeOf(rule, weights, cast, whole, roll, settings);
  const round = {
    answers: [...weights].map(([answer, weight]) => [answer, written(weight)]),
    cast: written(cast), roll: written(roll), quorum: plainThreshold(settings.quorum), whole: written(whole), threshold: plainThreshold(settings.threshold), outcome,
    ...(consent ? { block: settings.block, block_threshold: plainThreshold(settings.block_threshold) } : { base: settings.base }),
  };
  return { rule, elected: outcome === "adopted" ? [0] : [], ranking: [], rounds: [round], ties: null };
};
