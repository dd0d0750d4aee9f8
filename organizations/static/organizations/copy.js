// A button with data-copy="ID" copies the text of that element, and says so in the element ID-copied.
// Over plain http browsers offer no clipboard: then the text is selected, for Ctrl+C.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const words = document.getElementById("words").dataset;
  const said = document.getElementById(`${button.dataset.copy}-copied`);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    said.textContent = words.copied;
  } catch {
    getSelection().selectAllChildren(source);
    said.textContent = document.execCommand("copy") ? words.copied : words.selected;
  }
});
