// The overview of losses: show one family, or what suits one task.
document.addEventListener("DOMContentLoaded", () => {
  const filters = document.querySelector(".filters");
  if (!filters) return;
  const chosen = (what) => filters.querySelector(`[data-filter=${what}]`).value;
  filters.hidden = false;
  filters.addEventListener("change", () => {
    const [family, task] = [chosen("family"), chosen("task")];
    for (const body of document.querySelectorAll(".losses tbody")) {
      for (const row of body.querySelectorAll("tr[data-tasks]")) {
        row.hidden = task !== "" && !row.dataset.tasks.split(" ").includes(task);
      }
      const empty = !body.querySelector("tr[data-tasks]:not([hidden])");
      body.hidden = empty || (family !== "" && body.dataset.family !== family);
    }
  });
});
