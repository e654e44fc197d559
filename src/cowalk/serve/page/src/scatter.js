// The points: regl-scatterplot under our own rules of moving and picking.

import createScatterplot from "regl-scatterplot";
import { grey, isDark } from "./colours.js";
import { Grid } from "./grid.js";
import { directRenderer } from "./renderer.js";

const STEPS = 8; // sizes of points, by popularity

const paper = () => getComputedStyle(document.documentElement).getPropertyValue("--map").trim();

function bounds(values) {
  let [low, high] = [values[0] ?? 0, values[0] ?? 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Radii by popularity: few items are drawn large, 200,000 small.
function sizes(count) {
  const small = Math.max(1.2, Math.min(5, 260 / Math.sqrt(count)));
  return Array.from({ length: STEPS }, (_, step) => small * (1 + 1.6 * (step / (STEPS - 1)) ** 2));
}

function popularity(counts) {
  const top = Math.log1p(counts.reduce((most, count) => Math.max(most, count), 1));
  return Float32Array.from(counts, (count) => Math.log1p(count) / top);
}

export class Scatter {
  constructor(canvas, onView) {
    this.canvas = canvas;
    this.plot = createScatterplot({
      canvas,
      renderer: directRenderer(canvas),
      width: canvas.clientWidth,
      height: canvas.clientHeight,
      actionKeyMap: {},
      lassoOnLongPress: false,
      deselectOnDblClick: false,
      deselectOnEscape: false,
      showReticle: false,
      spatialIndexUseWorker: false,
      backgroundColor: paper(),
      colorBy: "valueA",
      sizeBy: "valueB",
    });
    this.plot.subscribe("draw", onView);
  }

  // Draw the items of a model, coloured as told; the view stays where the same map is drawn again.
  async draw(model, colouring) {
    const same = this.model === model && this.places === model.places;
    this.colouring = colouring;
    if (!same) {
      this.model = model;
      this.places = model.places;
      this.grid = new Grid(model.places);
      this.x = Float32Array.from({ length: model.size }, (_, row) => model.places[2 * row]);
      this.y = Float32Array.from({ length: model.size }, (_, row) => model.places[2 * row + 1]);
      this.popularity = popularity(model.counts);
      [this.left, this.right] = bounds(this.x);
      [this.low, this.high] = bounds(this.y);
      this.index = undefined;
    }
    this.plot.set({
      pointColor: colouring.palette,
      backgroundColor: paper(),
      pointSize: sizes(model.size),
      opacity: this.opacity,
    });
    await this.plot.draw(
      { x: this.x, y: this.y, valueA: colouring.values, valueB: this.popularity },
      { zDataType: "categorical", wDataType: "continuous", spatialIndex: this.index, preventFilterReset: same },
    );
    this.index = this.plot.get("spatialIndex");
    if (!same) this.fit();
  }

  get opacity() {
    return this.quiet ? 0.3 : isDark() ? 0.85 : 0.8;
  }

  // Whether the points step back behind the marks.
  hush(quiet) {
    if (this.quiet === quiet) return;
    this.quiet = quiet;
    this.plot.set({ opacity: this.opacity });
  }

  // Only these rows are drawn, or all of them.
  only(rows) {
    return rows === null ? this.plot.unfilter() : this.plot.filter(rows);
  }

  // Show all of the map, whatever becomes of the window, until the view is moved.
  fit() {
    this.frame([[this.left, this.low], [this.right, this.high]], 1.06);
    this.whole = true;
  }

  // The library writes the canvas's size into its style, so that only what it stands in follows the window.
  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    this.plot.set({ width, height });
    if (this.whole) this.fit();
  }

  // Pixels from the left and the top of the canvas, of a place on the map; and the other way.
  toScreen([x, y]) {
    const view = this.plot.get("cameraView");
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return [
      (((view[0] * x + view[12]) * height) / width + 1) * (width / 2),
      (1 - (view[5] * y + view[13])) * (height / 2),
    ];
  }

  toMap([left, top]) {
    const view = this.plot.get("cameraView");
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const x = ((left / (width / 2) - 1) * width) / height;
    return [(x - view[12]) / view[0], (1 - top / (height / 2) - view[13]) / view[5]];
  }

  // The row drawn nearest to a point of the screen, within `reach` pixels; -1 where there is none.
  pick(left, top, reach) {
    const [x, y] = this.toMap([left, top]);
    const far = (2 * reach) / (this.canvas.clientHeight * this.plot.get("cameraView")[5]);
    const shown = this.plot.get("isPointsFiltered") ? new Set(this.plot.get("filteredPoints")) : null;
    return this.grid ? this.grid.nearest(x, y, far, (row) => !shown || shown.has(row)) : -1;
  }

  move(dx, dy) {
    this.whole = false;
    const view = this.plot.get("cameraView").slice();
    view[12] += (2 * dx) / this.canvas.clientHeight;
    view[13] -= (2 * dy) / this.canvas.clientHeight;
    this.plot.view(view);
  }

  // Zoom by `times` so that what is at (left, top) stays there.
  zoom(times, left = this.canvas.clientWidth / 2, top = this.canvas.clientHeight / 2) {
    this.whole = false;
    const view = this.plot.get("cameraView").slice();
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const at = [((left / (width / 2) - 1) * width) / height, 1 - top / (height / 2)];
    const by = Math.min(Math.max(view[0] * times, 0.4), 4000) / view[0];
    for (const [scale, shift, place] of [[0, 12, at[0]], [5, 13, at[1]]]) {
      view[scale] *= by;
      view[shift] = place + (view[shift] - place) * by;
    }
    this.plot.view(view);
  }

  // Bring places into the view where any lies outside it; a single one to the middle.
  show(places) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const out = places.map((place) => this.toScreen(place)).some(([x, y]) => x < 30 || y < 30 || x > width - 30 || y > height - 30);
    if (!out) return;
    const [x, y] = this.toScreen(places[0]);
    this.move(width / 2 - x, height / 2 - y);
  }

  // Zoom so that all of these places are seen, with room around them.
  frame(places, room = 1.6) {
    this.whole = false;
    const [left, right] = bounds(places.map((place) => place[0]));
    const [low, high] = bounds(places.map((place) => place[1]));
    const wide = this.canvas.clientWidth / this.canvas.clientHeight;
    const size = Math.max((right - left) / wide, high - low, 0.08) * room;
    const scale = 2 / size;
    const view = this.plot.get("cameraView").slice();
    view[0] = view[5] = scale;
    view[12] = (-scale * (left + right)) / 2;
    view[13] = (-scale * (low + high)) / 2;
    this.plot.view(view);
  }
}
