// The planner's hand on the Gantt: bars are dragged, or moved by keys; the server says whether a bar may stand there and what it
// does to orders. What is dropped is a change of a draft, which the bar above shows. Loaded before gantt.js, which calls it.
(() => {
  const host = document.getElementById("gantt");
  if (!host?.dataset.plans) return;
  const said = document.getElementById("hand-said");
  const push = document.getElementById("hand-push");
  const draft = document.getElementById("draft");
  const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRF-Token"];
  const MINUTE = 60000;
  let gantt = null;
  let held = null; // the bar in hand: where it is, where it was, whether it may stand there
  let offered = null; // what was dropped where it may not stand, while its reason and the nearest places are shown
  let current = null; // the bar that Tab comes to
  let timer = 0;
  let asking = false;
  let again = false;

  const post = (path, fields) => fetch(path, { method: "POST", headers: { Accept: "application/json", "X-CSRF-Token": token }, body: new URLSearchParams(fields) }).catch(() => null);
  const element = (id) => host.querySelector(`.vis-item[data-id="${CSS.escape(id)}"]`);
  const seenAs = (one) => one.ghost?.element ?? element(one.id);
  const wish = () => ({ operation: held.operation, equipment: held.row, start: Math.round(held.start), branch: host.dataset.branch, ...(push.checked ? { push: "1" } : {}) });
  const step = () => {
    const { start, end } = gantt.timeline().getWindow();
    return end - start > 240 * MINUTE ? 5 * MINUTE : end - start > 30 * MINUTE ? MINUTE : MINUTE / 6;
  };

  // By the mouse as a ghost over the timeline; by keys as the timeline's own bar, which keeps the focus.
  function lift(id, ghost = null) {
    if (held && !held.dropped) letBe();
    offered = null;
    hush();
    const one = gantt.items.get(id);
    held = { id, ghost, operation: one.operation, length: one.end - one.start, row: one.group, lane: one.subgroup, start: +one.start, was: one, legal: true };
    if (ghost) return;
    gantt.items.remove(`${id} setup`);
    gantt.forget(id);
  }
  function place() {
    if (held.ghost) return held.ghost.put(held);
    const { id, start, length, row, lane, was, legal } = held;
    gantt.items.update({ id, start, end: start + length, group: row, subgroup: lane, className: was.className + (legal ? "" : " is-illegal") });
  }
  function back({ ghost, was }) {
    if (ghost) ghost.gone();
    else gantt.items.update(was);
  }

  function letBe() {
    if (held) back(held);
    held = offered = null;
    hush();
    gantt.read();
  }

  const hush = () => {
    clearTimeout(timer);
    timer = 0;
    said.hidden = true;
    said.textContent = "";
  };

  function show(told, one) {
    said.innerHTML = told.html;
    said.classList.toggle("is-illegal", !told.legal);
    said.hidden = false;
    const bar = seenAs(one)?.getBoundingClientRect();
    const card = said.parentElement.getBoundingClientRect();
    if (!bar) return;
    said.style.left = `${Math.max(8, Math.min(bar.left - card.left, card.width - said.offsetWidth - 8))}px`;
    said.style.top = `${bar.bottom - card.top + 6}px`;
  }

  // At most one question on its way, and at least 100 ms between two.
  const soon = () => {
    if (!timer) timer = setTimeout(ask, 100);
  };
  async function ask() {
    timer = 0;
    if (!held) return;
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    const about = held;
    const asked = wish();
    const answer = await post("/plan/check", asked);
    const told = answer?.ok ? await answer.json() : null;
    asking = false;
    if (held === about && told && !held.dropped) {
      held.legal = told.legal;
      // The machine's hours and speed say how long it takes there.
      if (told.legal) Object.assign(held, { length: told.end - asked.start, lane: told.lane });
      place();
      show(told, held);
    }
    if (again) {
      again = false;
      ask();
    }
  }

  async function drop() {
    const about = held;
    about.dropped = true;
    hush();
    const answer = await post("/plan/moves", wish());
    if (held === about) held = null;
    if (answer?.ok) {
      await follow(await answer.json());
      about.ghost?.gone();
      return;
    }
    const told = answer?.status === 422 ? await answer.json() : null;
    if (told?.html) {
      offered = about;
      show(told, about);
      const times = [...said.querySelectorAll(".said-near .number")];
      told.near.forEach((spot, index) => {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", className: "button near", textContent: times[index].textContent });
        button.addEventListener("click", () => {
          held = Object.assign(offered, { row: spot.row, start: spot.start, ghost: null });
          offered = null;
          drop();
        });
        times[index].replaceWith(button);
      });
    } else {
      said.textContent = host.dataset.away;
      said.hidden = false;
    }
    back(about);
    await gantt.read();
  }

  // A reason that was read goes away.
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      if (offered && !said.contains(target)) {
        offered = null;
        hush();
      }
    },
    { capture: true },
  );

  // What the server made of the draft: its bar and the Gantt follow.
  async function follow(told) {
    host.dataset.branch = told.branch ?? "";
    history.replaceState(null, "", told.where ?? "/plan");
    await fresh(told.said ?? "");
    await gantt.read();
  }
  async function fresh(word) {
    const answer = await fetch(`/plan/draft?branch=${encodeURIComponent(host.dataset.branch)}&said=${word}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.ok) draft.innerHTML = await answer.text();
    for (const field of document.querySelectorAll('form input[name="branch"]')) field.value = host.dataset.branch;
    if (draft.querySelector("[data-solving]")) setTimeout(() => fresh(""), 2000);
  }
  draft.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    for (const button of draft.querySelectorAll("button")) button.disabled = true;
    const answer = await post(form.action, new FormData(form));
    if (answer?.ok) follow(await answer.json());
    else {
      const told = await answer?.json().catch(() => null);
      await fresh("");
      draft.insertAdjacentHTML("beforeend", '<p class="refusal" role="alert" lang="en"></p>');
      draft.lastElementChild.textContent = told?.detail ? `${told.detail} ${told.cure ?? ""}` : host.dataset.away;
    }
  });

  // The mouse. What is pressed on a bar that may be moved is not told to the timeline, which would take it for a drag of the window.
  const DRAG_PX = 5;
  let pressed = null;
  host.addEventListener(
    "pointerdown",
    (event) => {
      const bar = event.target.closest(".vis-item.bar.vis-editable");
      if (!bar || !event.isPrimary || event.button !== 0) return;
      event.stopPropagation();
      pressed = { id: bar.dataset.id, x: event.clientX, y: event.clientY };
    },
    { capture: true },
  );
  const inHand = () => pressed?.ghost && held?.ghost === pressed.ghost && !held.dropped;
  window.addEventListener("pointermove", ({ clientX, clientY, buttons }) => {
    if (!pressed) return;
    // Let go where the page does not hear of it.
    if (!buttons) return letGo(letBe);
    if (!pressed.ghost) {
      const bar = element(pressed.id);
      if (!bar || Math.hypot(clientX - pressed.x, clientY - pressed.y) < DRAG_PX) return;
      pressed.ghost = window.ganttGhost(gantt, bar);
      lift(pressed.id, pressed.ghost);
      place();
    }
    if (!inHand()) return;
    // By whole steps from where it was, as keys do it: a bar that is only put on another row begins when it did.
    const start = +held.was.start + Math.round(pressed.ghost.timeAcross(clientX - pressed.x) / step()) * step();
    const row = pressed.ghost.rowAt(clientY);
    if (start === held.start && row === held.row) return;
    Object.assign(held, { start, row });
    place();
    soon();
  });
  function letGo(then) {
    if (inHand()) then();
    pressed = null;
  }
  window.addEventListener("pointerup", () => letGo(drop));
  window.addEventListener("pointercancel", () => letGo(letBe));

  // Keys.
  const inView = () => {
    const order = new Map(gantt.rows.getIds().map((id, index) => [id, index]));
    return [...host.querySelectorAll(".vis-item.bar[data-id]")]
      .map((each) => gantt.items.get(each.dataset.id))
      .filter((one) => one?.operation)
      .sort((a, b) => order.get(a.group) - order.get(b.group) || a.start - b.start);
  };
  // A bar is drawn when it comes into view, and told to those who do not see it then; telling all anew with each frame would take
  // longer than the frame.
  function dress(bar) {
    const one = gantt.items.get(bar.dataset.id);
    if (!one?.link) return;
    bar.tabIndex = one.id === current ? 0 : -1;
    bar.setAttribute("role", "button");
    bar.setAttribute("aria-label", one.operation ? `${one.title}. ${host.dataset.grip}` : one.title);
  }
  function stop(id) {
    for (const each of [element(current), element(id)]) if (each) each.tabIndex = each.dataset.id === id ? 0 : -1;
    current = id;
  }
  // Tab comes to some bar as long as any is in view.
  function offer() {
    if (current && element(current)) return;
    const [first] = inView();
    if (first) stop(first.id);
  }
  const seen = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node.matches?.(".vis-item.bar[data-id]")) dress(node);
    offer();
  });
  // The timeline draws a frame after its data changed, and a bar that changed its row has lost the focus by then.
  const focusOn = (id) => {
    stop(id);
    requestAnimationFrame(() => requestAnimationFrame(() => element(id)?.focus({ preventScroll: true })));
  };
  host.addEventListener("focusin", ({ target }) => {
    const id = target.closest(".vis-item.bar")?.dataset.id;
    if (id && id !== current) stop(id);
  });
  function carry(id, by, rows) {
    if (held?.id !== id) lift(id);
    held.start += by * step();
    const same = gantt.rows.get().filter((row) => row.kind === gantt.rows.get(held.was.group).kind);
    const index = same.findIndex((row) => row.id === held.row);
    held.row = same[Math.max(0, Math.min(same.length - 1, index + rows))].id;
    place();
    keepInView();
    focusOn(id);
    soon();
  }
  function keepInView() {
    const { start, end } = gantt.timeline().getWindow();
    const by = Math.min(0, held.start - start) || Math.max(0, Math.min(held.start - start, held.start + held.length - end));
    if (by) gantt.timeline().setWindow(+start + by, +end + by, { animation: false });
  }
  const turnBack = (name) => draft.querySelector(`.step-${name} button:not([disabled])`)?.click();
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.closest?.("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    turnBack(key === "y" || event.shiftKey ? "redo" : "undo");
  });
  host.addEventListener("keydown", (event) => {
    const bar = event.target.closest(".vis-item.bar");
    const one = bar && gantt.items.get(bar.dataset.id);
    if (!one) return;
    const turn = { PageUp: -1, PageDown: 1 }[event.key];
    const [by, rows] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (turn && !held) {
      const all = inView();
      const next = all[all.findIndex((each) => each.id === one.id) + turn];
      if (next) focusOn(next.id);
    } else if (by && one.operation) {
      carry(one.id, by, 0);
    } else if (rows && event.altKey && one.operation) {
      carry(one.id, 0, rows);
    } else if (event.key === "Enter") {
      if (held) {
        if (!held.dropped) drop().then(() => focusOn(one.id));
      }
      else window.location.assign(one.link);
    } else if (event.key === "Escape" && (held || offered)) {
      letBe();
    } else return;
    event.preventDefault();
  });

  // The form follows the operation that is chosen in it.
  const form = document.getElementById("move");
  form?.elements.operation.addEventListener("change", ({ target }) => {
    const chosen = target.selectedOptions[0].dataset;
    form.elements.equipment.value = chosen.equipment;
    form.elements.at.value = chosen.start;
  });

  window.ganttHand = {
    ready: () => {
      for (const bar of host.querySelectorAll(".vis-item.bar[data-id]")) dress(bar);
      offer();
      seen.observe(host, { childList: true, subtree: true });
    },
    holds: (id) => held !== null && !held.ghost && (id === held.id || id === `${held.id} setup`),
    options: { dataAttributes: ["id"] },
    drawn: (api) => {
      gantt = api;
      gantt.items.on("update", (_, { items }) => {
        const changed = new Set(items);
        for (const bar of host.querySelectorAll(".vis-item.bar[data-id]")) if (changed.has(bar.dataset.id)) dress(bar);
      });
    },
  };
})();
