// Everything that a view or a control may ask for. One function for each message to the server; a few change the page alone.

/** Messages that follow the hand: of those made within one frame only the last matters. */
export function createActions(store, send, schedule = (fn) => requestAnimationFrame(fn)) {
  const { state, set } = store;
  const latest = new Map();

  function sendSoon(key, message, merge = false) {
    if (latest.size === 0) schedule(flush);
    latest.set(key, merge ? { ...latest.get(key), ...message } : message);
  }
  function flush() {
    const messages = [...latest.values()];
    latest.clear();
    messages.forEach(send);
  }
  function tell(message) {
    flush(); // what the hand did before comes first
    return send(message);
  }

  const actions = {
    open: (settings) => tell({ type: "open", settings }),
    restore: (file) => tell({ type: "restore", file }),
    play: () => tell({ type: "play", pace: state.pace }),
    pause: () => tell({ type: "pause" }),
    toggle: () => (state.frame?.playing ? actions.pause() : actions.play()),
    setPace(pace) {
      set({ pace });
      remember("pace", pace);
      tell({ type: "pace", pace });
    },
    step: (unit = state.stepUnit) => tell({ type: "step", unit }),
    setStepUnit: (stepUnit) => set({ stepUnit }),
    seek: (step) => sendSoon("seek", { type: "seek", step }),
    back: () => tell({ type: "back" }),
    live: () => tell({ type: "live" }),
    branch: () => tell({ type: "branch" }),
    over: () => tell({ type: "over" }),
    undo: () => tell({ type: "undo" }),
    recover: () => tell({ type: "recover" }),
    set: (changes) => tell({ type: "set", changes }),
    setData: (changes) => tell({ type: "set", changes: { data: { ...state.run?.settings.data, ...changes } } }),
    feature: (name, on) => tell({ type: "feature", name, on }),
    edit: (about, value) => sendSoon(`edit ${JSON.stringify(about)}`, { type: "edit", ...about, value }),
    freeze: (about, on) => tell({ type: "freeze", about, on }),
    unit: (change) => tell({ type: "unit", ...change }),
    resize: (layer, units) => sendSoon(`units ${layer}`, { type: "unit", layer, units }),
    layer: (change) => tell({ type: "layer", ...change }),
    /** Fold the network or part it again. Of layers that all bend, the one that is asked about gives its bend up. */
    collapse(on = !state.run?.folded, layer = hiddenOf(state)) {
      if (state.run?.settings.layers.length === 0) return actions.notice("There is no hidden layer that could be folded.");
      return tell({ type: "collapse", on, ...(on && layer !== null ? { layer } : {}) });
    },
    point: (change) => tell({ type: "point", ...change }),
    look(change) {
      set({ look: { ...state.look, ...change } });
      sendSoon("look", { type: "look", ...change }, true);
    },
    why: (about) => tell({ type: "why", about }),
    panel(panel) {
      const id = tell({ type: "panel", panel });
      set({ panel: { panel, loading: true, id } });
    },
    lesson(name, part = 0) {
      set({ entering: name !== null });
      return tell(name === null ? { type: "lesson", name } : { type: "lesson", name, part });
    },
    tryAnswer: (exercise, answer) => tell({ type: "try", exercise, answer }),
    reveal: (exercise) => tell({ type: "reveal", exercise }),

    select(about) {
      set({ about });
      actions.look({ about });
      tell({ type: "why", about });
    },
    hover: (hover) => set({ hover }),
    setLines(lines) {
      set({ lines });
      actions.look({ lines });
    },
    setBrush: (brush) => set({ brush }),
    setTab: (tab) => set({ tab }),
    setDrawer: (drawer) => set({ drawer }),
    setTheme(theme) {
      set({ theme });
      remember("theme", theme);
    },
    setPatterns(patterns) {
      set({ patterns });
      remember("patterns", patterns);
    },
    setLetters(letters) {
      set({ letters });
      remember("letters", letters);
    },
    notice: (text, level = "info") => set({ notice: { text, level } }),
  };
  return actions;
}

/** The hidden layer that is asked about, from 0; null if none is. */
function hiddenOf({ about, run }) {
  if (!run || run.folded) return null; // a folded network counts its layers otherwise
  const l = about.layer ?? about.unit?.[0] ?? about.bias?.[0] ?? about.weight?.[0];
  return l !== undefined && l < run.settings.layers.length ? l : null;
}

/** What this browser keeps between visits: a theme, a pace. Nothing else, and never anything about data. */
export function remember(key, value) {
  try {
    localStorage.setItem(`studio ${key}`, JSON.stringify(value));
  } catch {
    // private windows may refuse: then it holds for this visit
  }
}

export function remembered(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`studio ${key}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}
