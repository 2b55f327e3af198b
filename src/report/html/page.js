"use strict";
// Filters, sorts and opens; the page is whole without it.
// On a narrow screen a row is a card: each cell then says itself what its column says above a wide table. What stands there by its sign needs no word.
for (const table of document.querySelectorAll("main table:not(.bars-table)")) {
  const heads = [...table.querySelectorAll("thead th")].map((head) => head.querySelector("svg") ? "" : head.textContent);
  for (const row of table.querySelectorAll("tbody tr")) [...row.cells].forEach((cell, at) => { if (at > 0 && heads[at]) cell.dataset.h = heads[at]; });
}
(() => {
  const list = document.getElementById("list");
  const tools = document.getElementById("tools");
  if (!list || !tools) return;
  const by = (id) => document.getElementById(id);
  const rows = [...list.children].map((element, place) => {
    const [severity, pack, id] = element.firstChild.children;
    return {
      element, place, rank: Number(element.dataset.s), severity: severity.textContent, package: pack.textContent.toLowerCase(), id: id.textContent,
      count: Number(element.dataset.n ?? 1), text: null,
    };
  });
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const value = (id) => (by(id) ? by(id).value : "");
  const text = (row) => (row.text ??= row.element.textContent.toLowerCase());

  const fits = (row, wanted, words) => {
    const data = row.element.dataset;
    if (wanted.severity === "u" ? row.severity !== "unknown" : wanted.severity === "r" ? row.rank !== 6 : wanted.severity && !(row.rank >= Number(wanted.severity) && row.rank < 6)) return false;
    if (wanted.answer && data.a !== wanted.answer) return false;
    if (wanted.kind && data.k !== wanted.kind) return false;
    if (wanted.part && data.p !== wanted.part) return false;
    if (wanted.layer && data.l !== wanted.layer) return false;
    return words.every((word) => text(row).includes(word));
  };
  const apply = () => {
    const wanted = { severity: value("by-severity"), answer: value("by-answer"), kind: value("by-kind"), part: value("by-part"), layer: value("by-layer") };
    const words = by("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const hidden = !fits(row, wanted, words);
      if (row.element.hidden !== hidden) row.element.hidden = hidden;
      if (!hidden) shown += row.count;
    }
    by("shown").textContent = shown === total ? `${total} shown` : `${shown} of ${total} shown`;
    by("none").hidden = shown > 0;
  };
  const orders = {
    "": (a, b) => a.place - b.place,
    package: (a, b) => (a.package < b.package ? -1 : a.package > b.package ? 1 : a.place - b.place),
    id: (a, b) => a.id.localeCompare(b.id, "en", { numeric: true }) || a.place - b.place,
    new: (a, b) => (b.element.dataset.d ?? "").localeCompare(a.element.dataset.d ?? "") || a.place - b.place,
    layer: (a, b) => (a.element.dataset.l ?? 0) - (b.element.dataset.l ?? 0) || a.place - b.place,
  };
  const sort = () => list.append(...[...rows].sort(orders[by("sort").value]).map((row) => row.element));
  const reset = () => { tools.reset(); sort(); apply(); by("q").focus(); };
  const follow = () => {
    const target = location.hash.length > 1 && by(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.classList.contains("f")) return;
    if (target.hidden) { tools.reset(); apply(); }
    target.open = true;
    target.scrollIntoView({ block: "start" });
  };

  let waiting = 0;
  let opening = 0;
  by("q").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 80); });
  tools.addEventListener("change", (event) => { if (event.target.id === "sort") sort(); else apply(); });
  tools.addEventListener("submit", (event) => event.preventDefault());
  by("reset").addEventListener("click", reset);
  by("open-all").addEventListener("click", (event) => {
    const open = event.target.textContent === "Open all";
    opening = rows.length;
    for (const row of rows) if (!row.element.hidden) row.element.open = open;
    setTimeout(() => { opening = 0; }, 500);
    event.target.textContent = open ? "Close all" : "Open all";
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); by("q").focus(); }
    if (event.key === "Escape" && event.target === by("q")) reset();
  });
  // The address of the page is the address of the finding that was opened last.
  list.addEventListener("toggle", (event) => { if (event.target.open && event.isTrusted && opening < 2) history.replaceState(null, "", `#${event.target.id}`); }, true);
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => { for (const row of rows) if (!row.element.hidden) row.element.open = true; });
  tools.hidden = false;
  apply();
  follow();
})();
