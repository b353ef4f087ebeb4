// The curve that the page keeps: all of a short run; of a long one every second old picture, time and again.

const MOST = 16_000;

/** Add `fresh` points [step, epoch, loss, validation] in place; those already there are not added twice. */
export function extendHistory(points, fresh, most = MOST) {
  for (const point of fresh) {
    if (points.length > 0 && point[0] <= points[points.length - 1][0]) continue;
    points.push(point);
  }
  if (points.length > most) {
    const half = points.length >> 1; // the recent half stays whole: that is where people look
    const kept = points.filter((_, i) => i >= half || i % 2 === 0);
    points.splice(0, points.length, ...kept);
  }
  return points;
}
