/* What a page does beside being read: terms say what they mean, what scrolls can be scrolled by keyboard, and it prints. */
(() => {
  "use strict";
  const WIDE = ".bd-article pre, .bd-article .cell_output, .bd-article .cell_output > .output, .bd-article .ganad-play-table, .bd-article .pst-scrollable-table-container, .bd-article div.math, .bd-article span.ganad-long, .bd-article mjx-container[display=true]";

  /* What goes on to the right of its box fades out there. */
  const fade = (element) => {
    element.classList.toggle("ganad-goes-on", element.scrollLeft + element.clientWidth < element.scrollWidth - 2);
  };

  const reachable = () => {
    for (const element of document.querySelectorAll(WIDE)) {
      if (element.scrollWidth > element.clientWidth + 1) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
      fade(element);
    }
  };

  const tip = document.createElement("div");
  tip.className = "ganad-tip";
  tip.id = "ganad-tip";
  tip.role = "tooltip";
  tip.hidden = true;

  const show = (term) => {
    tip.textContent = term.dataset.tip;
    tip.hidden = false;
    term.setAttribute("aria-describedby", tip.id);
    const place = term.getBoundingClientRect(), { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(16, Math.min(place.left, innerWidth - width - 16))}px`;
    tip.style.top = `${place.bottom + height + 8 < innerHeight ? place.bottom + 6 : place.top - height - 6}px`;
  };

  const hide = () => {
    tip.hidden = true;
    document.querySelector("[aria-describedby=ganad-tip]")?.removeAttribute("aria-describedby");
  };

  const begin = () => {
    document.body.append(tip);
    for (const term of document.querySelectorAll("[data-tip]")) {
      for (const event of ["mouseenter", "focus"]) term.addEventListener(event, () => show(term));
      for (const event of ["mouseleave", "blur"]) term.addEventListener(event, hide);
    }
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
    addEventListener("scroll", hide, { passive: true });
    for (const button of document.querySelectorAll("[data-print]")) {
      button.hidden = false;
      button.addEventListener("click", () => print());
    }
    // paper is white, and what is folded cannot be opened there
    let before = {};
    addEventListener("beforeprint", () => {
      const root = document.documentElement;
      before = { theme: root.dataset.theme, folded: [...document.querySelectorAll("details:not([open])")] };
      root.dataset.theme = "light";
      for (const each of before.folded) each.open = true;
    });
    addEventListener("afterprint", () => {
      if (before.theme) document.documentElement.dataset.theme = before.theme;
      for (const each of before.folded || []) each.open = false;
    });
    reachable();
    const article = document.querySelector(".bd-article");
    if (article) new ResizeObserver(reachable).observe(article);
    addEventListener("scroll", ({ target }) => target.matches?.(WIDE) && fade(target), { capture: true, passive: true });
    addEventListener("toggle", reachable, true); // what is unfolded may scroll as well
    addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reachable));
  };

  document.readyState === "loading" ? addEventListener("DOMContentLoaded", begin) : begin();
})();
