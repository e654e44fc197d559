// What is chosen on the page: one object; those who draw it are told by name what has changed.

const listeners = [];

export const state = {
  models: [], // ModelView of the served model, then the one beside it
  selected: null, // an id
  neighbours: [], // by model: its hits for the selected item, nearest first
  history: [], // ids, oldest first
  recommended: [], // hits
  fresh: null, // the new item: {attributes, neighbours, place}
  tab: "item",
  colour: "cluster",
};

export function change(changes) {
  Object.assign(state, changes);
  const names = Object.keys(changes);
  for (const [wanted, act] of listeners) if (wanted.some((name) => names.includes(name))) act(state);
}

export function when(names, act) {
  listeners.push([names, act]);
}
