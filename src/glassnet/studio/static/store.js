// The page's whole state, in one place. Whoever changes it says so once; whoever shows it is told once a frame.

const LOADED = {
  connection: "connecting", retryAt: null,
  hello: null, run: null, frame: null, points: null, history: { points: [], old: [] }, stage: null,
  why: null, about: {}, hover: null, look: {},
  lines: "weight", stepUnit: "epoch", pace: "even",
  lesson: null, verdict: null, panel: null, notice: null, findings: [],
  brush: null, entering: false,
  theme: "auto", patterns: false, letters: true, tab: "watch", drawer: false,
};

export function createStore(first, schedule = (fn) => requestAnimationFrame(fn)) {
  const state = { ...first };
  const listeners = new Set();
  let changed = new Set();

  function tell() {
    const news = changed; // a listener may change the state again: that is the next frame's news
    changed = new Set();
    for (const fn of listeners) fn(state, news);
  }

  return {
    state,
    set(patch) {
      const first = changed.size === 0;
      for (const [key, value] of Object.entries(patch)) {
        if (state[key] === value && (value === null || typeof value !== "object")) continue;
        state[key] = value;
        changed.add(key);
      }
      if (first && changed.size > 0) schedule(tell);
    },
    subscribe(fn) {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
  };
}

export const store = createStore(LOADED);
