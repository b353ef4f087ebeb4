// Numbers as a table: what screen readers and copying want.

import { el, show } from "../dom.js";
import { value } from "../format.js";

const cell = v => typeof v === "number" ? value(v) : String(v ?? "");

export function drawTables(element, tables) {
  show(element, !!tables?.length);
  if (element.shown === tables) return;
  element.shown = tables;
  element.replaceChildren(...(tables ?? []).map(({ title, rows, columns, values }) => el("table", {},
    el("caption", {}, title),
    el("thead", {}, el("tr", {}, el("td"), ...columns.map(name => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...rows.map((name, r) => el("tr", {}, el("th", { scope: "row" }, name),
      ...columns.map((_, c) => el("td", { class: typeof values[r][c] === "number" ? "figure" : "" }, cell(values[r][c])))))))));
}
