/* A small fully connected network, trained in the page: forward, backward, Adam. No dependency.
   Batches are Float64Arrays of n rows, one after the other: JavaScript reckons in doubles, and converting to
   float32 and back took as long as the sums. */
(() => {
  "use strict";

  const SLOPE = 0.2; // of the leaky rectifier between the layers
  const BETA1 = 0.5, BETA2 = 0.999, EPSILON = 1e-7; // Adam as GANs use it

  /* start + A B, for a matrix A of `rows` by `inner` numbers and a B of `inner` by `columns`.  Each comes with how far apart its rows
     and its columns lie, so that a transpose costs nothing.  Four columns at a time: their sums stay in registers. */
  function product(rows, inner, columns, [a, aRow, aColumn], [b, bRow, bColumn], start) {
    const made = new Float64Array(rows * columns), whole = columns - (columns % 4);
    for (let row = 0; row < rows; row++) {
      const to = row * columns, from = row * aRow;
      for (let j = 0; j < whole; j += 4) {
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (let k = 0, at = from, by = j * bColumn; k < inner; k++, at += aColumn, by += bRow) {
          const value = a[at];
          s0 += value * b[by];
          s1 += value * b[by + bColumn];
          s2 += value * b[by + 2 * bColumn];
          s3 += value * b[by + 3 * bColumn];
        }
        made[to + j] = s0;
        made[to + j + 1] = s1;
        made[to + j + 2] = s2;
        made[to + j + 3] = s3;
      }
      for (let j = whole; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a[from + k * aColumn] * b[k * bRow + j * bColumn];
        made[to + j] = sum;
      }
      if (start) for (let j = 0; j < columns; j++) made[to + j] += start[j];
    }
    return made;
  }

  class Layer {
    constructor(inputs, outputs, rng) {
      this.inputs = inputs;
      this.outputs = outputs;
      const limit = Math.sqrt(6 / (inputs + outputs)); // Glorot
      this.weights = Float64Array.from({ length: inputs * outputs }, () => (2 * rng.uniform() - 1) * limit);
      this.bias = new Float64Array(outputs);
      this.parameters = [this.weights, this.bias];
      this.slopes = [];
      this.first = this.parameters.map((values) => new Float64Array(values.length));
      this.second = this.parameters.map((values) => new Float64Array(values.length));
    }

    forward(x, n) {
      const { inputs, outputs, weights, bias } = this;
      return product(n, inputs, outputs, [x, inputs, 1], [weights, outputs, 1], bias);
    }

    /* The gradient with respect to x; those of the parameters go into `slopes`, if they are wanted. */
    backward(x, slope, n, own) {
      const { inputs, outputs, weights } = this;
      if (own) {
        const ofBias = new Float64Array(outputs);
        for (let k = 0; k < slope.length; k++) ofBias[k % outputs] += slope[k];
        this.slopes = [product(inputs, n, outputs, [x, 1, inputs], [slope, outputs, 1]), ofBias];
      }
      return product(n, outputs, inputs, [slope, outputs, 1], [weights, 1, outputs]);
    }
  }

  class Net {
    /* `sizes`: units of each layer, the input first. */
    constructor(sizes, rng) {
      this.layers = sizes.slice(1).map((outputs, k) => new Layer(sizes[k], outputs, rng));
      this.steps = 0;
    }

    /* What each layer gets, and what the last one gives. */
    trace(x, n) {
      const seen = [x];
      this.layers.forEach((layer, k) => {
        const y = layer.forward(seen[k], n);
        if (k < this.layers.length - 1) for (let i = 0; i < y.length; i++) if (y[i] < 0) y[i] *= SLOPE;
        seen.push(y);
      });
      return seen;
    }

    run(x, n) {
      return this.trace(x, n).at(-1);
    }

    backward(seen, slope, n, own = true) {
      for (let k = this.layers.length - 1; k >= 0; k--) {
        slope = this.layers[k].backward(seen[k], slope, n, own);
        if (k) for (let i = 0; i < slope.length; i++) if (seen[k][i] < 0) slope[i] *= SLOPE;
      }
      return slope;
    }

    adam(rate) {
      this.steps += 1;
      const scale = (rate * Math.sqrt(1 - BETA2 ** this.steps)) / (1 - BETA1 ** this.steps);
      for (const layer of this.layers) {
        layer.parameters.forEach((values, k) => {
          const slope = layer.slopes[k], m = layer.first[k], v = layer.second[k];
          for (let i = 0; i < values.length; i++) {
            m[i] += (1 - BETA1) * (slope[i] - m[i]);
            v[i] += (1 - BETA2) * (slope[i] * slope[i] - v[i]);
            values[i] -= (scale * m[i]) / (Math.sqrt(v[i]) + EPSILON);
          }
        });
      }
    }
  }

  window.ganad.Net = Net;
})();
