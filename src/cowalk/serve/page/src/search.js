// Search by id or name: a combobox whose list is answered by the service.

import { byId, el, tell, wait } from "./dom.js";
import { state } from "./store.js";

export function startSearch(acts) {
  const input = byId("query");
  const list = byId("found");
  let hits = [];
  let at = -1;
  let asked = null;

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  };
  const mark = (to) => {
    at = (to + hits.length) % hits.length;
    for (const [place, option] of [...list.children].entries()) option.setAttribute("aria-selected", String(place === at));
    input.setAttribute("aria-activedescendant", `found-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const take = (hit) => {
    input.value = "";
    close();
    acts.open(hit.id);
    byId("view-item").focus({ preventScroll: true });
  };
  const option = (hit, place) =>
    el(
      "li",
      { id: `found-${place}`, role: "option", "aria-selected": "false", onpointerdown: (event) => event.preventDefault(), onclick: () => take(hit) },
      el("span", { className: "id" }, String(hit.id)),
      el("span", { className: "name" }, hit.name || state.models[0].nameOf(hit.id)),
    );
  const show = (found) => {
    hits = found;
    list.replaceChildren(...(hits.length ? hits.map(option) : [el("li", { className: "none" }, "No such item")]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    tell(hits.length ? `${hits.length} items found` : "No such item");
    if (hits.length) mark(0);
  };
  const ask = async () => {
    asked?.abort();
    const query = input.value.trim();
    if (!query) return close();
    asked = new AbortController();
    try {
      const items = await state.models[0].api.find(query, asked.signal);
      if (input.value.trim() === query) show(items);
    } catch (error) {
      if (error.name !== "AbortError") tell(error.message);
    }
    return undefined;
  };

  input.addEventListener("input", wait(90, ask));
  input.addEventListener("focus", () => input.value && ask());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" && hits.length && !list.hidden) mark(at + 1);
    else if (event.key === "ArrowUp" && hits.length && !list.hidden) mark(at - 1);
    else return;
    event.preventDefault();
  });
  byId("search").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (list.hidden || at < 0) await ask();
    if (at >= 0) take(hits[at]);
  });
  document.addEventListener("keydown", (event) => {
    const writes = /INPUT|SELECT|TEXTAREA/.test(document.activeElement?.tagName ?? "");
    if (event.key !== "/" || writes || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    input.focus();
  });
}
