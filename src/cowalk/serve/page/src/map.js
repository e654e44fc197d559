// One map: points, marks, legend, tip and buttons, and how it is moved by mouse, finger and keys.

import { el, freshId, number } from "./dom.js";
import { drawMarks } from "./marks.js";
import { Scatter } from "./scatter.js";

const CLICK = 5; // pixels that a pointer may stray in a click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function inksOf(node) {
  const style = getComputedStyle(node);
  const told = (name) => style.getPropertyValue(name).trim();
  return { ink: told("--ink"), paper: told("--map"), accent: told("--accent"), history: told("--history"), fresh: told("--fresh"), font: style.fontFamily };
}

export class MapView {
  // acts: {open(id), keep(id)}: what is done with an item that is picked
  constructor(model, acts) {
    this.model = model;
    this.acts = acts;
    this.marks = [];
    this.fresh = null;
    this.cursor = -1;
    this.points = el("canvas", { className: "points", "aria-hidden": true });
    this.over = el("canvas", { className: "over", "aria-hidden": true });
    this.tip = el("div", { className: "tip", hidden: true, "aria-hidden": true });
    this.title = el("h2", {});
    this.legend = el("div", { className: "legend" });
    this.spoken = el("p", { className: "unseen", "aria-live": "polite" });
    const button = (label, sign, act) => el("button", { type: "button", className: "plain", "aria-label": label, title: label, onclick: act }, sign);
    this.stage = el(
      "div",
      { className: "stage", tabIndex: 0, role: "application", "aria-label": "Map", "aria-describedby": "keys-help" },
      this.points,
      this.over,
    );
    this.node = el(
      "section",
      { className: "map", id: freshId("map") },
      this.stage,
      this.title,
      this.legend,
      el("div", { className: "zoom" }, button("Zoom in", "+", () => this.scatter?.zoom(1.6)), button("Zoom out", "−", () => this.scatter?.zoom(1 / 1.6)), button("Show all", "⤢", () => this.scatter?.fit())),
      this.tip,
      this.spoken,
    );
  }

  // To be called once the node stands in the page.
  start() {
    try {
      this.scatter = new Scatter(this.points, () => this.drawOver());
    } catch (error) {
      console.error(error);
      this.node.classList.add("broken");
      this.stage.append(el("p", { className: "broken-words" }, "The map needs WebGL, which this browser does not give. Search and lists work without it."));
      return;
    }
    this.listen();
    new ResizeObserver(() => {
      this.scatter.resize();
      this.drawOver();
    }).observe(this.stage);
  }

  async draw(colouring) {
    this.title.textContent = this.model.about.title;
    this.showLegend(colouring);
    if (this.scatter) await this.scatter.draw(this.model, colouring);
    this.node.dataset.drawn = this.model.about.version;
    this.drawOver();
  }

  showLegend(colouring) {
    const pressed = new Set();
    const entries = colouring.legend.map((entry) =>
      el(
        "button",
        { type: "button", "aria-pressed": "false", title: `${entry.label}: ${number(entry.count)} items`, onclick: (event) => this.isolate(event.currentTarget, entry, colouring, pressed) },
        el("i", { style: { background: entry.colour } }),
        el("span", {}, entry.label),
        el("b", {}, number(entry.count)),
      ),
    );
    this.legend.replaceChildren(...entries);
    this.scatter?.only(null);
  }

  // A press on the legend leaves only those colours on the map; none pressed shows all.
  async isolate(button, entry, { values }, pressed) {
    const now = !pressed.has(entry);
    if (now) pressed.add(entry);
    else pressed.delete(entry);
    button.setAttribute("aria-pressed", String(now));
    const wanted = new Set([...pressed].map((one) => one.code));
    const rows = [];
    if (wanted.size) for (let row = 0; row < values.length; row += 1) if (wanted.has(values[row])) rows.push(row);
    await this.scatter?.only(wanted.size ? rows : null);
    this.node.dataset.shown = wanted.size ? rows.length : values.length;
  }

  placeOf(row) {
    return [this.model.places[2 * row], this.model.places[2 * row + 1]];
  }

  // wanted: [{id, kind, label}], weightiest first; lines: the marks of these kinds are joined to the first.
  mark(wanted, { place = null, lines = [], show = null } = {}) {
    this.fresh = place;
    this.lines = lines;
    this.marks = wanted
      .map((mark) => ({ ...mark, row: mark.kind === "new" ? -1 : this.model.rowOf(mark.id) }))
      .filter((mark) => mark.row >= 0 || (mark.kind === "new" && place));
    const places = this.marks.filter((mark) => !show || show.includes(mark.kind)).map((mark) => this.at(mark));
    if (places.length && show && this.scatter) this.scatter.show(places);
    this.scatter?.hush(this.marks.length > 0);
    this.drawOver();
  }

  at(mark) {
    return mark.kind === "new" ? this.fresh : this.placeOf(mark.row);
  }

  frame() {
    if (this.scatter && this.marks.length) this.scatter.frame(this.marks.map((mark) => this.at(mark)));
  }

  drawOver() {
    if (!this.scatter?.grid) return;
    const marks = this.marks.map((mark) => {
      const [x, y] = this.scatter.toScreen(this.at(mark));
      return { ...mark, x, y };
    });
    const first = marks[0];
    for (const mark of marks) if (first && mark !== first && this.lines.includes(mark.kind)) mark.from = [first.x, first.y];
    if (this.cursor >= 0 && document.activeElement === this.stage) {
      const [x, y] = this.scatter.toScreen(this.placeOf(this.cursor));
      marks.unshift({ x, y, kind: "cursor", label: this.words(this.cursor) });
    }
    drawMarks(this.over, marks, inksOf(this.node));
  }

  words(row) {
    const id = this.model.ids[row];
    const name = this.model.nameOf(id);
    return name ? `${id} · ${name}` : String(id);
  }

  // The upper canvas takes the events, so that the library's own camera, which knows no fingers, stays still.
  listen() {
    const stage = this.stage;
    const fingers = new Map();
    let strayed = 0;
    const local = (event) => {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, local(event));
      if (fingers.size === 1) strayed = 0;
      stage.focus({ preventScroll: true });
    });
    stage.addEventListener("pointermove", (event) => {
      const now = local(event);
      const was = fingers.get(event.pointerId);
      if (!was) return this.point(now, event.pointerType);
      const other = [...fingers].find(([finger]) => finger !== event.pointerId)?.[1];
      strayed += Math.hypot(now[0] - was[0], now[1] - was[1]);
      fingers.set(event.pointerId, now);
      if (strayed <= CLICK) return undefined;
      this.tip.hidden = true;
      if (other) {
        const spread = (place) => Math.max(Math.hypot(place[0] - other[0], place[1] - other[1]), 1);
        this.scatter.zoom(spread(now) / spread(was), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      }
      const share = other ? 0.5 : 1;
      return this.scatter.move((now[0] - was[0]) * share, (now[1] - was[1]) * share);
    });
    const up = (event) => {
      const was = fingers.get(event.pointerId);
      fingers.delete(event.pointerId);
      if (event.type === "pointerup" && was && fingers.size === 0 && strayed <= CLICK) this.click(was, event);
    };
    stage.addEventListener("pointerup", up);
    stage.addEventListener("pointercancel", up);
    stage.addEventListener("pointerleave", () => (this.tip.hidden = true));
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.scatter.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0022)), ...local(event));
    }, { passive: false });
    stage.addEventListener("keydown", (event) => this.key(event));
    stage.addEventListener("focus", () => this.drawOver());
    stage.addEventListener("blur", () => this.drawOver());
  }

  point([left, top], kind) {
    const row = kind === "touch" ? -1 : this.scatter.pick(left, top, 8);
    this.tip.hidden = row < 0;
    this.stage.classList.toggle("picks", row >= 0);
    if (row < 0) return;
    this.tip.textContent = `${this.words(row)} · seen ${number(this.model.counts[row])}×`;
    const [x, y] = this.scatter.toScreen(this.placeOf(row));
    this.tip.style.transform = `translate(${Math.min(x + 12, this.stage.clientWidth - this.tip.offsetWidth - 8)}px, ${Math.max(y - 34, 6)}px)`;
  }

  click([left, top], event) {
    const row = this.scatter.pick(left, top, event.pointerType === "touch" ? 22 : 10);
    if (row < 0) return;
    this.cursor = row;
    const id = this.model.ids[row];
    if (event.shiftKey || event.ctrlKey || event.metaKey) this.acts.keep(id);
    else this.acts.open(id);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const start = this.cursor >= 0 ? this.cursor : Math.max(this.marks.find((mark) => mark.row >= 0)?.row ?? 0, 0);
    if (ARROWS[event.key]) {
      this.cursor = this.cursor < 0 ? start : this.scatter.grid.towards(start, ...ARROWS[event.key]);
      this.scatter.show([this.placeOf(this.cursor)]);
      this.spoken.textContent = this.words(this.cursor);
      this.drawOver();
    } else if (event.key === "+" || event.key === "=") this.scatter.zoom(1.4);
    else if (event.key === "-") this.scatter.zoom(1 / 1.4);
    else if (event.key === "0") this.scatter.fit();
    else if (event.key === "Enter") this.acts.open(this.model.ids[start]);
    else if (event.key.toLowerCase() === "h") this.acts.keep(this.model.ids[start]);
    else return;
    event.preventDefault();
  }
}
