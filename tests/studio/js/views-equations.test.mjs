import assert from "node:assert/strict";
import { test } from "node:test";
import { factors, markup, tree } from "../../../src/glassnet/studio/static/views/equations.js";
import { gradient, loss, slanted, value } from "../../../src/glassnet/studio/static/views/format.js";

import { question } from "../../../src/glassnet/studio/static/views/why.js";
import { constant, staged } from "../../../src/glassnet/studio/static/views/why/unasked.js";

const words = (html) => html.replace(/<[^>]*>/g, "");

test("values have three decimals, a real minus and no negative zero", () => {
  assert.equal(value(1.9661), "1.966");
  assert.equal(value(-0.7364), "−0.736");
  assert.equal(value(-0.0001), "0.000");
  assert.equal(value(NaN), "not a number");
});

test("gradients keep five decimals, and two significant figures however small", () => {
  assert.equal(gradient(-0.002893), "−0.00289");
  assert.equal(gradient(0.000012345), "0.000012");
  assert.equal(gradient(0), "0.000");
});

test("a small loss is told by its size", () => {
  assert.equal(loss(0.02971), "0.0297");
  assert.equal(loss(0.0000123456), "1.23e−5");
});

test("single letters are slanted, words and digits upright", () => {
  assert.equal(slanted("sin x₁"), "sin 𝑥₁");
  assert.equal(slanted("h¹₂"), "ℎ¹₂");
});

test("a negative factor after an operator is bracketed, after = it is not", () => {
  const html = markup(["=", { v: -0.5, k: "value" }, "·", { v: -1, k: "value" }, "+", { v: -0.25, k: "value" }]);
  assert.equal(words(html), "=−0.500·(−1.000)+(−0.250)");
});

test("each fence has an mrow of its own", () => {
  const html = markup(["(", { v: 1, k: "plain" }, "−", { sq: [{ v: 0.704, k: "value" }] }, ")"]);
  assert.match(html, /<mrow><mo stretchy="false">\(<\/mo>.*<\/msup><mo stretchy="false">\)<\/mo><\/mrow>/);
});

test("a negative number squared is bracketed inside the square", () => {
  assert.equal(words(markup([{ sq: [{ v: -0.5, k: "value" }] }])), "(−0.500)2");
});

test("the sign chooses the class: p and n for values, gp and gn for gradients", () => {
  const tone = (token) => markup([token]).match(/<mn class="(\w*)"/)[1];
  assert.equal(tone({ v: 1, k: "value" }), "p");
  assert.equal(tone({ v: -1, k: "value" }), "n");
  assert.equal(tone({ v: 1, k: "gradient" }), "gp");
  assert.equal(tone({ v: -1, k: "gradient" }), "gn");
});

test("a number carries all its digits, its parameter and its row", () => {
  assert.match(markup([{ v: 0.123456789012, k: "value", p: 0, row: 3 }]), /data-full="0.123456789012" data-p="0" data-row="3"/);
});

test("text from a table is text", () => {
  assert.match(markup([{ t: "<img src=x onerror=alert(1)>" }]), /&lt;img src=x onerror=alert\(1\)&gt;/);
});

test("a space at the rim of a text survives MathML, which trims", () => {
  assert.match(markup([{ t: "Why is " }]), /Why is\u00a0</);
});

test("a prime belongs to what stands before it", () => {
  assert.deepEqual(tree([{ i: "f" }, "′"])[2][2].slice(0, 3), ["msup", {}, ["mi", {}, "f"]]);
});

test("every kind of token is drawn", () => {
  const html = markup([{ i: "w", sub: "26", sup: "1", d: true }, { fn: "tanh", of: [{ i: "z" }] }, { frac: [[{ i: "a" }], [{ i: "b" }]] }, { sum: "n" }, { T: [{ i: "h" }] }, { ask: true }]);
  for (const part of ["<msubsup>", "<mfrac>", "∑", "⊤", 'class="ask"', "tanh"]) assert.ok(html.includes(part), part);
});

test("the weights of a folded layer are a product, bracketed where it has an index", () => {
  assert.deepEqual(factors("w²v"), [{ i: "w", sup: "2" }, { i: "v" }]);
  assert.equal(words(markup([{ i: "w²v" }])), "w2v");
  assert.equal(words(markup([{ i: "w²v", sub: "21", d: true }])), "d(w2v)21");
  assert.equal(markup([{ i: "w¹", sub: "2" }]), markup([{ i: "w", sup: "1", sub: "2" }]));
});

test("the bias of a folded layer is carried through the weights after it", () => {
  const said = (letters) => words(markup(constant(factors(letters))));
  assert.equal(said("wv"), "bv+c");
  assert.equal(said("w¹w²v"), "b1w2v+b2v+c");
});

test("a number is asked for as a question, a layer is named", () => {
  assert.deepEqual(question([{ i: "w", d: true }, "=", { v: 1 }]), ["Why is ", "?"]);
  assert.deepEqual(question([{ i: "y" }, "=", { ask: true }]), ["What is ", ""]);
  assert.deepEqual(question([{ t: "layer 1" }]), ["", ""]);
});

test("a walk through a minibatch keeps the stages before, as many as there is room for", () => {
  const walk = (index) => staged({ index, of: 9, title: [{ i: "z" }], note: "" }).steps.map(({ number }) => number);
  assert.deepEqual([0, 1, 2, 3, 4].map(walk).at(-1), [2, 3, 4, 5]);
  assert.deepEqual(walk(0), [1]);
});
