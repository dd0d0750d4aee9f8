// Draws every canvas.fa-stacked from the JSON beside it, in the colours of the theme, with the
// bundled Chart.js. The table under it says the same in numbers.
(() => {
  const COLOURS = { heat: "#d97706", electricity: "#0891b2", water: "#2563eb", recharge: "#9333ea" };
  const drawn = new Map();

  const ink = (name) => {
    const dark = document.documentElement.classList.contains("dark");
    const shade = { text: dark ? "400" : "600", grid: dark ? "800" : "200" }[name];
    return getComputedStyle(document.documentElement).getPropertyValue(`--color-base-${shade}`).trim();
  };

  const draw = (canvas) => {
    const { labels, series, separators, unit } = JSON.parse(canvas.parentElement.querySelector("script").textContent);
    const [decimal, thousands] = separators;
    const written = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: unit === "t" ? 3 : 2 })
      .replace(/[.,]/g, (one) => (one === "," ? thousands : decimal));
    drawn.get(canvas)?.destroy();
    const axis = { stacked: true, ticks: { color: ink("text") }, grid: { color: ink("grid") } };
    drawn.set(canvas, new Chart(canvas, {
      type: "bar",
      data: {
        labels,
        datasets: series.map((one) => ({
          label: one.label,
          data: one.data.map((value) => (value === null ? null : Number(value) / (unit === "t" ? 1000 : 1))),
          backgroundColor: COLOURS[one.category],
          maxBarThickness: 40,
        })),
      },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        scales: { x: { ...axis, grid: { display: false } }, y: { ...axis, ticks: { ...axis.ticks, callback: (value) => `${written(value)} ${unit}` } } },
        plugins: {
          legend: { position: "bottom", labels: { color: ink("text"), boxWidth: 12 } },
          tooltip: {
            mode: "index",
            callbacks: { label: ({ dataset, raw }) => `${dataset.label}: ${written(raw ?? 0)} ${unit}` },
          },
        },
      },
    }));
    canvas.dataset.drawn = series.length;
  };

  const drawAll = () => document.querySelectorAll("canvas.fa-stacked").forEach(draw);

  window.addEventListener("load", () => {
    drawAll();
    document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
    document.body.addEventListener("htmx:afterSettle", drawAll);
    new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["class"] });
  });
})();
