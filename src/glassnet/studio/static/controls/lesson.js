// A lesson in the rail: text whose words light up the picture, exercises one after the other, and the way on.

import { button, element, icon } from "./dom.js";

const SHAPES = { weight: 3, bias: 2, unit: 2, layer: 1, input: 1, row: 1 };

/** "#select=weight/0/1/5" → {about: {weight: [0, 1, 5]}}, "#select=row/12" → {row: 12}, "#do=play" → {what: "play"}. */
export function parseLink(href) {
  const [, verb, rest] = /^#(select|do)=([\w/-]+)$/.exec(href ?? "") ?? [];
  if (verb === "do") return { what: rest };
  if (verb !== "select") return null;
  const [kind, ...parts] = rest.split("/");
  const numbers = parts.map(Number);
  if (numbers.length !== SHAPES[kind] || !numbers.every((n) => Number.isInteger(n) && n >= 0)) return null;
  if (kind === "row") return { row: numbers[0] };
  return { about: { [kind]: kind === "layer" || kind === "input" ? numbers[0] : numbers } };
}

export function mountLesson(state, actions, openLessons) {
  const rail = document.getElementById("lesson");
  const bar = element("div", { class: "parts", role: "img" });
  const which = element("span", { class: "which" });
  const where = element("span", {});
  const crumb = element("p", { class: "crumb" }, which, where);
  const title = element("h2", { class: "big", tabIndex: -1 });
  const leave = button(icon("close"), () => actions.lesson(null), {
    class: "icon-button", "aria-label": "Leave the lesson", title: "Leave the lesson",
  });
  const text = element("div", { class: "lesson-text" });
  const exercises = element("div", { class: "exercises" });
  const missing = element("p", { class: "hint missing", id: "missing", role: "status" });
  const back = button("Back", () => go(-1));
  const show = button("Show me", () => actions.reveal(state.lesson.exercise.id));
  const next = button("Next", () => go(1), { "aria-describedby": "missing" });
  rail.append(
    element("div", { class: "lesson-top" }, bar, leave), element("div", {}, crumb, title), text, exercises,
    element("span", { class: "grow" }), element("div", { class: "lesson-ways" }, missing, back, show, next));
  const asked = new Map(); // exercises of this part by id: those that are solved stay, with what was said
  let shown = "";

  follow(text, actions);
  follow(exercises, actions);

  function go(by) {
    const { lesson, hello } = state;
    const part = lesson.part + by;
    if (part < 0) return openLessons();
    if (part < lesson.parts) return actions.lesson(lesson.name, part);
    const at = hello.lessons.findIndex(({ name }) => name === lesson.name);
    const following = hello.lessons[at + 1];
    if (following) actions.lesson(following.name, 0);
    else openLessons();
  }

  function write({ number, of, name, title: lessonTitle, part, parts, html, heading, last }) {
    bar.replaceChildren(...Array.from({ length: parts }, (_, i) => element("i", { class: i <= part ? "" : "todo" })));
    bar.setAttribute("aria-label", `Part ${part + 1} of ${parts}`);
    which.textContent = which.title = heading ? `${number}. ${lessonTitle}` : `Lesson ${number} of ${of}`;
    where.textContent = `${part + 1} of ${parts}`;
    title.textContent = heading || lessonTitle;
    text.innerHTML = html; // written and escaped by the server
    asked.clear();
    exercises.replaceChildren();
    back.textContent = part === 0 ? "All lessons" : "Back";
    next.textContent = !last ? "Next" : number === of ? "Finish" : "Next lesson";
    const now = `${name}/${part}`;
    if (shown && shown !== now) title.focus({ preventScroll: true }); // a new page of text: reading starts at its head
    shown = now;
    rail.scrollTop = 0;
  }

  function add(exercise) {
    const made = exerciseElement(exercise, (answer) => actions.tryAnswer(exercise.id, answer));
    asked.set(exercise.id, made);
    exercises.append(made.element);
  }

  return function draw(news) {
    const { lesson, verdict } = state;
    if (news.has("lesson")) {
      rail.hidden = !lesson;
      document.body.classList.toggle("lesson", Boolean(lesson));
      if (!lesson) shown = "";
      else if (shown !== `${lesson.name}/${lesson.part}`) write(lesson);
      if (lesson?.exercise && !asked.has(lesson.exercise.id)) add(lesson.exercise);
      show.hidden = !lesson?.exercise;
      next.disabled = !lesson?.done;
      missing.textContent = lesson ? wanting(lesson) : "";
    }
    if (news.has("verdict") && verdict) asked.get(verdict.exercise)?.judge(verdict);
  };
}

/** What keeps the reader from going on: the server's word for it, if it has one. */
export function wanting({ done, missing, exercise }) {
  if (done) return "";
  return missing ?? (exercise ? "First solve the exercise." : "First do what the text asks for.");
}

/** Words that point into the picture: hover lights, click selects or does. */
function follow(box, actions) {
  const linkOf = (event) => parseLink(event.target.closest?.("a[href]")?.getAttribute("href"));
  const light = (event) => {
    const { about, row } = linkOf(event) ?? {};
    if (about) actions.hover(about);
    else if (row !== undefined) actions.hover({ row });
  };
  const dim = (event) => linkOf(event) && actions.hover(null);
  box.addEventListener("pointerover", light);
  box.addEventListener("focusin", light);
  box.addEventListener("pointerout", dim);
  box.addEventListener("focusout", dim);
  box.addEventListener("click", (event) => {
    const link = linkOf(event);
    if (!link) return;
    event.preventDefault();
    if (link.about) actions.select(link.about);
    else if (link.row !== undefined) actions.look({ row: link.row });
    else perform(link.what, actions);
  });
}

/** An exercise as a form: a number or an expression, a choice, or something to do in the studio. */
function exerciseElement({ id, kind, html, options, unit }, answered) {
  const words = (name, markup, properties = {}) => {
    const made = element(name, properties);
    made.innerHTML = markup; // the server's
    return made;
  };
  const said = element("div", { class: "verdict", role: "status", "aria-live": "polite" });
  const check = element("button", { type: "submit" }, "Check");
  const form = element("form", { class: "exercise" });
  const field = element("input", { type: "text", id: `answer-${id}`, autocomplete: "off", spellcheck: false });
  if (kind === "state") form.append(words("p", html), said);
  else if (kind === "choice") {
    const choices = options.map((option, i) => element("label", { class: "check" },
      element("input", { type: "radio", name: id, value: String(i) }), words("span", option)));
    form.append(element("fieldset", { class: "choices" }, words("legend", html), ...choices), check, said);
  } else {
    form.append(words("label", html, { htmlFor: field.id }),
      element("div", { class: "field-row" }, field, unit ? element("span", {}, unit) : null, check), said);
  }
  form.onsubmit = (event) => {
    event.preventDefault();
    const answer = kind === "choice" ? new FormData(form).get(id) : field.value.trim();
    if (answer) answered(kind === "choice" ? Number(answer) : answer);
  };
  function judge({ right, shown, html: markup, answer }) {
    said.innerHTML = markup; // the server's
    said.classList.toggle("right", right && !shown);
    if (shown && kind === "number" && answer !== undefined && answer !== null) field.value = String(answer);
  }
  return { element: form, judge };
}

/** What "#do=…" may ask for. */
export function perform(what, actions) {
  const [verb, detail] = what.split("/");
  const known = {
    play: actions.play, pause: actions.pause, over: actions.over, back: actions.back, live: actions.live,
    branch: actions.branch, recover: actions.recover, undo: actions.undo,
    step: () => (detail ? actions.step(detail) : actions.step()),
    stage: () => actions.step("stage"), epoch: () => actions.step("epoch"), batch: () => actions.step("batch"),
    collapse: () => actions.collapse(), panel: () => actions.panel(detail),
    lines: () => actions.setLines(detail), tab: () => actions.setTab(detail),
  };
  if (Object.hasOwn(known, verb)) known[verb]();
}
