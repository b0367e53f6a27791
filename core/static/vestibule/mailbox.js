// Loads the list again when a new email has come, while its button is pressed.

const EVERY_MS = 2_000;
const KEY = "mailbox-refresh";
const button = document.getElementById("refresh");

function show() {
  button.setAttribute("aria-pressed", String(sessionStorage.getItem(KEY) === "on"));
}

async function look() {
  if (sessionStorage.getItem(KEY) !== "on" || document.hidden) return;
  const response = await fetch(button.dataset.url + location.search);
  const { messages } = await response.json();
  if ((messages[0]?.id ?? "") !== button.dataset.newest) location.reload();
}

button.addEventListener("click", () => {
  sessionStorage.setItem(KEY, sessionStorage.getItem(KEY) === "on" ? "off" : "on");
  show();
});
button.hidden = false;
show();
setInterval(() => look().catch(() => {}), EVERY_MS);
