// Verifies an email when the button is pressed. Opening the page does nothing: mail scanners open links.

import { announce, byId, handleEmailForm, request, runOnce, show, takeParameters, text } from "./page.js";

const [token, email] = takeParameters("token", "email");
const confirmation = byId("confirm");
const resend = byId("resend");

function offerResend() {
  confirmation.hidden = true;
  resend.hidden = false;
}

async function verify() {
  const response = await request(`/api/auth/verify-email?${new URLSearchParams({ token, email })}`);
  if (response.ok) confirmation.hidden = true;
  else if ([400, 401, 404].includes(response.status)) offerResend();
  announce(response.ok ? text("verified") : response.message, response.ok);
}

resend.elements.email.value = email;
handleEmailForm(resend, "/api/auth/resend-verification");
byId("address").textContent = email;
byId("verify").addEventListener("click", (event) => runOnce(event.currentTarget, verify));

if (token && email) {
  confirmation.hidden = false;
} else {
  offerResend();
  show(text("incomplete"), false);
}
