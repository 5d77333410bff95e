// Moves and zooms the period by wheel, drag, pinch and keys; `move` is told the wished start and end in seconds.
window.trendHand = (strips, { view, box, move, now }) => {
  const pointers = new Map();
  let held = null;

  const span = () => view.end - view.start;
  const timeAt = (x) => view.start + ((x - box().left) / box().width) * span();
  const pan = (share) => move(view.start + share * span(), view.end + share * span());
  const zoom = (factor, about = (view.start + view.end) / 2) => move(about - (about - view.start) * factor, about + (view.end - about) * factor);
  const onPlot = (event) => event.target.closest(".strip");

  strips.addEventListener(
    "wheel",
    (event) => {
      const along = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const alone = strips.contains(document.activeElement);
      // The page scrolls as everywhere until somebody means the picture.
      if (!onPlot(event) || !(event.ctrlKey || event.metaKey || along || alone)) return;
      event.preventDefault();
      if (along) pan((event.deltaX || event.deltaY) / box().width);
      else zoom(Math.exp(event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), timeAt(event.clientX));
    },
    { passive: false },
  );

  const grip = () => {
    const xs = [...pointers.values()];
    return { start: view.start, end: view.end, xs, times: xs.map(timeAt) };
  };
  strips.addEventListener("pointerdown", (event) => {
    if (!onPlot(event) || event.button !== 0 || pointers.size === 2) return;
    strips.focus({ preventScroll: true });
    pointers.set(event.pointerId, event.clientX);
    held = grip();
  });
  strips.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    // Taken only once it moves: a click stays a click.
    if (!strips.hasPointerCapture(event.pointerId)) {
      if (Math.abs(event.clientX - pointers.get(event.pointerId)) < 3) return;
      strips.setPointerCapture(event.pointerId);
    }
    strips.classList.add("is-held");
    pointers.set(event.pointerId, event.clientX);
    const xs = [...pointers.values()];
    const { left, width } = box();
    if (xs.length === 1) {
      const by = ((held.xs[0] - xs[0]) / width) * (held.end - held.start);
      move(held.start + by, held.end + by);
    } else if (Math.abs(xs[1] - xs[0]) > 12) {
      // What was under the two fingers stays under them.
      const perPixel = (held.times[1] - held.times[0]) / (xs[1] - xs[0]);
      if (perPixel > 0) move(held.times[0] - (xs[0] - left) * perPixel, held.times[0] + (left + width - xs[0]) * perPixel);
    }
  });
  const released = (event) => {
    pointers.delete(event.pointerId);
    if (pointers.size) held = grip();
    else strips.classList.remove("is-held");
  };
  strips.addEventListener("pointerup", released);
  strips.addEventListener("pointercancel", released);

  const keys = {
    ArrowLeft: () => pan(-0.1),
    ArrowRight: () => pan(0.1),
    PageUp: () => pan(-1),
    PageDown: () => pan(1),
    "+": () => step("in"),
    "=": () => step("in"),
    "-": () => step("out"),
    End: () => step("now"),
  };
  // What ends now goes on ending now when it is made longer or shorter.
  const about = () => (view.live ? view.end : (view.start + view.end) / 2);
  const steps = {
    left: () => pan(-0.5),
    right: () => pan(0.5),
    in: () => zoom(0.5, about()),
    out: () => zoom(2, about()),
    now: () => move(now() - span(), now()),
  };
  const step = (name) => steps[name]();
  strips.addEventListener("keydown", (event) => {
    if (event.target !== strips || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const button of document.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(button.dataset.step));
  return { held: () => pointers.size > 0 };
};
