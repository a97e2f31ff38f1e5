"use strict";
// a button in each header sorts its table; without this script the tables stay as they are
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const compare = (a, b) => {
    const [x, y] = [a, b].map((cell) => Number.parseFloat(cell.dataset.value));
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return a.textContent.localeCompare(b.textContent, undefined, { numeric: true });
  };
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.setAttribute("aria-sort", "none"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const cell = (row) => row.cells[column];
      const empty = (row) => cell(row).classList.contains("none");
      const rows = [...body.rows].sort(
        (a, b) => empty(a) - empty(b) || (empty(a) ? 0 : compare(cell(a), cell(b)) * (down ? -1 : 1)),
      );
      body.append(...rows);
    });
  });
}
