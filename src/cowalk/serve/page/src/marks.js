// What is drawn over the points: the chosen item, its neighbours, a history, what is recommended, a new item.

const NAMED = 6; // marks that get a name beside them, at most

function names(context, placed, size, inks) {
  const taken = placed.map((mark) => [mark.x - 8, mark.y, 16]); // no name covers a mark
  const room = (x, y, width) => {
    const free = x > 4 && x + width < size[0] - 4 && taken.every(([a, b, c]) => Math.abs(b - y) > 18 || x > a + c || a > x + width);
    if (free) taken.push([x, y, width]);
    return free;
  };
  let shown = 0;
  for (const mark of placed) {
    if (!mark.label || shown >= NAMED) continue;
    const label = mark.label.length > 34 ? `${mark.label.slice(0, 33)}…` : mark.label;
    const width = context.measureText(label).width;
    const spot = [[mark.x + 15, mark.y], [mark.x - 15 - width, mark.y], [mark.x - width / 2, mark.y - 20], [mark.x - width / 2, mark.y + 20], [mark.x + 12, mark.y - 24], [mark.x + 12, mark.y + 24]];
    const free = spot.find(([x, y]) => room(x, y, width)) ?? (mark === placed[0] ? spot[0] : null);
    if (!free) continue;
    shown += 1;
    context.globalAlpha = 0.82;
    context.fillStyle = inks.paper;
    context.beginPath();
    context.roundRect(free[0] - 4, free[1] - 9, width + 8, 17, 5);
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = inks.ink;
    context.fillText(label, free[0], free[1]);
  }
}

const ring = (context, x, y, radius) => {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
};

function star(context, x, y, radius) {
  context.beginPath();
  for (let corner = 0; corner < 10; corner += 1) {
    const far = corner % 2 ? radius * 0.45 : radius;
    const turn = (corner * Math.PI) / 5 - Math.PI / 2;
    context.lineTo(x + far * Math.cos(turn), y + far * Math.sin(turn));
  }
  context.closePath();
}

// One mark, by its kind; `inks` are the colours of the page.
function shape(context, mark, inks) {
  const { x, y, kind } = mark;
  context.lineWidth = 2;
  if (kind === "new") {
    star(context, x, y, 11);
    context.fillStyle = inks.fresh;
    context.strokeStyle = inks.paper;
    context.fill();
    context.stroke();
    return;
  }
  if (kind === "history") {
    context.fillStyle = inks.history;
    context.strokeStyle = inks.paper;
    context.beginPath();
    context.rect(x - 5, y - 5, 10, 10);
    context.fill();
    context.stroke();
    return;
  }
  context.strokeStyle = inks.paper;
  context.lineWidth = 4;
  ring(context, x, y, kind === "chosen" ? 9 : 6);
  context.stroke();
  context.lineWidth = kind === "chosen" ? 2.5 : 1.8;
  context.strokeStyle = { chosen: inks.ink, near: inks.accent, both: inks.accent, recommended: inks.history }[kind] ?? inks.ink;
  context.stroke();
  if (kind === "both" || kind === "chosen") {
    ring(context, x, y, 2.5);
    context.fillStyle = context.strokeStyle;
    context.fill();
  }
}

// marks: [{x, y, kind, label, from}], the weightiest first; a line goes to each that has a `from`.
export function drawMarks(canvas, marks, inks) {
  const ratio = window.devicePixelRatio || 1;
  const size = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(size[0] * ratio) || canvas.height !== Math.round(size[1] * ratio)) {
    canvas.width = Math.round(size[0] * ratio);
    canvas.height = Math.round(size[1] * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, ...size);
  context.lineWidth = 1;
  context.strokeStyle = inks.accent;
  context.globalAlpha = 0.45;
  for (const mark of marks) {
    if (!mark.from) continue;
    context.beginPath();
    context.moveTo(...mark.from);
    context.lineTo(mark.x, mark.y);
    context.stroke();
  }
  context.globalAlpha = 1;
  context.font = `500 12px ${inks.font}`;
  context.textBaseline = "middle";
  names(context, marks, size, inks);
  for (const mark of marks.slice().reverse()) shape(context, mark, inks);
}
