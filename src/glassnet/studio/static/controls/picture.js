// Pictures as files. Canvases are laid on each other as they lie on the page; the network becomes one SVG.

import { linesOf } from "./vectors.js";

const SVG = "http://www.w3.org/2000/svg";

/** All canvases of a section as one PNG on the panel's ground. */
export function canvasBlob(section) {
  const canvases = [...section.querySelectorAll("canvas")].filter((canvas) => canvas.width > 1 && canvas.offsetWidth > 0);
  if (canvases.length === 0) throw new Error("There is nothing to see there yet.");
  const frames = canvases.map((canvas) => canvas.getBoundingClientRect());
  const left = Math.min(...frames.map((frame) => frame.left));
  const top = Math.min(...frames.map((frame) => frame.top));
  const scale = Math.max(...canvases.map((canvas, i) => canvas.width / frames[i].width));
  const made = document.createElement("canvas");
  made.width = Math.ceil(scale * (Math.max(...frames.map((frame) => frame.right)) - left));
  made.height = Math.ceil(scale * (Math.max(...frames.map((frame) => frame.bottom)) - top));
  const context = made.getContext("2d");
  context.fillStyle = getComputedStyle(section).getPropertyValue("--panel");
  context.fillRect(0, 0, made.width, made.height);
  canvases.forEach((canvas, i) => {
    const { x, y, width, height } = frames[i];
    context.drawImage(canvas, scale * (x - left), scale * (y - top), scale * width, scale * height);
  });
  return toBlob(made);
}

/** The network as it is drawn: lines are vectors, heat maps images inside, names text. Controls stay behind. */
function svgOf(box, state) {
  const frame = box.getBoundingClientRect();
  const [width, height] = [Math.round(frame.width), Math.round(frame.height)];
  const out = make("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  out.append(make("rect", { width: "100%", height: "100%", fill: getComputedStyle(box).getPropertyValue("--page").trim() }));
  out.append(...linesOf(box, state).map((line) => make("path", { fill: "none", ...line })));
  collect(box, frame, out);
  return new XMLSerializer().serializeToString(out);
}

const CONTROLS = ".lines, select, input, dialog, .visually-hidden, .units, .add-layer, .fold-layer, .part-layer, .offs, .labels ~ .labels, "
  + ".list-panel, .segmented, .key > .wide[aria-hidden]";

function collect(element, frame, out) {
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) addText(child, frame, out);
    else if (child.nodeType !== Node.ELEMENT_NODE || child.matches(CONTROLS) || !isSeen(child)) continue;
    else if (child instanceof HTMLCanvasElement) addImage(child, frame, out);
    else {
      addBorder(child, frame, out);
      collect(child, frame, out);
    }
  }
}

function isSeen(element) {
  return element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
}

function addImage(canvas, frame, out) {
  if (canvas.width < 2) return;
  const { left, top, width, height } = canvas.getBoundingClientRect();
  out.append(make("image", { x: left - frame.left, y: top - frame.top, width, height, preserveAspectRatio: "none", href: canvas.toDataURL() }));
}

function addBorder(element, frame, out) {
  const style = getComputedStyle(element);
  const filled = style.backgroundColor !== "rgba(0, 0, 0, 0)";
  const edged = style.borderTopStyle !== "none" && parseFloat(style.borderTopWidth) > 0 && style.borderTopColor !== "rgba(0, 0, 0, 0)";
  if (!filled && !edged) return;
  const { left, top, width, height } = element.getBoundingClientRect();
  if (width === 0) return;
  out.append(make("rect", {
    x: left - frame.left, y: top - frame.top, width, height, rx: parseFloat(style.borderTopLeftRadius) || 0,
    fill: filled ? style.backgroundColor : "none", stroke: edged ? style.borderTopColor : "none",
    "stroke-dasharray": style.borderTopStyle === "dashed" ? "3 3" : "none",
  }));
}

function addText(node, frame, out) {
  const words = node.data.trim();
  if (!words) return;
  const range = document.createRange();
  range.selectNodeContents(node);
  const { left, top, width, height } = range.getBoundingClientRect();
  if (width === 0) return;
  const style = getComputedStyle(node.parentElement);
  const size = parseFloat(style.fontSize);
  const text = make("text", {
    x: left - frame.left, y: top - frame.top + height / 2 + 0.35 * size, fill: style.color, "font-family": style.fontFamily,
    "font-size": size, "font-style": style.fontStyle, "font-weight": style.fontWeight,
  });
  text.textContent = words;
  out.append(text);
}

export function svgBlob(box, state) {
  return new Blob([svgOf(box, state)], { type: "image/svg+xml" });
}

/** The SVG painted on a canvas of twice the size: it has no font of its own, so that the reader's is taken. */
export async function networkBlob(box, state) {
  const { width, height } = box.getBoundingClientRect();
  const image = new Image();
  const url = URL.createObjectURL(svgBlob(box, state));
  try {
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await toBlob(canvas);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function toBlob(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large."))));
  });
}

function make(name, attributes) {
  return put(document.createElementNS(SVG, name), attributes);
}

function put(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, typeof value === "number" ? Number(value.toFixed(2)) : value);
  }
  return element;
}
