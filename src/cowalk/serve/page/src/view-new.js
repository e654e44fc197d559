// A new item: made from attributes, dropped on the map where its neighbours are.

import { byId, el, tell } from "./dom.js";
import { itemList, notes, trouble } from "./lists.js";
import { change, state } from "./store.js";

function inputOf(field) {
  const id = `new-${field.name}`;
  const values = field.kind === "numeric" ? [] : field.values.slice(0, 300);
  const input = el("input", { id, name: field.name, type: field.kind === "numeric" ? "number" : "text", step: "any", autocomplete: "off", placeholder: field.kind === "multi" ? "several, with commas" : "" });
  if (values.length) input.setAttribute("list", `${id}-values`);
  return el(
    "div",
    { className: "field" },
    el("label", { htmlFor: id }, field.name),
    input,
    values.length ? el("datalist", { id: `${id}-values` }, values.map((value) => el("option", { value }))) : null,
  );
}

function attributesOf(form, fields) {
  const made = {};
  for (const field of fields) {
    const text = form.elements[field.name].value.trim();
    if (!text) continue;
    if (field.kind === "numeric") made[field.name] = Number(text);
    else if (field.kind === "multi") made[field.name] = text.split(",").map((part) => part.trim()).filter(Boolean);
    else made[field.name] = text;
  }
  return made;
}

async function make(form, fields, found, acts) {
  const model = state.models[0];
  const attributes = attributesOf(form, fields);
  if (!Object.keys(attributes).length) {
    found.replaceChildren(el("p", { className: "trouble", role: "alert" }, "Give at least one attribute."));
    return;
  }
  try {
    const answer = await model.api.embed(attributes, Math.min(15, model.size));
    const near = answer.hits.filter((hit) => model.rowOf(hit.id) >= 0);
    const place = near.length ? await model.api.place(near) : null;
    change({ fresh: { attributes, hits: answer.hits, place } });
    found.replaceChildren(
      ...[el("h3", {}, "Its neighbours"), notes(answer.notes), itemList("Neighbours of the new item", model, answer.hits, { acts, kind: "fresh" })].filter(Boolean),
    );
    tell(`The new item stands on the map, ${answer.hits.length ? `nearest to ${answer.hits[0].id}` : "without neighbours"}`);
  } catch (error) {
    change({ fresh: null });
    found.replaceChildren(trouble(error));
  }
}

export function startNew(acts) {
  const view = byId("view-new");
  const fields = state.models[0].about.fields.filter((field) => field.kind !== "dense");
  if (!fields.length) {
    view.replaceChildren(el("p", { className: "quiet" }, "This model was learned without attributes, so it cannot place a new item."));
    return;
  }
  const found = el("div", { className: "found" });
  const form = el(
    "form",
    { className: "new", autocomplete: "off" },
    el("p", { className: "quiet" }, "An item that nobody has clicked yet, by its attributes alone."),
    fields.map(inputOf),
    el("div", { className: "acts" }, el("button", { type: "submit", className: "strong" }, "Place on the map"), el("button", { type: "reset" }, "Clear")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    make(form, fields, found, acts);
  });
  form.addEventListener("reset", () => {
    found.replaceChildren();
    change({ fresh: null });
  });
  view.replaceChildren(form, found);
}
