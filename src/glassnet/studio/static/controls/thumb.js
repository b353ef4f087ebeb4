// A data set as a picture of a few pixels.

/** Where the points of [[a, b, c], …] fall in a unit square; kept apart from the canvas so that it can be tested. */
export function placePoints(points, kind) {
  const range = (k) => {
    const values = points.map((point) => point[k]);
    const [lo, hi] = [Math.min(...values), Math.max(...values)];
    return [lo, hi > lo ? hi - lo : 1];
  };
  const [[lowA, sizeA], [lowB, sizeB], [lowC, sizeC]] = [range(0), range(1), range(2)];
  return points.map(([a, b, c]) => {
    const share = (c - lowC) / sizeC;
    return { x: (a - lowA) / sizeA, y: 1 - (b - lowB) / sizeB, sign: kind === "classes" ? (share > 0.5 ? 1 : -1) : 2 * share - 1 };
  });
}

export function paintPoints(canvas, points, kind) {
  const size = 2 * 26; // twice the CSS pixels: sharp on any screen, and no layout is asked for
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const colours = { 1: style.getPropertyValue("--pos"), [-1]: style.getPropertyValue("--neg") };
  const edge = 4;
  for (const { x, y, sign } of placePoints(points, kind)) {
    context.globalAlpha = kind === "classes" ? 1 : 0.25 + 0.75 * Math.abs(sign);
    context.fillStyle = colours[sign < 0 ? -1 : 1];
    context.fillRect(edge + x * (size - 2 * edge) - 2, edge + y * (size - 2 * edge) - 2, 4, 4);
  }
}
