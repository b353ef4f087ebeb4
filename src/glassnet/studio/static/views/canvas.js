// Sharp canvases whose size is known without asking the layout: reading it in every picture would force one.

const boxes = new WeakMap(), redraws = new WeakMap();
let observer;

export function watch(element, redraw) {
  redraws.set(element, redraw);
  if (boxes.has(element)) return;
  observer ??= new ResizeObserver(entries => {
    for (const { target, contentRect } of entries) {
      const box = boxes.get(target);
      if (box.width === contentRect.width && box.height === contentRect.height) continue;
      boxes.set(target, { width: contentRect.width, height: contentRect.height });
      redraws.get(target)();
    }
  });
  boxes.set(element, { width: element.clientWidth, height: element.clientHeight });
  observer.observe(element);
}

export const box = element => boxes.get(element);

// Two device pixels a CSS pixel are enough for lines of half a pixel.
export const ratio = () => Math.min(2, globalThis.devicePixelRatio || 1);

function resize(canvas, width, height) {
  const w = Math.max(1, Math.round(width * ratio())), h = Math.max(1, Math.round(height * ratio()));
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  return canvas.getContext("2d");
}

// The context in CSS pixels, cleared.
export function fit(canvas, width, height) {
  const context = resize(canvas, width, height);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(ratio(), 0, 0, ratio(), 0, 0);
  return context;
}

// The pixels to write by hand: write(words, width, height) in device pixels, then the context in CSS pixels to go on.
// Canvases of one size take turns with one buffer, since putting it copies.
const buffers = new Map();
export function fill(canvas, width, height, write) {
  const context = resize(canvas, width, height), key = `${canvas.width} ${canvas.height}`;
  if (!buffers.has(key)) {
    if (buffers.size > 12) buffers.clear();
    const image = context.createImageData(canvas.width, canvas.height);
    buffers.set(key, { image, words: new Uint32Array(image.data.buffer) });
  }
  const { image, words } = buffers.get(key);
  write(words, canvas.width, canvas.height);
  context.putImageData(image, 0, 0);
  context.setTransform(ratio(), 0, 0, ratio(), 0, 0);
  return context;
}
