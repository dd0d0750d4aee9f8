// The admin's search by keyboard alone: Ctrl+K opens it from a field too, the first result is
// chosen, Enter waits for results that are still on their way, and what was open gets the focus
// back when the search closes.
(() => {
  let from = null; // where the focus was before
  let shown = ""; // the text whose results are on the page
  let waiting = false; // Enter was pressed before they were
  const field = () => document.getElementById("search-input-command");
  const press = (key) => field().dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

  window.addEventListener("keydown", (event) => {
    if (event.target === field()) {
      if (event.key === "Enter" && event.isTrusted && field().value !== shown) {
        waiting = true;
        event.preventDefault();
        event.stopPropagation();
      } else if (event.key === "Enter" && !document.querySelector("#command-results-list li")) {
        event.preventDefault();
        event.stopPropagation();
      } else if (event.key === "Escape") {
        if (field().value) shown = "";
        else setTimeout(() => from?.focus());
      }
    } else if (event.key === "k" && (event.ctrlKey || event.metaKey) && field()) {
      from = event.target;
      if (event.target.matches("input, textarea, [contenteditable]")) { // the library leaves these out
        event.preventDefault();
        window.dispatchEvent(new CustomEvent("opencommand"));
      }
    }
  }, true);
  window.addEventListener("opencommand", () => { from ??= document.activeElement; });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "command-results") return;
    shown = event.detail.requestConfig?.parameters?.s ?? field().value;
    if (document.querySelector("#command-results-list li")) {
      press("ArrowDown");
      if (waiting && field().value === shown) press("Enter");
    }
    waiting = false;
  });
  window.addEventListener("load", () => field()?.setAttribute("aria-label", document.getElementById("words").dataset.search));
})();
