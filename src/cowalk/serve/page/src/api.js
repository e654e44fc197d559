// What the service is asked. One Api a model: the one beside has all routes under its own prefix.

export class ApiError extends Error {
  constructor(words, status) {
    super(words);
    this.status = status;
  }
}

// Lists of the service, side by side, as hits; notes: what is to be known about the answer as a whole.
function answerOf({ items, scores, reasons, why }) {
  const hits = items.map((id, at) => ({ id, score: scores[at], reasons: reasons?.[at] }));
  const away = why.degraded ? ["the store of histories does not answer"] : [];
  return { hits, notes: [...why.notes, ...away], score: why.score };
}

export class Api {
  constructor(base) {
    this.base = base;
  }

  async ask(path, { body, signal, raw } = {}) {
    const options = { signal, method: body === undefined ? "GET" : "POST" };
    if (body !== undefined) Object.assign(options, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
    let answer;
    try {
      answer = await fetch(this.base + path, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError("The service cannot be reached.", 0);
    }
    if (!answer.ok) {
      const told = await answer.json().catch(() => null);
      throw new ApiError(told?.error ?? `The service answered ${answer.status}.`, answer.status);
    }
    return raw ? answer.arrayBuffer() : answer.json();
  }

  version = async () => (await this.ask("version")).model;
  about = () => this.ask("map/about");
  places = () => this.ask("map", { raw: true });
  ids = () => this.ask("map/ids");
  field = (name) => this.ask(`map/fields/${encodeURIComponent(name)}`, { raw: true });
  place = async (hits) => (await this.ask("map/place", { body: { items: hits.map((hit) => hit.id), scores: hits.map((hit) => hit.score) } })).place;
  item = (id) => this.ask(`item/${encodeURIComponent(id)}`);
  find = async (query, signal) => (await this.ask(`items?q=${encodeURIComponent(query)}&limit=20`, { signal })).items;
  similar = async (id, k, signal) => answerOf(await this.ask(`similar/${encodeURIComponent(id)}?k=${k}&explain=true`, { signal }));
  recommend = async (wish, signal) => answerOf(await this.ask("recommend", { body: { ...wish, explain: true }, signal }));
  embed = async (attributes, k) => answerOf(await this.ask("embed", { body: { attributes, k, explain: true } }));
}
