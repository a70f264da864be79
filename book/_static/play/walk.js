/* Walk the latent space: sliders on z and what the generator draws there; labels for a conditional GAN, there and back for a BiGAN. */
(() => {
  "use strict";
  const { make, button, choice, slider, paint, picture, toUnit, load, networks, begin, calm, random } = window.ganad;

  const REACH = 3; // of a slider, in deviations of the prior
  const PACE = 90; // frames from one point of a walk to the next

  class Walk {
    constructor(root) {
      this.name = root.dataset.model;
      this.root = root;
      this.rng = random(1);
      this.told = make("output", { class: "ganad-play-told", "aria-live": "polite" });
      this.open();
    }

    async open() {
      this.told.textContent = "Loading the model …";
      this.root.replaceChildren(this.told);
      try {
        const model = await load(this.name);
        this.samples = model.samples || [];
        this.networks = networks(model);
      } catch (error) {
        return this.told.replaceChildren(error.message, " ", button("Try again", () => this.open()));
      }
      const { generator } = this.networks, sizes = generator.inputs.map((place) => generator.nodes[place].shape[0]);
      this.z = new Float32Array(sizes[0]);
      this.label = sizes.length > 1 ? new Float32Array(sizes[1]) : null;
      if (this.label) this.label[3] = 1;
      this.build();
      this.anew();
    }

    build() {
      this.canvas = picture("what the generator draws at this z");
      this.play = button("Walk", () => this.walk(!this.walking));
      const buttons = [button("Another z", () => this.anew()), button("All zero", () => this.go(this.z.map(() => 0))), this.play];
      this.sliders = [...this.z.keys()].map((k) =>
        slider(`z${k + 1}`, { min: -REACH, max: REACH, step: 0.05, "aria-label": `latent coordinate ${k + 1}` }, (value) => {
          this.walk(false);
          this.z[k] = value;
          this.show();
        }),
      );
      const shown = make("div", { class: "ganad-play-pair" }, make("figure", {}, this.canvas, make("figcaption", {}, "G(z)")));
      const left = make("div", {}, shown, make("div", { class: "ganad-play-buttons" }, ...buttons), this.told);
      const right = make("div", {}, make("fieldset", { class: "ganad-play-z" }, make("legend", {}, "The latent point z"), ...this.sliders.map((each) => each.label)));
      if (this.label) right.prepend(this.labels());
      if (this.networks.encoder) {
        left.prepend(this.start());
        shown.prepend(make("figure", {}, this.query, make("figcaption", {}, "x")));
      }
      this.root.replaceChildren(make("div", { class: "ganad-play-walk" }, left, right));
    }

    /* Ten sliders: how much of each digit the generator is told. */
    labels() {
      this.mix = [...this.label.keys()].map((k) =>
        slider(String(k), { min: 0, max: 1, step: 0.05, "aria-label": `how much of a ${k} is asked for` }, (value) => {
          this.label[k] = value;
          this.show();
        }),
      );
      const only = choice("Only a", [...this.label.keys()].map((k) => [k, k]), (digit) => {
        this.label = this.label.map((_, k) => (k === Number(digit) ? 1 : 0));
        this.show();
      });
      only.select.value = "3";
      only.label.classList.add("ganad-play-whole");
      return make("fieldset", { class: "ganad-play-z" }, make("legend", {}, "The label y"), only.label, ...this.mix.map((each) => each.label));
    }

    /* A sample whose code is where the walk begins. */
    start() {
      this.query = picture("the sample x that was encoded");
      const list = this.samples.map(({ digit, anomalous }, k) => [k, `${k + 1}: a ${digit}${anomalous ? ", left out of training" : ""}`]);
      const chosen = choice("Encode a sample:", [["", "none"], ...list], (place) => place !== "" && this.encode(Number(place)));
      this.chosen = chosen.select;
      return chosen.label;
    }

    encode(place) {
      this.walk(false);
      this.x = toUnit(this.samples[place].pixels);
      paint(this.query, this.x);
      this.go(this.networks.encoder.run(this.x)[0]);
    }

    drawn() {
      return this.z.map(() => this.rng.normal());
    }

    anew() {
      this.walk(false);
      if (this.chosen && !this.x) {
        this.chosen.value = "0";
        return this.encode(0);
      }
      if (this.chosen) {
        this.chosen.value = "";
        this.x = null;
        paint(this.query, new Float32Array(64).fill(-1));
      }
      this.go(this.drawn());
    }

    go(z) {
      this.z = Float32Array.from(z);
      this.show();
    }

    /* From point to point of the prior, along straight lines. */
    walk(on) {
      if (on === Boolean(this.walking)) return;
      this.play.textContent = on ? "Stop" : "Walk";
      if (!on) {
        cancelAnimationFrame(this.walking);
        clearTimeout(this.pause);
        this.walking = null;
        return;
      }
      let from = this.z, to = this.drawn(), step = 0;
      const frame = () => {
        step += calm() ? PACE / 3 : 1; // fewer, larger steps, one a second
        if (step > PACE) [from, to, step] = [to, this.drawn(), 1];
        const share = step / PACE;
        this.go(from.map((value, k) => (1 - share) * value + share * to[k]));
        if (calm()) this.pause = setTimeout(() => (this.walking = requestAnimationFrame(frame)), 1000);
        else this.walking = requestAnimationFrame(frame);
      };
      this.walking = requestAnimationFrame(frame);
    }

    show() {
      const { generator, encoder, discriminator } = this.networks;
      [this.made] = this.label ? generator.run(this.z, this.label) : generator.run(this.z);
      paint(this.canvas, this.made);
      this.sliders.forEach(({ input, shown }, k) => {
        input.value = this.z[k];
        shown.textContent = this.z[k].toFixed(1);
      });
      if (this.label) {
        this.mix.forEach(({ input, shown }, k) => {
          input.value = this.label[k];
          shown.textContent = this.label[k].toFixed(1);
        });
      }
      const size = Math.hypot(...this.z), words = [`|z| = ${size.toFixed(1)}; points of the prior lie at about ${Math.sqrt(this.z.length).toFixed(0)}.`];
      if (discriminator) words.push(`D calls this real with probability ${(1 / (1 + Math.exp(-discriminator.run(this.made)[0][0]))).toFixed(2)}.`);
      if (encoder) {
        const back = encoder.run(this.made)[0], off = this.z.reduce((sum, value, k) => sum + Math.abs(value - back[k]), 0) / this.z.length;
        words.push(`There and back: E(G(z)) differs from z by ${off.toFixed(2)} a coordinate.`);
        if (this.x) words.push(`x differs from G(z) by ${(this.x.reduce((sum, value, k) => sum + Math.abs(value - this.made[k]), 0)).toFixed(1)} in all.`);
      }
      this.told.textContent = words.join(" ");
    }
  }

  begin("walk", "walks", Walk);
})();
