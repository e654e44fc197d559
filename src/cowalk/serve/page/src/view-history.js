// A history made by clicking, and what is recommended after it.

import { byId, el, plural, tell, wait } from "./dom.js";
import { itemList, notes, trouble } from "./lists.js";
import { change, state, when } from "./store.js";

const SHOWN = 15;
let asked = null;

function wishOf(form) {
  const wish = { history: state.history, k: Math.min(SHOWN, state.models[0].size) };
  const diversity = Number(form.diversity.value);
  const interests = Number(form.interests.value);
  if (diversity > 0) wish.diversity = diversity;
  if (interests > 1) wish.interests = interests;
  const field = form.filter?.value;
  const text = form.filter ? form.value.value.trim() : "";
  if (field && text) wish.where = { [field]: wantedOf(field, text) };
  return wish;
}

// A value as it is written; of numbers also a range, as in 2 - 5.
function wantedOf(name, text) {
  const field = state.models[0].about.fields.find((one) => one.name === name);
  if (field.kind !== "numeric") return text;
  const [, low, high] = /^(-?[\d.]+)\s*(?:-|–|to)\s*(-?[\d.]+)$/.exec(text) ?? [];
  if (low !== undefined) return { min: Number(low), max: Number(high) };
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

async function ask(form, found, acts) {
  asked?.abort();
  if (!state.history.length) {
    change({ recommended: [] });
    found.replaceChildren(el("p", { className: "quiet" }, "Nothing yet: add items with the + beside them, or shift-click points."));
    return;
  }
  asked = new AbortController();
  try {
    const model = state.models[0];
    const answer = await model.api.recommend(wishOf(form), asked.signal);
    change({ recommended: answer.hits });
    found.replaceChildren(
      ...[el("h3", {}, "Recommended"), notes(answer.notes), itemList("Recommended", model, answer.hits, { acts, kind: "recommended" })].filter(Boolean),
    );
    tell(`${plural(answer.hits.length, "item")} recommended after a history of ${state.history.length}`);
  } catch (error) {
    if (error.name !== "AbortError") found.replaceChildren(trouble(error));
  }
}

function chips(acts) {
  const model = state.models[0];
  if (!state.history.length) return [];
  return [
    ...state.history.map((id, at) =>
      el(
        "li",
        {},
        el("button", { type: "button", className: "open", title: model.nameOf(id), onclick: () => acts.open(id) }, String(id)),
        el("button", { type: "button", className: "plain", "aria-label": `Take ${id} out of the history`, onclick: () => change({ history: state.history.filter((_, place) => place !== at) }) }, "×"),
      ),
    ),
    el("li", { className: "clear" }, el("button", { type: "button", className: "plain", onclick: () => change({ history: [] }) }, "Clear")),
  ];
}

function slider(label, name, { max, step, value, words }) {
  const shown = el("output", {}, words(value));
  const input = el("input", { type: "range", name, "aria-label": label, min: name === "interests" ? 1 : 0, max, step, value });
  input.addEventListener("input", () => (shown.value = words(input.value)));
  return el("label", {}, el("span", {}, label), input, shown);
}

function controls(about) {
  const fields = about.fields.filter((field) => field.kind !== "dense");
  const values = el("datalist", { id: "filter-values" });
  const value = el("input", { name: "value", type: "text", "aria-label": "has the value", placeholder: "value", autocomplete: "off" });
  const pick = el("select", { name: "filter", "aria-label": "Only items whose field" }, el("option", { value: "" }, "any item"), fields.map((field) => el("option", { value: field.name }, field.name)));
  pick.addEventListener("change", () => {
    const field = fields.find((one) => one.name === pick.value);
    value.placeholder = field?.kind === "numeric" ? "from - to" : "value";
    values.replaceChildren(...(field?.kind === "numeric" ? [] : (field?.values ?? [])).slice(0, 300).map((value) => el("option", { value })));
  });
  value.setAttribute("list", "filter-values");
  return el(
    "form",
    { className: "controls", onsubmit: (event) => event.preventDefault() },
    slider("Diversity", "diversity", { max: 1, step: 0.05, value: 0, words: (given) => Number(given).toFixed(2) }),
    slider("Interests", "interests", { max: 5, step: 1, value: 1, words: (given) => String(given) }),
    fields.length ? el("div", { className: "filter" }, el("span", {}, "Only"), pick, value, values) : null,
  );
}

export function startHistory(acts) {
  const view = byId("view-history");
  const list = el("ul", { className: "chips", "aria-label": "History, oldest first" });
  const found = el("div", { className: "found" });
  const form = controls(state.models[0].about);
  view.replaceChildren(list, form, found);
  const again = wait(120, () => ask(form, found, acts));
  form.addEventListener("input", again);
  const draw = () => {
    const count = byId("history-count");
    count.hidden = !state.history.length;
    count.textContent = state.history.length;
    list.replaceChildren(...chips(acts));
    again();
  };
  when(["history"], draw);
  draw();
}
