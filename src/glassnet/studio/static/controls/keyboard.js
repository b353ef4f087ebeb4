// Every key in one place, and the dialog that lists them.

import { dialog, element } from "./dom.js";

const LINES = ["weight", "gradient", "update"];
const KEYS = [
  ["Space", "play, pause"], [".", "one step"], [",", "one picture back"], ["1 2 3", "a step is an epoch, a batch, a stage"],
  ["← ↑ → ↓", "walk the units; ← → between layers"], ["L", "lines of a unit, by |w|"], ["Enter", "why"], ["E", "edit the value"],
  ["F", "freeze"], ["G", "lines show weight, gradient, last update"], ["C", "fold layers without a bend, part them again"], ["P", "patterns beside colours"],
  ["R", "start over"], ["Ctrl Z", "undo"], ["Esc", "back"], ["?", "this list"],
];

export function mountKeyboard(state, actions) {
  const at = (id) => document.getElementById(id);
  const box = dialog("Keys");
  box.element.id = "keys";
  const letters = element("input", { type: "checkbox", id: "letters", onchange: () => actions.setLetters(letters.checked) });
  const patterns = element("input", { type: "checkbox", id: "patterns", onchange: () => actions.setPatterns(patterns.checked) });
  box.body.append(
    element("dl", { class: "keys" }, ...KEYS.map(([key, does]) => element("div", {},
      element("dt", {}, ...key.split(" ").flatMap((k) => [element("kbd", {}, k), " "])), element("dd", {}, does)))),
    element("label", { class: "check" }, letters, element("span", {}, "Letters, digits and punctuation alone are keys")),
    element("label", { class: "check" }, patterns, element("span", {}, "Patterns: negative lines dashed, negative areas hatched")));
  at("open-keys").onclick = box.open;

  const singles = {
    ".": () => actions.step(),
    ",": actions.back,
    1: () => actions.setStepUnit("epoch"),
    2: () => actions.setStepUnit("batch"),
    3: () => actions.setStepUnit("stage"),
    l: () => at("network").dispatchEvent(new CustomEvent("lines")),
    e: () => at("why").dispatchEvent(new CustomEvent("edit")),
    f: () => freeze(state, actions),
    g: () => actions.setLines(LINES[(LINES.indexOf(state.lines) + 1) % LINES.length]),
    c: () => actions.collapse(),
    p: () => actions.setPatterns(!state.patterns),
    r: actions.over,
    "?": box.open,
  };

  function stepBack() {
    if (state.drawer) {
      actions.setDrawer(false);
      at("open-settings").focus();
    } else if (state.brush !== null) actions.setBrush(null);
    else if (Object.keys(state.about).length > 0) actions.select({});
    else if (state.look.row !== undefined && state.look.row !== null) actions.look({ row: null });
    else if (state.frame?.looking) actions.live();
  }

  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z") {
      if (isTyping(event.target)) return;
      event.preventDefault();
      return actions.undo();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return stepBack();
    if (isTyping(event.target)) return;
    if (event.key === " " && spacePlays(event.target)) {
      event.preventDefault();
      return actions.toggle();
    }
    if (event.key === "Enter" && event.target === document.body) return at("why").focus();
    const act = state.letters ? singles[event.key.length === 1 ? event.key.toLowerCase() : ""] : undefined;
    if (act) {
      event.preventDefault();
      act();
    }
  });

  return function draw(news) {
    if (news.has("letters")) letters.checked = state.letters;
    if (news.has("patterns")) patterns.checked = state.patterns;
  };
}

const TYPING = "select, textarea, [contenteditable]:not([contenteditable=false]), "
  + "input:not([type=checkbox], [type=radio], [type=range], [type=button])";

/** Where letters are text, or choose an option. */
function isTyping(target) {
  return target.matches?.(TYPING);
}

/** Space presses the button that has the focus; on a unit of the picture, where Enter asks why, it plays. */
function spacePlays(target) {
  if (target.closest?.("#network .tiles .tile, #play, #foot-play, [role=slider]")) return true;
  return !target.closest?.("button, a, input, select, summary, [role=button]");
}

function freeze(state, actions) {
  const about = state.why?.freeze?.about ?? state.about;
  if (Object.keys(about).length > 0) actions.freeze(about, !(state.why?.freeze?.on ?? false));
  else actions.notice("Select a weight, a bias, a unit or a layer first: F freezes it.");
}
