"use strict";
// Filter and sort the cards and rows of the page.
const form = document.getElementById("filter");
if (form) {
  const parts = Array.from(document.querySelectorAll("[data-number]"));
  const shown = document.getElementById("shown");
  const order = {
    number: (one, other) => one.dataset.number - other.dataset.number,
    tag: (one, other) => one.dataset.tag.localeCompare(other.dataset.tag),
    frames: (one, other) => other.dataset.frames - one.dataset.frames,
    subject: (one, other) => one.dataset.subject.localeCompare(other.dataset.subject),
    stayed: (one, other) => other.dataset.stayed - one.dataset.stayed,
    size: (one, other) => other.dataset.size - one.dataset.size,
  };
  const chosen = (name) => (form.elements[name] ? form.elements[name].value : "");
  const apply = () => {
    const words = chosen("words").toLowerCase();
    for (const part of parts) {
      const { outcome, tag } = part.dataset;
      part.hidden =
        (chosen("outcome") !== "" && !outcome.split(" ").includes(chosen("outcome"))) ||
        (chosen("tag") !== "" && tag !== chosen("tag")) ||
        (words !== "" && !part.textContent.toLowerCase().includes(words));
    }
    shown.textContent = parts.filter((part) => !part.hidden).length + " of " + parts.length + " shown";
    const compare = order[chosen("sort")];
    for (const holder of new Set(parts.map((part) => part.parentElement))) {
      const inside = parts.filter((part) => part.parentElement === holder);
      inside.sort((one, other) => compare(one, other) || order.number(one, other));
      holder.append(...inside);
    }
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
}
