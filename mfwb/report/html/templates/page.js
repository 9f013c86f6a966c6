"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  // --- the graph: a click shows details, dragging moves it, buttons and keys zoom ---
  function liven(frame) {
    const svg = frame.querySelector("svg");
    const view = frame.closest(".graph-view");
    const side = view.querySelector(".graph-side");
    const full = { width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height };
    const box = { x: 0, y: 0, width: full.width, height: full.height };
    let before = { width: 0, height: 0 };
    frame.classList.add("live");
    view.classList.add("live");

    const show = () => svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
    const size = () => ({ width: frame.clientWidth || 600, height: frame.clientHeight || 400 });
    const setScale = (scale, atX, atY) => {
      const { width, height } = size();
      const x = atX ?? box.x + box.width / 2, y = atY ?? box.y + box.height / 2;
      const shareX = (x - box.x) / box.width, shareY = (y - box.y) / box.height;
      scale = Math.min(4, Math.max(0.05, scale));
      box.width = width / scale;
      box.height = height / scale;
      box.x = x - shareX * box.width;
      box.y = y - shareY * box.height;
      show();
    };
    const scale = () => size().width / box.width;
    const fitScale = () => Math.min(1.1, size().width / full.width, size().height / full.height);
    const fit = () => {
      const { width, height } = size();
      const own = fitScale();
      Object.assign(box, { width: width / own, height: height / own });
      box.x = (full.width - box.width) / 2;
      box.y = (full.height - box.height) / 2;
      show();
    };
    // What does not fit legibly begins at its begin, or at what failed.
    const begin = () => {
      const wanted = Math.min(Math.max(full.height * Math.min(1, Math.max(0.6, frame.clientWidth / full.width)) + 20, 240), innerHeight * 0.7);
      frame.style.minHeight = `${wanted}px`;
      before = size();
      fit();
      if (fitScale() >= 0.5) return;
      const failed = svg.querySelector(".node.failed rect");
      const { width, height } = size();
      Object.assign(box, { width: width / 0.8, height: height / 0.8 });
      const target = failed && failed.getAttribute("x") - box.width / 2;
      box.x = Math.max(0, Math.min(target ?? 0, full.width - box.width));
      const middle = failed || svg.querySelector(".node.step rect");
      const y = middle ? +middle.getAttribute("y") : full.height / 2;
      box.y = box.height >= full.height ? (full.height - box.height) / 2 : Math.max(0, Math.min(y - box.height / 2, full.height - box.height));
      show();
    };
    const reveal = (node) => {
      const at = node.querySelector("rect").getBBox();
      if (at.x < box.x || at.x + at.width > box.x + box.width) box.x = at.x + at.width / 2 - box.width / 2;
      if (at.y < box.y || at.y + at.height > box.y + box.height) box.y = at.y + at.height / 2 - box.height / 2;
      frame.scrollTo(0, 0);
      show();
    };
    const choose = (node) => {
      all(".node.chosen, .near", svg).forEach((item) => item.classList.remove("chosen", "near"));
      all(".node-facts.shown", side).forEach((item) => item.classList.remove("shown"));
      svg.classList.toggle("chosen", node !== null);
      view.classList.toggle("open", node !== null);
      if (node === null) return;
      const id = node.dataset.node;
      const near = new Set([id]);
      for (const path of all("path", svg)) {
        const ends = path.dataset.ends.split(" ");
        if (ends.includes(id)) {
          path.classList.add("near");
          ends.forEach((end) => near.add(end));
        }
      }
      all(".node", svg).forEach((item) => near.has(item.dataset.node) && item.classList.add("near"));
      node.classList.add("chosen");
      requestAnimationFrame(() => requestAnimationFrame(() => reveal(node)));
      side.querySelector(`[data-facts="${id}"]`).classList.add("shown");
      side.scrollTop = 0;
    };

    let drag = null, hasMoved = false;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest(".tools")) return;
      drag = { x: event.clientX, y: event.clientY };
      hasMoved = false;
    });
    addEventListener("pointermove", (event) => {
      if (!drag) return;
      const x = event.clientX - drag.x, y = event.clientY - drag.y;
      if (!hasMoved && Math.hypot(x, y) < 4) return;
      hasMoved = true;
      frame.classList.add("dragged");
      box.x -= x / scale();
      box.y -= y / scale();
      drag = { x: event.clientX, y: event.clientY };
      show();
    });
    for (const end of ["pointerup", "pointercancel"])
      addEventListener(end, () => { drag = null; frame.classList.remove("dragged"); });
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    svg.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      if (node) event.preventDefault();
      if (!hasMoved) choose(node);
    });
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const edge = frame.getBoundingClientRect();
      const x = box.x + (event.clientX - edge.left) / scale(), y = box.y + (event.clientY - edge.top) / scale();
      setScale(scale() * Math.exp(-event.deltaY / 300), x, y);
    }, { passive: false });
    frame.addEventListener("keydown", (event) => {
      const step = 60 / scale();
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (event.key === "Escape") choose(null);
      else if (event.key === "+" || event.key === "=") setScale(scale() * 1.25);
      else if (event.key === "-") setScale(scale() / 1.25);
      else if (event.key === "0") fit();
      else if (moves[event.key]) {
        box.x += moves[event.key][0];
        box.y += moves[event.key][1];
        show();
      } else return;
      event.preventDefault();
    });
    // A node that gets the focus by the keyboard is moved into sight.
    svg.addEventListener("focusin", (event) => {
      const node = event.target.closest(".node");
      if (node && event.target.matches(":focus-visible")) reveal(node);
    });
    const tools = make("div", { className: "tools" });
    for (const [text, label, action] of [
      ["+", "Zoom in", () => setScale(scale() * 1.25)],
      ["\u2212", "Zoom out", () => setScale(scale() / 1.25)],
      ["fit", "Show all of it", fit],
    ]) {
      const button = make("button", { type: "button", textContent: text });
      button.setAttribute("aria-label", label);
      button.addEventListener("click", action);
      tools.append(button);
    }
    frame.append(tools);
    const close = make("button", { type: "button", className: "close", textContent: "\u00d7" });
    close.setAttribute("aria-label", "Close the details");
    close.addEventListener("click", () => choose(null));
    side.prepend(close);
    begin();
    frame.closest("details")?.addEventListener("toggle", begin, { once: true });
    // Another size shows more or less of the graph; its scale stays.
    new ResizeObserver(() => {
      const now = size();
      if (!frame.clientWidth) return;
      box.y += (box.height / before.height) * (before.height - now.height) / 2;
      box.height *= now.height / before.height;
      box.width *= now.width / before.width;
      before = now;
      show();
    }).observe(frame);
    addEventListener("beforeprint", () => {
      svg.setAttribute("viewBox", `0 0 ${full.width} ${full.height}`);
      frame.classList.remove("live");
    });
    addEventListener("afterprint", () => { frame.classList.add("live"); begin(); });
  }

  // --- tables that can be sorted, and lists that can be filtered ---
  function sortable(table) {
    const body = table.tBodies[0];
    const value = (row, column) => {
      const cell = row.cells[column];
      return cell.dataset.value ?? cell.textContent.trim();
    };
    all("thead th", table).forEach((head, column) => {
      const button = make("button", { type: "button", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const isUp = head.getAttribute("aria-sort") !== "ascending";
        all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
        const sign = isUp ? 1 : -1;
        const rows = [...body.rows].map((row) => [value(row, column), row]);
        rows.sort(([a], [b]) => sign * a.localeCompare(b, undefined, { numeric: true }));
        if (rows.every(([text]) => text !== "" && !Number.isNaN(+text))) rows.sort(([a], [b]) => sign * (a - b));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  function filtered(container, items, label) {
    if (items.length < 6) return;
    const texts = new Map(items.map((item) => [item, (item.querySelector(":scope > summary") ?? item).textContent.toLowerCase()]));
    const input = make("input", { type: "search", className: "filter", placeholder: label });
    input.setAttribute("aria-label", label);
    const note = make("p", { className: "filter-note", hidden: true });
    note.setAttribute("role", "status");
    input.addEventListener("input", () => {
      const terms = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const item of items) {
        item.hidden = !terms.every((term) => texts.get(item).includes(term));
        shown += !item.hidden;
      }
      note.hidden = !terms.length;
      note.textContent = `${shown} of ${items.length}`;
    });
    container.before(input, note);
  }

  // --- links into what is folded, and printing ---
  function unfold() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let item = target; item; item = item.parentElement) if (item.tagName === "DETAILS") item.open = true;
    target.scrollIntoView();
  }

  all("[data-graph]").forEach(liven);
  for (const table of all("table[data-sorted]")) {
    filtered(table.closest(".scroll"), all("tbody tr", table), "Filter tasks: step, state, text");
    sortable(table);
  }
  for (const list of all(".filtered")) filtered(list, all(":scope > details", list), "Filter by name, step or type");
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => all("details").forEach((item) => {
    item.dataset.wasOpen ??= item.open;
    item.open = true;
  }));
  addEventListener("afterprint", () => all("details").forEach((item) => { item.open = item.dataset.wasOpen === "true"; delete item.dataset.wasOpen; }));

  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  if (links.size && "IntersectionObserver" in window) {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) {
        links.forEach((link) => link.classList.remove("now"));
        links.get(entry.target.id)?.classList.add("now");
      }
    }, { rootMargin: "-15% 0px -75% 0px" });
    links.forEach((_, id) => { const target = document.getElementById(id); if (target) observer.observe(target); });
  }
})();
