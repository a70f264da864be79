/* Keras networks run in the page, one sample at a time: the forward pass of what `python -m tools.web_models` writes.
   Images are Float32Arrays with the channels last; kernels are as Keras keeps them. */
(() => {
  "use strict";
  const { bytesOf } = window.ganad;

  /* Half precision to a number: sign, five bits of exponent, ten of fraction. */
  function fromHalf(bits) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
  }

  function tensor(buffer, { shape, type, at }) {
    const count = shape.reduce((a, b) => a * b, 1);
    const values = type === "float16" ? Float32Array.from(new Uint16Array(buffer, at, count), fromHalf) : new Float32Array(buffer, at, count);
    return { shape, values };
  }

  function dense(x, [kernel, bias]) {
    const units = bias.values.length, y = Float32Array.from(bias.values);
    for (let i = 0; i < x.length; i++) {
      if (!x[i]) continue;
      for (let j = 0; j < units; j++) y[j] += x[i] * kernel.values[i * units + j];
    }
    return y;
  }

  /* How many rows or columns of zeros stand before an image that is to have `small` windows ("same" padding). */
  const before = (large, small, stride, size) => Math.max(0, (small - 1) * stride + size - large) >> 1;

  /* Calls `each` with every pair of a place in the large image and one in the small, and the kernel's tap between them. */
  function windows(large, small, [height, width], node, each) {
    const [down, right] = node.stride, same = node.padding === "same";
    const top = same ? before(large[0], small[0], down, height) : 0, left = same ? before(large[1], small[1], right, width) : 0;
    for (let row = 0; row < small[0]; row++) {
      for (let column = 0; column < small[1]; column++) {
        for (let i = 0; i < height; i++) {
          const y = row * down + i - top;
          if (y < 0 || y >= large[0]) continue;
          for (let j = 0; j < width; j++) {
            const x = column * right + j - left;
            if (x >= 0 && x < large[1]) each(y * large[1] + x, row * small[1] + column, i * width + j);
          }
        }
      }
    }
  }

  function conv(x, [kernel, bias], node, from) {
    const [height, width, inputs, outputs] = kernel.shape, y = spread(bias.values, node.shape);
    windows(from, node.shape, [height, width], node, (large, small, tap) => {
      for (let c = 0; c < inputs; c++) {
        const value = x[large * inputs + c], at = (tap * inputs + c) * outputs;
        for (let o = 0; o < outputs; o++) y[small * outputs + o] += value * kernel.values[at + o];
      }
    });
    return y;
  }

  /* The same windows the other way round: from the small image to the large one. */
  function convTranspose(x, [kernel, bias], node, from) {
    const [height, width, outputs, inputs] = kernel.shape, y = spread(bias.values, node.shape);
    windows(node.shape, from, [height, width], node, (large, small, tap) => {
      for (let o = 0; o < outputs; o++) {
        const at = (tap * outputs + o) * inputs;
        let sum = 0;
        for (let c = 0; c < inputs; c++) sum += x[small * inputs + c] * kernel.values[at + c];
        y[large * outputs + o] += sum;
      }
    });
    return y;
  }

  const spread = (bias, [height, width, channels]) => Float32Array.from({ length: height * width * channels }, (_, k) => bias[k % channels]);

  function batchNorm(x, [gamma, beta, mean, variance], { epsilon }) {
    const channels = gamma.values.length;
    return x.map((value, k) => {
      const c = k % channels;
      return (gamma.values[c] * (value - mean.values[c])) / Math.sqrt(variance.values[c] + epsilon) + beta.values[c];
    });
  }

  /* Over all of a sample. */
  function layerNorm(x, [gamma, beta], { epsilon }) {
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length, scale = 1 / Math.sqrt(variance + epsilon);
    return x.map((value, k) => gamma.values[k] * (value - mean) * scale + beta.values[k]);
  }

  const OPERATIONS = {
    same: (x) => x,
    dense, conv, conv_transpose: convTranspose, batch_norm: batchNorm, layer_norm: layerNorm,
    leaky: (x, _, { slope }) => x.map((value) => (value < 0 ? slope * value : value)),
    tanh: (x) => x.map(Math.tanh),
    sigmoid: (x) => x.map((value) => 1 / (1 + Math.exp(-value))),
  };

  class Network {
    constructor({ nodes, inputs, outputs, tensors }, buffer) {
      const arrays = tensors.map((each) => tensor(buffer, each));
      this.nodes = nodes.map((node) => ({ ...node, arrays: arrays.splice(0, node.weights) }));
      Object.assign(this, { inputs, outputs });
    }

    /* The outputs for one sample: an array for each input, an array of each output. */
    run(...given) {
      const seen = [];
      for (const [place, node] of this.nodes.entries()) {
        if (node.op === "input") {
          const x = given[this.inputs.indexOf(place)], count = node.shape.reduce((a, b) => a * b, 1);
          if (!x || x.length !== count) throw new Error(`an input has ${count} values, not ${x ? x.length : 0}`);
          seen.push(x);
        } else if (node.op === "join") {
          seen.push(Float32Array.from(node.from.flatMap((place) => [...seen[place]])));
        } else {
          const [from] = node.from;
          seen.push(OPERATIONS[node.op](seen[from], node.arrays, node, this.nodes[from].shape));
        }
      }
      return this.outputs.map((place) => seen[place]);
    }
  }

  /* The networks of a packed model, by role. */
  function networks(model) {
    const buffer = bytesOf(model.bytes);
    return Object.fromEntries(Object.entries(model.networks).map(([role, each]) => [role, new Network(each, buffer)]));
  }

  Object.assign(window.ganad, { networks, fromHalf });
})();
