// Ages of the machines' newest samples, told each second; the rows themselves are drawn by the server when they change.
(() => {
  const list = document.getElementById("fleet");
  const feed = document.getElementById("feed");
  if (!list || !feed) return;
  const [days, hours, minutes, seconds] = list.dataset.units.split(",");
  let told = {};

  function written(age) {
    if (age < 10) return `${age.toLocaleString(list.dataset.locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} ${seconds}`;
    const whole = Math.round(age);
    if (whole < 60) return `${whole} ${seconds}`;
    if (whole < 3600) return `${Math.floor(whole / 60)} ${minutes} ${whole % 60} ${seconds}`;
    if (whole < 86400) return `${Math.floor(whole / 3600)} ${hours} ${Math.floor((whole % 3600) / 60)} ${minutes}`;
    return `${Math.floor(whole / 86400)} ${days} ${Math.floor((whole % 86400) / 3600)} ${hours}`;
  }

  function show() {
    for (const place of list.querySelectorAll("[data-age]")) {
      const age = told[place.dataset.age];
      if (age !== undefined) place.textContent = written(age);
    }
  }

  feed.addEventListener("ages", (event) => {
    told = JSON.parse(event.detail.data);
    show();
  });
  document.addEventListener("htmx:after:swap", show);
})();
