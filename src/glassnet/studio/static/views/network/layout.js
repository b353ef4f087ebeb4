// Where everything stands: numbers in, positions out. Nothing here touches the page.

export const FLOOR = 28;          // pixels from unit to unit under which units are hidden away
const DESK = { tile: 38, pitch: 56, output: 52, top: 78, bottom: 50, left: 104, right: 64 };
const PHONE = { tile: 28, pitch: 36, output: 52, top: 34, bottom: 58, left: 70, right: 34 };
const PHONE_MOST = 6;

export const room = (height, phone) => { const s = phone ? PHONE : DESK; return height - s.top - s.bottom; };

// How many tiles fit a column, with a line kept for "+ 49 more".
export function most(height, phone) {
  const fits = Math.max(2, Math.floor((room(height, phone) - 22) / FLOOR));
  return phone ? Math.min(PHONE_MOST, fits) : fits;
}

// columns: [{units, off, more}]: tiles in use, dashed tiles of features that are off, units hidden away.
export function layout(width, height, columns, { phone = false, label = 0, end = 0 } = {}) {
  const s = phone ? PHONE : DESK, last = columns.length - 1, space = room(height, phone);
  const left = Math.min(Math.max(s.left, label + s.tile / 2 + 16), Math.max(s.left, width * 0.24));
  const right = Math.min(Math.max(s.right, end && end + s.tile / 2 + 16), width * 0.2);
  const span = width - left - right;
  const xs = columns.map((_, c) => columns.length === 1 ? width / 2 : left + span * c / last);
  // A phone leaves out nothing but dashed features that have no room.
  const placed = columns.map(({ units, off = 0, more = 0 }, c) => {
    const fits = Math.max(units, Math.min(units + off, Math.floor(space / (phone ? s.pitch : FLOOR)) - (more || off ? 1 : 0)));
    const dashed = phone ? 0 : fits - units, count = units + dashed, under = more || dashed < off ? 22 : 0;
    const pitch = Math.min(c === last ? s.output + 12 : s.pitch, (space - under) / Math.max(1, count));
    const tile = Math.min(c === last ? s.output : s.tile, Math.max(16, Math.floor(pitch - (pitch < 40 ? 7 : phone ? 8 : pitch < 48 ? 8 : 12))));
    const top = s.top + (space - under - pitch * count) / 2 + pitch / 2;
    const at = Array.from({ length: count }, (_, n) => ({ x: xs[c], y: Math.round(top + pitch * n), size: tile }));
    return { at: at.slice(0, units), off: at.slice(units), pitch, tile, x: xs[c],
      moreAt: under ? { x: xs[c], y: top + pitch * (count - 0.5) + 12 } : null };
  });
  return { columns: placed, xs, top: s.top, width, height, phone };
}

// A line leaves to the right and arrives from the left; ends are spread a little so that they can be told apart.
export function curve(from, to, n, of) {
  const x1 = from.x + from.size / 2, x2 = to.x - to.size / 2;
  const spread = (n - (of - 1) / 2) * Math.min(3, to.size * 0.6 / Math.max(1, of - 1));
  return [x1, from.y, (x1 + x2) / 2, x2, to.y + spread];
}

export function along([x1, y1, m, x2, y2], t) { // M x1 y1 C m y1, m y2, x2 y2
  const u = 1 - t, a = u * u * u, b = 3 * u * u * t, c = 3 * u * t * t, d = t * t * t;
  return [a * x1 + (b + c) * m + d * x2, (a + b) * y1 + (c + d) * y2];
}
