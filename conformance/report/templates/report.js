"use strict";
(() => {
  const search = document.getElementById("search");
  const buttons = [...document.querySelectorAll("[data-filter]")];
  const checks = [...document.querySelectorAll("details.check")];
  const groups = [...document.querySelectorAll("[data-group]")];
  const status = document.getElementById("shown");
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const on = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.filter));
    let shown = 0;
    for (const check of checks) {
      const text = check.dataset.text;
      const visible = (!on.size || on.has(check.dataset.verdict)) && words.every((w) => text.includes(w));
      check.hidden = !visible;
      shown += visible;
    }
    for (const group of groups) group.hidden = !group.querySelector("details.check:not([hidden])");
    status.textContent = `${shown} of ${checks.length} checks shown`;
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  search.addEventListener("input", apply);
  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.matches("details")) target.open = true;
  };
  const blocks = [...document.querySelectorAll("[data-at]")];
  for (const block of blocks) {
    const awaited = new Set((block.dataset.awaits || "").split(" "));
    const others = blocks.filter((other) => other.dataset.at.split(" ").some((at) => awaited.has(at)));
    const frame = (on) => { for (const other of others) other.classList.toggle("awaited", on); };
    block.addEventListener("click", () => { location.hash = block.dataset.at.split(" ")[0]; reveal(); });
    block.addEventListener("pointerenter", () => frame(true));
    block.addEventListener("pointerleave", () => frame(false));
  }
  addEventListener("hashchange", reveal);
  reveal();
  document.getElementById("controls").hidden = false;
})();
