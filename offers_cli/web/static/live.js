"use strict";
// Keeps what stands in [data-live] up to date: the server sends that part of the page anew whenever it differs.
(() => {
  const area = document.querySelector("[data-live]");
  const state = document.querySelector("[data-live-state]");
  const button = document.querySelector("[data-live-pause]");
  const LONGEST_WAIT_MS = 60_000;
  let source = null, retry = null, failures = 0, paused = false;

  function say(text) {
    if (state.textContent !== text) state.textContent = text;
  }

  // Section by section, so that what did not change keeps its focus and its selection.
  function show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const section of fresh.querySelectorAll("section[id]")) {
      const old = document.getElementById(section.id);
      if (!old || old.innerHTML === section.innerHTML) continue;
      const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      old.replaceWith(document.adoptNode(section));
      if (focused) section.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
  }

  function open() {
    clearTimeout(retry);
    if (source || paused || document.hidden) return;
    source = new EventSource(area.dataset.live);
    source.onmessage = (event) => {
      failures = 0;
      say(state.dataset.on);
      show(event.data);
    };
    source.onerror = () => {
      close();
      const wait = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** failures++) * (0.75 + Math.random() / 2);
      say(state.dataset.off);
      retry = setTimeout(open, wait);
    };
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? button.dataset.goOn : button.dataset.pause;
    if (paused) {
      close();
      say(state.dataset.paused);
    } else {
      failures = 0;
      open();
    }
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
})();
