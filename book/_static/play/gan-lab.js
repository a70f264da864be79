/* The GAN lab: a GAN in the plane, trained in the page.  It takes the place of the picture in `[data-play="gan-lab"]`. */
(() => {
  "use strict";
  const { PlaneGan, SHAPES, sigmoid, make, button, choice, colours, rgb, calm, begin } = window.ganad;

  const SIDE = 2; // the plane reaches from -SIDE to SIDE
  const CELLS = 36; // of the heat map, each way
  const ARROWS = 60;
  const KEPT = 400; // losses in the picture below
  const SPEEDS = { slow: { label: "slow motion", wait: 400 }, calm: { label: "calm", wait: 60 }, fast: { label: "fast", wait: 0 } };
  const FRAME = 1000 / 30; // milliseconds from picture to picture, at most
  const BUDGET = 10; // of them for training, at most; less where the machine needs longer to draw

  class Lab {
    constructor(root) {
      this.root = root;
      this.gan = new PlaneGan();
      this.playing = false;
      this.budget = BUDGET;
      this.cursor = null; // for drawing with the keyboard
      this.build();
      this.listen();
      this.draw();
      this.say();
    }

    build() {
      const box = (label, checked) => {
        const input = make("input", { type: "checkbox" });
        input.checked = checked;
        return [make("label", {}, input, " ", label), input];
      };
      const options = (listed) => Object.entries(listed).map(([value, { label }]) => [value, label]);
      const shape = choice("Real points:", options(SHAPES), (value) => this.begin(value, this.gan.seed));
      const speed = choice("Speed:", options(SPEEDS), () => {});
      speed.select.value = "fast";
      const [heat, heatInput] = box("what D believes", true);
      const [mesh, meshInput] = box("how G bends the plane", false);
      const [pull, pullInput] = box("where D pulls the points", true);
      const [collapse, collapseInput] = box("provoke a collapse: ten moves of G for one of D", false);
      this.controls = {
        play: button("Play", () => this.play(!this.playing)),
        step: button("One step", () => {
          this.play(false);
          this.advance(1);
        }),
        reset: button("Start anew", () => this.begin(this.gan.shape, this.gan.seed + 1)),
        clear: button("Clear what I drew", () => {
          this.gan.own = [];
          this.begin("own", this.gan.seed);
        }),
        speed: speed.select, heat: heatInput, mesh: meshInput, pull: pullInput, collapse: collapseInput,
      };
      const { play, step, reset, clear } = this.controls;
      this.plane = make("canvas", {
        width: 640, height: 640, tabindex: 0, role: "img",
        "aria-label": "The plane: real points blue, generated ones orange. To draw: choose “what I draw”, then the pointer, or arrow keys and Enter.",
      });
      this.curve = make("canvas", { width: 640, height: 170, role: "img", "aria-label": "The losses of the last steps" });
      this.told = make("output", { class: "ganad-play-told", "aria-live": "polite" });
      const panel = make("div", { class: "ganad-play-panel" });
      panel.append(
        make("div", { class: "ganad-play-buttons" }, play, step, reset),
        shape.label, clear, speed.label,
        make("fieldset", {}, make("legend", {}, "Show"), heat, mesh, pull),
        collapse, this.told, this.curve,
      );
      clear.hidden = true;
      this.root.replaceChildren(make("div", { class: "ganad-play-lab" }, this.plane, panel));
    }

    listen() {
      const { collapse, heat, mesh, pull } = this.controls;
      collapse.addEventListener("change", () => (this.gan.answers = collapse.checked ? 10 : 1));
      for (const input of [heat, mesh, pull]) input.addEventListener("change", () => this.draw());
      this.plane.addEventListener("pointerdown", (event) => this.stamp(event, true));
      this.plane.addEventListener("pointermove", (event) => event.buttons && this.stamp(event, false));
      this.plane.addEventListener("keydown", (event) => this.steer(event));
      new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      document.addEventListener("visibilitychange", () => document.hidden && this.play(false));
    }

    begin(shape, seed) {
      this.play(false);
      this.gan.reset(shape, seed);
      this.controls.clear.hidden = shape !== "own";
      this.plane.style.touchAction = shape === "own" ? "none" : "";
      this.draw();
      this.say();
    }

    play(on) {
      if (on && this.gan.empty) {
        this.say("Draw some points first: with the pointer, or with arrow keys and Enter.");
        on = false;
      }
      const before = this.playing;
      this.playing = on;
      this.controls.play.textContent = on ? "Pause" : "Play";
      if (on && !before) this.frame(performance.now());
      if (!on && before) this.say();
    }

    frame(now, last = -Infinity) {
      if (!this.playing) return;
      const wait = Math.max(SPEEDS[this.controls.speed.value].wait, calm() ? 1000 : 0);
      if (now - last >= wait) {
        this.budget = Math.max(1, Math.min(BUDGET, this.budget * (now - last > 0.9 * FRAME ? 0.8 : 1.1)));
        last = now;
        this.advance(this.controls.speed.value === "fast" ? Infinity : 1);
      }
      requestAnimationFrame((next) => this.frame(next, last));
    }

    /* So many steps, or as many as fit into the frame. */
    advance(count) {
      const start = performance.now();
      for (let k = 0; k < count && (k === 0 || performance.now() - start < this.budget); k++) {
        if (!this.gan.step()) {
          this.play(false);
          this.say(this.gan.empty ? "Draw some points first." : "A loss is no longer finite: start anew.");
          return;
        }
      }
      this.draw();
      if (!this.playing || this.gan.steps - (this.toldAt || 0) > 150 || this.gan.steps < (this.toldAt || 0)) this.say();
    }

    say(words) {
      const { steps, history } = this.gan, found = this.gan.reached();
      this.toldAt = steps;
      const mean = (values) => {
        const last = values.slice(-50);
        return (last.reduce((a, b) => a + b, 0) / last.length).toFixed(2);
      };
      const losses = steps ? `losses: D ${mean(history.discriminator)}, G ${mean(history.generator)}. ` : "";
      const modes = found ? `Clusters reached: ${found.reached} of ${found.of}.` : "";
      this.told.textContent = words || `Step ${steps.toLocaleString("en")}; ${losses}${modes}`;
    }

    /* ---- drawing one's own points */

    stamp(event, fresh) {
      if (this.gan.shape !== "own") return;
      const frame = this.plane.getBoundingClientRect();
      const x = ((event.clientX - frame.left) / frame.width) * 2 * SIDE - SIDE;
      const y = SIDE - ((event.clientY - frame.top) / frame.height) * 2 * SIDE;
      const last = this.gan.own.at(-1);
      if (fresh || !last || Math.hypot(x - last[0], y - last[1]) > 0.06) this.add(x, y);
    }

    steer(event) {
      const moves = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
      if (this.gan.shape !== "own" || !(event.key in moves || event.key === "Enter")) return;
      event.preventDefault();
      this.cursor ||= [0, 0];
      if (event.key === "Enter") return this.add(...this.cursor);
      this.cursor = this.cursor.map((value, k) => Math.max(-SIDE, Math.min(SIDE, value + moves[event.key][k])));
      this.draw();
    }

    add(x, y) {
      if (Math.abs(x) > SIDE || Math.abs(y) > SIDE) return;
      this.gan.own.push([x, y]);
      this.gan.shown = this.gan.real(400);
      this.draw();
      const count = this.gan.own.length;
      this.say(`${count} point${count === 1 ? "" : "s"} drawn.`);
    }

    /* ---- pictures */

    draw() {
      this.colours = colours(this.root);
      const pen = this.plane.getContext("2d"), { controls, gan, colours: { paper, ink, normal, anomaly } } = this, size = this.plane.width;
      const at = (x, y) => [((x + SIDE) / (2 * SIDE)) * size, ((SIDE - y) / (2 * SIDE)) * size];
      pen.fillStyle = rgb(paper);
      pen.fillRect(0, 0, size, size);
      if (controls.heat.checked) this.drawHeat(pen, size);
      if (controls.mesh.checked) this.drawMesh(pen, at);
      const dots = (points, colour) => {
        pen.fillStyle = colour;
        for (let k = 0; k < points.length; k += 2) {
          const [x, y] = at(points[k], points[k + 1]);
          pen.beginPath();
          pen.arc(x, y, 4, 0, 7);
          pen.fill();
        }
      };
      dots(gan.shown, rgb(normal, 0.75));
      const made = gan.generator.run(gan.latent, 400);
      if (controls.pull.checked) this.drawPull(pen, at, made, rgb(anomaly, 0.9));
      dots(made, rgb(anomaly, 0.85));
      if (this.cursor && gan.shape === "own") {
        const [x, y] = at(...this.cursor);
        pen.strokeStyle = rgb(ink);
        pen.lineWidth = 2;
        pen.strokeRect(x - 8, y - 8, 16, 16);
      }
      this.drawLosses();
    }

    /* Blue where D believes in real points, orange where in generated ones, paper where it cannot tell. */
    drawHeat(pen, size) {
      const points = new Float64Array(2 * CELLS * CELLS), step = (2 * SIDE) / CELLS;
      for (let k = 0; k < CELLS * CELLS; k++) {
        points[2 * k] = -SIDE + ((k % CELLS) + 0.5) * step;
        points[2 * k + 1] = SIDE - (Math.floor(k / CELLS) + 0.5) * step;
      }
      const logits = this.gan.discriminator.run(points, CELLS * CELLS);
      this.small ||= make("canvas", { width: CELLS, height: CELLS });
      const small = this.small.getContext("2d"), cells = small.createImageData(CELLS, CELLS);
      logits.forEach((logit, k) => {
        const belief = 2 * sigmoid(logit) - 1;
        cells.data.set(belief > 0 ? this.colours.normal : this.colours.anomaly, 4 * k);
        cells.data[4 * k + 3] = 255 * 0.45 * Math.abs(belief);
      });
      small.putImageData(cells, 0, 0);
      pen.drawImage(this.small, 0, 0, size, size); // smoothed on the way
    }

    /* Where G takes the lines of a square grid of z. */
    drawMesh(pen, at) {
      const lines = 13, ticks = 40, points = new Float64Array(4 * lines * ticks);
      let k = 0;
      for (const turned of [false, true]) {
        for (let line = 0; line < lines; line++) {
          for (let tick = 0; tick < ticks; tick++) {
            const a = -2.4 + (4.8 * line) / (lines - 1), b = -2.4 + (4.8 * tick) / (ticks - 1);
            points[k++] = turned ? b : a;
            points[k++] = turned ? a : b;
          }
        }
      }
      const made = this.gan.generator.run(points, points.length / 2);
      pen.strokeStyle = rgb(this.colours.anomaly, 0.55);
      pen.lineWidth = 1.2;
      for (let line = 0; line < 2 * lines; line++) {
        pen.beginPath();
        for (let tick = 0; tick < ticks; tick++) {
          const from = 2 * (line * ticks + tick);
          pen[tick ? "lineTo" : "moveTo"](...at(made[from], made[from + 1]));
        }
        pen.stroke();
      }
    }

    /* The way down G's loss from some of the generated points, the steepest as long as a tenth of the plane. */
    drawPull(pen, at, made, colour) {
      const few = made.subarray(0, 2 * ARROWS), { slope } = this.gan.pull(few, ARROWS);
      let most = 1e-9;
      for (let k = 0; k < ARROWS; k++) most = Math.max(most, Math.hypot(slope[2 * k], slope[2 * k + 1]));
      pen.strokeStyle = colour;
      pen.lineWidth = 1.6;
      for (let k = 0; k < ARROWS; k++) {
        const x = few[2 * k], y = few[2 * k + 1], length = 0.4 / most;
        const [a, b] = at(x, y), [c, d] = at(x - length * slope[2 * k], y - length * slope[2 * k + 1]);
        const angle = Math.atan2(d - b, c - a);
        pen.beginPath();
        pen.moveTo(a, b);
        pen.lineTo(c, d);
        if (Math.hypot(c - a, d - b) > 8) {
          for (const side of [2.6, -2.6]) {
            pen.moveTo(c, d);
            pen.lineTo(c + 7 * Math.cos(angle + side), d + 7 * Math.sin(angle + side));
          }
        }
        pen.stroke();
      }
    }

    drawLosses() {
      const pen = this.curve.getContext("2d"), { width, height } = this.curve, { history } = this.gan;
      const { paper, ink, faint, normal, anomaly } = this.colours;
      const top = 3, left = 44, bottom = height - 48;
      const y = (loss) => bottom - (Math.min(loss, top) / top) * (bottom - 12);
      pen.fillStyle = rgb(paper);
      pen.fillRect(0, 0, width, height);
      pen.font = "24px sans-serif";
      pen.lineWidth = 1;
      for (const tick of [0, 1, 2, 3]) {
        pen.strokeStyle = rgb(faint);
        pen.beginPath();
        pen.moveTo(left, y(tick));
        pen.lineTo(width, y(tick));
        pen.stroke();
        pen.fillStyle = rgb(ink);
        pen.fillText(String(tick), 18, y(tick) + 8);
      }
      const count = history.generator.length, first = Math.max(0, count - KEPT);
      [["discriminator", normal], ["generator", anomaly]].forEach(([name, colour], place) => {
        pen.strokeStyle = pen.fillStyle = rgb(colour);
        pen.lineWidth = 2;
        pen.fillText(`${name}'s loss`, left + 250 * place, height - 10);
        pen.beginPath();
        history[name].slice(first).forEach((loss, k) => {
          pen[k ? "lineTo" : "moveTo"](left + (k * (width - left)) / KEPT, y(loss));
        });
        pen.stroke();
      });
    }
  }

  begin("gan-lab", "labs", Lab);
})();
