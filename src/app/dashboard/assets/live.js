// Keeps what is marked `data-live` true without a reload: fetches the same page every few seconds and
// puts the parts that have changed in place. A part that somebody is in is left alone. Everything works
// without this script, but for the moving numbers.
"use strict";
(() => {
  const EVERY_MS = 4000;
  const button = document.getElementById("live");
  const state = document.getElementById("live-state");
  const parts = () => document.querySelectorAll("[data-live]");
  if (!button || parts().length === 0) return;
  let on = true;
  let timer = 0;

  const busy = (part) => {
    if (part.contains(document.activeElement)) return true;
    const chosen = window.getSelection();
    return chosen !== null && !chosen.isCollapsed && part.contains(chosen.anchorNode);
  };

  const stop = (words) => {
    on = false;
    clearTimeout(timer);
    button.setAttribute("aria-pressed", "false");
    state.textContent = words;
  };

  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "error" });
      if (answer.status === 401) return stop("Signed out: reload to sign in.");
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const newer = fresh.getElementById(part.id);
        if (newer && newer.innerHTML !== part.innerHTML && !busy(part)) part.replaceWith(newer);
      }
      state.textContent = "";
    } catch {
      state.textContent = "Not up to date: the dashboard does not answer.";
    }
    next();
  };

  const next = () => {
    clearTimeout(timer);
    if (on && !document.hidden) timer = setTimeout(look, EVERY_MS);
  };

  button.hidden = false;
  button.addEventListener("click", () => {
    if (on) return stop("Paused: the numbers stand still.");
    on = true;
    button.setAttribute("aria-pressed", "true");
    look();
  });
  document.addEventListener("visibilitychange", () => {
    if (on && !document.hidden) look();
  });
  next();
})();
