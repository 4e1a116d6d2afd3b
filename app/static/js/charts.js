// <canvas data-chart='{"type": "bar", "labels": [...], "series": [{"name": "...", "values": [...]}]}'>.
// Chart.js (vendored) is loaded only on pages that draw; colours come from the theme and follow it.
import { language } from "./texts.js";

const library = new URL("../vendor/chartjs/chart.umd.min.js", import.meta.url);
let loading = null;
const drawn = new Map();

function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = library.href;
    script.onload = () => resolve(window.Chart);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function dataset(series, index, type) {
  const colour = token(series.tone ? `--${series.tone}` : `--chart-${(index % 6) + 1}`);
  const line = type === "line";
  return {
    label: series.name,
    data: series.values,
    backgroundColor: line ? `${colour}22` : colour,
    borderColor: colour,
    borderWidth: line ? 2 : 0,
    borderRadius: line ? 0 : 4,
    maxBarThickness: 28,
    fill: line,
    tension: 0.3,
    pointRadius: 0,
    pointHitRadius: 16,
  };
}

function round(spec) {
  const colours = spec.series[0].values.map((_, index) => token(`--chart-${(index % 6) + 1}`));
  return {
    type: "doughnut",
    data: { labels: spec.labels, datasets: [{ data: spec.series[0].values, backgroundColor: colours, borderWidth: 0 }] },
    options: { cutout: "68%", plugins: { legend: { position: "right", labels: { color: token("--ink-2"), boxWidth: 12 } } } },
  };
}

function axes(spec) {
  const number = new Intl.NumberFormat(language, { notation: "compact" });
  const tick = { color: token("--ink-3"), font: { size: 12 } };
  return {
    x: { stacked: spec.stacked, grid: { display: false }, border: { color: token("--line") }, ticks: { ...tick, maxRotation: 0, autoSkipPadding: 16 } },
    y: {
      stacked: spec.stacked, beginAtZero: true, grid: { color: token("--line") }, border: { display: false },
      ticks: { ...tick, maxTicksLimit: 5, precision: spec.precision ?? 0, callback: (value) => number.format(value) },
    },
  };
}

function settings(spec) {
  const config = spec.type === "doughnut" ? round(spec) : {
    type: spec.type,
    data: { labels: spec.labels, datasets: spec.series.map((series, index) => dataset(series, index, spec.type)) },
    options: { scales: axes(spec), interaction: { mode: "index", intersect: false }, plugins: {
      legend: { display: spec.series.length > 1, align: "end", labels: { color: token("--ink-2"), boxWidth: 12 } },
    } },
  };
  Object.assign(config.options, { responsive: true, maintainAspectRatio: false, locale: language });
  config.options.animation = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 300 };
  config.options.plugins.tooltip = {
    backgroundColor: token("--raised"), titleColor: token("--ink"), bodyColor: token("--ink-2"), borderColor: token("--line"),
    borderWidth: 1, padding: 10, boxPadding: 4,
  };
  return config;
}

async function draw(canvas, again = false) {
  const Chart = await load();
  Chart.defaults.font.family = token("--font");
  drawn.get(canvas)?.destroy();
  const config = settings(JSON.parse(canvas.dataset.chart));
  if (again) config.options.animation = false;
  drawn.set(canvas, new Chart(canvas, config));
}

export function startCharts(root = document) {
  for (const canvas of drawn.keys()) {
    if (canvas.isConnected) continue;
    drawn.get(canvas).destroy();
    drawn.delete(canvas);
  }
  for (const canvas of root.querySelectorAll("canvas[data-chart]")) draw(canvas, root !== document);
}

document.addEventListener("laoban:theme", () => drawn.forEach((_, canvas) => draw(canvas, true)));
