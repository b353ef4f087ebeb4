// Elements from plain data. Text is only ever textContent, so that nothing out of a table can become markup.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "class") node.className = value;
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null));
  return node;
}

const icons = {
  lock: "M5 7V5a3 3 0 0 1 6 0v2h1v7H4V7zm1.5 0h3V5a1.5 1.5 0 0 0-3 0z",
  close: "m4 3 4 4 4-4 1 1-4 4 4 4-1 1-4-4-4 4-1-1 4-4-4-4z",
};
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", icons[name]);
  svg.append(path);
  return svg;
}

// At 24 pictures a second most texts and attributes stay what they were: touching them would cost style and layout.
export function text(node, string) {
  if (node.firstChild?.nodeType === 3 && node.childNodes.length === 1) {
    if (node.firstChild.data !== string) node.firstChild.data = string;
  } else if (node.childNodes.length || string) node.textContent = string;
}
export function attribute(node, name, value) {
  if (value === null || value === false) { if (node.hasAttribute(name)) node.removeAttribute(name); return; }
  const string = value === true ? "" : String(value);
  if (node.getAttribute(name) !== string) node.setAttribute(name, string);
}
export function toggle(node, name, on) {
  if (node.classList.contains(name) !== on) node.classList.toggle(name, on);
}
export const show = (node, on) => { if (node.hidden === on) node.hidden = !on; };
export const place = (node, x, y) => {
  const left = `${x}px`, top = `${y}px`;
  if (node.style.left !== left) node.style.left = left;
  if (node.style.top !== top) node.style.top = top;
};

// A list of nodes that grows and shrinks at its end and is otherwise kept.
export function keep(parent, count, make) {
  while (parent.children.length > count) parent.lastChild.remove();
  while (parent.children.length < count) parent.append(make(parent.children.length));
  return parent.children;
}

// Asked in every picture: the list is made once.
const asked = new Map();
export function media(query) {
  if (!asked.has(query)) asked.set(query, matchMedia(query));
  return asked.get(query).matches;
}
export const phone = () => media("(max-width: 720px)");
export const still = () => media("(prefers-reduced-motion: reduce)");
