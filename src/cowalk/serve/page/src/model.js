// One model as the page knows it: its items by row, their places, and how they are coloured.

import { Api } from "./api.js";
import { byCategory, byOrder, byPopularity } from "./colours.js";

const HEAD = 16; // bytes: "CWMAP1\0\0", uint32 items, uint32 clusters

export class ModelView {
  constructor(base) {
    this.api = new Api(base);
    this.fields = new Map();
  }

  // All parts of one version; asked again where the model is swapped meanwhile.
  async load() {
    for (let tries = 0; tries < 4; tries += 1) {
      const about = await this.api.about();
      const [bytes, named] = await Promise.all([this.api.places(), this.api.ids()]);
      const after = await this.api.about();
      if (after.version !== about.version) continue;
      this.about = about;
      this.take(bytes, named);
      return this;
    }
    throw new Error("the model is swapped faster than it can be read");
  }

  take(bytes, named) {
    const head = new DataView(bytes);
    const items = head.getUint32(8, true);
    this.places = new Float32Array(bytes, HEAD, 2 * items);
    this.counts = new Uint32Array(bytes, HEAD + 8 * items, items);
    this.clusters = new Uint8Array(bytes, HEAD + 12 * items, items);
    this.ids = named.ids;
    this.names = named.names;
    this.rows = new Map(this.ids.map((id, row) => [id, row]));
    this.fields.clear();
  }

  get size() {
    return this.ids.length;
  }

  rowOf(id) {
    return this.rows.get(id) ?? -1;
  }

  // What stands beside the id: the item's name, where the model knows one.
  nameOf(id) {
    const row = this.rowOf(id);
    return row >= 0 && this.names ? (this.names[row] ?? "") : "";
  }

  async colouring(name) {
    if (name === "popularity") return byPopularity(this.counts);
    if (name === "cluster") {
      const codes = this.clusters.map((code) => code + 1);
      const counts = new Array(this.about.clusters.length).fill(0);
      for (const code of this.clusters) counts[code] += 1;
      return byCategory(codes, this.about.clusters, counts);
    }
    const field = name.slice("field:".length);
    const told = this.about.fields.find((one) => one.name === field);
    if (!told) return byPopularity(this.counts);
    if (!this.fields.has(field)) this.fields.set(field, new Uint16Array(await this.api.field(field)));
    const draw = told.kind === "numeric" ? byOrder : byCategory;
    return draw(this.fields.get(field), told.values, told.counts);
  }
}
