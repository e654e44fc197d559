// Draws a small map in every way that the page draws, and leaves what regl wrote for it in the document.

import { recorded } from "./compiled.js";
import { Scatter } from "./scatter.js";

const canvas = document.createElement("canvas");
canvas.style.width = canvas.style.height = "300px";
document.body.append(canvas);

const size = 40;
const model = {
  size,
  places: Float32Array.from({ length: 2 * size }, (_, at) => Math.sin(at * 12.9898)),
  counts: Uint32Array.from({ length: size }, (_, at) => at),
};
const colouring = { values: Float32Array.from({ length: size }, (_, at) => at % 3), palette: ["#ff0000", "#00ff00", "#0000ff"] };

async function record() {
  const scatter = new Scatter(canvas, () => {});
  await scatter.draw(model, colouring);
  await scatter.draw(model, { ...colouring, palette: ["#111111", "#222222", "#333333", "#444444"] });
  await scatter.only([1, 2, 3]);
  await scatter.only(null);
  scatter.hush(true);
  scatter.zoom(1.5);
  scatter.resize();
  await new Promise((done) => setTimeout(done, 500));
  const left = document.createElement("pre");
  left.id = "plans";
  left.textContent = btoa(unescape(encodeURIComponent(recorded())));
  document.body.append(left);
}

record().catch((error) => {
  document.title = `failed: ${error.stack}`;
});
