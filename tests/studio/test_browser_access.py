"""The studio for everyone: axe, keys alone, targets to hit, no sideways scroll, nothing that jumps."""

import re
import time

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from glassnet.data.examples import penguins
from glassnet.data.table import write_table
from glassnet.lessons import lessons

pytestmark = pytest.mark.slow

WIDTHS = {1280: (1280, 800), 390: (390, 844)}
FINGER, POINTER = 44, 24  # pixels

# What is wrong with the page as it stands, in words.
LOOK = """(least) => {
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
  const named = (element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 120);
  const within = (element, test) => {
    for (let at = element; at; at = at.parentElement) if (test(at)) return true;
    return false;
  };
  const wrong = [];

  // Sideways.
  const page = document.scrollingElement;
  if (page.scrollWidth > innerWidth) wrong.push(`the page is ${page.scrollWidth} px wide`);
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const controls = [...document.querySelectorAll("button, select, input, summary, a.button, textarea")].filter(seen);
  for (const control of controls) {
    const { left, right, width } = control.getBoundingClientRect();
    if (width < 2 || within(control, scrolls)) continue;
    if (left < -1 || right > innerWidth + 1) wrong.push(`from ${left} to ${right}: ${named(control)}`);
  }

  // What a finger, or a pointer, has to hit: a label is part of its box, and ::after may reach beyond an edge.
  for (const control of controls) {
    const target = control.matches("[type=checkbox], [type=radio]") ? control.closest("label") ?? control : control;
    let { width, height } = target.getBoundingClientRect();
    if (width < 2) continue;
    const after = getComputedStyle(target, "::after");
    if (after.content !== "none" && after.position === "absolute") {
      width = Math.max(width, parseFloat(after.width));
      height = Math.max(height, parseFloat(after.height));
    }
    // What stands in a picture is as large as the picture lets it be, yet never under what a pointer needs.
    const needed = target.closest(".net-area, #side") ? 24 : least;
    if (Math.min(width, height) < needed - 0.5) wrong.push(`${width} × ${height} px: ${named(target)}`);
  }

  // Pictures.
  for (const canvas of [...document.querySelectorAll("canvas")].filter(seen)) {
    const told = canvas.getAttribute("role") === "img" && canvas.getAttribute("aria-label")?.length > 4;
    const silent = (element) => element.getAttribute("aria-hidden") === "true" || element.matches("button[aria-label]");
    if (!told && !within(canvas, silent)) wrong.push(`says nothing: ${named(canvas.parentElement)}`);
  }
  return wrong;
}"""
AXE = """async (rules) => {
  const only = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const within = document.querySelector("dialog[open]") ?? document; // behind a dialog nothing can be reached
  const { violations } = await axe.run(within, { resultTypes: ["violations"], ...only });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => {
    return `${id}: ${target.join(" ")}: ${failureSummary.split("\\n").slice(1).join(";").trim()}`;
  }));
}"""
# Numbers are drawn, answers have come, and nothing fades any more.
SETTLED = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
  !document.querySelector(".why.waiting, .loading") &&
  document.getAnimations().every(({ playState }) => playState !== "running")))))"""


class Walker:
    """Someone who goes from state to state at one width, and looks at each of them in both themes."""

    def __init__(self, window, width, tmp_path):
        self.window, self.page, self.phone, self.folder = window, window.page, width < 720, tmp_path
        self.wrong = []
        self.page.evaluate(AXE_SCRIPT)

    def look(self, state):
        """What only the colours change is looked for again in the dark."""
        self.page.mouse.move(2, 2)
        for theme, rules in (("light", None), ("dark", ["color-contrast"])):
            self.page.emulate_media(color_scheme=theme)
            self.window.until(SETTLED)
            found = self.page.evaluate(AXE, rules)
            if theme == "light":
                found += self.page.evaluate(LOOK, FINGER if self.phone else POINTER)
            self.wrong += [f"{state}, {theme}: {what}" for what in found]
        self.page.emulate_media(color_scheme="light")

    def button(self, name, within=None):
        return (within or self.page).get_by_role("button", name=name).locator("visible=true").first

    def tab(self, name):
        """On a phone the page has tabs."""
        if self.phone:
            self.page.get_by_role("navigation", name="Views").get_by_role("button", name=name).click()

    def tile(self, seat):
        return self.page.locator(f'#network button[data-seat="{seat}"]')

    def close_dialog(self):
        if self.page.locator("dialog[open]").count():
            self.page.keyboard.press("Escape")
        self.window.until("!document.querySelector('dialog[open]')")

    # The states, in an order in which one leads to the next.

    def fresh(self):
        pass

    def playing_paused(self):
        self.window.play_until(lambda run: run.state.epoch > 5)

    def lines_listed(self):
        self.tile("1 0").focus()
        self.page.keyboard.press("l")
        self.window.until(self.page.get_by_role("listbox").is_visible)

    def weight_asked(self):
        self.page.keyboard.press("Enter")
        self.window.until(lambda: "weight" in self.window.session.about)
        self.window.until("document.querySelector('#why dd')?.textContent")

    def unit_asked(self):
        self.tile("1 2").focus()
        self.page.keyboard.press("Enter")
        self.window.until(lambda: self.window.session.about == {"unit": [0, 2]})
        self.window.until("document.querySelector('#why .facts li')")

    def row_chosen(self):
        self.window.say("look", row=12)
        self.window.until(lambda: "at this row" in self.tile("1 0").get_attribute("aria-label"))

    def stage_walk(self):
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("3")
        for stage in (1, 2, 3):
            self.page.keyboard.press(".")
            self.window.until(lambda n=stage: f"Stage {n}" in self.window.text("#network [role=status]"))

    def looking_back(self):
        self.page.keyboard.press("1")
        self.page.keyboard.press(",")
        self.window.until(lambda: self.window.session.past is not None)
        self.window.until(lambda: "of" in self.window.text("#timeline .told"))

    def keys(self):
        self.page.keyboard.press("?")
        self.window.until(self.page.get_by_role("dialog", name="Keys").is_visible)

    def take_away(self):
        self.close_dialog()
        self.tab("Learn")
        self.button("Take away").click()
        self.window.until(lambda: self.page.get_by_role("dialog").get_by_role("textbox").input_value())

    def examine(self, panel):
        if panel == "Diagnose":
            self.close_dialog()
            self.button("Examine").click()
        else:
            self.button(panel, self.page.get_by_role("dialog", name="Examine")).click()
        pressed = self.button(panel, self.page.get_by_role("dialog", name="Examine"))
        self.window.until(lambda: pressed.get_attribute("aria-pressed") == "true")
        self.window.until("!document.querySelector('dialog[open] [aria-busy=true], dialog[open] .loading')")

    def lessons_listed(self):
        self.close_dialog()
        self.tab("Learn")
        if not self.phone:
            self.button("Lessons").click()
        self.window.until(self.button(lessons()[0].title).is_visible)

    def lesson_with_an_exercise(self):
        lesson = next(lesson for lesson in lessons() if lesson.name == "backpropagation")
        self.button(lesson.title).click()
        self.window.until(lambda: lesson.parts[0].heading in self.window.text("#lesson"))

    def exercise_answered(self):
        self.page.locator("#lesson").get_by_role("textbox").fill("7")
        self.button("Check").click()
        self.window.until(lambda: self.page.locator("#lesson").get_by_role("status").first.inner_text())

    def data(self):
        self.button("Leave the lesson").click()
        self.tab("Data")
        self.window.until(lambda: not self.page.locator("#lesson").is_visible())
        self.page.get_by_text("formula or own points").click()

    def table_loaded(self):
        table = penguins()
        write_table({name: table[name] for name in table.names}, self.folder / "penguins.csv")
        self.window.drop("penguins.csv", (self.folder / "penguins.csv").read_bytes())
        self.window.until(lambda: self.window.session.run.problem.preprocessor is not None)
        self.window.until(self.page.get_by_label(re.compile("^(target|predict)")).first.is_visible)

    def columns(self):
        self.button(re.compile("Columns")).click()
        self.window.until(self.page.get_by_role("dialog", name="Columns").is_visible)

    def network(self):
        self.close_dialog()
        self.tab("Network")

    def diverged(self):
        self.tab("Watch")
        self.window.say("open", settings={"data": {"kind": "plane"}, "layers": [], "optimizer": "sgd", "rate": 50.0})
        self.window.until(lambda: not self.window.session.run.settings["layers"])
        self.window.play_until(lambda run: False)
        self.window.until(self.page.get_by_role("alert").filter(has_text="Diverged").is_visible)

    def server_lost(self):
        assert not self.window.problems
        self.window.server_lost = True
        self.window.studio.close()
        self.window.until(self.page.get_by_role("alert").filter(has_text="No connection").is_visible)


PANELS = ("Diagnose", "Probe", "Duel", "Collapse", "Tables")
WALKS = {
    "watching": (
        *("fresh", "playing_paused", "lines_listed", "weight_asked", "unit_asked", "row_chosen", "stage_walk"),
        "looking_back",
    ),
    "dialogs": ("playing_paused", "keys", "take_away", *PANELS, "lessons_listed"),
    "lessons and data": (
        *("lessons_listed", "lesson_with_an_exercise", "exercise_answered", "data", "table_loaded", "columns"),
        *("network", "diverged", "server_lost"),
    ),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("walk", WALKS)
def test_every_state_is_fit_for_everyone(open_window, walk, width, tmp_path):
    window = open_window(viewport=dict(zip(("width", "height"), WIDTHS[width], strict=True)), color_scheme="light")
    walker = Walker(window, width, tmp_path)
    for state in WALKS[walk]:
        if state in PANELS:
            walker.examine(state)
        else:
            getattr(walker, state)()
        walker.look(state)
    assert not walker.wrong, "\n".join(walker.wrong)


# By keys alone.

FOCUSABLE = """button:not(:disabled), select:not(:disabled), input:not(:disabled), a[href], summary, [role=slider]"""
LEFT_OUT = f"""() => [...document.querySelectorAll({FOCUSABLE!r})].filter((element) => !visited.has(element) &&
  element.checkVisibility({{ visibilityProperty: true }}) && !element.closest("[aria-hidden=true]")
).map((element) => element.outerHTML.slice(0, 120))"""
REGIONS = {
    1280: (
        *("header", "rail-data", "rail-network", "rail-training", "network", "why"),
        *("output", "hidden", "layers", "timeline"),
    ),
    390: ("header", "tabs", "network", "why", "hidden", "layers", "foot-run", "timeline"),
}


def walk_with_tab(page):
    """Tab until one is where one began: the ids of the regions, in the order in which they are met."""
    page.evaluate("""() => {
      window.visited = new Set();
      addEventListener("focusin", ({ target }) => visited.add(target));
      document.activeElement.blur();
    }""")
    met = []
    for _ in range(150):
        page.keyboard.press("Tab")
        place, again = page.evaluate("""() => {
          const now = document.activeElement, again = now === window.first;
          window.first ??= now === document.body ? undefined : now;
          return [now.closest("[id]:is(header, nav, section, main, aside, footer, div)")?.id ?? "", again];
        }""")
        if again:
            return [region for region in dict.fromkeys(met) if region]
        met.append(place)
    raise AssertionError(f"after 150 presses of Tab one is not where one began: {met[-20:]}")


@pytest.mark.parametrize("width", WIDTHS)
def test_tab_and_arrows_reach_all_that_can_be_clicked(open_window, width):
    window = open_window(viewport=dict(zip(("width", "height"), WIDTHS[width], strict=True)))
    page = window.page
    window.play_until(lambda run: run.state.epoch > 5)
    page.locator('#network button[data-seat="1 0"]').focus()
    page.keyboard.press("l")
    page.keyboard.press("Enter")
    window.until(lambda: "weight" in window.session.about)
    window.until("document.querySelector('#why dd')?.textContent")
    met = walk_with_tab(page)
    assert [region for region in REGIONS[width] if region not in met] == []
    # One stop for each group; arrows walk inside it.
    for group in page.locator("#units, #tabs, .thumbs, #network .segmented").locator("visible=true").all():
        group.locator("[tabindex='0']").or_(group.get_by_role("button")).first.focus()
        for _ in range(group.get_by_role("button").count()):
            page.keyboard.press("ArrowRight")
    page.locator("#network .tile[tabindex='0']").focus()
    for key, times in (("ArrowLeft", 3), *(("ArrowUp", 12), ("ArrowDown", 12), ("ArrowRight", 1)) * 4):
        for _ in range(times):
            page.keyboard.press(key)
    assert page.evaluate(LEFT_OUT) == []


def test_a_line_a_row_and_the_past_are_reached_by_keys_alone(window):
    page = window.page
    for _ in range(3):
        page.keyboard.press(".")
    window.until(lambda: window.session.run.steps == 3)
    page.locator('#network button[data-seat="2 1"]').focus()
    page.keyboard.press("l")
    options = page.get_by_role("option")
    window.until(lambda: options.count() > 3)
    page.keyboard.press("ArrowDown")
    name = page.locator("[role=option][aria-selected=true]").inner_text()
    page.keyboard.press("Enter")
    window.until(lambda: "weight" in window.session.about)
    assert name[0] in "wv"
    shares = page.get_by_role("slider", name="Rows by their share")
    window.until(shares.is_visible)
    shares.focus()
    page.keyboard.press("End")
    window.until(lambda: window.session.look.row is not None)
    row = page.get_by_role("spinbutton", name="Row looked at")
    row.fill("5")
    row.press("Enter")
    window.until(lambda: window.session.look.row == 4)
    page.get_by_role("slider", name="History").focus()
    page.keyboard.press("Home")
    window.until(lambda: window.session.past is not None and window.session.past.steps == 0)
    page.keyboard.press("End")
    window.until(lambda: window.session.past is None)


# Nothing jumps.

SHIFTS = """window.shifted = { sum: 0, what: [] };
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    if (hadRecentInput) continue;
    shifted.sum += value;
    shifted.what.push(...sources.map(({ node }) => (node?.outerHTML ?? node?.data ?? "").slice(0, 80)));
  }
}).observe({ type: "layout-shift", buffered: true });"""


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_jumps_on_loading_or_while_it_trains(open_window, width):
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    window = open_window(script=SHIFTS, viewport=size)
    window.until("document.body.classList.contains('ready') && document.fonts.status === 'loaded'")
    window.until(SETTLED)
    told = window.page.evaluate("shifted")
    assert told["sum"] <= 0.01, told
    window.page.evaluate("shifted.sum = 0, shifted.what = []")
    end = time.monotonic() + 3
    window.play_until(lambda run: time.monotonic() > end)
    told = window.page.evaluate("shifted")
    assert told["sum"] <= 0.0005, told
    # The observer would have seen it. What follows a press within half a second does not count.
    jump = "document.querySelector('#network').style.marginTop = `${shifted.at = 60 - (shifted.at ?? 0)}px`"
    window.until(f"({jump}, shifted.sum > 0.005)")
