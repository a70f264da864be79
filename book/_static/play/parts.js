/* What the playable parts share: elements, pictures of numbers, and trained models that are fetched on demand. */
(() => {
  "use strict";
  if (window.ganad?.make) return; // another part of the page has brought it

  const here = document.currentScript.src.replace(/[^/]*$/, "");
  const SVG = "http://www.w3.org/2000/svg";

  const filled = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const make = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
  const draw = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
  const button = (label, act) => {
    const made = make("button", { type: "button" }, label);
    made.addEventListener("click", act);
    return made;
  };

  /* A labelled choice among [value, text] pairs. */
  function choice(label, options, act) {
    const select = make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
    select.addEventListener("change", () => act(select.value));
    return { select, label: make("label", {}, `${label} `, select) };
  }

  /* A labelled slider; whatever is typed or scripted into it, its value lies within its bounds. */
  function slider(label, attributes, act) {
    const input = make("input", { type: "range", ...attributes }), shown = make("output");
    input.addEventListener("input", () => act(Number(input.value)));
    return { input, shown, label: make("label", {}, `${label} `, shown, input) };
  }

  const figure = (picture, caption) => make("figure", {}, picture, make("figcaption", {}, caption));

  /* ---- pictures of numbers */

  /* Black to white, and black over red and yellow to white: nothing, and much. */
  const GREY = (t) => [255 * t, 255 * t, 255 * t];
  const HEAT = (t) => [255 * Math.min(1, 2.2 * t), 255 * Math.min(1, Math.max(0, 2.2 * t - 0.8)), 255 * Math.max(0, 3 * t - 2)];

  /* An image of `side` rows, its values from `low` to `high` as colours. */
  function paint(canvas, values, { side = 8, low = -1, high = 1, colours = GREY } = {}) {
    canvas.width = canvas.height = side;
    const pen = canvas.getContext("2d"), image = pen.createImageData(side, side);
    for (let k = 0; k < side * side; k++) {
      image.data.set(colours(Math.min(1, Math.max(0, (values[k] - low) / (high - low)))), 4 * k);
      image.data[4 * k + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
  }

  /* The page's colours as they are now, light or dark, by the last word of their names: [red, green, blue]. */
  const reader = document.createElement("canvas").getContext("2d");
  function colours(element) {
    const style = getComputedStyle(element);
    const of = (name) => {
      reader.fillStyle = style.getPropertyValue(name).trim();
      return [1, 3, 5].map((place) => parseInt(reader.fillStyle.slice(place, place + 2), 16)); // it says #rrggbb
    };
    return {
      normal: of("--ganad-normal"), anomaly: of("--ganad-anomaly"),
      paper: of("--pst-color-background"), ink: of("--pst-color-text-base"), faint: of("--pst-color-border"),
    };
  }
  const rgb = (colour, alpha = 1) => `rgba(${colour.join(",")},${alpha})`;

  const picture = (label) => make("canvas", { class: "ganad-play-pixels", width: 8, height: 8, role: "img", "aria-label": label });
  const toUnit = (pixels) => Float32Array.from(pixels, (value) => value / 127.5 - 1);

  /* ---- models on demand */

  function bytesOf(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  }

  const waiting = new Map(), loaded = new Map();

  function arrived(name, content) {
    loaded.set(name, content);
  }

  /* The content of weights/NAME.js, or an Error that says what to do. */
  function load(name) {
    if (!waiting.has(name)) {
      const promise = new Promise((resolve, reject) => {
        const script = make("script", { src: `${here}weights/${name}.js` });
        const failed = () => {
          script.remove();
          waiting.delete(name); // to be tried again
          reject(new Error(`The model ${name} could not be loaded. Check the connection, then try again.`));
        };
        script.addEventListener("load", () => (loaded.has(name) ? resolve(loaded.get(name)) : failed()));
        script.addEventListener("error", failed);
        document.head.append(script);
      });
      waiting.set(name, promise);
    }
    return waiting.get(name);
  }

  /* Plays begin when the page is there, each place once. */
  function begin(name, list, Play) {
    const start = () => {
      const roots = [...document.querySelectorAll(`[data-play="${name}"]:not(.ganad-play-live)`)];
      window.ganad[list] = (window.ganad[list] || []).concat(
        roots.map((root) => {
          root.classList.add("ganad-play-live");
          return new Play(root);
        }),
      );
    };
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
  }

  /* Numbers in [0, 1) that a seed settles (mulberry32), and normal ones made of them (Box and Muller). */
  function random(seed) {
    let state = seed >>> 0;
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return { uniform, normal };
  }

  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  window.ganad = Object.assign(window.ganad || {}, {
    make, draw, button, choice, slider, figure, paint, colours, rgb, picture, toUnit, bytesOf, HEAT, arrived, load, begin, calm, random,
  });
})();
