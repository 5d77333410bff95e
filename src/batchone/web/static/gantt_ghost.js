// The bar that the mouse holds: a copy that floats over the timeline. The timeline's own bar stays, faint, where it is, so that
// nothing is drawn anew until the bar is dropped. Loaded before gantt_hand.js, which calls it.
(() => {
  const host = document.getElementById("gantt");

  // `bar` is an element of the timeline; `gantt` is what gantt.js hands out.
  window.ganttGhost = (gantt, bar) => {
    const ground = host.querySelector(".vis-panel.vis-center");
    const own = [bar, host.querySelector(`.vis-item[data-id="${CSS.escape(`${bar.dataset.id} setup`)}"]`)].filter(Boolean);
    const copy = bar.cloneNode(true);
    const names = copy.className;
    for (const each of ["data-id", "tabindex", "role", "aria-label", "title"]) copy.removeAttribute(each);
    copy.setAttribute("aria-hidden", "true");
    for (const each of own) each.classList.add("is-lifted");
    ground.append(copy);
    const labels = () => [...host.querySelectorAll(".vis-labelset .vis-label")];
    const ids = gantt.rows.get({ order: "order" }).map((row) => row.id);
    let stands = { row: null, lane: null, top: 0 };

    // Beside the bars of its lane; a row where none of them is drawn has a place at its top.
    function topOf(row, lane) {
      const label = labels()[ids.indexOf(row)];
      const peers = gantt.items.get({ filter: (one) => one.group === row && one.subgroup === lane });
      const peer = peers.map(({ id }) => host.querySelector(`.vis-item[data-id="${CSS.escape(id)}"]`)).find(Boolean);
      return peer ? peer.getBoundingClientRect().top - ground.getBoundingClientRect().top : label.offsetTop + 4;
    }
    return {
      element: copy,
      rowAt(y) {
        const within = y - ground.getBoundingClientRect().top;
        const all = labels();
        const index = all.findIndex((label) => within < label.offsetTop + label.offsetHeight);
        return ids[index < 0 ? all.length - 1 : index];
      },
      timeAcross(pixels) {
        const { start, end } = gantt.timeline().getWindow();
        return (pixels / ground.clientWidth) * (end - start);
      },
      put({ start, length, row, lane, legal }) {
        if (row !== stands.row || lane !== stands.lane) stands = { row, lane, top: topOf(row, lane) };
        const shown = gantt.timeline().getWindow();
        const pixels = ground.clientWidth / (shown.end - shown.start);
        copy.className = `${names} bar-ghost${legal ? "" : " is-illegal"}`;
        copy.style.width = `${Math.max(1, length * pixels)}px`;
        copy.style.top = "0";
        copy.style.transform = `translate(${(start - shown.start) * pixels}px, ${stands.top}px)`;
      },
      gone() {
        copy.remove();
        for (const each of own) each.classList.remove("is-lifted");
      },
    };
  };
})();
