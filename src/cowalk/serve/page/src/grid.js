// Which point lies nearest to a place, and which is the next one in a direction: points sorted into cells.

export class Grid {
  // places: [x0, y0, x1, y1, ...] within -1..1
  constructor(places) {
    this.places = places;
    const count = places.length / 2;
    this.side = Math.max(1, Math.min(512, Math.round(Math.sqrt(count / 2))));
    this.starts = new Int32Array(this.side * this.side + 1);
    this.order = new Int32Array(count);
    for (let at = 0; at < count; at += 1) this.starts[this.cellOf(at) + 1] += 1;
    for (let cell = 0; cell < this.side * this.side; cell += 1) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    for (let at = 0; at < count; at += 1) this.order[next[this.cellOf(at)]++] = at;
  }

  step(value) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((value + 1) / 2) * this.side)));
  }

  cellOf(at) {
    return this.step(this.places[2 * at + 1]) * this.side + this.step(this.places[2 * at]);
  }

  // The nearest point within `reach` of (x, y) for which `fits` holds; -1 where there is none.
  nearest(x, y, reach, fits = () => true) {
    let best = -1;
    let least = reach * reach;
    for (let row = this.step(y - reach); row <= this.step(y + reach); row += 1) {
      for (let column = this.step(x - reach); column <= this.step(x + reach); column += 1) {
        const cell = row * this.side + column;
        for (let place = this.starts[cell]; place < this.starts[cell + 1]; place += 1) {
          const at = this.order[place];
          const dx = this.places[2 * at] - x;
          const dy = this.places[2 * at + 1] - y;
          const far = dx * dx + dy * dy;
          if (far < least && fits(at, dx, dy)) {
            least = far;
            best = at;
          }
        }
      }
    }
    return best;
  }

  // The next point from `from` along (dx, dy), within 45 degrees of it; wider reaches are tried in turn.
  towards(from, dx, dy) {
    const x = this.places[2 * from];
    const y = this.places[2 * from + 1];
    const ahead = (at, ex, ey) => at !== from && ex * dx + ey * dy > Math.abs(ex * dy - ey * dx);
    for (let reach = 2 / this.side; reach < 4; reach *= 2) {
      const found = this.nearest(x, y, reach, ahead);
      if (found >= 0) return found;
    }
    return from;
  }
}
