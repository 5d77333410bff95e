// The list of what a machine offers: narrowed while one writes, and how much of it is ticked or written said on the button.
(() => {
  const form = document.getElementById("mapping");
  if (!form) return;
  const finds = [...form.querySelectorAll(".find")];
  const narrow = document.getElementById("narrow");
  const button = form.querySelector(".declare button");
  const lines = [...form.querySelectorAll(".hand-line")];

  const written = (line) => line.querySelector("input[name$='.address']").value.trim();
  const count = () => {
    const chosen = form.querySelectorAll("input[name=take]:checked").length + lines.filter(written).length;
    button.textContent = chosen ? button.dataset.some.replace("#", chosen) : button.dataset.none;
    for (const line of lines) line.querySelector(".hand-said").textContent = written(line);
  };
  const match = () => {
    const words = narrow.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const find of finds) {
      const text = find.firstElementChild.textContent.toLowerCase();
      find.hidden = !find.querySelector("input:checked") && !words.every((word) => text.includes(word));
    }
  };
  form.addEventListener("input", count);
  narrow?.addEventListener("input", match);
  // In a list that is being narrowed, Enter would send the whole form.
  narrow?.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  count();
})();
