import assert from "node:assert/strict";
import { test } from "node:test";
import { createActions } from "../../../src/glassnet/studio/static/controls/actions.js";
import { claim, handOver } from "../../../src/glassnet/studio/static/controls/claims.js";
import { pointsToDrawOn } from "../../../src/glassnet/studio/static/controls/data.js";
import { parseLink, perform, wanting } from "../../../src/glassnet/studio/static/controls/lesson.js";
import { isRange } from "../../../src/glassnet/studio/static/controls/table.js";
import { lossText, nameOf, scoreText, settingText, speedText, statusText, whole, withCurrent } from "../../../src/glassnet/studio/static/controls/text.js";
import { placePoints } from "../../../src/glassnet/studio/static/controls/thumb.js";
import { dataFrom, megabytes } from "../../../src/glassnet/studio/static/controls/upload.js";
import { planFrom } from "../../../src/glassnet/studio/static/controls/vectors.js";
import { createStore } from "../../../src/glassnet/studio/static/store.js";

function watched(state = {}) {
  const sent = [];
  const frames = [];
  const store = createStore({ look: {}, about: {}, ...state }, () => {});
  const actions = createActions(store, (message) => sent.push(message), (fn) => frames.push(fn));
  return { actions, sent, frames, store };
}

test("of what follows the hand only the last of a frame is sent", () => {
  const { actions, sent, frames } = watched();
  actions.edit({ weight: [0, 1, 2] }, 1);
  actions.edit({ weight: [0, 1, 2] }, 2);
  actions.edit({ bias: [0, 1] }, 3);
  actions.look({ row: 4 });
  actions.look({ at: [0, 1] });
  assert.equal(sent.length, 0);
  frames.shift()();
  assert.deepEqual(sent, [
    { type: "edit", weight: [0, 1, 2], value: 2 },
    { type: "edit", bias: [0, 1], value: 3 },
    { type: "look", row: 4, at: [0, 1] },
  ]);
  assert.equal(frames.length, 0);
});

test("a press does not overtake the drag before it", () => {
  const { actions, sent } = watched();
  actions.edit({ weight: [0, 0, 0] }, 1);
  actions.step("batch");
  assert.deepEqual(sent.map(({ type }) => type), ["edit", "step"]);
});

test("to select asks why, and keeps the selected units in the picture", () => {
  const { actions, sent, store } = watched();
  actions.select({ unit: [0, 1] });
  assert.deepEqual(store.state.about, { unit: [0, 1] });
  assert.deepEqual(sent, [{ type: "look", about: { unit: [0, 1] } }, { type: "why", about: { unit: [0, 1] } }]);
});

test("a lesson's links say what they light up, select or do; others say nothing", () => {
  assert.deepEqual(parseLink("#select=weight/0/1/5"), { about: { weight: [0, 1, 5] } });
  assert.deepEqual(parseLink("#select=layer/1"), { about: { layer: 1 } });
  assert.deepEqual(parseLink("#select=row/12"), { row: 12 });
  assert.deepEqual(parseLink("#do=play"), { what: "play" });
  assert.equal(parseLink("#select=weight/0/1"), null);
  assert.equal(parseLink("#select=constructor/0"), null);
  assert.equal(parseLink("https://example.org/"), null);
  assert.equal(parseLink(null), null);
});

test("a lesson does only what it may", () => {
  const done = [];
  perform("play", { play: () => done.push("play") });
  perform("constructor", {});
  perform("lines/gradient", { setLines: (lines) => done.push(lines) });
  assert.deepEqual(done, ["play", "gradient"]);
});

test("numbers in the header have real minus signs and groups, and none where there is none", () => {
  assert.equal(whole(1234567), "1\u2009234\u2009567");
  assert.equal(whole(999), "999");
  assert.equal(lossText(null), "–");
  assert.equal(lossText(0.02968), "0.0297");
  assert.equal(scoreText(0.985, "accuracy"), "98.5 %");
  assert.equal(scoreText(-0.5, "R²"), "−0.500");
  assert.equal(scoreText(null, "R²"), "–");
  assert.equal(speedText(1234.4), "1\u2009234");
  assert.equal(speedText(3.21), "3.2");
  assert.equal(settingText(0.030000000000000002), "0.03");
});

test("the status is a sentence", () => {
  const frame = { epoch: 120, loss: 0.02968, validation: 0.03532, playing: true, looking: null };
  assert.equal(statusText(frame), "Epoch 120, training loss 0.0297, validation 0.0353, training.");
  assert.equal(statusText({ ...frame, validation: null, playing: false }), "Epoch 120, training loss 0.0297, paused.");
  assert.match(statusText({ ...frame, looking: { epoch: 3, step: 3 } }), /^Epoch 3, .*looking back\.$/);
});

test("a setting that is none of the usual ones is offered in its place", () => {
  assert.deepEqual(withCurrent([0.1, 1], 0.3), [0.1, 0.3, 1]);
  assert.deepEqual(withCurrent([0.1, 1], 1), [0.1, 1]);
  assert.equal(nameOf("squared_error"), "squared");
  assert.equal(nameOf("something_new"), "something new");
});

test("points of a thumbnail fill its square, upwards", () => {
  const placed = placePoints([[-1, -1, 0], [1, 3, 1]], "classes");
  assert.deepEqual(placed, [{ x: 0, y: 1, sign: -1 }, { x: 1, y: 0, sign: 1 }]);
  assert.deepEqual(placePoints([[2, 2, 5]], "quantity")[0].x, 0);
});

test("an upload becomes settings with the server's suggestions", () => {
  const table = { table: "t1", name: "a.csv", rows: 3, columns: [{ name: "x", kind: "number" }], target: "y" };
  assert.deepEqual(dataFrom(table, { kind: "circles", share: 0.5, seed: 3, noise: 0.1 }),
    { kind: "table", table: "t1", name: "a.csv", target: "y", columns: { x: "number" }, share: 0.5, seed: 3 });
  assert.deepEqual(dataFrom({ model: "m1", name: "m" }, { kind: "table", table: "t1", share: 0.5, seed: 3 }),
    { kind: "model", model: "m1", name: "m", table: "t1", share: 0.5, seed: 3 });
  assert.equal(megabytes(2_500_000), "2.5 MB");
  assert.equal(megabytes(900), "1 kB");
});

test("two numbers are a range, anything else a list", () => {
  assert.ok(isRange([1, 2.5]));
  assert.ok(!isRange(["no", "yes"]));
  assert.ok(!isRange([1, 2, 3]));
});

test("drawing goes on from two classes in a plane, and from two points otherwise", () => {
  const run = { view: "plane", kind: "classes", classes: ["a", "b"], axes: [{}, {}] };
  const points = { arrays: { xy: [1, 2, 3, 4], t: [1, -1] } };
  assert.deepEqual(pointsToDrawOn({ run, points }), [[1, 2, 1], [3, 4, 0]]);
  assert.equal(pointsToDrawOn({ run: { ...run, kind: "quantity" }, points }).length, 2);
});

test("an error goes to who asked, once, and is a notice otherwise", () => {
  const told = [];
  claim(7, (text) => told.push(text));
  assert.ok(!handOver({ id: 7, text: "done", level: "info" }));
  assert.ok(handOver({ id: 7, text: "no formula", level: "error" }));
  assert.ok(!handOver({ id: 7, text: "again", level: "error" }));
  assert.ok(!handOver({ text: "nobody's", level: "error" }));
  assert.deepEqual(told, ["no formula"]);
});

test("lines of an exported picture start where the tiles stand", () => {
  const box = (left, top) => ({ left, top, width: 40, height: 40 });
  const { columns } = planFrom([box(110, 60), box(110, 120), box(310, 90)], [[0, 1], [0]], { left: 100, top: 50 });
  assert.deepEqual(columns[0].at, [{ x: 30, y: 30, size: 40 }, { x: 30, y: 90, size: 40 }]);
  assert.equal(columns[0].pitch, 60);
  assert.deepEqual(columns[1].at, [{ x: 230, y: 60, size: 40 }]);
});

test("to collapse folds the layer that is asked about, and parts a folded network", () => {
  const run = { settings: { layers: [{}, {}] }, folded: false };
  const { actions, sent, store } = watched({ run });
  actions.collapse();
  store.state.about = { unit: [0, 3] };
  actions.collapse();
  store.state.about = { unit: [2, 0] }; // the output is no hidden layer
  actions.collapse();
  store.state.run = { ...run, folded: true };
  actions.collapse();
  assert.deepEqual(sent, [{ type: "collapse", on: true }, { type: "collapse", on: true, layer: 0 }, { type: "collapse", on: true },
    { type: "collapse", on: false }]);
});

test("without a hidden layer there is nothing to collapse, and the page says so", () => {
  const { actions, sent, store } = watched({ run: { settings: { layers: [] }, folded: false } });
  actions.collapse();
  assert.deepEqual(sent, []);
  assert.match(store.state.notice.text, /no hidden layer/);
});

test("what keeps a reader from going on is said in the server's words, or in short ones", () => {
  assert.equal(wanting({ done: true, missing: null }), "");
  assert.equal(wanting({ done: false, missing: "Before you go on: …" }), "Before you go on: …");
  assert.equal(wanting({ done: false, missing: null, exercise: {} }), "First solve the exercise.");
});
