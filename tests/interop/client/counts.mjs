// The longer counts (chapter 10.5): majority judgement, the Scottish vote, equal shares and their completions.

import { compare, fraction, minus, over, plus, sum, times, written } from "./fraction.mjs";
import { Lots } from "./lots.mjs";

const ZERO = fraction(0);
const ONE = fraction(1);
const UNIT = 100_000n;
const floor = ({ top, bottom }) => top / bottom; // of what is not below 0
const least = (list) => list.reduce((a, b) => (compare(b, a) < 0 ? b : a));
const isZero = ({ top }) => top === 0n;
const number = (big) => (big <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(big) : big);

// --- majority judgement ---------------------------------------------------------------------------

export const judgement = ({ options, seats, settings }, votes, seed) => {
  const grades = options.map((_, option) => {
    const weights = Array.from({ length: settings.best + 1 }, () => ZERO);
    for (const [weight, choice] of votes) weights[choice[option] ?? 0] = plus(weights[choice[option] ?? 0], weight);
    return weights;
  });
  const cast = sum(votes.map(([weight]) => weight));
  const half = times(cast, fraction(1, 2));
  const ends = grades.map((weights) => weights.map((_, grade) => sum(weights.slice(0, grade + 1))));
  const at = (option, place) => ends[option].findIndex((end) => compare(end, place) >= 0);
  // Between two neighbouring distances at which some option's grades change, nobody's do.
  const turns = [ZERO, ...ends.flat().map((end) => (compare(end, half) > 0 ? minus(end, half) : minus(half, end))), half].sort(compare);
  const middles = turns.slice(1).map((far, i) => [turns[i], far]).filter(([near, far]) => compare(near, far) < 0).map(([near, far]) => times(plus(near, far), fraction(1, 2)));
  const pairs = options.map((_, option) => middles.flatMap((d) => [at(option, minus(half, d)), at(option, plus(half, d))]));
  const order = (a, b) => {
    const i = pairs[a].findIndex((grade, place) => grade !== pairs[b][place]);
    return i < 0 ? 0 : pairs[b][i] - pairs[a][i];
  };
  const ranking = [];
  for (const option of [...options.keys()].sort((a, b) => order(a, b) || a - b)) {
    if (ranking.length && order(ranking.at(-1)[0], option) === 0) ranking.at(-1).push(option);
    else ranking.push([option]);
  }
  const lots = new Lots(seed);
  const round = { grades: grades.map((weights) => weights.map(written)), medians: pairs.map((one) => one[0] ?? null), cast: written(cast) };
  return { elected: lots.fill(ranking, seats), ranking, rounds: [round], ties: lots.ties };
};

// --- the Scottish vote ----------------------------------------------------------------------------

const papersOf = (votes) => {
  const papers = new Map();
  for (const [weight, ranking] of votes) {
    const end = ranking.findIndex((tier) => tier.length > 1);
    const preferences = (end < 0 ? ranking : ranking.slice(0, end)).flat();
    if (preferences.length === 0 || isZero(weight)) continue;
    const name = preferences.join();
    papers.set(name, { preferences, weight: plus(papers.get(name)?.weight ?? ZERO, weight), value: UNIT });
  }
  return [...papers.values()];
};

export const stv = ({ options, seats: asked }, votes, seed) => {
  const papers = papersOf(votes);
  const lots = new Lots(seed);
  const all = sum(papers.map((paper) => paper.weight));
  const quota = (floor(times(all, fraction(1, asked + 1))) + 1n) * UNIT;
  const seats = Math.min(asked, options.length);
  const continuing = new Set(options.keys());
  const held = options.map(() => []);
  const credited = options.map(() => 0n);
  const [elected, excluded, surpluses, rounds, history] = [[], [], new Set(), [], []];
  let [exhausted, lost] = [0n, 0n];

  const handOut = (handed, released) => {
    const gains = new Map();
    let nowhere = ZERO;
    for (const paper of handed) {
      const worth = times(paper.weight, fraction(paper.value));
      const to = paper.preferences.find((option) => continuing.has(option));
      if (to === undefined) nowhere = plus(nowhere, worth);
      else {
        held[to].push(paper);
        gains.set(to, plus(gains.get(to) ?? ZERO, worth));
      }
    }
    const transfers = [...gains].sort(([a], [b]) => a - b).map(([to, gain]) => [to, floor(gain)]);
    for (const [to, gain] of transfers) credited[to] += gain;
    exhausted += floor(nowhere);
    lost += released - floor(nowhere) - transfers.reduce((total, [, gain]) => total + gain, 0n);
    return transfers;
  };
  const endStage = (action, candidate, transfers) => {
    const before = [...history].reverse();
    const ahead = (a, b) => [credited, ...before].map((stage) => stage[b] - stage[a]).find((difference) => difference !== 0n) ?? BigInt(a - b);
    const inOrder = (list) => list.sort((a, b) => (ahead(a, b) < 0n ? -1 : 1));
    const newly = inOrder([...continuing].filter((option) => credited[option] >= quota));
    for (const option of newly) {
      continuing.delete(option);
      if (credited[option] > quota) surpluses.add(option);
    }
    if (elected.length + newly.length + continuing.size <= seats) {
      newly.push(...inOrder([...continuing]));
      continuing.clear();
    }
    elected.push(...newly);
    history.push([...credited]);
    rounds.push({
      action, candidate, transfers: transfers.map(([to, gain]) => [to, number(gain)]), votes: credited.map(number), exhausted: number(exhausted), lost: number(lost), quota: number(quota), elected: newly,
    });
  };
  const oneOf = (among, most, purpose) => {
    let left = [...among];
    const edge = (stage) => left.map((option) => stage[option]).reduce((a, b) => (most === b > a ? b : a));
    for (const stage of [credited, ...[...history].reverse()]) {
      const bound = edge(stage);
      left = left.filter((option) => stage[option] === bound);
    }
    return lots.pick(left, rounds.length, purpose);
  };

  endStage("first preferences", null, handOut(papers, floor(times(all, fraction(UNIT)))));
  while (elected.length < seats) {
    if (surpluses.size) {
      const who = oneOf(surpluses, true, "surplus");
      surpluses.delete(who);
      const surplus = credited[who] - quota;
      const pile = held[who].splice(0);
      for (const paper of pile) paper.value = (surplus * paper.value) / credited[who];
      credited[who] = quota;
      endStage("surplus", who, handOut(pile, surplus));
    } else {
      const who = oneOf(continuing, false, "exclude");
      continuing.delete(who);
      excluded.push(who);
      const released = credited[who];
      credited[who] = 0n;
      endStage("exclusion", who, handOut(held[who].splice(0), released));
    }
  }
  const waiting = [...continuing].sort((a, b) => a - b);
  const ranking = [...elected.map((option) => [option]), ...(waiting.length ? [waiting] : []), ...[...excluded].reverse().map((option) => [option])];
  return { elected, ranking, rounds, ties: lots.ties };
};

// --- equal shares -----------------------------------------------------------------------------------

const WORTH = { cost: (cost) => cost, cardinality: () => ONE, points: (_, points) => points };

export const equalShares = (rule) => ({ options, settings }, votes, seed) => {
  const [, sort, add1, utilitarian] = /^equal-shares-(cost|cardinality|points)(-add1)?(-utilitarian)?\/1$/.exec(rule);
  const budget = fraction(settings.budget);
  const costs = settings.costs.map((cost) => fraction(cost));
  const voters = votes.filter(([weight]) => !isZero(weight)).map(([weight, choice]) => ({ weight, worth: new Map(choice.filter(([, points]) => points > 0).map(([project, points]) => [project, WORTH[sort](costs[project], fraction(points))])) }));
  for (const voter of voters) for (const [project, worth] of voter.worth) if (isZero(worth)) voter.worth.delete(project);
  const whole = sum(voters.map((voter) => voter.weight));
  const supporters = costs.map((_, project) => voters.filter((voter) => voter.worth.has(project)));
  const lots = new Lots(seed);
  const paid = (money, project, rho, voter) => least([money.get(voter), times(rho, voter.worth.get(project))]);

  /** The least rho at which a project is paid for, or null. `money` is what each voter of weight 1 has left. */
  const price = (money, project) => {
    const payers = [...supporters[project]].sort((a, b) => compare(times(money.get(a), b.worth.get(project)), times(money.get(b), a.worth.get(project))));
    let need = costs[project];
    let many = sum(payers.map((voter) => times(voter.weight, voter.worth.get(project))));
    if (payers.length === 0 || compare(sum(payers.map((voter) => times(voter.weight, money.get(voter)))), need) < 0) return null;
    for (const voter of payers) {
      const rho = over(need, many);
      if (compare(times(rho, voter.worth.get(project)), money.get(voter)) <= 0) return rho;
      need = minus(need, times(voter.weight, money.get(voter)));
      many = minus(many, times(voter.weight, voter.worth.get(project)));
    }
    return null;
  };
  const linked = (money, tied) => {
    const payers = (project) => supporters[project].filter((voter) => !isZero(money.get(voter)));
    const chain = [tied[0]];
    const reached = new Set(payers(tied[0]));
    for (let more = true; more; ) {
      const near = tied.filter((project) => !chain.includes(project) && payers(project).some((voter) => reached.has(voter)));
      for (const project of near) for (const voter of payers(project)) reached.add(voter);
      chain.push(...near);
      more = near.length > 0;
    }
    return chain;
  };
  const count = (raised) => {
    const share = voters.length ? plus(over(budget, whole), fraction(raised)) : ZERO;
    const money = new Map(voters.map((voter) => [voter, share]));
    const [elected, rounds] = [[], []];
    for (;;) {
      const offers = costs.map((_, project) => [project, elected.includes(project) ? null : price(money, project)]).filter(([, rho]) => rho !== null);
      if (offers.length === 0) return { elected, rounds, money, raised };
      const rho = least(offers.map(([, one]) => one));
      const tied = offers.filter(([, one]) => compare(one, rho) === 0).map(([project]) => project);
      const among = isZero(costs[tied[0]]) ? [tied[0]] : linked(money, tied);
      const project = lots.pick(among, elected.length, raised ? `elect, shares raised by ${raised}` : "elect");
      const payers = supporters[project].filter((voter) => !isZero(money.get(voter)));
      for (const voter of payers) money.set(voter, minus(money.get(voter), paid(money, project, rho, voter)));
      const weigh = (list) => written(sum(list.map((voter) => voter.weight)));
      const dearest = supporters[project].map((voter) => voter.worth.get(project)).reduce((a, b) => (compare(b, a) > 0 ? b : a));
      elected.push(project);
      rounds.push({
        project, rho: written(rho), price: written(times(rho, dearest)), paying: weigh(payers), drained: weigh(payers.filter((voter) => isZero(money.get(voter)))),
        left: written(sum(voters.map((voter) => times(voter.weight, money.get(voter))))),
      });
    }
  };
  const rest = (elected) => minus(budget, sum(elected.map((project) => costs[project])));
  const fitting = (elected) => [...costs.keys()].filter((project) => supporters[project].length && !elected.includes(project) && compare(costs[project], rest(elected)) <= 0);

  let level = count(0);
  while (add1 && fitting(level.elected).length) {
    const above = count(level.raised + 1);
    if (rest(above.elected).top < 0n) break;
    level = above;
  }
  const elected = [...level.elected];
  const rounds = [...(level.raised ? [{ by: level.raised }] : []), ...level.rounds];
  while (utilitarian && fitting(elected).length) {
    const open = fitting(elected);
    const values = new Map(open.map((project) => [project, over(sum(supporters[project].map((voter) => times(voter.weight, voter.worth.get(project)))), costs[project])]));
    const most = [...values.values()].reduce((a, b) => (compare(b, a) > 0 ? b : a));
    const tied = open.filter((project) => compare(values.get(project), most) === 0);
    const together = compare(sum(tied.map((project) => costs[project])), rest(elected)) <= 0;
    const project = together ? tied[0] : lots.pick(tied, elected.length, "complete");
    elected.push(project);
    rounds.push({ project, value: written(most), left: written(rest(elected)) });
  }
  for (const project of costs.keys()) {
    if (elected.includes(project)) continue;
    const funds = sum(supporters[project].map((voter) => times(voter.weight, level.money.get(voter))));
    rounds.push({ project, supporters: written(sum(supporters[project].map((voter) => voter.weight))), funds: written(funds) });
  }
  return { elected, ranking: [], rounds, ties: lots.ties };
};
