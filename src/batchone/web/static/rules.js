// A press on a line of the listing puts the caret there; the tab key indents, and Escape then Tab leaves the text.
(() => {
  const text = document.getElementById("text");
  if (!text) return;
  let leaving = false;
  document.addEventListener("click", (event) => {
    const line = event.target.closest("[data-line]");
    if (!line) return;
    const lines = text.value.split("\n");
    const start = lines.slice(0, line.dataset.line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const column = Math.max(0, Number(line.dataset.column) - 1);
    text.focus();
    text.setSelectionRange(start + column, start + (lines[line.dataset.line - 1] ?? "").length);
    text.scrollTop = (line.dataset.line - 4) * parseFloat(getComputedStyle(text).lineHeight);
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leaving = true;
    else if (event.key === "Tab" && !event.shiftKey && !leaving) {
      event.preventDefault();
      text.setRangeText("  ", text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (event.key !== "Tab") leaving = false;
  });
  text.addEventListener("focus", () => { leaving = false; });
})();
