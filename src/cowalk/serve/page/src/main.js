// The page: models are loaded, maps drawn, and what is chosen goes from the views to the marks.

import { byId, el, number, tell } from "./dom.js";
import { MapView } from "./map.js";
import { ModelView } from "./model.js";
import { startSearch } from "./search.js";
import { change, state, when } from "./store.js";
import { startTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { startHistory } from "./view-history.js";
import { startItem } from "./view-item.js";
import { startNew } from "./view-new.js";

const POLL = 3000; // milliseconds between two looks at the model's version
const maps = [];
let away = false;

const acts = {
  open: (id) => change({ tab: "item", selected: id }),
  keep: (id) => {
    change({ history: [...state.history, id] });
    tell(`${id} put into the history, ${number(state.history.length)} in it`);
  },
  frame: () => maps.forEach((map) => map.frame()),
};

// The colour choices: what every model has, then the fields of the first.
function showColours(about) {
  const choice = byId("colour");
  const options = [["cluster", "group"], ["popularity", "popularity"], ...about.fields.filter((field) => field.kind !== "dense").map((field) => [`field:${field.name}`, field.name])];
  choice.replaceChildren(...options.map(([value, label]) => el("option", { value }, label)));
  if (!options.some(([value]) => value === state.colour)) state.colour = "cluster";
  choice.value = state.colour;
}

async function paint() {
  await Promise.all(maps.map(async (map) => map.draw(await map.model.colouring(state.colour))));
}

// What the map of a model shows: in the history's view the history and what follows, else the item.
function marksOf(model, at) {
  const label = (id) => model.nameOf(id) || String(id);
  const named = (hits, kind) => hits.map((hit) => ({ id: hit.id, kind, label: label(hit.id) }));
  if (state.tab === "history") {
    return { marks: [...named(state.history.map((id) => ({ id })).reverse(), "history"), ...named(state.recommended, "recommended")], options: {} };
  }
  if (state.tab === "new") {
    if (!state.fresh) return { marks: [], options: {} };
    const marks = [{ kind: "new", label: "new item" }, ...named(state.fresh.hits, "near")];
    return { marks: at ? marks.slice(1) : marks, options: { place: at ? null : state.fresh.place, lines: ["near"], show: ["new"] } };
  }
  if (state.selected === null) return { marks: named(state.history.map((id) => ({ id })), "history"), options: {} };
  const other = new Set((state.neighbours[1 - at]?.hits ?? []).map((hit) => String(hit.id)));
  const near = (state.neighbours[at]?.hits ?? []).map((hit) => ({ id: hit.id, kind: other.has(String(hit.id)) ? "both" : "near", label: label(hit.id) }));
  return { marks: [{ id: state.selected, kind: "chosen", label: label(state.selected) }, ...near], options: { lines: ["near", "both"], show: ["chosen"] } };
}

function markAll() {
  maps.forEach((map, at) => {
    const { marks, options } = marksOf(map.model, at);
    map.mark(marks, options);
  });
}

function showModel() {
  const [first] = state.models;
  const { about } = first;
  byId("model").textContent = `${about.title} · ${number(about.items)} items · ${about.dimensions} dimensions`;
  document.title = `${about.title} · cowalk`;
}

const fieldsOf = (model) => JSON.stringify(model.about.fields.map((field) => [field.name, field.kind]));

// Read a model again whose version is another than the one shown; what is chosen stays chosen.
async function follow(model) {
  if ((await model.api.version()) === model.about.version) return;
  const before = fieldsOf(model);
  await model.load();
  if (fieldsOf(model) !== before) location.reload(); // the forms were made for other fields
  showModel();
  showColours(state.models[0].about);
  await paint();
  tell(`The model was swapped: version ${model.about.version}`);
  change({ selected: state.selected, history: state.history });
}

// A model that is swapped while the page is open is followed; a service that is away is told of until it is back.
async function watch() {
  if (document.visibilityState === "visible") {
    try {
      for (const model of state.models) await follow(model);
      if (away) showModel();
      away = false;
    } catch (error) {
      away = true;
      byId("model").replaceChildren(el("span", { className: "trouble", role: "alert" }, error.message));
    }
  }
  setTimeout(watch, POLL);
}

async function start() {
  startTheme(() => paint().then(markAll));
  const first = await new ModelView("").load();
  const models = first.about.beside ? [first, await new ModelView("beside/").load()] : [first];
  state.models = models;
  showModel();
  showColours(first.about);
  for (const model of models) {
    const map = new MapView(model, acts);
    maps.push(map);
    byId("maps").append(map.node);
  }
  document.body.classList.toggle("two", models.length > 1);
  maps.forEach((map) => map.start());
  startTabs();
  startSearch(acts);
  startItem(acts);
  startHistory(acts);
  startNew(acts);
  when(["neighbours", "recommended", "fresh", "tab", "history", "selected"], markAll);
  byId("colour").addEventListener("change", (event) => {
    state.colour = event.target.value;
    paint();
  });
  await paint();
  document.body.dataset.ready = "yes";
  setTimeout(watch, POLL);
}

start().catch((error) => {
  console.error(error);
  byId("maps").append(el("p", { className: "trouble", role: "alert" }, error.message));
});
