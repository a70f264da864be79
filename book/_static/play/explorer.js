/* The results explorer: data set, measure and class chosen, a table whose bars are the figures.  Tables can be read aloud. */
(() => {
  "use strict";
  const { make, choice, begin } = window.ganad;

  const unique = (values) => [...new Set(values)];
  const number = (value) => value.toFixed(3).replace(/^0/, "");

  const legend =
    "Whiskers: 95 % interval over the seeds; one seed has none. Diamond: the survey's value. " +
    "Detectors called improved or stable are not the survey's methods.";

  class Explorer {
    constructor(root) {
      const { columns, rows } = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
      this.rows = rows.map((row) => Object.fromEntries(row.map((value, k) => [columns[k], value])));
      this.order = "mean";
      this.choices = Object.fromEntries(
        [["data", "Data"], ["measure", "Measure"], ["class", "Anomaly"]].map(([key, label]) => {
          return [key, choice(`${label}:`, [], () => this.show())];
        }),
      );
      this.table = make("div", { class: "ganad-play-table" });
      const labels = Object.values(this.choices).map(({ label }) => label);
      root.replaceChildren(make("div", { class: "ganad-play-buttons" }, ...labels), this.table);
      this.show();
    }

    /* What a choice leaves open for the next; a choice that is still possible is kept. */
    show() {
      let rows = this.rows;
      for (const [key, { select }] of Object.entries(this.choices)) {
        const before = select.value, values = unique(rows.map((row) => row[key]));
        select.replaceChildren(...values.map((value) => make("option", { value }, value)));
        select.value = values.includes(before) ? before : values[0];
        rows = rows.filter((row) => row[key] === select.value);
      }
      this.table.replaceChildren(this.drawn(rows));
    }

    drawn(rows) {
      const sorted = [...rows].sort((a, b) => b.mean - a.mean);
      const chance = sorted.find((row) => row.chance !== null)?.chance;
      const caption = chance === undefined ? "" : `Chance: ${number(chance)} (thin line). `;
      const head = ["detector", "ours", "", "seeds", "survey"].map((text) => make("th", { scope: "col" }, text));
      head[2].className = "ganad-play-wide";
      head[2].append(make("span", { class: "ganad-play-hidden" }, "picture"));
      return make(
        "table", { class: "ganad-play-bars" },
        make("caption", {}, caption + legend),
        make("thead", {}, make("tr", {}, ...head)),
        make("tbody", {}, ...sorted.map((row) => this.line(row, chance))),
      );
    }

    line(row, chance) {
      const half = (row.high - row.low) / 2;
      const figure = row.seeds > 1 ? `${number(row.mean)} ± ${number(half)}` : number(row.mean);
      const percent = (value) => `${100 * Math.min(1, Math.max(0, value))}%`;
      const bar = make("div", { class: "ganad-play-bar", "aria-hidden": "true" });
      bar.append(make("i", { class: "ganad-play-mean", style: `width: ${percent(row.mean)}` }));
      if (row.seeds > 1) {
        const from = Math.max(0, row.low), to = Math.min(1, row.high);
        bar.append(make("i", { class: "ganad-play-whisker", style: `left: ${percent(from)}; width: ${percent(to - from)}` }));
      }
      if (chance !== undefined) bar.append(make("i", { class: "ganad-play-chance", style: `left: ${percent(chance)}` }));
      if (row.published !== null) bar.append(make("i", { class: "ganad-play-diamond", style: `left: ${percent(row.published)}` }));
      return make(
        "tr", {},
        make("th", { scope: "row" }, row.name),
        make("td", {}, figure),
        make("td", { class: "ganad-play-wide" }, bar),
        make("td", {}, String(row.seeds)),
        make("td", {}, row.published === null ? "–" : number(row.published)),
      );
    }
  }

  begin("explorer", "explorers", Explorer);
})();
