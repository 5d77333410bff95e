// The course of a machine's signals over any period: the address holds it, the server thins it to the pixels there are, and a
// period that ends now goes on with the page's stream.
(() => {
  const list = document.getElementById("signals");
  const feed = document.getElementById("feed");
  if (!list || !feed || !window.uPlot) return;
  const strips = document.getElementById("strips");
  const wait = document.getElementById("trend-wait");
  const said = document.getElementById("trend-said");
  const form = document.getElementById("from-to");
  const summary = document.getElementById("shown-period");
  const locale = list.dataset.locale;
  const timeZone = document.documentElement.dataset.zone;
  const SETTLED_MS = 180;
  const AGAIN_MS = 5000;
  const SHORTEST_S = 1;
  const LONGEST_S = 3660 * 86400;
  let now = Number(list.dataset.now);
  const view = { start: 0, end: 0, live: true };
  let timer = 0;
  let asking = null;

  const stamp = (seconds) => new Date(seconds * 1000).toISOString();
  // As a field of date and time wants it, in the plant's zone, and back.
  const local = (seconds) => new Date(seconds * 1000).toLocaleString("sv-SE", { timeZone }).replace(" ", "T");
  const unix = (text) => {
    const naive = Date.parse(`${text}Z`) / 1000;
    const shift = (at) => Date.parse(`${local(at)}Z`) / 1000 - Math.floor(at);
    return naive - shift(naive - shift(naive));
  };

  const rows = [...list.querySelectorAll(".signal")];
  // Few signals get tall strips; the time is written once, under the last.
  const tall = Math.max(60, Math.min(150, Math.round(520 / Math.max(rows.length, 1))));
  const words = { bad: list.dataset.bad, stale: list.dataset.stale, at: "·" };
  look(list.dataset.start, list.dataset.end, list.dataset.last);
  const shown = rows.map((row, index) => window.trendStrip(row, { last: index === rows.length - 1, tall, view, locale, timeZone, words }));
  const byPath = new Map(shown.map((one) => [one.path, one]));
  const box = () => shown[0].plot.over.getBoundingClientRect();
  const hand = window.trendHand(strips, { view, box, move, now: () => now });

  function look(start, end, last) {
    view.live = !(start && end);
    view.end = view.live ? now : Number(end);
    view.start = view.live ? now - Number(last || list.dataset.otherwise) : Number(start);
  }

  function period() {
    return view.live ? { last: String(Number((view.end - view.start).toFixed(3))) } : { from: stamp(view.start), to: stamp(view.end) };
  }

  function address() {
    const query = new URLSearchParams(location.search);
    for (const name of ["from", "to", "last"]) query.delete(name);
    for (const [name, value] of Object.entries(period())) query.set(name, value);
    return `${location.pathname}?${query}`;
  }

  let drawing = false;
  function draw() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      for (const one of shown) one.paint();
    });
  }

  function tell() {
    const [start, end] = [view.start, view.end].map((seconds) => new Date(seconds * 1000));
    const time = { timeZone, hour12: false, hour: "2-digit", minute: "2-digit", ...(view.end - view.start < 600 ? { second: "2-digit" } : {}) };
    const day = { timeZone, day: "numeric", month: "short" };
    const sameDay = start.toLocaleString(locale, day) === end.toLocaleString(locale, day);
    const text = `${start.toLocaleString(locale, { ...day, ...time })} – ${end.toLocaleString(locale, sameDay ? time : { ...day, ...time })}`;
    if (summary.textContent !== text) summary.textContent = text;
  }

  function mark() {
    tell();
    for (const link of document.querySelectorAll("[data-last]")) {
      if (link.tagName !== "A") continue;
      const same = view.live && Math.abs(Number(link.dataset.last) - (view.end - view.start)) < 0.5;
      if (same) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!form.contains(document.activeElement)) {
      form.elements.from.value = local(view.start);
      form.elements.to.value = local(view.end);
    }
  }

  // Show another period at once with what is there, and ask for it when the hand rests.
  function move(start, end) {
    const length = Math.min(Math.max(end - start, SHORTEST_S), LONGEST_S);
    const middle = (start + end) / 2;
    view.end = Math.min(end - start === length ? end : middle + length / 2, now);
    view.start = view.end - length;
    view.live = view.end >= now - length * 0.002;
    mark();
    draw();
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLED_MS);
  }

  function settle() {
    if (hand.held()) {
      timer = setTimeout(settle, SETTLED_MS);
      return;
    }
    const next = address();
    if (next !== `${location.pathname}${location.search}`) history.pushState({ trend: true }, "", next);
    ask();
  }

  async function ask() {
    clearTimeout(timer);
    asking?.abort();
    const mine = (asking = new AbortController());
    const points = Math.max(4, Math.floor(box().width));
    const query = new URLSearchParams({ ...period(), points });
    strips.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => (wait.textContent = wait.dataset.wordAsks), 250);
    try {
      const answer = await fetch(`${list.dataset.trend}&${query}`, { signal: mine.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.statusText);
      take(await answer.json(), points);
      wait.textContent = "";
      strips.removeAttribute("aria-busy");
    } catch (error) {
      if (mine.signal.aborted) return;
      wait.textContent = wait.dataset.wordFailed;
      timer = setTimeout(ask, AGAIN_MS);
    } finally {
      clearTimeout(slow);
    }
  }

  function take(told, points) {
    now = Math.max(now, told.now);
    for (const one of shown) one.fill(told.lines[one.path] ?? [[], []], told.holes[one.path] ?? [], points);
    said.innerHTML = told.said;
    list.dataset.answer = told.answer;
    list.dataset.shown = `${told.start} ${told.end} ${points}`;
    follow();
    mark();
    draw();
    list.dataset.ready = "1";
  }

  function follow() {
    if (!view.live || hand.held()) return;
    const length = view.end - view.start;
    view.end = now;
    view.start = now - length;
  }

  feed.addEventListener("begin", (event) => {
    now = JSON.parse(event.detail.data).now;
    // After a broken stream the samples between are the historian's.
    if (view.live && list.dataset.ready) ask();
  });
  feed.addEventListener("frame", (event) => {
    const told = JSON.parse(event.detail.data);
    now = told.now;
    follow();
    for (const [path, newest] of Object.entries(told.values)) {
      const one = byPath.get(path);
      if (!one) continue;
      one.show(newest, now);
      if (view.live && list.dataset.ready && newest[2] < 2) one.push(newest[0], newest[1]);
    }
    if (view.live) {
      tell();
      draw();
    }
  });

  addEventListener("popstate", () => {
    const query = new URLSearchParams(location.search);
    const [from, to] = ["from", "to"].map((name) => query.get(name) && Date.parse(query.get(name)) / 1000);
    look(from, to, query.get("last"));
    mark();
    draw();
    ask();
  });
  document.querySelector(".periods").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-last]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    move(now - Number(link.dataset.last), now);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, to] = [form.elements.from, form.elements.to].map((field) => unix(field.value));
    form.elements.to.setCustomValidity("");
    if (from < to) move(from, to);
  });
  // Links lead to what is shown when they are pressed.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-page], a[data-export]");
    if (!link) return;
    const target = new URL(link.href);
    const told = link.hasAttribute("data-export") ? { start: stamp(view.start), end: stamp(view.end) } : period();
    for (const name of ["from", "to", "last"]) target.searchParams.delete(name);
    for (const [name, value] of Object.entries(told)) target.searchParams.set(name, value);
    link.href = target;
  }, true);

  // The picture has its width once it is laid out; a wider one has room for more.
  let asked = 0;
  new ResizeObserver(() => {
    const width = Math.floor(box().width);
    if (width <= asked * 1.1) return;
    asked = width;
    clearTimeout(timer);
    timer = setTimeout(ask, list.dataset.ready ? SETTLED_MS : 0);
  }).observe(shown[0].plot.over);
  mark();
})();
