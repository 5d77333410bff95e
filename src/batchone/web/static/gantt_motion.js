// How the Gantt moves. The timeline by itself draws every bar anew for every step of the mouse, which takes too long when they are
// thousands; here the picture of the bars is shifted and stretched as one, and drawn anew when it rests or no longer fills the window.
// Loaded before gantt.js, which calls it.
(() => {
  const REST_MS = 150;
  // The timeline draws bars up to a quarter of a window beyond its edges.
  const BEYOND = 0.2;
  const STRETCH_MAX = 1.5;

  // `tables` are what the timeline shows: when one of them changes, the picture is no longer true. `drawnAnew` is told when all bars
  // were placed.
  window.ganttMotion = (timeline, tables, drawnAnew) => {
    const { itemSet, range } = timeline;
    const picture = itemSet.dom.frame;
    const draw = itemSet.redraw.bind(itemSet);
    let drawn = null;
    let resting = 0;
    const untrue = () => {
      drawn = null;
    };
    const drawAnew = () => {
      untrue();
      timeline.emit("_change", { queue: true });
    };
    const showsAll = (span, width) => {
      const beyond = BEYOND * drawn.span;
      const stretch = drawn.span / span;
      return width === drawn.width && stretch < STRETCH_MAX && stretch > 1 / STRETCH_MAX && range.start > drawn.start - beyond && range.start + span < drawn.start + drawn.span + beyond;
    };
    for (const table of tables) table.on("*", untrue);

    // Answers, as the timeline asks it, whether heights changed.
    itemSet.redraw = () => {
      const width = timeline.body.domProps.center.width;
      const span = range.end - range.start;
      clearTimeout(resting);
      if (drawn && showsAll(span, width)) {
        const rests = range.start === drawn.start && span === drawn.span;
        picture.style.willChange = rests ? "" : "transform";
        picture.style.transform = rests ? "" : `translateX(${((drawn.start - range.start) / span) * width}px) scaleX(${drawn.span / span})`;
        if (!rests) resting = setTimeout(drawAnew, REST_MS);
        return false;
      }
      picture.style.willChange = picture.style.transform = "";
      const resized = draw();
      drawnAnew();
      drawn = resized ? null : { start: range.start, span, width };
      return resized;
    };
  };
})();
