// Brings the page up to date while it is looked at. Without it the page reads
// the same, and is loaded anew by the browser.
"use strict";

const main = document.querySelector("main[data-live]");
const told = document.getElementById("told");
const every = 3000;
const parts = new Map();

for (const part of main.querySelectorAll("section[id]")) parts.set(part.id, part.outerHTML);

async function look() {
  const answer = await fetch(main.dataset.live, { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) throw new Error("HTTP " + answer.status);
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = [...next.querySelectorAll("section[id]")];
  const here = [...main.querySelectorAll("section[id]")];
  if (fresh.map((s) => s.id).join() !== here.map((s) => s.id).join()) {
    main.replaceChildren(...next.body.childNodes); // a section has come or gone
    parts.clear();
    for (const part of main.querySelectorAll("section[id]")) parts.set(part.id, part.outerHTML);
  } else {
    fresh.forEach((part, i) => {
      if (parts.get(part.id) === part.outerHTML || busy(here[i])) return;
      parts.set(part.id, part.outerHTML);
      const unfolded = new Set([...here[i].querySelectorAll("details[open]")].map((d) => d.id));
      here[i].replaceWith(part);
      for (const d of part.querySelectorAll("details")) d.open = unfolded.has(d.id);
    });
  }
  told.textContent = "live · " + next.getElementById("now").textContent;
  told.classList.add("live");
  told.classList.remove("lost");
}

// busy tells whether somebody is reading closely here.
function busy(part) {
  const selected = document.getSelection();
  return part.contains(document.activeElement) || (selected && !selected.isCollapsed && part.contains(selected.anchorNode));
}

async function go() {
  if (!document.hidden) {
    try {
      await look();
    } catch {
      told.textContent = "the worker does not answer";
      told.classList.remove("live");
      told.classList.add("lost");
    }
  }
  setTimeout(go, every);
}

setTimeout(go, every);
document.addEventListener("visibilitychange", () => document.hidden || look().catch(() => {}));
