// The Gantt: reads the plan's window, draws it with vis-timeline, follows the stream's time, plan number and machine states.
(() => {
  const host = document.getElementById("gantt");
  const feed = document.getElementById("feed");
  if (!host || !window.vis) return;
  const note = document.getElementById("gantt-note");
  const shapes = { running: "▶", setup: "◆", blocked: "‖", alarm: "▲", idle: "–", offline: "✕" };
  const MINUTE = 60000;
  const chinese = {
    minorLabels: { weekday: "D日 ddd", day: "D日", month: "M月" },
    majorLabels: { second: "M月D日 HH:mm", minute: "M月D日 dddd", hour: "M月D日 dddd", weekday: "YYYY年M月", day: "YYYY年M月" },
  };
  const items = new vis.DataSet();
  const rows = new vis.DataSet();
  const drawn = new Map();
  let timeline = null;
  let loaded = { start: 0, end: 0, plan: 0 };
  let minutes = window.innerWidth < 760 ? 20 : 60;
  let now = 0;
  let asked = 0;
  let answered = 0;
  let frozen = 0;
  // What a planner may do with the bars; not there for those who only read.
  const hand = window.ganttHand;
  // Minutes between UTC and the plant's zone, which need not be the browser's.
  const offset = Number(host.dataset.offset);

  const rowLabel = (row) => {
    const box = document.createElement("span");
    box.className = "gantt-row";
    const link = document.createElement("a");
    link.href = `/machines/${encodeURIComponent(row.id)}`;
    link.textContent = row.name;
    const state = document.createElement("span");
    state.className = `gantt-state gantt-${row.state}`;
    state.textContent = `${shapes[row.state] ?? ""} ${host.getAttribute(`data-word-${row.state}`) ?? row.state}`;
    box.append(link, state);
    return box;
  };
  const bar = (one) => ({
    id: one.id,
    group: one.row,
    subgroup: one.lane,
    start: one.start,
    end: one.end,
    content: one.label,
    title: one.title,
    link: one.link,
    ...(hand && one.state === "planned" && one.start - one.setup >= now + frozen ? { operation: one.operation, editable: { updateTime: true, updateGroup: true } } : { editable: false }),
    className: `bar kind-${one.kind} is-${one.state}${one.late ? " is-late" : ""}`,
  });
  const setup = (one) => ({ id: `${one.id} setup`, group: one.row, subgroup: one.lane, start: one.start - one.setup, end: one.start, content: "", className: "bar bar-setup", title: one.title, editable: false });
  const load = (one) => ({
    id: one.id,
    group: one.row,
    start: one.start,
    end: one.end,
    content: `${one.used}/${one.places}`,
    title: `${one.used}/${one.places}`,
    editable: false,
    className: `bar bar-load load-${Math.ceil((4 * one.used) / one.places)}${one.late ? " is-late" : ""}`,
  });

  // Which bars have room for their words; styles that ask each of thousands for its width take longer than all the rest.
  function word() {
    for (const bar of host.querySelectorAll(".vis-item.bar")) {
      bar.classList.toggle("has-words", parseFloat(bar.style.width) > (bar.classList.contains("bar-load") ? 58 : 132));
    }
  }

  async function read(start, end) {
    asked += 1;
    const mine = asked;
    host.ariaBusy = "true";
    const answer = await fetch(`/plan/window?start=${Math.round(start)}&end=${Math.round(end)}&branch=${encodeURIComponent(host.dataset.branch)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (mine !== asked) return;
    if (!answer || !answer.ok) {
      answered = mine;
      host.ariaBusy = "false";
      note.textContent = host.dataset.away;
      return;
    }
    const told = await answer.json();
    if (mine !== asked) return;
    answered = mine;
    loaded = { start: told.start, end: told.end, plan: told.plan };
    now = told.now;
    frozen = told.frozen;
    note.textContent = told.whole ? "" : host.dataset.partly;
    rows.update(told.rows.map((row, index) => ({ ...row, order: index })));
    const all = [...told.bars.map(bar), ...told.bars.filter((one) => one.setup > 0).map(setup), ...told.loads.map(load)];
    if (frozen) all.push({ id: "frozen", type: "background", start: now, end: now + frozen, className: "frozen-zone", content: "", editable: false });
    // The timeline draws anew whatever it is told, so it is told what changed; what a planner holds stays in the hand.
    const keep = new Map(all.map((one) => [one.id, JSON.stringify(one)]));
    const fresh = all.filter((one) => drawn.get(one.id) !== keep.get(one.id) && !hand?.holds(one.id));
    items.remove([...items.getIds()].filter((id) => !keep.has(id) && !hand?.holds(id)));
    items.update(fresh);
    for (const id of drawn.keys()) if (!keep.has(id)) drawn.delete(id);
    for (const { id } of fresh) drawn.set(id, keep.get(id));
    if (!timeline) draw();
    timeline.setCustomTime(now, "now");
    whenDrawn();
    // A newer question than that of the window, as a new plan asks it, may have been about what was shown before.
    if (!covers(timeline.getWindow())) await readAround(timeline.getWindow());
  }
  const readAround = ({ start, end }) => read(start - (end - start), +end + (end - start));
  const readAgain = () => (covers(timeline.getWindow()) ? read(loaded.start, loaded.end) : readAround(timeline.getWindow()));
  const covers = ({ start, end }) => start >= loaded.start && end <= loaded.end;
  // The timeline draws with the next frame.
  const whenDrawn = () =>
    requestAnimationFrame(() => {
      if (answered === asked && covers(timeline.getWindow())) host.ariaBusy = "false";
    });

  function draw() {
    timeline = new vis.Timeline(host, items, rows, {
      start: now - (minutes / 6) * MINUTE,
      end: now + ((5 * minutes) / 6) * MINUTE,
      zoomMin: 2 * MINUTE,
      zoomMax: 3 * 24 * 60 * MINUTE,
      zoomKey: "ctrlKey",
      horizontalScroll: true,
      stack: false,
      showCurrentTime: false,
      orientation: "top",
      margin: { item: { horizontal: 0, vertical: 5 }, axis: 4 },
      groupOrder: "order",
      groupTemplate: rowLabel,
      locale: host.dataset.locale,
      locales: { en: { current: "", time: "" }, "zh-cn": { current: "", time: "" } },
      moment: (date) => vis.moment(date).utcOffset(offset),
      ...(host.dataset.locale === "zh-cn" ? { format: chinese } : {}),
      editable: false,
      selectable: false,
      ...hand?.options,
      tooltip: { followMouse: true, delay: 150 },
      // Until then the timeline is hidden, and no bar can be pressed or focused.
      onInitialDrawComplete: () => {
        hand?.ready();
        host.dataset.ready = "1";
      },
    });
    timeline.addCustomTime(now, "now");
    hand?.drawn({ items, rows, timeline: () => timeline, read: readAgain, forget: (id) => [id, `${id} setup`].forEach((each) => drawn.delete(each)) });
    window.ganttMotion(timeline, [items, rows], word);
    // What is missing is read when the window rests; that it is missing is so at once.
    timeline.on("rangechange", () => {
      host.ariaBusy = "true";
      whenDrawn();
    });
    timeline.on("rangechanged", (shown) => {
      if (!covers(shown) || loaded.end - loaded.start > 8 * (shown.end - shown.start)) readAround(shown);
    });
    // A press of any length on a bar opens its order; one that moved was a drag of the window.
    let pressed = null;
    const far = (event) => Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 6;
    host.addEventListener(
      "pointerdown",
      (event) => {
        pressed = [event.clientX, event.clientY];
      },
      { capture: true },
    );
    // While something is dragged nothing below the mouse matters, and to look for it among thousands of bars takes long.
    host.addEventListener("pointermove", (event) => {
      if (pressed && event.buttons && far(event)) host.classList.add("is-dragging");
    });
    for (const over of ["pointerup", "pointercancel"]) window.addEventListener(over, () => host.classList.remove("is-dragging"));
    host.addEventListener("click", (event) => {
      if (!pressed || far(event)) return;
      const link = items.get(timeline.getEventProperties(event).item)?.link;
      if (link) window.location.assign(link);
    });
  }

  for (const button of document.querySelectorAll(".zoom button")) {
    button.addEventListener("click", () => {
      if (!timeline) return;
      if (button.dataset.shift) {
        const { start, end } = timeline.getWindow();
        const by = (Number(button.dataset.shift) * (end - start) * 3) / 4;
        timeline.setWindow(+start + by, +end + by, { animation: false });
        return;
      }
      if (button.dataset.minutes !== "now") minutes = Number(button.dataset.minutes);
      timeline.setWindow(now - (minutes / 6) * MINUTE, now + ((5 * minutes) / 6) * MINUTE, { animation: false });
    });
  }
  feed?.addEventListener("plan", (event) => {
    const told = JSON.parse(event.detail.data);
    now = told.now;
    if (!timeline) return;
    timeline.setCustomTime(now, "now");
    const changed = rows.get().filter((row) => told.states[row.id] && told.states[row.id] !== row.state);
    if (changed.length) rows.update(changed.map((row) => ({ id: row.id, state: told.states[row.id] })));
    // Not for less than a pixel: all is drawn anew for it.
    const { start, end } = timeline.getWindow();
    if (frozen && now - items.get("frozen").start > (end - start) / host.clientWidth) items.update({ id: "frozen", start: now, end: now + frozen });
    if (told.plan !== loaded.plan) readAgain();
  });
  // The window starts where the server's plant time is, which the first answer tells.
  fetch("/plan/window", { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : null))
    .then((told) => (told ? read(told.now - 30 * MINUTE, told.now + 120 * MINUTE) : (note.textContent = host.dataset.away)))
    .catch(() => {
      note.textContent = host.dataset.away;
    });
})();
