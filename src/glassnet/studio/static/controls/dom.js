// Small helpers to build controls. Text goes in as text: nothing here reads HTML.

let count = 0;

/** element("button", {class: "icon-button", onclick: fn}, "text", child…): properties where they exist, else attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key === "class") made.className = value;
    else if (key in made && key !== "list" && key !== "form") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

export function button(label, onclick, properties = {}) {
  return element("button", { type: "button", onclick, ...properties }, label);
}

/** A label and its control in one row. */
export function labelled(text, control) {
  control.id ||= `control-${++count}`;
  return element("div", { class: "row" }, element("label", { htmlFor: control.id }, text), control);
}

export function choice(onpick, properties = {}) {
  return element("select", { onchange: (event) => onpick(event.target.value), ...properties });
}

/** Fill a select with [value, label] pairs and choose one; nothing is touched where nothing changed. */
export function fillChoice(select, options, value) {
  const text = JSON.stringify(options);
  if (select.dataset.options !== text) {
    select.dataset.options = text;
    select.replaceChildren(...options.map(([v, label]) => element("option", { value: String(v) }, label)));
  }
  if (select.value !== String(value)) select.value = String(value);
}

/** A slider under its label and number. `onpick` is told when it is let go, `onmove` while it moves. */
export function slider(text, { min, max, step, show }, onpick, onmove = () => {}) {
  const id = `control-${++count}`;
  const shown = element("output", { htmlFor: id });
  const input = element("input", { type: "range", id, min, max, step });
  input.oninput = () => {
    write(Number(input.value));
    onmove(Number(input.value));
  };
  input.onchange = () => onpick(Number(input.value));
  const write = (value) => {
    shown.textContent = show(value);
    input.setAttribute("aria-valuetext", show(value));
  };
  const label = element("div", { class: "row" }, element("label", { htmlFor: id }, text), shown);
  return {
    element: element("div", { class: "slider" }, label, input),
    set(value) {
      if (document.activeElement === input && input.matches(":active")) return; // a hand is on it
      if (Number(input.value) !== value) input.value = value;
      write(value);
    },
    setUnknown(words) {
      shown.textContent = words;
      input.setAttribute("aria-valuetext", words);
    },
  };
}

/** What is not needed at once, under a line that opens it. */
export function fold(summary, ...children) {
  return element("details", { class: "fold" }, summary, element("div", { class: "fold-body" }, ...children));
}

const MANY = 12; // entries that a glance finds without searching

/** A field that leaves of a long list what holds its words; call `settle` when the list has been filled anew. */
export function searchable(list, name) {
  const none = element("p", { class: "hint", hidden: true }, "Nothing is called that.");
  const field = element("input", { type: "search", class: "search", placeholder: `search ${name}`, "aria-label": `Search ${name}` });
  function settle() {
    const wanted = field.value.trim().toLowerCase();
    const entries = [...list.children];
    field.hidden = entries.length <= MANY;
    for (const entry of entries) {
      const words = entry.querySelector("label, th, span")?.textContent ?? entry.textContent;
      entry.hidden = !field.hidden && !words.toLowerCase().includes(wanted);
    }
    none.hidden = field.hidden || entries.some((entry) => !entry.hidden);
  }
  field.oninput = settle;
  return { parts: [field, none], settle };
}

/** One tab stop for a group of buttons: arrows walk inside it. */
export function rove(group, isCurrent) {
  const items = () => [...group.querySelectorAll("button:not([hidden])")];
  const mark = (current) => items().forEach((item) => { item.tabIndex = item === current ? 0 : -1; });
  group.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = items();
    const at = all.indexOf(document.activeElement);
    if (!by || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[(at + by + all.length) % all.length];
    mark(next);
    next.focus();
  });
  return () => {
    const all = items();
    mark(all.find(isCurrent) ?? all[0]);
  };
}

/** A native dialog with a title and a close button; a click beside it closes it too. */
export function dialog(title, properties = {}) {
  const heading = element("h2", { id: `dialog-${++count}` }, title);
  const close = button(icon("close"), () => made.close(), { class: "icon-button", "aria-label": "Close", title: "Close (Esc)" });
  const body = element("div", { class: "dialog-body" });
  const made = element("dialog", { "aria-labelledby": heading.id, ...properties },
    element("div", { class: "dialog-top" }, heading, close), body);
  made.addEventListener("click", (event) => {
    if (event.target === made) made.close();
  });
  document.body.append(made);
  return { element: made, heading, body, open: () => made.open || made.showModal(), close: () => made.close() };
}

/** Save a blob under a name. */
export function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
