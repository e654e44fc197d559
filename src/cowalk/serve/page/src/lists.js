// Lists of items: the words that say what the marks on the map show.

import { el, plural } from "./dom.js";

// One item as a button: id, name, score as a bar, reasons below.
// acts: {open(id), keep(id)}; badge: a word on the right; top: the score that fills the bar.
export function itemRow(model, hit, { acts, top = 1, badge = null, kind = "near" }) {
  const name = hit.name || model.nameOf(hit.id);
  const share = top > 0 ? Math.max(0, Math.min(1, hit.score / top)) : 0;
  return el(
    "li",
    { className: `row ${kind}` },
    el(
      "button",
      { type: "button", className: "open", onclick: () => acts.open(hit.id) },
      el("span", { className: "id" }, String(hit.id)),
      name ? el("span", { className: "name" }, name) : null,
      badge ? el("span", { className: "badge" }, badge) : null,
      Number.isFinite(hit.score) ? el("span", { className: "score" }, hit.score.toFixed(3)) : null,
      Number.isFinite(hit.score) ? el("span", { className: "bar", "aria-hidden": true }, el("i", { style: { width: `${100 * share}%` } })) : null,
      hit.reasons?.length ? el("span", { className: "why", title: hit.reasons.join("\n") }, hit.reasons.join(" · ")) : null,
    ),
    el("button", { type: "button", className: "keep plain", title: "Into the history", "aria-label": `Put ${hit.id} into the history`, onclick: () => acts.keep(hit.id) }, "+"),
  );
}

// top: the score of a full bar, the best one's unless given.
export function itemList(label, model, hits, options) {
  if (!hits.length) return el("p", { className: "quiet" }, "None.");
  const top = options.top ?? hits.reduce((most, hit) => Math.max(most, hit.score), 0);
  const rows = hits.map((hit) => itemRow(model, hit, { ...options, top, badge: options.badge?.(hit), kind: options.kind }));
  return el("ol", { className: "items", "aria-label": `${label}, ${plural(hits.length, "item")}` }, rows);
}

// Shares that add up to one, as bars.
export function bars(label, shares) {
  return el(
    "dl",
    { className: "bars", "aria-label": label },
    shares.map(([name, share]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, el("span", { className: "bar", "aria-hidden": true }, el("i", { style: { width: `${100 * share}%` } })), `${(100 * share).toFixed(1)} %`)),
    ),
  );
}

export function facts(pairs) {
  return el("dl", { className: "facts" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

export const notes = (lines) => (lines?.length ? el("ul", { className: "notes" }, lines.map((line) => el("li", {}, line))) : null);

export const trouble = (error) => el("p", { className: "trouble", role: "alert" }, error.message);
