// A button with data-another-row adds an empty row to the table above it, and goes there.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-another-row]");
  if (!button) return;
  const body = button.parentElement.querySelector("tbody");
  const row = body.rows[body.rows.length - 1].cloneNode(true);
  row.querySelectorAll("input, select").forEach((one) => {
    one.value = "";
    one.setAttribute("aria-label", one.getAttribute("aria-label").replace(/\d+$/, body.rows.length + 1));
  });
  body.append(row);
  row.querySelector("input, select").focus();
});
