/* AnoGAN's search as a film: G(z) closing in on a query, a normal one beside an anomalous one, and their losses. */
(() => {
  "use strict";
  const { make, draw, button, choice, slider, paint, picture, toUnit, HEAT, load, bytesOf, begin, calm } = window.ganad;

  const PIXELS = 64;
  const WAIT = { slow: 200, calm: 60, fast: 0 }; // milliseconds between two pictures
  const KINDS = { normal: "Normal query", anomalous: "Anomalous query" };

  class Film {
    constructor(root) {
      this.root = root;
      this.place = 0;
      this.told = make("output", { class: "ganad-play-told", "aria-live": "polite" });
      this.open();
    }

    async open() {
      this.told.textContent = "Loading the film …";
      this.root.replaceChildren(this.told);
      try {
        Object.assign(this, await load(this.root.dataset.model || "anogan"));
      } catch (error) {
        return this.told.replaceChildren(error.message, " ", button("Try again", () => this.open()));
      }
      this.frames = new Uint8Array(bytesOf(this.bytes));
      this.build();
      this.turn(0);
    }

    build() {
      this.sides = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, this.side(kind)]));
      this.time = slider("Step", { min: 0, max: this.steps.length - 1, step: 1, value: 0, "aria-label": "step of the search" }, (place) => {
        this.play(false);
        this.turn(place);
      });
      this.button = button("Play", () => this.play(!this.playing));
      this.speed = choice("Speed:", [["fast", "fast"], ["calm", "calm"], ["slow", "slow motion"]], () => {});
      this.curve = draw("svg", { viewBox: "0 -14 640 218", role: "img", "aria-label": "The two losses against the steps of the search" });
      const { sides } = this;
      this.root.replaceChildren(
        make("div", { class: "ganad-play-sides" }, ...Object.values(sides).map((side) => side.element)),
        make("div", { class: "ganad-play-buttons" }, this.button, button("From the start", () => this.turn(0)), this.speed.label),
        make("div", { class: "ganad-play-sliders" }, this.time.label),
        make("figure", {}, this.curve, make("figcaption", {}, `Loss of the search: blue the normal query, orange the ${this.anomaly}. Grey: where searches for normal test digits end; dashed: the threshold.`)),
        this.told,
      );
    }

    side(kind) {
      const list = [...this.samples.keys()].filter((k) => this.samples[k].anomalous === (kind === "anomalous"));
      const chosen = choice(`${KINDS[kind]}:`, list.map((k, n) => [k, `${n + 1}: a ${this.samples[k].digit}`]), (k) => {
        side.query = Number(k);
        this.turn(this.place);
      });
      const pictures = { x: picture(`the ${kind} query`), made: picture("what the generator draws at this step"), residual: picture("where they differ") };
      const captions = { x: "query x", made: "G(z)", residual: "residual" };
      const shown = Object.entries(pictures).map(([name, canvas]) => make("figure", {}, canvas, make("figcaption", {}, captions[name])));
      const side = { query: list[0], pictures, element: make("div", {}, chosen.label, make("div", { class: "ganad-play-three" }, ...shown)) };
      return side;
    }

    /* The image that the search for a query has reached: 64 values from -1 to 1. */
    frame(query, place) {
      const from = (query * this.steps.length + place) * PIXELS;
      return toUnit(this.frames.subarray(from, from + PIXELS));
    }

    play(on) {
      const before = this.playing;
      this.playing = on;
      this.button.textContent = on ? "Pause" : "Play";
      if (!on || before) return;
      if (this.place >= this.steps.length - 1) this.turn(0);
      let last = -Infinity;
      const next = (now) => {
        if (!this.playing) return;
        const motion = calm();
        if (now - last >= (motion ? 1000 : WAIT[this.speed.select.value])) {
          last = now;
          this.turn(Math.min(this.steps.length - 1, this.place + (motion ? 20 : 1)));
        }
        if (this.place >= this.steps.length - 1) this.play(false);
        else requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    }

    turn(place) {
      this.place = place;
      this.time.input.value = place;
      this.time.shown.textContent = `${this.steps[place]} of ${this.steps.at(-1)}`;
      const losses = [];
      for (const { query, pictures } of Object.values(this.sides)) {
        const x = toUnit(this.samples[query].pixels), made = this.frame(query, place);
        paint(pictures.x, x);
        paint(pictures.made, made);
        paint(pictures.residual, x.map((value, k) => Math.abs(value - made[k])), { low: 0, high: 1.5, colours: HEAT });
        losses.push(this.samples[query].losses[place]);
      }
      this.drawCurve();
      const words = `Step ${this.steps[place]}: loss ${losses[0].toPrecision(3)} of the normal query, ${losses[1].toPrecision(3)} of the anomalous one.`;
      if (!this.playing || place === this.steps.length - 1) this.told.textContent = words; // not read aloud sixty times a second
      else this.told.textContent = "";
    }

    drawCurve() {
      const curves = Object.values(this.sides).map(({ query }) => this.samples[query].losses);
      const top = Math.max(...curves.flat()), last = this.steps.at(-1);
      const x = (step) => 44 + (572 * step) / last, y = (loss) => 170 - (160 * loss) / top;
      const quantile = (q) => this.normal_ends[Math.floor(q * (this.normal_ends.length - 1))];
      const parts = [
        draw("rect", { class: "ganad-play-usual", x: 44, width: 572, y: y(quantile(0.9)), height: y(quantile(0.1)) - y(quantile(0.9)) }),
        draw("line", { class: "ganad-play-limit", x1: 44, x2: 616, y1: y(this.threshold), y2: y(this.threshold) }),
        draw("line", { class: "ganad-play-axis", x1: 44, x2: 616, y1: 170, y2: 170 }),
      ];
      ["ganad-play-curve", "ganad-play-curve ganad-play-other"].forEach((name, k) => {
        const points = this.steps.map((step, place) => `${x(step).toFixed(1)},${y(curves[k][place]).toFixed(1)}`);
        parts.push(draw("polyline", { class: name, points: points.join(" "), opacity: 0.3 }));
        parts.push(draw("polyline", { class: name, points: points.slice(0, this.place + 1).join(" ") }));
        parts.push(draw("circle", { class: k ? "ganad-play-again" : "ganad-play-code", cx: x(this.steps[this.place]), cy: y(curves[k][this.place]), r: 5 }));
      });
      for (let step = 0; step <= last; step += 100) parts.push(draw("text", { class: "ganad-play-words", x: x(step), y: 196, "text-anchor": "middle" }, String(step)));
      for (const share of [0, 0.5, 1]) parts.push(draw("text", { class: "ganad-play-words", x: 38, y: y(share * top) + 5, "text-anchor": "end" }, (share * top).toFixed(0)));
      this.curve.replaceChildren(...parts);
    }
  }

  begin("search", "films", Film);
})();
