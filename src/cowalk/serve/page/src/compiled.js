// What regl would compile while the page runs, compiled beforehand; build.mjs tells why and how.

import { plans } from "plans";

const seen = new Map();

// A short name of a text: two 32-bit FNV-1a sums.
function nameOf(text) {
  let one = 0x811c9dc5;
  let two = 0x1000193;
  for (let at = 0; at < text.length; at += 1) {
    one = Math.imul(one ^ text.charCodeAt(at), 0x01000193);
    two = Math.imul(two ^ text.charCodeAt(at), 0x5bd1e995);
  }
  return `p${(one >>> 0).toString(36)}${(two >>> 0).toString(36)}`;
}

export function planOf(names, source) {
  const plan = plans[nameOf(`${names.join()}\n${source}`)];
  if (!plan) throw new Error("a drawing command was not compiled beforehand");
  return plan;
}

export function recordPlan(names, source) {
  seen.set(nameOf(`${names.join()}\n${source}`), `function (${names.join()}) {\n${source}\n}`);
  return Function(...names, source); // only in the bundle that records
}

export const recorded = () =>
  `export const plans = {\n${[...seen].sort().map(([name, plan]) => `${name}: ${plan},`).join("\n")}\n};\n`;
