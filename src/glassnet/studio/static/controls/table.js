// A table's own settings: what to predict, what kind each column is, which two axes the picture has, what is held.

import { choice, dialog, button, element, fillChoice, fold, labelled, searchable, slider } from "./dom.js";
import { nameOf, settingText } from "./text.js";

export function mountTable(state, actions) {
  const title = element("p", { class: "title" });
  const controls = new Map(); // held values by column
  const target = choice((name) => actions.setData({ target: name }));
  const columns = mountColumns(state, actions);
  const across = choice((i) => turn(Number(i), state.run.plane[1]));
  const up = choice((i) => turn(state.run.plane[0], Number(i)));
  const held = element("div", { class: "held", role: "group", "aria-label": "Held values" });
  const search = searchable(held, "columns");
  const tableBox = element("div", {}, title, labelled("predict", target), button("Columns…", columns.open, { class: "wide-button" }));
  const planeBox = element("div", {}, labelled("across", across), labelled("up", up),
    fold(element("summary", {}, "held values"), ...search.parts, held));
  const box = element("div", { class: "table-settings", hidden: true }, tableBox, planeBox);

  /** The same axis twice is no plane: then the two change places. */
  function turn(i, j) {
    actions.look({ plane: i === j ? [...state.run.plane].reverse() : [i, j] });
  }

  return {
    element: box,
    draw(news) {
      if (!news.has("run") || !state.run) return;
      const { settings, axes, plane, view } = state.run;
      const ofTable = settings.data.kind === "table";
      const wide = view === "plane" && axes.length > 2;
      box.hidden = !ofTable && !wide;
      tableBox.hidden = !ofTable;
      planeBox.hidden = !wide;
      if (ofTable) {
        title.textContent = state.run.title;
        const names = (state.run.columns ?? []).map((column) => column.name);
        const all = names.includes(settings.data.target) ? names : [settings.data.target, ...names];
        fillChoice(target, all.map((name) => [name, name]), settings.data.target);
        columns.draw();
      }
      if (wide) {
        const options = axes.map(({ name }, i) => [i, name]);
        fillChoice(across, options, plane[0]);
        fillChoice(up, options, plane[1]);
        drawHeld(held, controls, state, actions, search.settle);
      }
    },
  };
}

function drawHeld(box, controls, { run }, actions, settle) {
  const text = JSON.stringify([run.choices, run.plane]);
  if (box.dataset.shown !== text) {
    box.dataset.shown = text;
    const shown = new Set(run.plane.map((i) => run.axes[i]?.name));
    const names = Object.keys(run.choices ?? {}).filter((name) => !shown.has(name));
    controls.clear();
    for (const name of names) controls.set(name, heldControl(name, run.choices[name], (value) => actions.look({ held: { [name]: value } })));
    box.replaceChildren(...[...controls.values()].map((control) => control.element));
    settle();
  }
  for (const [name, control] of controls) {
    if (run.held?.[name] !== undefined) control.set(run.held[name]);
    else control.setUnknown("typical"); // the server holds what the table's rows have in common
  }
}

/** Two numbers are a range; anything else is a list of values. */
export function isRange(choices) {
  return choices.length === 2 && choices.every((value) => typeof value === "number");
}

function heldControl(name, choices, onpick) {
  if (isRange(choices)) {
    const [min, max] = choices;
    return slider(name, { min, max, step: (max - min) / 200 || 1, show: (value) => settingText(Number(value.toPrecision(4))) }, onpick, onpick);
  }
  const select = choice((value) => value !== "" && onpick(value));
  const options = choices.map((value) => [value, value]);
  return {
    element: labelled(name, select),
    set: (value) => fillChoice(select, options, value),
    setUnknown: (words) => fillChoice(select, [["", words], ...options], ""),
  };
}

function mountColumns(state, actions) {
  const box = dialog("Columns");
  box.element.id = "columns";

  function draw() {
    const { columns, settings } = state.run;
    const text = JSON.stringify([columns, settings.data.target]);
    if (box.body.dataset.shown === text || !state.hello) return;
    box.body.dataset.shown = text;
    const notes = (columns ?? []).some(({ note }) => note);
    const rows = (columns ?? []).map(({ name, kind, note, kinds }) => {
      const select = choice((value) => actions.setData({ columns: { ...settings.data.columns, [name]: value } }),
        { "aria-label": `Kind of ${name}` });
      const offered = kinds ?? state.hello.kinds;
      fillChoice(select, (offered.includes(kind) ? offered : [kind, ...offered]).map((v) => [v, nameOf(v)]), kind);
      return element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, select),
        notes ? element("td", {}, note ?? "") : null);
    });
    const heads = ["column", "kind", ...(notes ? ["how it is read"] : [])].map((head) => element("th", { scope: "col" }, head));
    const body = element("tbody", {}, ...rows);
    const search = searchable(body, "columns");
    box.body.replaceChildren(
      element("p", {}, "What each column is decides how it reaches the network. A new kind starts the training over."), ...search.parts,
      element("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": "Kinds of the columns" },
        element("table", { class: "plain" }, element("thead", {}, element("tr", {}, ...heads)), body)));
    search.settle();
  }
  return { draw, open: box.open };
}
