// The list of lessons, as a dialog and, on a phone, as the Learn tab.

import { button, dialog, element } from "./dom.js";

export function mountLessons(state, actions) {
  const box = dialog("Lessons");
  box.element.id = "lessons";
  const learn = element("section", { id: "learn", "aria-labelledby": "learn-title" },
    element("h2", { id: "learn-title" }, "Lessons"));
  const list = element("ol", { class: "lesson-list" });
  const listOnPhone = element("ol", { class: "lesson-list" });
  box.body.append(
    element("p", {}, "Short, and with the studio alive beside them: every question can be tried out before it is answered."), list);
  learn.append(listOnPhone, element("div", { class: "buttons" },
    button("Take away", () => document.getElementById("open-take").click()),
    button("Examine", () => document.getElementById("open-panel").click()),
    button("Keys and patterns", () => document.getElementById("open-keys").click())));
  document.getElementById("rail").append(learn);
  document.getElementById("open-lessons").onclick = box.open;

  const fill = (target) => target.replaceChildren(...state.hello.lessons.map(({ name, title, number, parts, solved }) => {
    const count = typeof solved === "number" ? solved : solved ? parts : 0;
    const start = () => {
      box.close();
      actions.lesson(name, 0);
    };
    return element("li", {}, button([
      element("b", {}, String(number)), element("span", { class: "name" }, title),
      element("span", { class: "count" }, count >= parts ? "done" : count ? `${count} of ${parts}` : `${parts} parts`),
    ], start, { "aria-current": state.lesson?.name === name ? "true" : null }));
  }));

  function draw(news) {
    if (!(news.has("hello") || news.has("lesson")) || !state.hello) return;
    fill(list);
    fill(listOnPhone);
  }
  return { draw, open: () => (matchMedia("(max-width: 720px)").matches ? actions.lesson(null) : box.open()) };
}
