/* A small fully connected network, trained in the page: forward, backward, Adam. No dependency.
   Batches are Float32Arrays of n rows, one after the other. */
(() => {
  "use strict";

  const SLOPE = 0.2; // of the leaky rectifier between the layers
  const BETA1 = 0.5, BETA2 = 0.999, EPSILON = 1e-7; // Adam as GANs use it

  class Layer {
    constructor(inputs, outputs, rng) {
      this.inputs = inputs;
      this.outputs = outputs;
      const limit = Math.sqrt(6 / (inputs + outputs)); // Glorot
      this.weights = Float32Array.from({ length: inputs * outputs }, () => (2 * rng.uniform() - 1) * limit);
      this.bias = new Float32Array(outputs);
      this.parameters = [this.weights, this.bias];
      this.slopes = this.parameters.map((values) => new Float32Array(values.length));
      this.first = this.parameters.map((values) => new Float32Array(values.length));
      this.second = this.parameters.map((values) => new Float32Array(values.length));
    }

    forward(x, n) {
      const { inputs, outputs, weights, bias } = this;
      const y = new Float32Array(n * outputs);
      for (let row = 0; row < n; row++) {
        const to = row * outputs;
        for (let j = 0; j < outputs; j++) y[to + j] = bias[j];
        for (let i = 0; i < inputs; i++) {
          const value = x[row * inputs + i], from = i * outputs;
          for (let j = 0; j < outputs; j++) y[to + j] += value * weights[from + j];
        }
      }
      return y;
    }

    /* The gradient with respect to x; those of the parameters go into `slopes`, if they are wanted. */
    backward(x, slope, n, own) {
      const { inputs, outputs, weights } = this;
      const [ofWeights, ofBias] = this.slopes;
      const back = new Float32Array(n * inputs);
      if (own) {
        ofWeights.fill(0);
        ofBias.fill(0);
      }
      for (let row = 0; row < n; row++) {
        const at = row * outputs;
        for (let i = 0; i < inputs; i++) {
          const from = i * outputs, value = x[row * inputs + i];
          let sum = 0;
          for (let j = 0; j < outputs; j++) {
            sum += slope[at + j] * weights[from + j];
            if (own) ofWeights[from + j] += slope[at + j] * value;
          }
          back[row * inputs + i] = sum;
        }
        if (own) for (let j = 0; j < outputs; j++) ofBias[j] += slope[at + j];
      }
      return back;
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
