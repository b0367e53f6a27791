// Undoes a change of address when the owner of the old one presses the button, and never by opening the page alone.

import { byId, call, once, say, show, takeParameters, text } from "./page.js";

const [token] = takeParameters("token");
const asking = byId("confirm");

async function undo() {
  const answer = await call("/api/auth/change-email/undo", { token });
  const isDead = answer.code === "token_invalid";
  asking.hidden = answer.ok || isDead;
  byId("ask").hidden = !isDead;
  say(answer.ok ? text("undone") : answer.message, answer.ok);
}

byId("undo").addEventListener("click", (event) => once(event.currentTarget, undo));

if (token) {
  asking.hidden = false;
} else {
  show(text("incomplete"), false);
}
