/* A threshold to drag over the scores of a test set, and a prevalence to change: what precision, recall and the curves make of it. */
(() => {
  "use strict";
  const { make, draw, slider, figure, begin } = window.ganad;

  const TICKS = 400, BINS = 40, TESTED = 1000;
  const number = (value) => (Number.isNaN(value) ? "–" : value.toFixed(3).replace(/^0(?=\.)/, ""));
  const atLeast = (values, cut) => values.filter((value) => value >= cut).length / values.length;

  /* Mean precision over the anomalies, each kind weighted by the prevalence: the AUPRC. */
  function averagePrecision(normal, anomalous, prevalence) {
    let sum = 0;
    for (const cut of anomalous) {
      const found = prevalence * atLeast(anomalous, cut), wrong = (1 - prevalence) * atLeast(normal, cut);
      sum += found / (found + wrong);
    }
    return sum / anomalous.length;
  }

  class Threshold {
    constructor(root) {
      Object.assign(this, JSON.parse(root.querySelector('script[type="application/json"]').textContent));
      const every = [...this.normal, ...this.anomalous].sort((a, b) => a - b);
      this.low = every[0];
      this.high = every[Math.ceil(0.995 * every.length) - 1];
      const show = () => this.show();
      this.cut = slider("Threshold:", { min: 0, max: TICKS, value: Math.round(TICKS * this.start()), step: 1 }, show);
      this.share = slider("Prevalence, the share of anomalies:", { min: 1, max: 99, value: Math.round(100 * this.prevalence), step: 1 }, show);
      this.pictures = {
        scores: draw("svg", { viewBox: "0 0 600 190", role: "img" }),
        precision: draw("svg", { viewBox: "0 0 210 210", role: "img" }),
        roc: draw("svg", { viewBox: "0 0 210 210", role: "img" }),
      };
      this.matrix = make("div", { class: "ganad-play-table" });
      this.told = make("output", { class: "ganad-play-told", "aria-live": "polite" });
      root.replaceChildren(
        figure(this.pictures.scores, `Scores of ${this.name}: blue normal, orange anomalous; right of the line is called anomalous.`),
        make("div", { class: "ganad-play-sliders" }, this.cut.label, this.share.label),
        make("div", { class: "ganad-play-row" }, this.matrix, figure(this.pictures.precision, "precision against recall"), figure(this.pictures.roc, "recall against false alarms")),
        this.told,
      );
      this.show();
    }

    /* Where the slider begins: the .9 quantile of the normal scores. */
    start() {
      const quantile = this.normal[Math.floor(0.9 * this.normal.length)];
      return (quantile - this.low) / (this.high - this.low);
    }

    measures() {
      const cut = this.low + ((this.high - this.low) * this.cut.input.value) / TICKS, prevalence = this.share.input.value / 100;
      const recall = atLeast(this.anomalous, cut), alarms = atLeast(this.normal, cut);
      const found = prevalence * recall, wrong = (1 - prevalence) * alarms;
      const precision = found + wrong ? found / (found + wrong) : NaN;
      const f1 = found ? (2 * precision * recall) / (precision + recall) : 0;
      return { cut, prevalence, recall, alarms, found, wrong, precision, f1 };
    }

    show() {
      const seen = (this.seen = this.measures());
      seen.auprc = averagePrecision(this.normal, this.anomalous, seen.prevalence);
      this.cut.shown.textContent = seen.cut.toPrecision(3);
      this.share.shown.textContent = `${Math.round(100 * seen.prevalence)} %`;
      this.told.textContent =
        `Precision ${number(seen.precision)}, recall ${number(seen.recall)}, F1 ${number(seen.f1)}. ` +
        `AUPRC ${number(seen.auprc)}, where chance is ${number(seen.prevalence)}; the ROC curve does not know the prevalence.`;
      const count = (value) => String(Math.round(TESTED * value));
      const row = (name, ...values) => make("tr", {}, make("th", { scope: "row" }, name), ...values.map((value) => make("td", {}, count(value))));
      this.matrix.replaceChildren(
        make(
          "table", {},
          make("caption", {}, `Of ${TESTED.toLocaleString("en")} samples`),
          make("thead", {}, make("tr", {}, make("td"), ...["called anomalous", "called normal"].map((text) => make("th", { scope: "col" }, text)))),
          make("tbody", {}, row("anomalous", seen.found, seen.prevalence - seen.found), row("normal", seen.wrong, 1 - seen.prevalence - seen.wrong)),
        ),
      );
      this.drawScores(seen);
      this.drawCurves(seen);
    }

    drawScores(seen) {
      const picture = this.pictures.scores, width = 600 / BINS, place = (score) => Math.min(BINS - 1, Math.floor(((score - this.low) / (this.high - this.low)) * BINS));
      const heights = [["normal", 1 - seen.prevalence], ["anomalous", seen.prevalence]].map(([kind, weight]) => {
        const bins = new Array(BINS).fill(0);
        for (const score of this[kind]) bins[place(score)] += weight / this[kind].length;
        return [kind, bins];
      });
      const most = Math.max(...heights.flatMap(([, bins]) => bins));
      const bars = heights.flatMap(([kind, bins]) =>
        bins.map((height, k) => draw("rect", { x: k * width, y: 180 - (165 * height) / most, width: width - 1, height: (165 * height) / most, class: `ganad-play-${kind}` })),
      );
      const x = ((seen.cut - this.low) / (this.high - this.low)) * 600;
      picture.replaceChildren(...bars, draw("line", { x1: 0, x2: 600, y1: 180, y2: 180, class: "ganad-play-axis" }), draw("line", { x1: x, x2: x, y1: 0, y2: 180, class: "ganad-play-cut" }));
      picture.setAttribute("aria-label", `Histogram of the scores, threshold ${seen.cut.toPrecision(3)}`);
    }

    drawCurves(seen) {
      const cuts = [...this.normal, ...this.anomalous].sort((a, b) => b - a).filter((_, k) => k % 4 === 0);
      const points = cuts.map((cut) => {
        const recall = atLeast(this.anomalous, cut), alarms = atLeast(this.normal, cut);
        const found = seen.prevalence * recall, wrong = (1 - seen.prevalence) * alarms;
        return { recall, alarms, precision: found / (found + wrong) };
      });
      const at = (x, y) => [8 + 194 * x, 202 - 194 * y];
      const curve = (picture, x, y, chance) => {
        const line = draw("polyline", { points: points.map((point) => at(point[x], point[y]).join(",")).join(" "), class: "ganad-play-curve" });
        const [x1, y1] = at(0, chance[0]), [x2, y2] = at(1, chance[1]);
        const parts = [draw("rect", { x: 8, y: 8, width: 194, height: 194, class: "ganad-play-frame" }), draw("line", { x1, y1, x2, y2, class: "ganad-play-by-chance" }), line];
        if (!Number.isNaN(seen[y])) {
          const [cx, cy] = at(seen[x], seen[y]);
          parts.push(draw("circle", { cx, cy, r: 5, class: "ganad-play-point" }));
        }
        picture.replaceChildren(...parts);
        picture.setAttribute("aria-label", `Curve with the point of the threshold at ${number(seen[x])}, ${number(seen[y])}`);
      };
      curve(this.pictures.precision, "recall", "precision", [seen.prevalence, seen.prevalence]);
      curve(this.pictures.roc, "alarms", "recall", [0, 1]);
    }
  }

  window.ganad.averagePrecision = averagePrecision;
  begin("threshold", "thresholds", Threshold);
})();
