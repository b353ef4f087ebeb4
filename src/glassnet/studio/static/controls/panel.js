// What can be asked of the whole network at once: one dialog, five questions, an answer in blocks.

import { claim } from "./claims.js";
import { button, dialog, element, rove } from "./dom.js";
import { value } from "../views/format.js";
import { whole } from "./text.js";

export const PANELS = [
  ["diagnose", "Diagnose", "What keeps it from learning, and what to do."],
  ["probe", "Probe", "What the hidden layers have learned, named where it has a name."],
  ["duel", "Duel", "The network against simpler models on the same rows."],
  ["collapse", "Collapse", "Layers without an activation, multiplied out."],
  ["tables", "Tables", "Every weight, bias and gradient as numbers."],
];

export function mountPanel(state, actions) {
  const box = dialog("Examine");
  box.element.id = "panel";
  const tabs = element("div", { class: "segmented wrap", role: "group", "aria-label": "What to examine" });
  const hint = element("p", { class: "hint" });
  const content = element("div", { class: "panel-content", "aria-live": "polite" });
  for (const [name, label] of PANELS) {
    tabs.append(button(label, () => actions.panel(name), { value: name, "aria-pressed": "false" }));
  }
  const settle = rove(tabs, (item) => item.getAttribute("aria-pressed") === "true");
  box.body.append(tabs, hint, content);
  document.getElementById("open-panel").onclick = () => actions.panel(state.panel?.panel ?? "diagnose");

  return function draw(news) {
    if (!news.has("panel") || !state.panel) return;
    const { panel, loading, id, title, blocks } = state.panel;
    if (loading) claim(id, (text) => content.replaceChildren(element("p", { class: "problem" }, text)));
    for (const item of tabs.children) item.setAttribute("aria-pressed", String(item.value === panel));
    settle();
    hint.textContent = PANELS.find(([name]) => name === panel)?.[2] ?? "";
    content.setAttribute("aria-busy", String(Boolean(loading)));
    content.replaceChildren(...(loading
      ? [element("p", { class: "loading" }, "Working it out …")]
      : [element("h3", {}, title), ...blocks.map(blockElement)]));
    if (loading || box.element.open) box.open(); // an answer to a dialog closed meanwhile opens nothing
  };
}

const VERDICTS = { good: "✓", bad: "✗", warning: "!", info: "i" };

export function blockElement(block) {
  if (block.heading !== undefined) return element("h4", {}, block.heading);
  if (block.text !== undefined) return element("p", {}, block.text);
  if (block.formula !== undefined) return scrolling("Formula", element("pre", {}, block.formula));
  if (block.verdict) {
    const [kind, text] = block.verdict;
    return element("p", { class: `finding ${kind}` }, element("b", { "aria-hidden": "true" }, VERDICTS[kind] ?? "·"), element("span", {}, text));
  }
  if (block.table) return scrolling("Table", tableOf(block.table.header, block.table.rows));
  if (block.matrix) {
    const { title, rows, columns, values } = block.matrix;
    return scrolling(title || "Matrix", tableOf(["", ...columns], values.map((line, i) => [rows[i], ...line]), title));
  }
  return "";
}

function tableOf(header, rows, caption) {
  return element("table", { class: "plain" },
    caption ? element("caption", {}, caption) : null,
    element("thead", {}, element("tr", {}, ...header.map((cell) => (cell === "" ? element("td", {}) : element("th", { scope: "col" }, cell))))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell, i) => {
      const text = typeof cell === "number" ? (Number.isInteger(cell) ? whole(cell) : value(cell)) : String(cell ?? "");
      if (i === 0 && text) return element("th", { scope: "row" }, text); // a row without a name has no heading
      const made = element("td", {}, text);
      if (typeof cell === "number") {
        made.className = "number";
        made.title = String(cell);
      }
      return made;
    })))));
}

/** Wide content scrolls in its own box, which the keyboard reaches. */
function scrolling(name, child) {
  return element("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": name }, child);
}
