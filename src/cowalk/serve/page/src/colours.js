// Colours of the points: categories that can be told apart, and a scale from few to many.

import { plural } from "./dom.js";

// Ten hues of like lightness, the first eight apart for colour-blind eyes; grey is for what has no colour.
const LIGHT = ["#0f766e", "#d97706", "#4f63d2", "#c2416b", "#5b8c1f", "#0e87c4", "#8b5cb8", "#a3622f", "#c0a415", "#56707e"];
const DARK = ["#2dd4bf", "#f5a545", "#8b9cff", "#f2759b", "#a3d15c", "#56c2f5", "#c39aea", "#d69a68", "#e8d04f", "#93abb8"];
const GREY = { light: "#b6b9bd", dark: "#4b5056" };
// viridis (van der Walt & Smith 2015), its darkest end left out on dark paper and its brightest on light
const FEW_TO_MANY = {
  light: ["#bcd9c9", "#7fc6a4", "#3fa78f", "#2a8388", "#2b617f", "#33406f", "#341a55"],
  dark: ["#3b4a7a", "#31688e", "#26828e", "#1f9e89", "#4cc26c", "#a0da39", "#fde725"],
};

export const SHOWN = 10; // categories with a colour of their own

export const isDark = () => {
  const told = document.documentElement.dataset.theme;
  return told ? told === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

export const categories = () => (isDark() ? DARK : LIGHT);
export const grey = () => (isDark() ? GREY.dark : GREY.light);
export const scale = () => (isDark() ? FEW_TO_MANY.dark : FEW_TO_MANY.light);

// How the points are coloured: {values, palette, legend: [{label, count, colour, code}]}.
// Codes 0..9 are the largest categories, SHOWN is the rest and what is missing.
export function byCategory(codes, labels, counts) {
  const shown = Math.min(SHOWN, labels.length);
  const values = new Float32Array(codes.length);
  let rest = 0;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] === 0 ? SHOWN : Math.min(codes[at] - 1, SHOWN); // 0 is missing, 1 the largest
    values[at] = code;
    if (code === SHOWN) rest += 1;
  }
  const palette = [...categories(), grey()];
  const legend = labels.slice(0, shown).map((label, code) => ({ label, count: counts[code], colour: palette[code], code }));
  if (rest) legend.push({ label: labels.length > SHOWN ? "all others" : "none", count: rest, colour: grey(), code: SHOWN });
  return { values, palette, legend };
}

// Numbers in their order: as many steps of one scale as there are buckets.
export function byOrder(codes, labels, counts) {
  const steps = scale();
  const last = Math.max(labels.length - 1, 1);
  const values = new Float32Array(codes.length);
  const step = (code) => Math.round((code * (steps.length - 1)) / last);
  let missing = 0;
  for (let at = 0; at < codes.length; at += 1) {
    values[at] = codes[at] === 0 ? steps.length : step(codes[at] - 1);
    if (codes[at] === 0) missing += 1;
  }
  const legend = labels.map((label, code) => ({ label, count: counts[code], colour: steps[step(code)], code: step(code) }));
  if (missing) legend.push({ label: "none", count: missing, colour: grey(), code: steps.length });
  return { values, palette: [...steps, grey()], legend };
}

export function byPopularity(counts) {
  const steps = scale();
  const sorted = counts.slice().sort();
  const edges = steps.map((_, step) => sorted[Math.floor((step * counts.length) / steps.length)]);
  const values = new Float32Array(counts.length);
  const totals = steps.map(() => 0);
  for (let at = 0; at < counts.length; at += 1) {
    let step = 0;
    while (step + 1 < edges.length && counts[at] >= edges[step + 1]) step += 1;
    values[at] = step;
    totals[step] += 1;
  }
  const legend = steps
    .map((colour, code) => ({ label: `seen ${plural(edges[code], "time")} or more`, count: totals[code], colour, code }))
    .filter((entry) => entry.count)
    .reverse();
  return { values, palette: [...steps, grey()], legend };
}
