// Undoes an email change when the button is pressed. Opening the page does nothing: mail scanners open links.

import { announce, byId, request, runOnce, show, takeParameters, text } from "./page.js";

const [token] = takeParameters("token");
const confirmation = byId("confirm");

async function undo() {
  const response = await request("/api/auth/change-email/undo", { token });
  const isInvalid = response.code === "token_invalid";
  confirmation.hidden = response.ok || isInvalid;
  byId("ask").hidden = !isInvalid;
  announce(response.ok ? text("undone") : response.message, response.ok);
}

byId("undo").addEventListener("click", (event) => runOnce(event.currentTarget, undo));

if (token) {
  confirmation.hidden = false;
} else {
  show(text("incomplete"), false);
}
