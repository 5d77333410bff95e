// Tells whether the page's stream is alive: the mark in the header and the look of everything that is fed by it.
(() => {
  const STALE_MS = 3000;
  const body = document.body;
  const mark = document.getElementById("live-mark");
  const feed = document.querySelector("[hx-sse\\:connect]");
  if (!mark || !feed) return;
  const words = mark.querySelector(".live-words");
  let heard = 0;
  let shown = "";

  const clock = (ms) => new Date(ms).toLocaleTimeString(document.documentElement.lang, { hour12: false, timeZone: document.documentElement.dataset.zone });
  const show = (kind) => {
    if (kind === shown) return;
    shown = kind;
    mark.dataset.live = kind;
    body.dataset.feed = kind;
    const since = kind === "stale" || kind === "lost" ? ` ${clock(heard || Date.now())}` : "";
    words.textContent = words.dataset[`word${kind[0].toUpperCase()}${kind.slice(1)}`] + since;
  };
  const alive = () => {
    heard = Date.now();
    show("live");
  };
  let lost = false;
  document.addEventListener("htmx:sse:after:message", () => {
    lost = false;
    alive();
  });
  document.addEventListener("htmx:sse:error", () => {
    lost = true;
  });
  document.addEventListener("htmx:sse:close", () => {
    lost = true;
  });
  const started = Date.now();
  setInterval(() => {
    const silent = Date.now() - (heard || started);
    if (silent < STALE_MS) return;
    show(lost ? "lost" : "stale");
  }, 500);
})();
