// What the page has to say by itself: a lost server, a divergence, one line now and then, and the state for who listens.

import { connectNow } from "../api.js";
import { handOver } from "./claims.js";
import { button, element, icon } from "./dom.js";
import { statusText, whole } from "./text.js";

const QUIET = 5000; // ms between two announcements of the state, at the least
const LONG = 7000; // ms that a notice stays

export function mountNotices(state, actions) {
  const at = (id) => document.getElementById(id);
  const [lost, diverged, notice, status] = ["lost", "diverged", "notice", "status"].map(at);
  const countdown = element("span", {});
  lost.append(
    element("span", {}, element("b", {}, "No connection to the studio. "), countdown),
    button("Try now", connectNow));
  const where = element("span", {});
  diverged.append(where, button("20 epochs back, at a tenth of the rate", actions.recover));
  let ticking = 0;
  let fading = 0;
  let announcedAt = 0;
  let announcing = 0;
  let calm = null; // whether the run stood still when last announced

  function drawLost() {
    clearInterval(ticking);
    lost.hidden = state.connection !== "lost";
    if (lost.hidden) return;
    const write = () => {
      const seconds = Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000));
      const text = state.retryAt === null
        ? "This run was opened in another window."
        : seconds > 0 ? `Trying again in ${seconds} s. What was drawn stays.` : "Trying again …";
      if (countdown.textContent !== text) countdown.textContent = text;
    };
    write();
    ticking = setInterval(write, 500);
  }

  function drawNotice() {
    clearTimeout(fading);
    const { text, level } = state.notice && !handOver(state.notice) ? state.notice : {};
    notice.classList.toggle("error", level === "error");
    if (!text) return notice.replaceChildren();
    notice.replaceChildren(element("span", {}, text),
      button(icon("close"), () => notice.replaceChildren(), { class: "icon-button", "aria-label": "Dismiss" }));
    fading = setTimeout(() => notice.replaceChildren(), level === "error" ? 2 * LONG : LONG);
  }

  function announce() {
    clearTimeout(announcing);
    const wait = announcedAt + QUIET - Date.now();
    if (wait > 0) {
      announcing = setTimeout(announce, wait);
      return;
    }
    announcedAt = Date.now();
    status.textContent = statusText(state.frame);
  }

  return function draw(news) {
    if (news.has("connection") || news.has("retryAt")) drawLost();
    if (news.has("notice")) drawNotice();
    else if (news.has("run") && notice.classList.contains("error")) notice.replaceChildren(); // what failed has been mended
    if (!news.has("frame") || !state.frame) return;
    const { frame } = state;
    const gone = frame.diverged;
    diverged.hidden = !gone;
    if (gone) where.textContent = `Diverged in epoch ${whole(gone.epoch)}: a number was no longer finite. The picture is the last finite one.`;
    const standing = !frame.playing;
    if (standing !== calm || standing) announce(); // while it trains, starting and stopping is news enough
    calm = standing;
  };
}
