// What it learns from: the six known pictures, a formula, points by hand, a table or a model; noise and shares.

import { claim } from "./claims.js";
import { button, choice, element, fillChoice, fold, labelled, rove, slider } from "./dom.js";
import { paintPoints } from "./thumb.js";
import { mountTable } from "./table.js";
import { mountUpload } from "./upload.js";

const ROWS = [50, 100, 200, 300, 500, 1000, 2000, 5000];

export function mountData(section, state, actions) {
  const thumbs = element("div", { class: "thumbs", role: "group", "aria-label": "Data sets" });
  const settleThumbs = rove(thumbs, (item) => item.getAttribute("aria-pressed") === "true");
  const upload = mountUpload(state, actions);
  const own = mountOwn(state, actions);
  const table = mountTable(state, actions);
  const noise = slider("noise", { min: 0, max: 0.5, step: 0.01, show: (v) => v.toFixed(2) }, (v) => actions.setData({ noise: v }));
  const share = slider("for training", { min: 0.1, max: 0.9, step: 0.01, show: (v) => `${Math.round(100 * v)} %` },
    (v) => actions.setData({ share: v }));
  const rows = choice((n) => actions.setData({ n: Number(n) }));
  const rowsRow = labelled("rows", rows);
  section.append(thumbs, upload.element, own.element, table.element, rowsRow, noise.element, share.element);

  function drawThumbs() {
    const { datasets } = state.hello;
    if (thumbs.children.length !== datasets.length) {
      thumbs.replaceChildren(...datasets.map(({ name, label }) => {
        const pick = () => actions.setData({ ...pictureSettings(state), kind: name });
        return button(element("canvas", {}), pick, { value: name, "aria-label": label, title: label });
      }));
    }
    datasets.forEach(({ points, kind }, i) => paintPoints(thumbs.children[i].firstChild, points, kind));
  }

  return function draw(news) {
    if ((news.has("hello") || news.has("theme")) && state.hello) drawThumbs();
    upload.draw(news);
    own.draw(news);
    table.draw(news);
    if (!(news.has("run") || news.has("hello")) || !state.run || !state.hello) return;
    const { data } = state.run.settings;
    for (const item of thumbs.children) item.setAttribute("aria-pressed", String(item.value === data.kind));
    settleThumbs();
    noise.element.hidden = rowsRow.hidden = data.noise === undefined;
    if (data.noise !== undefined) noise.set(data.noise);
    if (data.n !== undefined) {
      const sizes = ROWS.includes(data.n) ? ROWS : [...ROWS, data.n].sort((a, b) => a - b);
      fillChoice(rows, sizes.map((n) => [n, String(n)]), data.n);
    }
    share.set(data.share);
  };
}

/** What carries over from one kind of picture to the next: not the points or a table. */
export function pictureSettings({ run }) {
  const { n = 300, noise = 0.1 } = run?.settings.data ?? {};
  return { n, noise };
}

/** A formula, or points drawn by hand. */
function mountOwn(state, actions) {
  const formula = element("input", { type: "text", id: "own-formula", placeholder: "x2 > sin(3*x1)", autocomplete: "off", spellcheck: false });
  const problem = element("p", { class: "problem", role: "alert" });
  const form = element("form", { class: "field" },
    element("label", { htmlFor: "own-formula" }, "a formula: a value, or a comparison"),
    element("div", { class: "field-row" }, formula, element("button", { type: "submit" }, "Use")), problem);
  form.onsubmit = (event) => {
    event.preventDefault();
    const text = formula.value.trim();
    problem.textContent = "";
    if (text) claim(actions.setData({ ...pictureSettings(state), kind: "formula", text }), (words) => { problem.textContent = words; });
  };

  const brushes = element("div", { class: "segmented", role: "group", "aria-label": "Class to draw" });
  const clear = button("Clear", () => actions.point({ clear: true }));
  const drawing = element("div", { class: "drawing", hidden: true },
    element("p", { class: "hint" }, "Click in the output picture to add points; click a point to take it away."),
    element("div", { class: "field-row" }, brushes, clear));
  const start = button("Draw points", () => {
    if (state.brush !== null) return actions.setBrush(null);
    if (state.run?.settings.data.kind !== "points") actions.setData({ kind: "points", points: pointsToDrawOn(state) });
    actions.setBrush(1);
  }, { class: "wide-button", "aria-pressed": "false" });
  for (const [value, text] of [[1, "● +1"], [0, "■ −1"]]) {
    brushes.append(button(text, () => actions.setBrush(value), { value: String(value), "aria-pressed": "false" }));
  }
  const settle = rove(brushes, (item) => item.getAttribute("aria-pressed") === "true");

  return {
    element: fold(element("summary", {}, "formula or own points"), form, start, drawing),
    draw(news) {
      if (news.has("run") && state.run) {
        const { kind, text } = state.run.settings.data;
        if (kind === "formula" && document.activeElement !== formula) formula.value = text;
        if (kind !== "points" && state.brush !== null && !news.has("brush")) actions.setBrush(null);
      }
      if (!news.has("brush")) return;
      drawing.hidden = state.brush === null;
      start.setAttribute("aria-pressed", String(state.brush !== null));
      start.textContent = state.brush === null ? "Draw points" : "Done drawing";
      for (const item of brushes.children) item.setAttribute("aria-pressed", String(item.value === String(state.brush)));
      settle();
    },
  };
}

/** Drawing goes on from what is there where that is two classes in a plane; else from one point of each class. */
export function pointsToDrawOn({ run, points }) {
  const plane = run?.view === "plane" && run.kind === "classes" && run.classes.length === 2 && run.axes.length === 2;
  if (!plane || !points) return [[0.5, 0.5, 1], [-0.5, -0.5, 0]];
  const { xy, t } = points.arrays;
  return Array.from(t, (value, i) => [xy[2 * i], xy[2 * i + 1], value > 0 ? 1 : 0]);
}
