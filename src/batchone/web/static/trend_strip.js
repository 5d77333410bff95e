// One strip of the trend: the course of a signal with its limits; times without samples are hatched, dropped ones crosswise.
window.trendStrip = (row, { last, tall, view, locale, timeZone, words }) => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (text) => (text === undefined ? null : Number(text));
  const said = (seconds, options) => new Date(seconds * 1000).toLocaleString(locale, { hour12: false, timeZone, ...options });
  const clock = (seconds) => said(seconds, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const limits = ["low", "high", "lowLow", "highHigh"].reduce((found, key) => ({ ...found, [key]: number(row.dataset[key]) }), {});
  const host = row.querySelector(".strip");
  const at = row.querySelector(".at");
  const decimals = Number(row.dataset.decimals);
  const every = Number(row.dataset.every);
  const lines = { inner: css("--hard-line"), outer: css("--text"), course: css("--accent"), text: css("--theme-color-soft-text"), grid: css("--line") };
  const one = { row, path: row.dataset.path, times: [], values: [], holes: [] };
  let points = 0;

  const written = (value) => value.toLocaleString(locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
  const tick = (seconds, step) => {
    if (step >= 86400) return said(seconds, { day: "numeric", month: "short" });
    if (step >= 60) {
      const midnight = said(seconds, { hour: "2-digit", minute: "2-digit" });
      return midnight === "00:00" || midnight === "24:00" ? said(seconds, { day: "numeric", month: "short" }) : midnight;
    }
    return clock(seconds);
  };

  function hatched(ctx, crossed) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 10;
    const pen = tile.getContext("2d");
    pen.strokeStyle = lines.inner;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [x, y, u, v] of crossed ? [[0, 10, 10, 0], [0, 0, 10, 10]] : [[0, 10, 10, 0]]) {
      pen.moveTo(x, y);
      pen.lineTo(u, v);
    }
    pen.stroke();
    return ctx.createPattern(tile, "repeat");
  }

  function bands(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.globalAlpha = 0.55;
    for (const [start, end, reason] of one.holes) {
      const left = Math.max(bbox.left, plot.valToPos(start, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(end, "x", true));
      if (right <= left) continue;
      ctx.fillStyle = hatched(ctx, reason === "dropped");
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  }

  function bounds(plot) {
    const horizontal = (value, colour, dash) => {
      const y = plot.valToPos(value, "y", true);
      plot.ctx.strokeStyle = colour;
      plot.ctx.setLineDash(dash);
      plot.ctx.beginPath();
      plot.ctx.moveTo(plot.bbox.left, y);
      plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
      plot.ctx.stroke();
    };
    plot.ctx.save();
    plot.ctx.lineWidth = devicePixelRatio;
    for (const key of ["low", "high"]) if (limits[key] !== null) horizontal(limits[key], lines.inner, [4, 4]);
    for (const key of ["lowLow", "highHigh"]) if (limits[key] !== null) horizontal(limits[key], lines.outer, [1, 3]);
    plot.ctx.restore();
  }

  const range = (_, low, high) => {
    const known = Object.values(limits).filter((bound) => bound !== null);
    const least = Math.min(low ?? Infinity, ...known);
    const most = Math.max(high ?? -Infinity, ...known);
    if (!Number.isFinite(least)) return [0, 1];
    const margin = (most - least) * 0.12 || Math.abs(most) * 0.1 || 1;
    return [least - margin, most + margin];
  };
  // The scale is labelled at the limits where there are some: they are what a reading is compared with.
  const marked = [limits.low, limits.high].filter((bound) => bound !== null);
  const splits = (_plot, _axis, low, high) => (marked.length ? marked : [low + (high - low) * 0.1, high - (high - low) * 0.1].map((value) => Number(value.toPrecision(3))));
  const axis = { stroke: lines.text, font: `14px ${css("--font")}`, grid: { stroke: lines.grid, width: 1 }, ticks: { show: false } };
  const height = tall + (last ? 22 : 0);
  const width = () => Math.max(host.clientWidth, 120);
  one.plot = new uPlot(
    {
      width: width(),
      height,
      padding: [8, 28, last ? 0 : 6, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false, setScale: false }, bind: { dblclick: () => null }, sync: { key: "trend" } },
      legend: { show: false },
      scales: { x: { time: true, range: () => [view.start, view.end] }, y: { range } },
      series: [{}, { stroke: lines.course, width: 1.75, points: { show: (plot) => plot.data[0].length < 60 && view.end - view.start < 3600, size: 4 } }],
      axes: [
        { ...axis, size: last ? 24 : 2, space: 100, values: (_, ticks, _axis, _space, step) => ticks.map((seconds) => (last ? tick(seconds, step) : "")) },
        { ...axis, size: 64, splits, values: (_, ticks) => ticks.map((value) => value.toLocaleString(locale).replace("-", "−")) },
      ],
      hooks: { drawClear: [bands], draw: [bounds], setCursor: [pointed] },
    },
    [[], []],
    host,
  );
  new ResizeObserver(() => {
    if (width() !== one.plot.width) one.plot.setSize({ width: width(), height });
  }).observe(host);

  // What the pointer is over, in the plant's time; the newest value stays where it is.
  function pointed(plot) {
    const { idx, left } = plot.cursor;
    const value = idx === null || idx === undefined || left < 0 ? null : plot.data[1][idx];
    at.hidden = value === null || value === undefined;
    if (!at.hidden) {
      const when = view.end - view.start > 86400 ? said(plot.data[0][idx], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }) : clock(plot.data[0][idx]);
      at.textContent = `${written(value)} ${words.at} ${when}`;
    }
  }

  one.paint = () => {
    // A line is not drawn through a hole: an empty value stands in it.
    const xs = one.times.slice();
    const ys = one.values.slice();
    for (const [start, end] of one.holes) {
      const middle = (start + end) / 2;
      let place = xs.findIndex((time) => time > middle);
      if (place < 0) place = xs.length;
      xs.splice(place, 0, middle);
      ys.splice(place, 0, null);
    }
    one.plot.setData([xs, ys]);
    row.dataset.points = one.times.length;
  };

  one.fill = ([times, values], holes, most) => {
    one.times = times.slice();
    one.values = values.slice();
    one.holes = holes.slice();
    points = most;
  };

  // A live sample goes on with the line: of each two pixels least and greatest are kept, as the historian keeps them.
  one.push = (time, value) => {
    const newest = one.times.at(-1);
    if (newest !== undefined && time <= newest) return;
    const step = (2 * (view.end - view.start)) / Math.max(points, 4);
    one.holes = one.holes.filter(([start]) => newest === undefined || start < newest);
    if (newest !== undefined && every && time - newest > Math.max(5 * every, 2.1 * step)) one.holes.push([newest, time, "none"]);
    const column = Math.floor(time / step);
    const count = one.times.length;
    if (count >= 2 && Math.floor(one.times[count - 2] / step) === column) {
      const [before, latest] = one.values.slice(-2);
      if (value >= Math.min(before, latest) && value <= Math.max(before, latest)) return;
      const out = value > Math.max(before, latest) === before > latest ? count - 2 : count - 1;
      one.times.splice(out, 1);
      one.values.splice(out, 1);
    }
    one.times.push(time);
    one.values.push(value);
    let gone = 0;
    while (gone < one.times.length - 1 && one.times[gone + 1] < view.start) gone += 1;
    gone = Math.max(gone, one.times.length - points);
    one.times.splice(0, gone);
    one.values.splice(0, gone);
    one.holes = one.holes.filter(([, end]) => end > view.start);
  };

  // The reading beside the strip, whichever period the strip shows.
  one.show = ([time, value, quality], now) => {
    row.querySelector(".value").textContent = written(value);
    const after = number(row.dataset.staleAfter);
    const stale = after !== null && now - time > after;
    const alarm = (limits.lowLow !== null && value < limits.lowLow) || (limits.highHigh !== null && value > limits.highHigh);
    const warn = (limits.low !== null && value < limits.low) || (limits.high !== null && value > limits.high);
    row.classList.toggle("is-stale", stale);
    row.classList.toggle("is-alarm", !stale && alarm);
    row.classList.toggle("is-warn", !stale && !alarm && warn);
    row.querySelector(".age").textContent = quality === 2 ? words.bad : stale ? `${words.stale} ${clock(time)}` : "";
    const mark = row.querySelector(".band-mark");
    if (mark) {
      const low = Number(row.dataset.lowEnd);
      const share = (100 * (value - low)) / (Number(row.dataset.highEnd) - low);
      mark.setAttribute("x", Math.min(Math.max(share - 0.8, 0), 98.4));
      mark.setAttribute("visibility", "visible");
    }
  };
  return one;
};
