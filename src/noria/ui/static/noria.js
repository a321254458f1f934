// All that pages need works without this; it makes them follow what happens, and lets one move about in charts.
"use strict";

const quiet = (element) => {
  const active = document.activeElement;
  const busy = active && element.contains(active) && active.matches("input, textarea, select, button");
  return !busy && !element.querySelector("details.do[open]");
};

const kept = (old, fresh) => {  // what a person has opened stays open
  for (const one of fresh.querySelectorAll("details[id]")) {
    const before = old.querySelector("#" + CSS.escape(one.id));
    if (before) one.open = before.open;
  }
  for (const one of fresh.querySelectorAll("img[src]")) {
    const before = old.querySelector('img[src="' + CSS.escape(one.getAttribute("src")) + '"]');
    if (before) one.replaceWith(before);
  }
};

let asked = false, again = false;

const refresh = async () => {
  if (asked) { again = true; return; }
  asked = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") { location.reload(); return; }
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (!fresh || fresh.outerHTML === old.dataset.seen || !quiet(old)) continue;
        const text = fresh.outerHTML;
        kept(old, fresh);
        fresh.dataset.seen = text;
        old.replaceWith(document.adoptNode(fresh));
        explorable(document.getElementById(fresh.id));
      }
    }
  } finally {
    asked = false;
    if (again) { again = false; setTimeout(refresh, 200); }
  }
};

const follow = () => {
  if (!document.querySelector("[data-live]") || !window.EventSource) return;
  const events = new EventSource("/events");
  let first = true;
  events.onmessage = () => { if (first) { first = false; return; } refresh(); };
  events.onerror = () => { first = false; };
  const slow = document.querySelector("[data-counting], [data-beat]");
  if (slow) setInterval(() => { if (document.querySelector("[data-counting], [data-beat]")) refresh(); }, 2000);
  addEventListener("pagehide", () => events.close());
};

let vega = null;

const library = () => {
  vega ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = "/vega.js";
    script.type = "module";
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return vega;
};

const explore = async (figure, button) => {
  const picture = figure.querySelector("img");
  button.disabled = true;
  try {
    const [answer] = await Promise.all([fetch(picture.src, { headers: { accept: "application/json" } }), library()]);
    const drawing = document.createElement("div");
    const ink = getComputedStyle(document.body).color;
    const spec = await answer.json();
    spec.config = { ...spec.config, axis: { ...spec.config.axis, labelColor: ink, titleColor: ink, gridColor: "#8885" }, legend: { ...spec.config.legend, labelColor: ink, titleColor: ink } };
    spec.width = Math.min(spec.width ?? 480, figure.clientWidth - 90);
    await window.vegaEmbed(drawing, spec, {
      ast: true, actions: false, renderer: "canvas", defaultStyle: false, tooltip: { disableDefaultStyle: true },
    });
    picture.replaceWith(drawing);
    button.remove();
  } catch {
    button.disabled = false;
  }
};

const explorable = (root) => {
  for (const figure of root.querySelectorAll("figure[data-explore]")) {
    if (figure.querySelector(".explore")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain explore";
    button.textContent = figure.dataset.explore;
    button.addEventListener("click", () => explore(figure, button));
    figure.querySelector("figcaption").append(button);
  }
};

explorable(document);
follow();
