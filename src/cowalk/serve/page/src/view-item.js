// The item that is chosen: what it is, what its vector is made of, who its neighbours are, and why.

import { byId, el, number, tell } from "./dom.js";
import { bars, facts, itemList, notes, trouble } from "./lists.js";
import { change, state, when } from "./store.js";

export const NEIGHBOURS = 15;
let asked = null;

const empty = () =>
  el(
    "div",
    { className: "hint" },
    el("p", {}, "Click a point, or find an item by its id."),
    el("p", { className: "quiet" }, "Shift-click puts an item into the history. With the keyboard: Tab to the map, then the arrow keys, Enter and H; or search with /."),
  );

function attributesOf(item) {
  return Object.entries(item.attributes ?? {})
    .map(([name, values]) => [name, values.join(", ")])
    .filter(([, text]) => text !== item.name);
}

// Both lists beside each other where there are two models, and how much they share.
function neighbourLists(acts) {
  const [first, second] = state.neighbours;
  if (!second) return [el("h3", {}, "Neighbours"), itemList("Neighbours", state.models[0], first.hits, { acts, top: 1 }), notes(first.notes)];
  const ids = [first, second].map((answer) => new Set(answer.hits.map((hit) => String(hit.id))));
  const shared = [...ids[0]].filter((id) => ids[1].has(id)).length;
  const words = `${shared} of ${Math.max(ids[0].size, ids[1].size)} neighbours are the same in both models`;
  const column = (answer, at) =>
    el(
      "section",
      {},
      el("h3", {}, state.models[at].about.title),
      answer.missing ? el("p", { className: "quiet" }, answer.missing) : itemList(`Neighbours in ${state.models[at].about.title}`, state.models[at], answer.hits, { acts, top: 1, badge: (hit) => (ids[1 - at].has(String(hit.id)) ? "both" : null) }),
    );
  return [el("p", { className: "overlap" }, words), el("div", { className: "columns" }, column(first, 0), column(second, 1))];
}

function show(item, acts) {
  const model = state.models[0];
  const row = model.rowOf(item.id);
  const name = item.name || model.nameOf(item.id);
  const weights = Object.entries(item.weights ?? {}).sort((one, two) => two[1] - one[1]);
  return [
    el(
      "header",
      { className: "item-head" },
      el("h2", {}, el("span", { className: "id" }, String(item.id)), name ? el("span", { className: "name" }, name) : null),
      el("div", { className: "acts" }, el("button", { type: "button", onclick: () => acts.keep(item.id) }, "Add to history"), el("button", { type: "button", onclick: acts.frame }, "Frame on map")),
    ),
    facts([
      ["seen", `${number(item.count ?? 0)} times`],
      ...(row >= 0 ? [["group", model.about.clusters[model.clusters[row]]]] : [["cold", "nobody has clicked it yet"]]),
      ...attributesOf(item),
    ]),
    weights.length > 1 ? el("h3", {}, "What its vector is made of") : null,
    weights.length > 1 ? bars("Learned weights", weights) : null,
    ...neighbourLists(acts),
  ];
}

// What each model says of the item; a model that does not know it says so.
async function neighboursOf(model, id, signal) {
  try {
    return await model.api.similar(id, Math.min(NEIGHBOURS, model.size), signal);
  } catch (error) {
    if (error.status === 404) return { hits: [], notes: [], missing: `${id} is not in this model` };
    throw error;
  }
}

async function open(id, acts) {
  asked?.abort();
  asked = new AbortController();
  const view = byId("view-item");
  view.setAttribute("aria-busy", "true");
  try {
    const [item, ...neighbours] = await Promise.all([state.models[0].api.item(id), ...state.models.map((model) => neighboursOf(model, id, asked.signal))]);
    if (state.selected !== id) return;
    change({ neighbours });
    view.replaceChildren(...show(item, acts).filter(Boolean));
    view.scrollTop = 0;
    tell(`${id}${item.name ? `, ${item.name}` : ""}: ${neighbours[0].hits.length} neighbours`);
  } catch (error) {
    if (error.name === "AbortError") return;
    change({ neighbours: [] });
    view.replaceChildren(trouble(error));
  } finally {
    view.removeAttribute("aria-busy");
  }
}

export function startItem(acts) {
  const view = byId("view-item");
  view.replaceChildren(empty());
  when(["selected"], () => (state.selected === null ? view.replaceChildren(empty()) : open(state.selected, acts)));
}
