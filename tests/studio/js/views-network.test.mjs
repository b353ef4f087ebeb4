import assert from "node:assert/strict";
import { test } from "node:test";
import * as addresses from "../../../src/glassnet/studio/static/views/network/addresses.js";
import * as edges from "../../../src/glassnet/studio/static/views/network/edges.js";
import { folding, gone } from "../../../src/glassnet/studio/static/views/network/collapse.js";
import { foldedLayer } from "../../../src/glassnet/studio/static/views/network/headers.js";
import { along, layout, most } from "../../../src/glassnet/studio/static/views/network/layout.js";

const run = {
  sizes: [2, 3, 1], parameters: 13, outputs: ["y"], frozen: [],
  blocks: [{ w: [0, 6], b: [6, 9] }, { w: [9, 12], b: [12, 13] }],
  inputs: [{ label: "x₁", on: true, place: 0 }, { label: "x₁²", on: false, place: null }, { label: "x₂", on: true, place: 1 }],
  layers: [{ letter: "w", sup: "1", names: ["h¹₁", "h¹₂", "h¹₃"] }, { letter: "v", sup: "", names: ["y"] }],
};
const frame = { shown: [[0, 1], [0, 2], [0]], more: [0, 1, 0], row: null, at: null, lines_scale: 2,
  arrays: { parameters: Float64Array.from({ length: 13 }, (_, p) => (p % 2 ? -p : p) / 6) } };
const columns = (...units) => units.map((n) => ({ units: n }));

test("weights lie row by row, biases behind them", () => {
  assert.equal(addresses.weightAt(run, 0, 1, 2), 5);
  assert.equal(addresses.biasAt(run, 1, 0), 12);
  for (let p = 0; p < 13; p++) assert.equal(addresses.parameterAt(run, addresses.aboutOfParameter(run, p)), p);
});

test("what is asked about may have gone with its layer", () => {
  assert.ok(addresses.exists(run, { weight: [0, 1, 2] }));
  assert.ok(!addresses.exists(run, { weight: [0, 2, 0] }));
  assert.ok(!addresses.exists(run, { unit: [2, 0] }));
  assert.ok(!addresses.exists(run, {}));
  assert.ok(!addresses.exists(run, null));
  assert.ok(!addresses.exists(run, { row: 3 }));
});

test("a tile is found among those shown, a hidden unit is not", () => {
  assert.equal(addresses.tileAt(frame, addresses.seat(run, { unit: [0, 2] })), 3);
  assert.equal(addresses.tileAt(frame, addresses.seat(run, { unit: [0, 1] })), -1);
  assert.equal(addresses.tileAt(frame, addresses.seat(run, { input: 1 })), 1); // its place in the network, as the server counts
  assert.equal(addresses.seat(run, { input: 2 }), null);
  assert.deepEqual(addresses.seat(run, addresses.aboutSeat(0, 1)), [0, 1]);
});

test("weights are named as the formulas name them", () => {
  assert.equal(addresses.weightName(run, 0, 1, 2), "w¹₂₃");
  assert.equal(addresses.weightName(run, 0, 11, 2), "w¹₁₂,₃");
  assert.equal(addresses.weightName(run, 1, 2, 0), "v₃");
  assert.equal(addresses.biasName(run, 0, 1), "b¹₂");
  assert.equal(addresses.biasName(run, 1, 0), "c");
});

test("a unit says its place and its bias", () => {
  assert.equal(addresses.spoken(run, 1, 2, "−0.120"), "Unit 3 of hidden layer 1, bias −0.120");
  assert.equal(addresses.spoken(run, 0, 0, null), "Feature x₁");
});

test("the paths of a weight go through its two units alone", () => {
  const [x, h, y] = addresses.paths(run, { weight: [0, 1, 2] });
  assert.deepEqual([[...x], [...h], [...y]], [[0, 1], [0, 0, 1], [1]]);
});

test("columns do not overlap: 8 features, 16-16-8 units at 1280", () => {
  const height = 435, fits = most(height, false);
  const plan = layout(784, height, [8, 16, 16, 8, 1].map((n) => ({ units: Math.min(n, fits), more: Math.max(0, n - fits) })));
  for (const { at, moreAt } of plan.columns) {
    at.forEach((tile, n) => {
      if (n) assert.ok(tile.y - tile.size / 2 >= at[n - 1].y + at[n - 1].size / 2 + 4);
      assert.ok(tile.size >= 16 && tile.y - tile.size / 2 > 60 && tile.y + tile.size / 2 < height - 40);
    });
    if (moreAt) assert.ok(moreAt.y - 12 >= at[at.length - 1].y + at[at.length - 1].size / 2 && moreAt.y + 12 < height - 40);
  }
});

test("a phone shows 2-6-4-1 whole in 286 px", () => {
  assert.equal(most(286, true), 6);
  const plan = layout(390, 286, columns(2, 6, 4, 1), { phone: true });
  for (const { at } of plan.columns) for (const { x, y, size } of at) {
    assert.ok(x - size / 2 >= 0 && x + size / 2 <= 390 && y - size / 2 >= 28 && y + size / 2 <= 286 - 50);
  }
});

const set = edges.list(run, frame, layout(600, 400, [{ units: 2, off: 1 }, { units: 2, more: 1 }, { units: 1 }]));
const state = { run, frame, lines: "weight", stage: null };

test("there is a line for each pair shown and a stub for each bias", () => {
  assert.equal(set.lines.length, 2 * 2 + 2);
  assert.equal(set.stubs.length, 3);
});

test("lines show weights; at a row what each weight contributes", () => {
  edges.measure(set, state);
  assert.equal(set.lines[1].value, frame.arrays.parameters[2]);
  assert.equal(set.scale, 2);
  edges.measure(set, { ...state, frame: { ...frame, row: 0, arrays: { ...frame.arrays, values: Float32Array.of(0.5, 3, 1, 1, 2, 0) } } });
  assert.equal(set.lines[1].value, frame.arrays.parameters[2] * 0.5);
  assert.equal(set.shows, "contribution");
  edges.measure(set, state);
});

test("strong lines come last, so that they lie above", () => {
  const sizes = Array.from(set.order, (n) => set.lines[n].r);
  assert.deepEqual(sizes, [...sizes].sort((a, b) => a - b));
});

test("a stage colours the arrays it computed and nothing else", () => {
  edges.measure(set, { ...state, stage: { name: "dv", colours: { units: null, weights: 1, values: [0.1, 0.2, -0.3], gradient: true } } });
  assert.ok(set.lines.filter(({ l }) => l === 0).every(({ value }) => value === 0));
  assert.deepEqual(set.lines.filter(({ l }) => l === 1).map(({ value }) => value), [0.1, -0.3]);
  assert.ok(set.gradient);
  edges.measure(set, state);
});

test("the pointer finds the line it is on, and nothing far from all", () => {
  for (const line of set.lines) {
    assert.deepEqual(edges.pick(set, ...along(line.curve, 0.97)).weight?.[2], line.j);
  }
  const [x, y] = along(set.lines[0].curve, 0.02);
  assert.equal(edges.pick(set, x, y - 80), null);
  const { x: sx, y: sy, gap } = set.stubs[0];
  assert.deepEqual(edges.pick(set, sx, sy - gap / 2), { bias: [0, 0] });
});

test("folded, a column without a bend goes into the one after it", () => {
  const layers = (...names) => names.map((activation) => ({ activation }));
  assert.deepEqual(gone(layers("tanh", "identity")), [2]);
  assert.deepEqual(folding(layers("tanh", "identity")), [0, 1, 2, 2]);
  assert.deepEqual(folding(layers("identity", "tanh")), [0, 1, 1, 2]);
  assert.deepEqual(folding(layers("identity", "identity")), [0, 1, 1, 1]);
  assert.deepEqual(folding(layers("tanh")), [0, 1, 2]);
});

test("the way back stands over the layer that is a product", () => {
  const named = (...letters) => ({ layers: letters.map((letter) => ({ letter })) });
  assert.equal(foldedLayer(named("w¹w²", "v")), 0);
  assert.equal(foldedLayer(named("w¹", "w²v")), 1);
  assert.equal(foldedLayer(named("wv")), 0);
});
