// A renderer for regl-scatterplot that draws straight into the canvas one sees.
//
// Its own draws into a hidden canvas of the size of the window, through a buffer of floats, and copies the
// picture over by way of the processor at every frame. That lets several plots share one WebGL context and
// takes thousands of points on each other exactly; a map or two of items need neither.

import { createRegl } from "regl-scatterplot";

export function directRenderer(canvas) {
  // the first to ask for the context says what it is like: without smoothing, for the points have soft rims
  const gl = canvas.getContext("webgl", { antialias: false, preserveDrawingBuffer: false, powerPreference: "high-performance" });
  if (!gl) throw new Error("no WebGL");
  const regl = createRegl(canvas);
  const acts = new Set();
  let frame = requestAnimationFrame(function tick() {
    for (const act of acts) act();
    frame = requestAnimationFrame(tick);
  });
  let destroyed = false;
  return {
    canvas,
    regl,
    gamma: 1,
    isSupported: true,
    get isDestroyed() {
      return destroyed;
    },
    render(draw) {
      regl.poll();
      regl.clear({ color: [0, 0, 0, 0], depth: 1 });
      draw();
    },
    resize() {},
    refresh: () => regl.poll(),
    onFrame(act) {
      acts.add(act);
      return () => acts.delete(act);
    },
    destroy() {
      destroyed = true;
      cancelAnimationFrame(frame);
      regl.destroy();
    },
  };
}
