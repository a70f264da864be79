// Sizes what is on each slide so that it fits, then hands over to reveal.js.
(async () => {
  "use strict";
  const STEP = 0.04, LEAST = 0.6, MOST = 1.5;  // of the type's size: little text is set larger
  const PICTURE = 250;  // pixels: a picture is at least so high

  // A formula wider than the slide is set smaller; its number stands beside it.
  function narrow(formula) {
    const drawn = formula.querySelector("mjx-container > svg");
    formula.style.fontSize = "";
    if (!drawn) return;
    const room = formula.clientWidth - 2 * parseFloat(getComputedStyle(formula).paddingRight);
    const wide = drawn.getBoundingClientRect().width;
    if (wide > room) formula.style.fontSize = `${(room / wide).toFixed(3)}em`;
  }

  function fits(body) {
    const seen = [...body.querySelectorAll("figure")].every((figure) => figure.clientHeight >= PICTURE);
    return seen && body.scrollHeight <= body.clientHeight + 1 && body.scrollWidth <= body.clientWidth + 1;
  }

  // The largest scale at which nothing overflows.
  function fit(section) {
    const body = section.querySelector(".body");
    const first = section.matches(".opens, .picture") ? 1 : MOST;
    for (let scale = first; scale >= LEAST; scale -= STEP) {
      body.style.setProperty("--scale", scale.toFixed(2));
      body.querySelectorAll(":scope > .math").forEach(narrow);
      if (fits(body)) break;
    }
  }

  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  document.querySelectorAll(".slides > section").forEach(fit);
  document.body.classList.remove("measured");
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 4, center: false, hash: true,
    display: "flex", transition: "none", slideNumber: "c/t", plugins: [RevealNotes],
  });
  document.body.dataset.ready = "true";
})();
