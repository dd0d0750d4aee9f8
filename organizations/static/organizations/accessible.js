// What the admin's library leaves out for keyboards and for screen readers: names of choices and of
// icons that are clicked, and the column's name beside each cell of a table that is stacked.
(() => {
  const ICONS = document.getElementById("words")?.dataset ?? {}; // by their names, and two words more
  const text = (one) => one?.textContent.trim().replace(/\s*\*?$/, "") || "";
  const heading = (cell) => {
    const table = cell?.closest("table");
    const row = cell?.closest("tr");
    return row ? text(table.tHead?.rows[0]?.cells[[...row.cells].indexOf(cell)]) : "";
  };
  const nameOf = (field) =>
    field.getAttribute("aria-label") || text(field.labels?.[0]) || heading(field.closest("td"))
    || field.title || field.dataset.placeholder || field.name?.replaceAll("_", " ") || ICONS.choice;

  const nameChoices = () => {
    document.querySelectorAll("td :is(input, select, textarea):not([type=hidden])").forEach((field) => {
      if (!field.labels?.length && !field.getAttribute("aria-label"))
        field.setAttribute("aria-label", nameOf(field));
    });
    document.querySelectorAll(".select2-container").forEach((box) => {
      const select = box.previousElementSibling;
      const choice = box.querySelector(".select2-selection");
      if (!choice || !select?.matches("select") || choice.dataset.named) return;
      choice.dataset.named = "1";
      const chosen = choice.querySelector(".select2-selection__rendered");
      choice.removeAttribute("aria-labelledby");
      choice.setAttribute("aria-label", nameOf(select));
      chosen?.removeAttribute("role");
      chosen?.removeAttribute("aria-readonly");
      chosen?.setAttribute("id", chosen.id || `${select.id}-chosen`);
      if (chosen) choice.setAttribute("aria-describedby", chosen.id);
    });
    document.querySelectorAll("input.select2-search__field:not([aria-label])").forEach((field) =>
      field.setAttribute("aria-label", ICONS.search_choices ?? ""));
  };

  const reachClicked = () => {
    document.querySelectorAll(".material-symbols-outlined").forEach((icon) => {
      const clicked = icon.hasAttribute("x-on:click");
      if (!clicked) {
        icon.setAttribute("aria-hidden", "true");
        const holder = icon.closest("a, button, [role=button]");
        if (holder && !holder.hasAttribute("aria-label")
            && ![...holder.childNodes].some((one) => one.textContent.trim()
              && !one.classList?.contains("material-symbols-outlined")))
          holder.setAttribute("aria-label", holder.title || ICONS[text(icon)] || text(icon).replaceAll("_", " "));
        return;
      }
      if (!icon.hasAttribute("aria-label"))
        icon.setAttribute("aria-label", icon.title || ICONS[text(icon)] || text(icon).replaceAll("_", " "));
    });
    document.querySelectorAll("span[x-on\\:click], div[x-on\\:click], a[x-on\\:click]:not([href])").forEach((one) => {
      if (one.hasAttribute("tabindex") || one.querySelector("a[href], button, input, select")) return;
      one.setAttribute("tabindex", "0");
      one.setAttribute("role", "button");
      one.addEventListener("keydown", (event) => {
        if (event.target !== one || !["Enter", " "].includes(event.key)) return;
        event.preventDefault();
        one.click();
      });
    });
    document.querySelectorAll("a[title]:not([aria-label])").forEach((one) =>
      one.setAttribute("aria-label", one.title));
  };

  const labelCells = () => document.querySelectorAll(".fa-scroll .fa-table").forEach((table) => {
    const names = [...(table.tHead?.rows[0]?.cells ?? [])].map(text);
    if (!names.length) return;
    table.classList.add("fa-stack");
    [...table.tBodies].flatMap((body) => [...body.rows]).forEach((row) =>
      [...row.cells].forEach((cell, i) => {
        if (!cell.dataset.label && names[i] && cell.colSpan === 1) cell.dataset.label = names[i];
      }));
  });

  // A form that was refused begins at its first mistake, not at its top.
  const showMistake = (frames = 120) => {
    if (!document.querySelector(".errornote, .errors, .fa-form .fa-warning")) return;
    const field = document.querySelector("main form :is([aria-invalid=true], [data-invalid])");
    const searched = /select2|autocomplete/.test(field?.className ?? "");
    if (searched && !field.matches(".select2-hidden-accessible") && frames) {
      requestAnimationFrame(() => showMistake(frames - 1)); // its box is not there yet
      return;
    }
    const said = document.querySelector(".errornote, .fa-form .fa-warning");
    const place = field?.nextElementSibling?.querySelector(".select2-selection")
      ?? field?.querySelector("select, input") ?? field ?? said;
    if (place === said) said.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true });
    place.scrollIntoView({ block: "center" });
  };

  let asked = false;
  const all = () => { asked = false; nameChoices(); reachClicked(); labelCells(); };
  const soon = () => { if (!asked) { asked = true; requestAnimationFrame(all); } };
  window.addEventListener("load", () => {
    all();
    requestAnimationFrame(() => showMistake());
    new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
  });
})();
