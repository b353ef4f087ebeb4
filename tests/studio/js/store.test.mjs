import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../../src/glassnet/studio/static/api.js";
import { adopted, exists, means } from "../../../src/glassnet/studio/static/follow.js";
import { extendHistory } from "../../../src/glassnet/studio/static/history.js";
import { decodeLink, encodeLink } from "../../../src/glassnet/studio/static/link.js";
import { createStore } from "../../../src/glassnet/studio/static/store.js";

test("many changes in one frame are told once, with the names of what changed", () => {
  const frames = [];
  const store = createStore({ a: 1, b: 2, c: 3 }, (fn) => frames.push(fn));
  const told = [];
  store.subscribe((state, news) => told.push([state.a, [...news]]));
  store.set({ a: 5 });
  store.set({ b: 6, c: 3 });
  assert.equal(frames.length, 1);
  frames.shift()();
  assert.deepEqual(told, [[5, ["a", "b"]]]);
});

test("a change made by a listener is the next frame's", () => {
  const frames = [];
  const store = createStore({ a: 1, b: 1 }, (fn) => frames.push(fn));
  store.subscribe((state, news) => news.has("a") && store.set({ b: 2 }));
  store.set({ a: 2 });
  frames.shift()();
  assert.equal(frames.length, 1);
  assert.equal(store.state.b, 2);
});

test("the history gets no point twice, and thins its older half when it is full", () => {
  const points = [];
  extendHistory(points, [[0, 0, 1, 1], [1, 1, 1, 1]]);
  extendHistory(points, [[1, 1, 1, 1], [2, 2, 1, 1]]);
  assert.deepEqual(points.map(([step]) => step), [0, 1, 2]);
  const many = [];
  extendHistory(many, Array.from({ length: 11 }, (_, i) => [i, i, 1, 1]), 10);
  assert.deepEqual(many.map(([step]) => step), [0, 2, 4, 5, 6, 7, 8, 9, 10]);
});

test("a link survives the way there and back, and a broken one is none", () => {
  const content = { settings: { data: { kind: "formula", text: "x₂ > sin(3·x1)" } }, events: [["advance", 10]] };
  const hash = encodeLink(content);
  assert.match(hash, /^#s=[\w-]+$/);
  assert.deepEqual(decodeLink(hash), content);
  assert.equal(decodeLink(hash.slice(0, -5)), null);
  assert.equal(decodeLink("#lesson"), null);
  assert.equal(decodeLink(""), null);
});

test("a binary message becomes its header and arrays", () => {
  const arrays = { maps: { dtype: "i1", shape: [2, 2], at: 0 }, parameters: { dtype: "f8", shape: [2], at: 0 } };
  const pad = (text) => text + " ".repeat((8 - ((4 + text.length) % 8)) % 8);
  let text = "";
  for (let i = 0; i < 3; i++) { // the offsets depend on the header's length
    text = pad(JSON.stringify({ type: "frame", epoch: 3, arrays }));
    arrays.parameters.at = 4 + text.length;
    arrays.maps.at = arrays.parameters.at + 16;
  }
  text = pad(JSON.stringify({ type: "frame", epoch: 3, arrays }));
  const buffer = new ArrayBuffer(4 + text.length + 20);
  new DataView(buffer).setUint32(0, text.length, true);
  new Uint8Array(buffer).set(new TextEncoder().encode(text), 4);
  new Float64Array(buffer, arrays.parameters.at, 2).set([1.5, -2]);
  new Int8Array(buffer, arrays.maps.at, 4).set([127, -127, 0, 1]);
  const message = decode(buffer);
  assert.equal(message.header.epoch, 3);
  assert.deepEqual([...message.arrays.parameters], [1.5, -2]);
  assert.deepEqual([...message.arrays.maps], [127, -127, 0, 1]);
});

test("a question is let go when what it asks about is gone", () => {
  const run = { sizes: [2, 3, 1], blocks: [{ b: [6, 9] }, { b: null }] };
  assert.ok(exists({ weight: [0, 1, 2] }, run));
  assert.ok(!exists({ weight: [0, 2, 0] }, run));
  assert.ok(!exists({ weight: [2, 0, 0] }, run));
  assert.ok(exists({ bias: [0, 2] }, run));
  assert.ok(!exists({ bias: [1, 0] }, run));
  assert.ok(exists({ unit: [1, 0] }, run));
  assert.ok(!exists({ unit: [0, 3] }, run));
  assert.ok(exists({ layer: 1 }, run));
  assert.ok(!exists({ layer: 2 }, run));
  assert.ok(exists({}, run));
});

test("a selection outlives a change only where its numbers mean the same", () => {
  const run = (features, folded = false) => ({ folded, settings: { features } });
  assert.ok(means({ unit: [0, 1] }, run(["a"]), run(["b"])));
  assert.ok(!means({ unit: [0, 1] }, run(["a"]), run(["a"], true)));
  assert.ok(means({ input: 0 }, run(["a", "b"]), run(["a"])));
  assert.ok(!means({ input: 0 }, run(["a", "b"]), run(["b"])));
  assert.ok(!means({ weight: [0, 1, 2] }, run(["a", "b", "c"]), run(["a", "c"])));
  assert.ok(means({ weight: [1, 1, 2] }, run(["a", "b", "c"]), run(["a", "c"])));
});

test("a part of a lesson is adopted once, when it begins", () => {
  const lesson = { name: "loss", part: 1, about: { unit: [0, 1] }, look: { row: 12, lines: "gradient" } };
  assert.deepEqual(adopted(lesson, null, { most: 9, row: 3 }),
    { about: { unit: [0, 1] }, look: { most: 9, row: 12, lines: "gradient" }, lines: "gradient" });
  assert.equal(adopted({ ...lesson, done: true }, lesson, {}), null);
  assert.ok(adopted({ ...lesson, part: 2 }, lesson, {}));
  assert.equal(adopted(null, lesson, {}), null);
});
