// The rules by which options are chosen (chapter 10.5).

import { hash, hex, require } from "./bytes.mjs";
import { encode } from "./cbor.mjs";
import { equalShares, judgement, stv } from "./counts.mjs";
import { compare, enough, fraction, minus, plus, sum, times, written } from "./fraction.mjs";
import { Lots, Stream } from "./lots.mjs";

const MOST = 48 * 1024;
const ZERO = fraction(0);

const zeros = (options) => options.map(() => ZERO);
const equal = (x, y) => compare(x, y) === 0;

/** Options by their sums, the greatest first, equals together. */
const rankedBy = (sums) => {
  const left = sums.map((_, option) => option).sort((a, b) => compare(sums[b], sums[a]) || a - b);
  const tiers = [];
  for (const option of left) {
    if (tiers.length && equal(sums[tiers.at(-1)[0]], sums[option])) tiers.at(-1).push(option);
    else tiers.push([option]);
  }
  return tiers;
};

const greatest = (pointsOf) => ({ options, seats }, votes, seed) => {
  const sums = zeros(options);
  for (const [weight, choice] of votes) for (const [option, points] of pointsOf(choice)) sums[option] = plus(sums[option], times(weight, fraction(points)));
  const [ranking, lots] = [rankedBy(sums), new Lots(seed)];
  const rounds = [{ sums: sums.map(written), cast: written(sum(votes.map(([weight]) => weight))) }];
  return { elected: lots.fill(ranking, seats), ranking, rounds, ties: lots.ties };
};

const irv = ({ options }, votes, seed) => {
  const lots = new Lots(seed);
  const left = new Set(options.keys());
  const [rounds, excluded, stages] = [[], [], []];
  const tally = () => {
    const sums = zeros(options);
    let exhausted = ZERO;
    for (const [weight, ranking] of votes) {
      const best = ranking.map((tier) => tier.filter((option) => left.has(option))).find((tier) => tier.length);
      if (best === undefined) exhausted = plus(exhausted, weight);
      else for (const option of best) sums[option] = plus(sums[option], times(weight, fraction(1, best.length)));
    }
    return [sums, exhausted];
  };
  while (left.size > 1) {
    const [sums, exhausted] = tally();
    stages.push(sums);
    let weakest = [...left];
    for (const stage of [...stages].reverse()) {
      const least = weakest.map((option) => stage[option]).reduce((a, b) => (compare(b, a) < 0 ? b : a));
      weakest = weakest.filter((option) => equal(stage[option], least));
    }
    const loser = lots.pick(weakest, rounds.length, "exclude");
    rounds.push({ votes: sums.map(written), exhausted: written(exhausted), excluded: loser });
    excluded.push(loser);
    left.delete(loser);
  }
  if (rounds.length === 0) {
    const [sums, exhausted] = tally();
    rounds.push({ votes: sums.map(written), exhausted: written(exhausted), excluded: null });
  }
  const [winner] = left;
  return { elected: [winner], ranking: [[winner], ...excluded.reverse().map((option) => [option])], rounds, ties: lots.ties };
};

const schulze = (margins) => ({ options, seats, settings = {} }, votes, seed) => {
  const all = [...options.keys()];
  const wins = all.map(() => zeros(options));
  for (const [weight, ranking] of votes) {
    ranking.forEach((tier, place) => {
      for (const below of ranking.slice(place + 1).flat()) for (const above of tier) wins[above][below] = plus(wins[above][below], weight);
    });
  }
  const { status_quo: quo = null, threshold = null } = settings;
  const share = quo === null ? null : threshold === null ? { share: fraction(1, 2), strict: true } : { share: fraction(threshold[1], threshold[2]), strict: threshold[0] === "more_than" };
  const dropped = quo === null ? [] : all.filter((option) => option !== quo && !enough(share, wins[option][quo], plus(wins[option][quo], wins[quo][option])));
  const pathsOf = (among) => {
    const paths = all.map(() => zeros(options));
    for (const a of among) for (const b of among) if (compare(wins[a][b], wins[b][a]) > 0) paths[a][b] = margins ? minus(wins[a][b], wins[b][a]) : wins[a][b];
    for (const via of among) {
      for (const a of among) {
        for (const b of among) {
          const width = compare(paths[a][via], paths[via][b]) < 0 ? paths[a][via] : paths[via][b];
          if (a !== b && a !== via && compare(width, paths[a][b]) > 0) paths[a][b] = width;
        }
      }
    }
    return paths;
  };
  const tiersOf = (paths, among) => {
    const tiers = [];
    for (let left = among; left.length; left = left.filter((option) => !tiers.at(-1).includes(option))) {
      const now = left;
      tiers.push(now.filter((a) => now.every((b) => compare(paths[a][b], paths[b][a]) >= 0)));
    }
    return tiers;
  };
  const kept = all.filter((option) => !dropped.includes(option));
  const paths = pathsOf(kept);
  const ranking = [...tiersOf(paths, kept), ...(dropped.length ? tiersOf(pathsOf(dropped), dropped) : [])];
  const others = kept.filter((option) => option !== quo);
  const stands = quo !== null && others.length === 0 ? [quo] : others;
  const lots = new Lots(seed);
  const elected = lots.fill(ranking.map((tier) => tier.filter((option) => stands.includes(option))).filter((tier) => tier.length), seats);
  const square = (rows) => rows.map((row) => row.map(written));
  const round = { pairwise: square(wins), paths: square(paths), status_quo: quo, threshold: share && { share: written(share.share), strict: share.strict }, dropped };
  return { elected, ranking, rounds: [round], ties: lots.ties };
};

const sortition = ({ options, seats, settings = {} }, votes, seed) => {
  const { classes = [], shares = [] } = settings;
  const bytewise = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const drawn = shares.length ? shares.map(([name, a, b]) => [name, fraction(a, b)]).sort(([a], [b]) => bytewise(a, b)) : [["", fraction(1)]];
  const whole = drawn.map(([, share]) => Number((share.top * BigInt(seats)) / share.bottom));
  const rests = drawn.map(([, share], i) => minus(times(share, fraction(seats)), fraction(whole[i])));
  const rounding = new Stream(seed, "folkmoot/sortition/1/rounding");
  const waiting = new Set(drawn.keys());
  for (let free = seats - whole.reduce((a, b) => a + b, 0); free > 0; free -= 1) {
    const most = [...waiting].map((i) => rests[i]).reduce((a, b) => (compare(b, a) > 0 ? b : a));
    const alike = [...waiting].filter((i) => equal(rests[i], most));
    const lucky = alike.length > 1 ? alike[rounding.below(alike.length)] : alike[0];
    waiting.delete(lucky);
    whole[lucky] += 1;
  }
  const rounds = drawn.map(([name, share], i) => {
    const left = [...options.keys()].filter((option) => (shares.length ? classes[option] === name : true)).sort((a, b) => bytewise(options[a], options[b]));
    const stream = new Stream(seed, `folkmoot/sortition/1/draw/${name}`);
    const order = [];
    while (left.length) {
      const lot = stream.below(left.length);
      [left[lot], left[left.length - 1]] = [left[left.length - 1], left[lot]];
      order.push(left.pop());
    }
    return { name, share: written(share), seats: whole[i], order };
  });
  return { elected: rounds.flatMap(({ order, seats: theirs }) => order.slice(0, theirs)), ranking: [], rounds, ties: null };
};

const RULES = {
  "approval/1": greatest((choice) => choice.map((option) => [option, 1])),
  "score/1": greatest((choice) => choice.map((grade, option) => [option, grade ?? 0])),
  "irv/1": irv,
  "schulze-winning/1": schulze(false),
  "schulze-margins/1": schulze(true),
  "sortition/1": sortition,
  "majority-judgement/1": judgement,
  "stv-scottish/1": stv,
};

const ruleNamed = (rule) => RULES[rule] ?? (rule.startsWith("equal-shares-") ? equalShares(rule) : undefined);

export const isCounted = (rule) => Object.hasOwn(RULES, rule) || rule.startsWith("equal-shares-");

/** The result as plain data. votes: pairs of a weight and a choice. */
export const choose = (question, votes, seed) => {
  const { rule, options = [], seats = 1, settings } = question;
  require(isCounted(rule), "uncounted");
  const result = { rule, ...ruleNamed(rule)({ options, seats, settings }, votes, seed) };
  return encode(result).length > MOST ? { ...result, rounds: [{ digest: hex(hash(encode(result.rounds))) }] } : result;
};
