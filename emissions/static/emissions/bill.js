// Shows the figure of a bill while it is typed: sends the form as it is to this host, half a second
// after the last key, and puts the answer into the panel under the form. Nothing is stored by it.
(() => {
  const WAIT = 500;

  window.addEventListener("load", () => {
    const panel = document.getElementById("typed");
    const form = panel?.closest("form");
    if (!form) return;
    const words = document.getElementById("words").dataset;
    let timer, request;

    const show = async () => {
      panel.hidden = false;
      request?.abort();
      request = new AbortController();
      const body = new FormData(form);
      if (panel.dataset.row) body.set("_row", panel.dataset.row);
      try {
        const answer = await fetch(panel.dataset.address, { method: "POST", body, signal: request.signal, redirect: "manual" });
        if (answer.ok) panel.querySelector("div").innerHTML = await answer.text();
        else panel.querySelector("div").textContent = answer.type === "opaqueredirect"
          ? words.ended : words.no_figure;
      } catch (error) {
        if (error.name !== "AbortError") panel.querySelector("div").textContent = "";
      }
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(show, WAIT);
    };
    form.addEventListener("input", later);
    django.jQuery(form).on("change", later); // the searched selects tell jQuery alone
    if (!panel.hidden && form.querySelector("[name=quantity]")?.value) show();
  });
})();
