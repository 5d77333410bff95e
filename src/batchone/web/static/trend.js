// One strip a signal, all over the same time; fed by the events `history` and `frame` of the page's stream.
(() => {
  const list = document.getElementById("signals");
  const feed = document.getElementById("feed");
  if (!list || !feed || !window.uPlot) return;
  const locale = list.dataset.locale;
  let windowS = Number(list.dataset.window);
  let now = 0;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (text) => (text === undefined ? null : Number(text));
  const timeZone = document.documentElement.dataset.zone;
  const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString(locale, { hour12: false, timeZone });

  const strips = new Map();
  const rows = [...list.querySelectorAll(".signal")];
  // Few signals get tall strips; the time is written once, under the last.
  const tall = Math.max(60, Math.min(150, Math.round(520 / Math.max(rows.length, 1))));
  rows.forEach((row, index) => strips.set(row.dataset.path, strip(row, index === rows.length - 1)));

  function strip(row, last) {
    const limits = ["low", "high", "lowLow", "highHigh"].reduce((found, key) => ({ ...found, [key]: number(row.dataset[key]) }), {});
    const host = row.querySelector(".strip");
    const lines = { inner: css("--hard-line"), outer: css("--text"), course: css("--accent"), text: css("--theme-color-soft-text"), grid: css("--line") };
    const horizontal = (plot, value, colour, dash) => {
      const y = plot.valToPos(value, "y", true);
      plot.ctx.strokeStyle = colour;
      plot.ctx.setLineDash(dash);
      plot.ctx.beginPath();
      plot.ctx.moveTo(plot.bbox.left, y);
      plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
      plot.ctx.stroke();
    };
    const height = tall + (last ? 22 : 0);
    const draw = (plot) => {
      plot.ctx.save();
      plot.ctx.lineWidth = devicePixelRatio;
      for (const key of ["low", "high"]) if (limits[key] !== null) horizontal(plot, limits[key], lines.inner, [4, 4]);
      for (const key of ["lowLow", "highHigh"]) if (limits[key] !== null) horizontal(plot, limits[key], lines.outer, [1, 3]);
      plot.ctx.restore();
    };
    const range = (_, low, high) => {
      const bounds = Object.values(limits).filter((bound) => bound !== null);
      const least = Math.min(low ?? Infinity, ...bounds);
      const most = Math.max(high ?? -Infinity, ...bounds);
      if (!Number.isFinite(least)) return [0, 1];
      const margin = (most - least) * 0.12 || Math.abs(most) * 0.1 || 1;
      return [least - margin, most + margin];
    };
    // The scale is labelled at the limits where there are some: they are what a reading is compared with.
    const bounds = [limits.low, limits.high].filter((bound) => bound !== null);
    const splits = (plot, _axis, low, high) => (bounds.length ? bounds : [low + (high - low) * 0.1, high - (high - low) * 0.1].map((at) => Number(at.toPrecision(3))));
    const axis = { stroke: lines.text, font: `14px ${css("--font")}`, grid: { stroke: lines.grid, width: 1 }, ticks: { show: false } };
    const plot = new uPlot(
      {
        width: Math.max(host.clientWidth, 120),
        height,
        padding: [8, 4, last ? 0 : 6, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: true, range: () => [now - windowS, now] }, y: { range } },
        series: [{}, { stroke: lines.course, width: 1.75, points: { show: false } }],
        axes: [
          { ...axis, size: last ? 24 : 2, space: 90, values: (_, ticks) => ticks.map((tick) => (last ? clock(tick) : "")) },
          { ...axis, size: 64, splits, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString(locale).replace("-", "−")) },
        ],
        hooks: { draw: [draw] },
      },
      [[], []],
      host,
    );
    new ResizeObserver(() => plot.setSize({ width: Math.max(host.clientWidth, 120), height })).observe(host);
    return { row, plot, limits, times: [], values: [] };
  }

  function show(one, [at, value, quality]) {
    const { row, limits } = one;
    const decimals = Number(row.dataset.decimals);
    const text = value.toLocaleString(locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    row.querySelector(".value").textContent = text.replace("-", "−");
    const stale = now - at > Number(row.dataset.staleAfter);
    const alarm = (limits.lowLow !== null && value < limits.lowLow) || (limits.highHigh !== null && value > limits.highHigh);
    const warn = (limits.low !== null && value < limits.low) || (limits.high !== null && value > limits.high);
    row.classList.toggle("is-stale", stale);
    row.classList.toggle("is-alarm", !stale && alarm);
    row.classList.toggle("is-warn", !stale && !alarm && warn);
    row.querySelector(".age").textContent = quality === 2 ? list.dataset.bad : stale ? `${list.dataset.stale} ${clock(at)}` : "";
    const mark = row.querySelector(".band-mark");
    if (mark) {
      const low = Number(row.dataset.lowEnd);
      const share = (100 * (value - low)) / (Number(row.dataset.highEnd) - low);
      mark.setAttribute("x", Math.min(Math.max(share - 0.8, 0), 98.4));
      mark.setAttribute("visibility", "visible");
    }
  }

  function paint(one) {
    const oldest = now - windowS - 5;
    let first = 0;
    while (first < one.times.length - 1 && one.times[first + 1] < oldest) first += 1;
    if (first) {
      one.times.splice(0, first);
      one.values.splice(0, first);
    }
    one.plot.setData([one.times, one.values]);
  }

  feed.addEventListener("history", (event) => {
    const told = JSON.parse(event.detail.data);
    now = told.now;
    windowS = told.window;
    for (const [path, [times, values]] of Object.entries(told.lines)) {
      const one = strips.get(path);
      if (!one) continue;
      one.times = times;
      one.values = values;
      paint(one);
    }
    list.dataset.ready = "1";
  });
  feed.addEventListener("frame", (event) => {
    const told = JSON.parse(event.detail.data);
    now = told.now;
    for (const [path, one] of strips) {
      const newest = told.values[path];
      if (newest) {
        show(one, newest);
        if (newest[0] > (one.times.at(-1) ?? 0)) {
          one.times.push(newest[0]);
          one.values.push(newest[1]);
        }
      }
      paint(one);
    }
  });
})();
