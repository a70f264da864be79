/* Draw a digit, or pick one: what a detector makes of it, where they differ, and where its score falls among normal ones. */
(() => {
  "use strict";
  const { make, draw, button, choice, figure, paint, colours, rgb, picture, toUnit, HEAT, load, networks, begin } = window.ganad;

  const FINE = 32; // the data set counted the ink of 32 x 32 bitmaps in blocks of 4 x 4
  const BLOCK = 4, SIDE = FINE / BLOCK;
  const PEN = 2; // radius, in cells
  const METHODS = {
    egbad: { name: "EGBAD", made: "G(E(x))" },
    "f-anogan": { name: "f-AnoGAN", made: "G(E(x))" },
    ganomaly: { name: "GANomaly", made: "decoded" },
  };

  const short = (value) => value.toFixed(2).replace(/^0/, "");
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const apart = (a, b) => Float32Array.from(a, (value, k) => Math.abs(value - b[k]));
  const meanSquare = (a, b) => sum(Float32Array.from(a, (value, k) => (value - b[k]) ** 2)) / a.length;

  /* Each method's pass and score, as its section of the paper has them. */
  const JUDGES = {
    egbad({ encoder, generator, discriminator }, x, { score_weight: weight }) {
      const [code] = encoder.run(x), [made] = generator.run(code);
      const features = discriminator.run(x, code)[1], matched = discriminator.run(made, code)[1];
      return { code, made, score: (1 - weight) * sum(apart(x, made)) + weight * sum(apart(features, matched)) };
    },
    "f-anogan"({ encoder, generator, critic }, x, { kappa }) {
      const [code] = encoder.run(x), [made] = generator.run(code);
      return { code, made, score: meanSquare(x, made) + kappa * meanSquare(critic.run(x)[1], critic.run(made)[1]) };
    },
    ganomaly({ encoder, decoder, second_encoder: second }, x) {
      const [code] = encoder.run(x), [made] = decoder.run(code), [again] = second.run(made);
      return { code, again, made, score: meanSquare(code, again) };
    },
  };

  /* A method trained without one digit. */
  class Detector {
    constructor(method, model) {
      Object.assign(this, model, { method, networks: networks(model) });
    }

    judge(x) {
      const found = JUDGES[this.method](this.networks, x, this.settings);
      return { ...found, residual: apart(x, found.made) };
    }

    /* The share of the normal test samples that score less. */
    above(score) {
      return this.scores.normal.filter((other) => other < score).length / this.scores.normal.length;
    }
  }

  /* Ink on 32 x 32 cells, and the 8 x 8 counts that the data set would have made of it. */
  class Ink {
    constructor() {
      this.clear();
    }

    clear() {
      this.cells = new Uint8Array(FINE * FINE);
    }

    dot(x, y) {
      for (let row = Math.ceil(y - PEN); row <= y + PEN; row++) {
        for (let column = Math.ceil(x - PEN); column <= x + PEN; column++) {
          const inside = row >= 0 && row < FINE && column >= 0 && column < FINE;
          if (inside && Math.hypot(column - x, row - y) <= PEN) this.cells[row * FINE + column] = 1;
        }
      }
    }

    line(from, to) {
      const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1])));
      for (let k = 0; k <= steps; k++) this.dot(...[0, 1].map((axis) => from[axis] + ((to[axis] - from[axis]) * k) / steps));
    }

    /* First and last row and column with ink, or null. */
    get box() {
      const places = [...this.cells.keys()].filter((k) => this.cells[k]);
      if (!places.length) return null;
      const rows = places.map((k) => Math.floor(k / FINE)), columns = places.map((k) => k % FINE);
      return { top: Math.min(...rows), bottom: Math.max(...rows) + 1, left: Math.min(...columns), right: Math.max(...columns) + 1 };
    }

    /* 64 pixels from 0 to 255: the drawing scaled to the frame, in its middle, its ink counted in blocks. */
    get pixels() {
      const box = this.box, counts = new Float32Array(SIDE * SIDE);
      if (!box) return counts;
      const scale = FINE / Math.max(box.bottom - box.top, box.right - box.left);
      const middle = [(box.top + box.bottom) / 2, (box.left + box.right) / 2];
      for (let row = 0; row < FINE; row++) {
        for (let column = 0; column < FINE; column++) {
          const [y, x] = [row, column].map((k, axis) => Math.floor((k + 0.5 - FINE / 2) / scale + middle[axis]));
          const inked = y >= box.top && y < box.bottom && x >= box.left && x < box.right && this.cells[y * FINE + x];
          if (inked) counts[Math.floor(row / BLOCK) * SIDE + Math.floor(column / BLOCK)] += 1;
        }
      }
      return counts.map((count) => Math.round((count * 255) / (BLOCK * BLOCK)));
    }
  }

  class Draw {
    constructor(root) {
      this.ink = new Ink();
      this.pen = { at: [FINE / 2, FINE / 2], down: false, shown: false };
      this.build(root);
      this.listen();
      this.paper();
      this.change(root.dataset.method || "egbad", "0");
    }

    build(root) {
      this.method = choice("Detector:", Object.entries(METHODS).map(([value, { name }]) => [value, name]), () => this.change());
      this.digit = choice("trained without the digit", [..."0123456789"].map((digit) => [digit, digit]), () => this.change());
      this.sheet = make("canvas", {
        class: "ganad-play-sheet", width: 320, height: 320, tabindex: 0, role: "application",
        "aria-label": "Paper to draw a digit on: with the pointer; or move the pen with the arrow keys, lower and lift it with the space bar.",
      });
      this.clear = button("Clear", () => this.wipe());
      this.samples = choice("or pick a test sample:", [], (place) => this.pick(Number(place)));
      this.pictures = { x: picture("the image x, 8 by 8"), made: picture("what the detector makes of it"), residual: picture("where they differ: the brighter, the more") };
      this.captions = Object.fromEntries(Object.entries({ x: "x", made: "made of it", residual: "residual" }).map(([name, text]) => [name, make("figcaption", {}, text)]));
      this.codes = draw("svg", { viewBox: "0 0 320 110", role: "img" });
      this.scale = draw("svg", { viewBox: "0 0 640 138", role: "img" });
      this.told = make("output", { class: "ganad-play-told", "aria-live": "polite" });
      const shown = Object.entries(this.pictures).map(([name, canvas]) => make("figure", {}, canvas, this.captions[name]));
      root.replaceChildren(
        make("div", { class: "ganad-play-buttons" }, this.method.label, this.digit.label),
        make(
          "div", { class: "ganad-play-draw" },
          make("div", {}, this.sheet, make("div", { class: "ganad-play-buttons" }, this.clear, this.samples.label)),
          make("div", {}, make("div", { class: "ganad-play-three" }, ...shown), figure(this.codes, "")),
        ),
        figure(this.scale, ""),
        this.told,
      );
    }

    listen() {
      const { sheet, pen } = this;
      const place = (event) => {
        const frame = sheet.getBoundingClientRect();
        return [((event.clientX - frame.left) / frame.width) * FINE, ((event.clientY - frame.top) / frame.height) * FINE];
      };
      sheet.addEventListener("pointerdown", (event) => {
        sheet.setPointerCapture(event.pointerId);
        pen.shown = false;
        pen.at = place(event);
        this.stroke(pen.at);
      });
      sheet.addEventListener("pointermove", (event) => event.buttons && this.stroke(place(event)));
      sheet.addEventListener("keydown", (event) => this.steer(event));
      new MutationObserver(() => this.show()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    }

    steer(event) {
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, { pen } = this;
      if (event.key === "Delete" || event.key === "Backspace") return this.wipe();
      if (!(event.key in moves) && event.key !== " ") return;
      event.preventDefault();
      pen.shown = true;
      if (event.key === " ") pen.down = !pen.down;
      const next = pen.at.map((value, axis) => Math.max(0, Math.min(FINE - 1, value + (moves[event.key] || [0, 0])[axis])));
      if (pen.down) this.stroke(next);
      pen.at = next;
      this.paper();
    }

    stroke(to) {
      if (this.sample) this.wipe();
      this.ink.line(this.pen.at, to);
      this.pen.at = to;
      this.paper();
      this.judge(this.ink.pixels);
    }

    wipe() {
      this.ink.clear();
      this.sample = null;
      this.samples.select.value = "";
      this.paper();
      this.judge(null);
    }

    /* One of the model's own test samples; it is shown on the paper, and drawing begins a new one. */
    pick(place) {
      this.ink.clear();
      this.sample = this.detector?.samples[place] || null;
      this.paper();
      this.judge(this.sample && this.sample.pixels);
    }

    async change(method = this.method.select.value, digit = this.digit.select.value) {
      this.method.select.value = method;
      this.digit.select.value = digit;
      const name = `${method}-${digit}`;
      this.wanted = name;
      this.say(`Loading ${METHODS[method].name} …`);
      try {
        const model = await load(name);
        if (this.wanted !== name) return; // another one was asked for meanwhile
        this.detector = new Detector(method, model);
      } catch (error) {
        if (this.wanted !== name) return;
        this.detector = null;
        this.result = null;
        this.samples.select.replaceChildren(); // they were the other detector's
        this.say(error.message, button("Try again", () => this.change()));
        return;
      }
      this.samples.select.replaceChildren(
        make("option", { value: "" }, "none"),
        ...this.detector.samples.map(({ digit: shown, anomalous }, k) => make("option", { value: k }, `${k + 1}: a ${shown}${anomalous ? ", left out" : ""}`)),
      );
      this.captions.made.textContent = METHODS[method].made;
      const { auprc, prevalence } = this.detector;
      this.scale.nextSibling.textContent = "Scores of the test set: blue normal, orange the digit left out; dashed the threshold, the solid line your image. "
        + `AUPRC ${short(auprc)}, chance ${short(prevalence)}.`;
      if (this.ink.box) this.judge(this.ink.pixels);
      else {
        this.samples.select.value = "0";
        this.pick(0);
      }
    }

    judge(pixels) {
      if (!this.detector) return;
      this.x = pixels && pixels.some((value) => value > 0) ? toUnit(pixels) : null;
      this.result = this.x && this.detector.judge(this.x);
      this.show();
    }

    say(...words) {
      this.told.replaceChildren(...words);
    }

    show() {
      if (!this.detector) return;
      const { result, detector } = this, nothing = new Float32Array(SIDE * SIDE).fill(-1);
      paint(this.pictures.x, this.x || nothing);
      paint(this.pictures.made, result ? result.made : nothing);
      paint(this.pictures.residual, result ? result.residual : nothing, { low: 0, high: 1.5, colours: HEAT });
      this.drawCodes();
      this.drawScale();
      this.paper();
      if (!result) return this.say("Draw a digit, or pick a sample.");
      const above = detector.above(result.score), over = result.score > detector.threshold;
      const place = above === 0 ? "no normal test digit scores less" : `higher than ${(100 * above).toFixed(0)} % of the normal test digits`;
      const drawn = this.sample ? `${this.sample.digit === 8 ? "An" : "A"} ${this.sample.digit} of the test set` : "Your drawing";
      this.say(`${drawn}: score ${result.score.toPrecision(3)}, ${place}; ${over ? "above the threshold: called anomalous" : "below the threshold: called normal"}.`);
    }

    /* ---- pictures */

    paper() {
      const pen = this.sheet.getContext("2d"), size = this.sheet.width, cell = size / FINE;
      pen.fillStyle = "#000";
      pen.fillRect(0, 0, size, size);
      if (this.sample) {
        this.sample.pixels.forEach((value, k) => {
          pen.fillStyle = `rgb(${value},${value},${value})`;
          pen.fillRect((k % SIDE) * BLOCK * cell, Math.floor(k / SIDE) * BLOCK * cell, BLOCK * cell, BLOCK * cell);
        });
      }
      pen.fillStyle = "#fff";
      this.ink.cells.forEach((inked, k) => inked && pen.fillRect((k % FINE) * cell, Math.floor(k / FINE) * cell, cell, cell));
      pen.strokeStyle = "rgba(255,255,255,0.13)";
      for (let k = BLOCK; k < FINE; k += BLOCK) {
        pen.strokeRect(k * cell, -1, 0, size + 2);
        pen.strokeRect(-1, k * cell, size + 2, 0);
      }
      if (!this.pen.shown) return;
      pen.strokeStyle = rgb(colours(this.sheet)[this.pen.down ? "anomaly" : "normal"]);
      pen.lineWidth = 3;
      pen.beginPath();
      pen.arc(this.pen.at[0] * cell, this.pen.at[1] * cell, (PEN + 0.5) * cell, 0, 7);
      pen.stroke();
      pen.lineWidth = 1;
    }

    drawCodes() {
      const { mean, deviation } = this.detector.codes, count = mean.length, step = 300 / count;
      const reach = Math.max(...mean.map((value, k) => Math.abs(value) + 2.5 * deviation[k]));
      const y = (value) => 55 - (50 * Math.max(-1, Math.min(1, value / reach)));
      const marks = mean.map((value, k) =>
        draw("rect", { class: "ganad-play-usual", x: 10 + k * step + 1, width: step - 2, y: y(value + 2 * deviation[k]), height: y(value - 2 * deviation[k]) - y(value + 2 * deviation[k]) }),
      );
      const bar = (values, name, share) => [...values].map((value, k) => draw("circle", { class: name, cx: 10 + (k + share) * step, cy: y(value), r: 4 }));
      if (this.result) {
        marks.push(...bar(this.result.code, "ganad-play-code", this.result.again ? 0.35 : 0.5));
        if (this.result.again) marks.push(...bar(this.result.again, "ganad-play-again", 0.65));
      }
      this.codes.replaceChildren(draw("line", { class: "ganad-play-axis", x1: 6, x2: 314, y1: 55, y2: 55 }), ...marks);
      this.codes.setAttribute("aria-label", this.result ? `The code: ${[...this.result.code].map((v) => v.toFixed(1)).join(", ")}` : "The code, empty");
      this.codes.nextSibling.textContent = this.result && this.result.again
        ? "Blue: the code E(x). Orange: the second encoder's code of what was decoded. Grey: where normal digits usually lie."
        : "Blue: the code E(x). Grey: where normal digits usually lie.";
    }

    drawScale() {
      const { scores: { normal, anomalous }, threshold } = this.detector;
      const every = [...normal, ...anomalous].sort((a, b) => a - b), low = every[0] * 0.9;
      const high = Math.max(every[Math.floor(0.98 * every.length)], threshold * 1.2);
      const x = (score) => 10 + 620 * Math.max(0, Math.min(1, (score - low) / (high - low)));
      const bins = 40, width = 620 / bins;
      const bars = (values, name) => {
        const counts = new Array(bins).fill(0);
        for (const value of values) counts[Math.min(bins - 1, Math.floor((x(value) - 10) / width))] += 1 / values.length;
        return counts.map((share, k) => [k, share, name]);
      };
      const drawn = [...bars(normal, "ganad-play-normal"), ...bars(anomalous, "ganad-play-anomalous")];
      const tallest = Math.max(...drawn.map(([, share]) => share));
      const parts = drawn.map(([k, share, name]) => draw("rect", { class: name, x: 10 + k * width, width: width - 1, y: 108 - (92 * share) / tallest, height: (92 * share) / tallest }));
      const upright = (at, name) => draw("line", { class: name, x1: at, x2: at, y1: 8, y2: 108 });
      parts.push(upright(x(threshold), "ganad-play-limit"));
      if (this.result) parts.push(upright(x(this.result.score), "ganad-play-cut"));
      const words = (text, at, anchor) => draw("text", { x: at, y: 131, "text-anchor": anchor, class: "ganad-play-words" }, text);
      parts.push(draw("line", { class: "ganad-play-axis", x1: 10, x2: 630, y1: 108, y2: 108 }));
      parts.push(words(low.toPrecision(2), 10, "start"), words("score", 320, "middle"), words(`${high.toPrecision(2)} and more`, 630, "end"));
      this.scale.replaceChildren(...parts);
      this.scale.setAttribute("aria-label", `Histogram of ${normal.length} normal and ${anomalous.length} anomalous scores`);
    }
  }

  Object.assign(window.ganad, { Ink });
  begin("draw", "drawings", Draw);
})();
