// Verifies an address when its owner presses the button, and never by opening the page alone.

import { askByEmail, byId, call, once, say, show, takeParameters, text } from "./page.js";

const [token, email] = takeParameters("token", "email");
const asking = byId("confirm");
const resend = byId("resend");

function offerAnother() {
  asking.hidden = true;
  resend.hidden = false;
}

async function verify() {
  const answer = await call(`/api/auth/verify-email?${new URLSearchParams({ token, email })}`);
  if (answer.ok) asking.hidden = true;
  else if ([400, 401, 404].includes(answer.status)) offerAnother();
  say(answer.ok ? text("verified") : answer.message, answer.ok);
}

resend.elements.email.value = email;
askByEmail(resend, "/api/auth/resend-verification");
byId("address").textContent = email;
byId("verify").addEventListener("click", (event) => once(event.currentTarget, verify));

if (token && email) {
  asking.hidden = false;
} else {
  offerAnother();
  show(text("incomplete"), false);
}
