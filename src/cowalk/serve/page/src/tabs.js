// The tabs of the panel, by the pattern that screen readers know: arrows move, Tab goes into the view.

import { byId } from "./dom.js";
import { change, state, when } from "./store.js";

const TABS = ["item", "history", "new"];

export function startTabs() {
  const show = () => {
    for (const name of TABS) {
      const tab = byId(`tab-${name}`);
      const chosen = state.tab === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      byId(`view-${name}`).hidden = !chosen;
    }
  };
  for (const [at, name] of TABS.entries()) {
    const tab = byId(`tab-${name}`);
    tab.addEventListener("click", () => change({ tab: name }));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = TABS[(at + step + TABS.length) % TABS.length];
      change({ tab: next });
      byId(`tab-${next}`).focus();
    });
  }
  when(["tab"], show);
  show();
}
