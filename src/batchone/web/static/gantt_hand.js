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
  const wish = () => ({ operation: held.operation, equipment: held.row, start: Math.round(held.start), branch: host.dataset.branch, ...(push.checked ? { push: "1" } : {}) });
  const step = () => {
    const span = gantt.timeline().getWindow();
    return span.end - span.start > 4 * 60 * MINUTE ? 5 * MINUTE : MINUTE;
  };

  function lift(id) {
    offered = null;
    hush();
    const one = gantt.items.get(id);
    held = { id, operation: one.operation, length: one.end - one.start, row: one.group, start: +one.start, was: one, legal: true, near: [] };
    gantt.items.remove(`${id} setup`);
  }

  function letBe() {
    if (held) gantt.items.update(held.was);
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

  function show(told, id) {
    said.innerHTML = told.html;
    said.classList.toggle("is-illegal", !told.legal);
    said.hidden = false;
    const bar = element(id)?.getBoundingClientRect();
    const card = said.parentElement.getBoundingClientRect();
    if (!bar) return;
    said.style.left = `${Math.max(8, Math.min(bar.left - card.left, card.width - said.offsetWidth - 8))}px`;
    said.style.top = `${bar.bottom - card.top + 6}px`;
  }

  function mark(legal) {
    held.legal = legal;
    element(held.id)?.classList.toggle("is-illegal", !legal);
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
    const answer = await post("/plan/check", wish());
    const told = answer?.ok ? await answer.json() : null;
    asking = false;
    if (held === about && told) {
      held.near = told.near;
      if (told.end) held.length = told.end - held.start;
      mark(told.legal);
      show(told, held.id);
    }
    if (again) {
      again = false;
      ask();
    }
  }

  async function drop() {
    const about = held;
    hush();
    const answer = await post("/plan/moves", wish());
    if (answer?.ok) {
      held = null;
      await follow(await answer.json());
      return true;
    }
    held = null;
    const told = answer?.status === 422 ? await answer.json() : null;
    if (told?.html) {
      offered = about;
      show(told, about.id);
      const times = [...said.querySelectorAll(".said-near .number")];
      told.near.forEach((spot, index) => {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", className: "button near", textContent: times[index].textContent });
        button.addEventListener("click", () => {
          held = Object.assign(offered, { row: spot.row, start: spot.start });
          drop();
        });
        times[index].replaceWith(button);
      });
    } else {
      said.textContent = host.dataset.away;
      said.hidden = false;
    }
    gantt.items.update(about.was);
    gantt.read();
    return false;
  }

  // A reason that was read goes away.
  document.addEventListener("pointerdown", ({ target }) => {
    if (offered && !said.contains(target)) {
      offered = null;
      hush();
    }
  });

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

  // Keys.
  const inView = () => {
    const order = new Map(gantt.rows.getIds().map((id, index) => [id, index]));
    return [...host.querySelectorAll(".vis-item.bar[data-id]")]
      .map((each) => gantt.items.get(each.dataset.id))
      .filter((one) => one?.operation)
      .sort((a, b) => order.get(a.group) - order.get(b.group) || a.start - b.start);
  };
  function offer() {
    const bars = [...host.querySelectorAll(".vis-item.bar[data-id]")].filter((each) => gantt.items.get(each.dataset.id)?.link);
    if (!bars.some((each) => each.dataset.id === current)) current = bars.find((each) => gantt.items.get(each.dataset.id).operation)?.dataset.id ?? bars[0]?.dataset.id;
    for (const each of bars) {
      const one = gantt.items.get(each.dataset.id);
      each.tabIndex = each.dataset.id === current ? 0 : -1;
      each.setAttribute("role", "button");
      each.setAttribute("aria-label", one.operation ? `${one.title}. ${host.dataset.grip}` : one.title);
    }
  }
  // The timeline draws a frame after its data changed, and a bar that changed its row has lost the focus by then.
  const focusOn = (id) => {
    current = id;
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        offer();
        element(id)?.focus({ preventScroll: true });
      }),
    );
  };
  host.addEventListener("focusin", ({ target }) => {
    const id = target.closest(".vis-item.bar")?.dataset.id;
    if (id && id !== current) focusOn(id);
  });
  function carry(id, by, rows) {
    if (!held) lift(id);
    held.start += by * step();
    const same = gantt.rows.get().filter((row) => row.kind === gantt.rows.get(held.was.group).kind);
    const index = same.findIndex((row) => row.id === held.row);
    held.row = same[Math.max(0, Math.min(same.length - 1, index + rows))].id;
    const { start, length, row } = held;
    gantt.items.update({ id, start, end: start + length, group: row });
    focusOn(id);
    soon();
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
      if (held) drop().then(() => focusOn(one.id));
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
    busy: () => held !== null,
    offer,
    options: {
      editable: { add: false, remove: false, updateTime: true, updateGroup: true, overrideItems: false },
      itemsAlwaysDraggable: { item: true, range: false },
      dataAttributes: ["id"],
      snap: (date) => new Date(Math.round(+date / step()) * step()),
      onMoving: (item, callback) => {
        if (held?.id !== item.id) lift(item.id);
        Object.assign(held, { start: +item.start, row: item.group });
        item.end = new Date(held.start + held.length);
        item.className = held.was.className + (held.legal ? "" : " is-illegal");
        callback(item);
        soon();
      },
      onMove: async (item, callback) => {
        if (!held) return callback(null);
        callback((await drop()) ? item : null);
      },
    },
    drawn: (api) => {
      gantt = api;
      gantt.timeline().on("changed", offer);
    },
  };
})();
