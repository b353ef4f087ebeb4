// The only module that talks to the server: messages over one socket, files over HTTP.

import { extendHistory } from "./history.js";
import { decodeLink } from "./link.js";
import { store } from "./store.js";

const WAITS = [1, 2, 4, 8]; // seconds between attempts to connect again
const CALM = 500; // ms between two pictures for who asked the system for less motion
const ARRAYS = { f8: Float64Array, f4: Float32Array, i1: Int8Array, u1: Uint8Array, u4: Uint32Array };

/** A binary message: uint32 length, JSON header, then the arrays as views on the same buffer. */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const [name, { dtype, shape, at }] of Object.entries(header.arrays)) {
    const size = shape.reduce((product, n) => product * n, 1);
    arrays[name] = new ARRAYS[dtype](buffer, at, size);
  }
  return { header, arrays };
}

let socket = null;
let attempts = 0;
let lastId = 0;
let owed = 0; // binary messages drawn or dropped, but not yet answered
let calmUntil = 0;
const held = []; // frames that wait for their time
let taken = false; // another window has this run now: two that take it from each other would never rest
const waiting = []; // messages sent before the socket was open

export function send(message) {
  const id = ++lastId;
  const text = JSON.stringify({ ...message, id });
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
  else if (store.state.connection === "connecting") waiting.push(text);
  return id;
}

/** Tell the server that what it sent has been drawn; it keeps two pictures in flight at most. */
export function acknowledge() {
  for (; owed > 0; owed--) {
    if (socket?.readyState === WebSocket.OPEN) socket.send('{"type":"ack"}');
  }
}

export function connect() {
  const link = decodeLink(location.hash);
  const known = link ? null : sessionStorage.getItem("run");
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const opened = new WebSocket(`${scheme}://${location.host}/ws${known ? `?run=${encodeURIComponent(known)}` : ""}`);
  opened.binaryType = "arraybuffer";
  socket = opened;
  opened.onopen = () => {
    attempts = 0;
    owed = 0;
    held.length = 0;
    store.set({ connection: "open", retryAt: null });
    if (link) {
      send({ type: "open", ...link });
      history.replaceState(null, "", location.pathname); // or a reload would undo what came after
    }
    for (const text of waiting.splice(0)) opened.send(text);
  };
  opened.onmessage = (event) => {
    if (typeof event.data === "string") receive(JSON.parse(event.data));
    else receiveBinary(event.data);
  };
  opened.onclose = () => {
    if (taken) return store.set({ connection: "lost", retryAt: null });
    const seconds = WAITS[Math.min(attempts++, WAITS.length - 1)];
    store.set({ connection: "lost", retryAt: Date.now() + 1000 * seconds });
    retry = setTimeout(connect, 1000 * seconds);
  };
}

let retry = 0;
export function connectNow() {
  clearTimeout(retry);
  taken = false;
  if (socket?.readyState === WebSocket.CLOSED) connect();
}

function receive(message) {
  const { type } = message;
  if (type === "hello") {
    sessionStorage.setItem("run", message.run);
    store.set({ hello: message });
  } else if (type === "history") {
    store.set({ history: { points: message.points ?? [], old: message.old ?? [] } });
  } else if (type === "lesson") {
    const lesson = message.name === null ? null : message;
    const moved = lesson?.name !== store.state.lesson?.name || lesson?.part !== store.state.lesson?.part;
    store.set({ lesson, ...(moved ? { verdict: null } : {}) });
  } else if (type === "done") {
    const { lesson } = store.state;
    if (lesson?.name === message.name && lesson.part === message.part) store.set({ lesson: { ...lesson, done: true, missing: null } });
  } else if (type === "taken") {
    taken = true;
    socket.close();
  } else if (type === "findings") {
    store.set({ findings: message.findings });
  } else if (type === "notice" || type === "replaying") {
    store.set({ notice: type === "notice" ? message : replayed(message) });
  } else if (["run", "why", "stage", "panel", "verdict"].includes(type)) {
    store.set({ [type]: message });
  }
}

function replayed({ step, of }) {
  return { level: "info", text: step !== null && step < of ? `Training again what the link holds: ${step} of ${of}` : "" };
}

function receiveBinary(buffer) {
  const { header, arrays } = decode(buffer);
  const message = { ...header, arrays };
  if (header.type === "points") {
    store.set({ points: message });
    owed++;
  } else if (header.type === "frame") {
    held.push(message);
    if (!header.playing || !matchMedia("(prefers-reduced-motion: reduce)").matches) while (held.length > 0) showFrame(held.shift());
    else if (held.length === 1) setTimeout(release, Math.max(0, calmUntil - performance.now()));
  }
}

/** One picture at its time, where less motion is wanted; the server waits until it is answered. */
function release() {
  if (held.length === 0) return; // training has stopped since, and the last picture has been shown at once
  showFrame(held.shift());
  calmUntil = performance.now() + CALM;
  if (held.length > 0) setTimeout(release, CALM);
}

function showFrame(frame) {
  owed++;
  const { run, history } = store.state;
  if (run && frame.version !== run.version) {
    store.set({ dropped: {} }); // of a network that is no more: answered, but not shown
    return;
  }
  if (frame.new?.length) extendHistory(history.points, frame.new);
  store.set({ frame, history: { ...history } });
}

/** Send a table or a model; `onProgress` gets a share from 0 to 1. The promise has `cancel()`. */
export function upload(file, onProgress) {
  const request = new XMLHttpRequest(); // fetch cannot say how far an upload is
  const promise = new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      const answer = request.response ?? { error: `The server answered ${request.status}.` };
      if (request.status < 300) resolve(answer);
      else reject(new Error(answer.error ?? `The server answered ${request.status}.`));
    };
    request.onerror = () => reject(new Error("The server cannot be reached: is glassnet studio still running?"));
    request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    request.open("POST", `/upload?name=${encodeURIComponent(file.name)}`);
    request.responseType = "json";
    request.send(file);
  });
  promise.cancel = () => request.abort();
  return promise;
}

/** {hash}, or {hash: null, why} where a link cannot hold the run. */
export async function fetchLink(run) {
  return (await take(run, "link")).json();
}
/** {blob, name}; for what may be refused, and takes a while. */
export async function fetchFile(run, file) {
  const response = await take(run, file);
  const name = decodeURIComponent(response.headers.get("content-disposition")?.split("''")[1] ?? file);
  return { blob: await response.blob(), name };
}
async function take(run, what) {
  const response = await fetch(`/take/${encodeURIComponent(run)}/${what}`);
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? `The ${what} could not be made.`);
  return response;
}
