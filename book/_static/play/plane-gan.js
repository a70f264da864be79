/* A GAN in the plane: the distributions it can be shown, and one step of the game (Goodfellow et al. 2014, algorithm 1, with the
   non-saturating loss of the generator). */
(() => {
  "use strict";
  const { Net, random } = window.ganad;

  const BATCH = 64, RATE = 2e-3, HIDDEN = 32;
  const NOISE = 0.05; // how wide a cluster is
  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  const onCircle = (count) =>
    Array.from({ length: count }, (_, k) => [Math.cos((2 * Math.PI * k) / count), Math.sin((2 * Math.PI * k) / count)]);

  /* Each: its name, its clusters if it has any, and how a point is drawn from it. */
  const SHAPES = {
    clusters: { label: "eight clusters", centres: onCircle(8).map(([x, y]) => [1.1 * x, 1.1 * y]) },
    two: { label: "two clusters", centres: [[-0.9, -0.5], [0.9, 0.5]] },
    ring: {
      label: "a ring",
      draw: (rng) => {
        const angle = 2 * Math.PI * rng.uniform(), radius = 1.1 + NOISE * rng.normal();
        return [radius * Math.cos(angle), radius * Math.sin(angle)];
      },
    },
    wave: {
      label: "a wave",
      draw: (rng) => {
        const x = 3 * rng.uniform() - 1.5;
        return [x, 0.8 * Math.sin(2.2 * x) + NOISE * rng.normal()];
      },
    },
    own: { label: "what I draw" },
  };

  class PlaneGan {
    constructor(shape = "clusters", seed = 0) {
      this.own = [];
      this.answers = 1; // how often G moves for each move of D
      this.reset(shape, seed);
    }

    /* Fresh networks, and a sample of the distribution to look at. */
    reset(shape = this.shape, seed = this.seed) {
      this.shape = shape;
      this.seed = seed;
      this.rng = random(seed + 1);
      this.generator = new Net([2, HIDDEN, HIDDEN, 2], random(1000 + seed));
      this.discriminator = new Net([2, HIDDEN, HIDDEN, 1], random(2000 + seed));
      this.history = { discriminator: [], generator: [] };
      this.steps = 0;
      this.shown = this.real(400, random(3000 + seed));
      this.latent = this.noise(400, random(4000 + seed));
    }

    get empty() {
      return this.shape === "own" && this.own.length === 0;
    }

    real(n, rng = this.rng) {
      const points = new Float64Array(2 * n);
      if (this.empty) return points.subarray(0, 0);
      const { draw, centres } = SHAPES[this.shape];
      const from = centres || this.own;
      for (let k = 0; k < n; k++) {
        let point;
        if (draw) point = draw(rng);
        else {
          const [x, y] = from[Math.floor(rng.uniform() * from.length)];
          point = [x + NOISE * rng.normal(), y + NOISE * rng.normal()];
        }
        points.set(point, 2 * k);
      }
      return points;
    }

    noise(n, rng = this.rng) {
      return Float64Array.from({ length: 2 * n }, () => rng.normal());
    }

    /* One mini-batch: D moves, then G, `answers` times. False if there is nothing to learn from. */
    step() {
      if (this.empty) return false;
      const judged = this.moveDiscriminator(this.real(BATCH), this.noise(BATCH));
      let made = 0;
      for (let k = 0; k < this.answers; k++) made = this.moveGenerator(this.noise(BATCH));
      this.steps += 1;
      this.history.discriminator.push(judged);
      this.history.generator.push(made);
      return Number.isFinite(judged + made);
    }

    /* D calls x real and G(z) generated; its loss before the move. */
    moveDiscriminator(x, z) {
      const n = x.length / 2, d = this.discriminator;
      const both = new Float64Array(4 * n);
      both.set(x);
      both.set(this.generator.run(z, n), 2 * n);
      const seen = d.trace(both, 2 * n), logits = seen.at(-1);
      let loss = 0;
      const slope = logits.map((logit, k) => {
        loss += softplus(k < n ? -logit : logit) / n;
        return (k < n ? sigmoid(logit) - 1 : sigmoid(logit)) / n;
      });
      d.backward(seen, slope, 2 * n);
      d.adam(RATE);
      return loss;
    }

    /* G wants D(G(z)) called real; its loss before the move. */
    moveGenerator(z) {
      const n = z.length / 2, g = this.generator;
      const seen = g.trace(z, n);
      const { loss, slope } = this.pull(seen.at(-1), n);
      g.backward(seen, slope, n);
      g.adam(RATE);
      return loss;
    }

    /* G's loss on generated points, and its gradient with respect to each of them. */
    pull(points, n) {
      const seen = this.discriminator.trace(points, n);
      let loss = 0;
      const slope = seen.at(-1).map((logit) => {
        loss += softplus(-logit) / n;
        return (sigmoid(logit) - 1) / n;
      });
      return { loss, slope: this.discriminator.backward(seen, slope, n, false) };
    }

    /* How many of the clusters have at least a quarter of their share of the generated points near them; null without clusters. */
    reached() {
      const centres = SHAPES[this.shape].centres;
      if (!centres) return null;
      const points = this.generator.run(this.latent, 400);
      const near = centres.map(([x, y]) => {
        let count = 0;
        for (let k = 0; k < 400; k++) if (Math.hypot(points[2 * k] - x, points[2 * k + 1] - y) < 5 * NOISE) count += 1;
        return count;
      });
      return { reached: near.filter((count) => count >= 400 / centres.length / 4).length, of: centres.length };
    }
  }

  Object.assign(window.ganad, { PlaneGan, SHAPES, sigmoid });
})();
