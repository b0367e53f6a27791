// Reloads the list when there is a new email, while auto-refresh is on.

const INTERVAL_MS = 2_000;
const KEY = "mailbox-refresh";
const button = document.getElementById("refresh");

function updateButton() {
  button.setAttribute("aria-pressed", String(sessionStorage.getItem(KEY) === "on"));
}

async function reloadIfChanged() {
  if (sessionStorage.getItem(KEY) !== "on" || document.hidden) return;
  const response = await fetch(button.dataset.url + location.search);
  const { messages } = await response.json();
  if ((messages[0]?.id ?? "") !== button.dataset.newest) location.reload();
}

button.addEventListener("click", () => {
  sessionStorage.setItem(KEY, sessionStorage.getItem(KEY) === "on" ? "off" : "on");
  updateButton();
});
button.hidden = false;
updateButton();
setInterval(() => reloadIfChanged().catch(() => {}), INTERVAL_MS);
