// Draws the charts, and draws them anew when a segment or a view of a chart is chosen.
"use strict";
const report = JSON.parse(document.getElementById("data").textContent);
const number = (digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits });
const day = (options) => new Intl.DateTimeFormat("en", { timeZone: "UTC", ...options });
const FORMATS = {
  count: number(0).format,
  money: number(0).format,
  number: number(1).format,
  share: new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 }).format,
  month: (value) => day({ month: "short", year: "numeric" }).format(new Date(value)),
  day: (value) => day({ dateStyle: "medium" }).format(new Date(value)),
  text: String,
};
const said = (value, unit) => (value === null ? "\u2013" : FORMATS[unit](value));
const chosen = { segment: 0 };

function element(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  if (text !== undefined) made.textContent = text;
  return made;
}

// what has changed: shares and scores by their difference, other numbers by per cent
function change(value, before, unit) {
  if (before === null || before === undefined) return null;
  const by = value - before;
  if (by === 0) return "no change";
  const sign = by > 0 ? "+" : "\u2212";
  if (unit === "share") return `${sign}${number(1).format(Math.abs(by * 100))} points`;
  if (unit === "number") return sign + number(1).format(Math.abs(by));
  return before === 0 ? null : sign + FORMATS.share(Math.abs(by / before));
}

function drawTiles() {
  const shown = report.tiles[chosen.segment] ?? [];
  const since = [["month_before", "in a month"], ["year_before", "in a year"], ["last_build", "since the last build"]];
  document.getElementById("glance-sentence").textContent =
    report.glance[chosen.segment] ?? "No numbers for this choice.";
  document.getElementById("tiles").replaceChildren(...shown.map((tile) => {
    const box = element("div");
    box.append(element("dt", tile.tile), element("dd", said(tile.value, tile.unit), { className: "value" }));
    for (const [before, words] of since) {
      const changed = change(tile.value, tile[before], tile.unit);
      if (changed !== null) box.append(element("dd", `${changed} ${words}`));
    }
    return box;
  }));
}

function rowsOf(chart) {
  const rows = chart.rows[chart.is_sliced ? chosen.segment : 0] ?? [];
  const names = Object.keys(chart.columns);
  const view = document.querySelector(`input[name="${chart.name}"]:checked`)?.value;
  return rows
    .map((values) => Object.fromEntries(names.map((name, place) => [name, values[place]])))
    .filter((row) => view === undefined || String(row[chart.switch]) === view);
}

function fillTable(chart, details) {
  details.querySelector(".table")?.remove();
  if (!details.open) return;
  const columns = Object.entries(chart.columns);
  const table = element("table");
  const head = table.createTHead().insertRow();
  head.append(...columns.map(([, column]) =>
    element("th", column.label, { scope: "col", className: column.unit })));
  const body = table.createTBody();
  for (const row of rowsOf(chart)) {
    body.insertRow().append(...columns.map(([name, { unit }]) =>
      element("td", said(row[name], unit), { className: unit })));
  }
  const frame = element("div", undefined, { className: "table", tabIndex: 0 });
  frame.append(table);
  details.append(frame);
}

async function draw(chart) {
  const figure = document.getElementById(chart.name);
  const rows = rowsOf(chart);
  const sentence = chart.sentences[chart.is_sliced ? chosen.segment : 0];
  const note = figure.querySelector(".note");
  if (note) note.hidden = chosen.segment === 0;
  figure.querySelector(".sentence").textContent = sentence ?? "";
  fillTable(chart, figure.querySelector("details"));
  const drawing = figure.querySelector(".drawing");
  if (!rows.length) {
    drawing.replaceChildren(element("p", "No data for this choice.", { className: "nothing" }));
    return;
  }
  // a legend in one line would be cut on a phone
  const legend = { ...report.config.legend, columns: drawing.clientWidth < 480 ? 2 : 6 };
  const spec = { ...chart.spec, datasets: { rows }, config: { ...report.config, legend } };
  const drawn = await vegaEmbed(drawing, spec, { actions: false, renderer: "svg", logLevel: 1 });
  const svg = drawing.querySelector("svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", sentence ?? chart.title);

}

async function drawAll() {
  drawTiles();
  for (const chart of report.charts) await draw(chart);
}

document.getElementById("segment")?.addEventListener("change", (event) => {
  chosen.segment = Number(event.target.value);
  window.drawn = drawAll();
});
for (const chart of report.charts) {
  const figure = document.getElementById(chart.name);
  figure.addEventListener("change", () => { window.drawn = draw(chart); });
  const details = figure.querySelector("details");
  details.addEventListener("toggle", () => fillTable(chart, details));
}
window.drawn = drawAll();
