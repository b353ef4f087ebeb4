// The first thing that looks wrong, and what would help; a press on it shows all of them.

import { button, element } from "./dom.js";

export function mountFindings(state, actions) {
  const text = element("span", {});
  const found = button(text, () => actions.panel("diagnose"), { class: "found", hidden: true });
  document.getElementById("findings").append(found);

  return function draw(news) {
    if (!news.has("findings")) return;
    const [first, ...rest] = state.findings;
    found.hidden = !first;
    if (!first) return;
    text.replaceChildren(element("b", {}, first.text), ` ${first.remedy ?? ""}`);
    found.title = rest.length > 0 ? `${first.text} ${rest.length} more: press to see all.` : first.text;
  };
}
