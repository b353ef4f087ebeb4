import assert from "node:assert/strict";
import { test } from "node:test";
import * as colours from "../../../src/glassnet/studio/static/views/colours.js";
import * as raster from "../../../src/glassnet/studio/static/views/raster.js";
import * as scales from "../../../src/glassnet/studio/static/views/scales.js";
import { negativeShare } from "../../../src/glassnet/studio/static/views/map.js";
import { shapeOf } from "../../../src/glassnet/studio/static/views/points.js";
import { axisName, errors, marks } from "../../../src/glassnet/studio/static/views/output/key.js";
import { nearest } from "../../../src/glassnet/studio/static/views/timeline.js";

const poles = { positive: [26, 111, 184], negative: [200, 90, 0], middle: [243, 244, 246] };

test("a map is the middle colour at zero and 70 % of the pole at its end", () => {
  assert.deepEqual(colours.ramp(0, poles), [243, 244, 246]);
  assert.deepEqual(colours.ramp(1, poles), [91, 151, 203]);
  assert.deepEqual(colours.ramp(-7, poles), colours.ramp(-1, poles));
  const table = colours.table(poles);
  assert.equal(table[0], raster.word([243, 244, 246]));
  assert.equal(table[-127 & 255], raster.word(colours.ramp(-1, poles)));
});

test("a line is 6 px wide at the scale, never under 0.5, thinner in wide layers", () => {
  assert.equal(colours.width(1), 6);
  assert.equal(colours.width(0), 0.5);
  assert.equal(colours.thinning(12), 1);
  assert.equal(colours.thinning(48), 0.5);
  assert.equal(colours.opacity(0), 0.25);
  assert.equal(colours.strength(-9, 2), 1);
});

test("a scale is rounded up to 1, 2 or 5", () => {
  assert.deepEqual([0.013, 0.02, 0.021, 1.1, 4, 6].map(colours.roundUp125), [0.02, 0.02, 0.05, 2, 5, 10]);
});

test("a scale is kept until it is passed or three times too large", () => {
  const of = (top) => Array(100).fill(top);
  assert.equal(colours.lineScale(of(1.5)), 2);
  assert.equal(colours.lineScale(of(0.8), 2), 2);
  assert.equal(colours.lineScale(of(0.6), 2), 1);
  assert.equal(colours.lineScale(of(2.1), 2), 5);
});

test("a line starts and ends level at its units", () => {
  assert.equal(raster.rise(0), 0);
  assert.equal(raster.rise(1), 1);
  assert.ok(Math.abs(raster.rise(0.5) - 0.5) < 1e-6);
  assert.ok(raster.rise(0.02) < 0.002);
});

function covered(thick, alpha = 1) { // ink on white: how many pixels' worth
  const pixels = new Uint32Array(60 * 40).fill(0xffffffff);
  raster.line(pixels, 60, 40, 0, 20, 60, 20, thick, alpha, [0, 0, 0]);
  return pixels.reduce((sum, p) => sum + 255 - (p & 255), 0) / 255 / 60;
}

test("a line drawn by hand has its width and its opacity", () => {
  assert.ok(Math.abs(covered(4) - 4) < 0.1);
  assert.ok(Math.abs(covered(4, 0.5) - 2) < 0.1);
  assert.ok(Math.abs(covered(1) - 1) < 0.15);
});

test("a line outside the picture writes nothing and does not fail", () => {
  const pixels = new Uint32Array(100).fill(7);
  raster.line(pixels, 10, 10, -20, -50, 40, -40, 3, 1, [0, 0, 0]);
  assert.ok(pixels.every((p) => p === 7));
});

test("a map has an ink line where the sign changes and nowhere else", () => {
  const grid = new Int8Array(32 * 32).map((_, i) => (i % 32 < 16 ? -100 : 100)), pixels = new Uint32Array(64 * 64);
  const ink = raster.word([0, 0, 0]), table = colours.table(poles);
  raster.map(pixels, 64, 64, grid, 32, 0, table, [0, 0, 0], 1);
  const dark = (x) => (pixels[64 * 20 + x] & 255) < 110;
  assert.ok(dark(31) || dark(32));
  assert.ok(!dark(20) && !dark(50));
  assert.notEqual(pixels[0], ink);
  assert.equal(pixels[0], table[-100 & 255]);
});

test("a dead unit is flat: no line, no hatch", () => {
  const pixels = new Uint32Array(32 * 32), table = colours.table(poles);
  raster.map(pixels, 32, 32, new Int8Array(1024), 32, 0, table, [0, 0, 0], 1, 6);
  assert.ok(pixels.every((p) => p === table[0]));
});

test("hatches lie on the negative side alone", () => {
  const grid = new Int8Array(1024).map((_, i) => (i % 32 < 16 ? -100 : 100)), plain = new Uint32Array(1024), hatched = new Uint32Array(1024);
  raster.map(plain, 32, 32, grid, 32, 0, colours.table(poles), [0, 0, 0], 1);
  raster.map(hatched, 32, 32, grid, 32, 0, colours.table(poles), [0, 0, 0], 1, 5);
  const changed = [...plain.keys()].filter((i) => plain[i] !== hatched[i]);
  assert.ok(changed.length > 50);
  assert.ok(changed.every((i) => i % 32 < 16));
});

test("a nearly level surface is smoothed for its line, a steep or a dead one is not", () => {
  const level = new Int8Array(96 * 96).map((_, i) => Math.round((i % 96 - 48) / 6));
  const steep = new Int8Array(96 * 96).map((_, i) => Math.max(-127, Math.min(127, 4 * (i % 96 - 48) + 2)));
  const smooth = raster.levelled(level, 96, 0);
  assert.ok(smooth[48 * 96 + 50] > 0 && smooth[48 * 96 + 46] < 0);
  assert.equal(raster.levelled(steep, 96, 0), null);
  assert.equal(raster.levelled(new Int8Array(96 * 96), 96, 0), null);
});

test("what is negative of a map is told as a share", () => {
  assert.equal(negativeShare(new Int8Array(16).map((_, i) => (i < 4 ? -1 : 1)), 4), 0.25);
});

test("ticks of a log scale are powers of ten, of a short range 1, 2, 5", () => {
  assert.deepEqual(scales.logTicks(0.002, 2), [0.01, 0.1, 1]);
  assert.deepEqual(scales.logTicks(0.03, 0.6), [0.05, 0.1, 0.2, 0.5]);
});

test("a long curve keeps its ends, its peaks and its order", () => {
  const points = Array.from({ length: 5000 }, (_, i) => [i, i, i === 2345 ? 9 : 1, 1]), thin = scales.thin(points, 100);
  assert.ok(thin.length <= 201);
  assert.ok(thin.some((p) => p[2] === 9));
  assert.deepEqual(thin[thin.length - 1], points[4999]);
  assert.ok(thin.every((p, i) => i === 0 || p[0] >= thin[i - 1][0]));
});

test("a histogram counts everything once, the largest in its last bin", () => {
  assert.deepEqual([...scales.histogram([-1, -0.9, 0, 1], 3, 1)], [2, 1, 1]);
});

test("scrubbing finds the picture nearest to an epoch, and the end", () => {
  const points = [[0, 0], [10, 1], [20, 2], [80, 8]], end = { step: 90, epoch: 9 };
  assert.equal(nearest(points, 1.4, end), 10);
  assert.equal(nearest(points, 6, end), 80);
  assert.equal(nearest(points, 9, end), 90);
  assert.equal(nearest([], 0, end), 90);
});

test("class +1 is a disc, −1 a square, further classes have shapes of their own", () => {
  const two = { kind: "classes", classes: ["a", "b"] }, three = { kind: "classes", classes: ["a", "b", "c"] };
  assert.deepEqual([1, 0, -1].map((t) => shapeOf(two, t)), [0, 1, 1]);
  assert.deepEqual([0, 1, 2].map((t) => shapeOf(three, t)), [0, 1, 2]);
});

test("the key names the classes, in fewer words where there is less room", () => {
  const [first, ...shorter] = marks({ kind: "classes", classes: ["inner", "outer"], view: "plane" });
  assert.equal(first, "● outer  ■ inner  ○ held out");
  assert.ok(shorter.every((said, n) => said.length < [first, ...shorter][n].length || n === 1));
  assert.deepEqual(marks({ kind: "quantity", classes: [], view: "plane" }), [""]);
});

test("an axis is called as its feature is", () => {
  const run = { plane: [1, 0], axes: [{ name: "x1" }, { name: "x2" }], inputs: [{ name: "x1", label: "x₁" }, { name: "x1*x2", label: "x₁x₂" }] };
  assert.equal(axisName(run, 0), "x2");
  assert.equal(axisName(run, 1), "x₁");
});

test("the constructed network says its error and what is proved of it", () => {
  assert.equal(errors({ trained_error: 0.1234, error: 0.0712, certified: 0.081 })[0], "trained 0.12 · constructed 0.071, at most 0.081");
  assert.deepEqual(errors({ trained_error: 0.1234, error: 0.0712, certified: null }), ["trained 0.12 · constructed 0.071"]);
  assert.equal(errors(null).length, 1);
});
