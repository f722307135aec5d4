// Light or dark as the system has it, or as it was chosen on this page; runs before anything is drawn.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
