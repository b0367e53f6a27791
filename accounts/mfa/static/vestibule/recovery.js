// Completes or stops a recovery when the button is pressed. Opening the page does nothing: mail scanners open links.

import { announce, byId, request, runOnce, show, takeParameters, text } from "./page.js";

const [token] = takeParameters("token");
const confirmation = byId("confirm");

/** Returns the time in the reader's time zone and in the language of the page. */
function format(time) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" }).format(time);
}

function describe(response) {
  if (response.ok) return text("done");
  if (response.code !== "recovery_not_ready" || !response.retryAfter) return response.message;
  return text("not-ready").replace("{time}", format(Date.now() + response.retryAfter * 1000));
}

async function send() {
  const response = await request(confirmation.dataset.endpoint, { token });
  confirmation.hidden = response.ok || response.code === "token_invalid" || response.code === "permission_denied";
  byId("done").hidden = !response.ok;
  announce(describe(response), response.ok);
}

byId("send").addEventListener("click", (event) => runOnce(event.currentTarget, send));

if (token) {
  confirmation.hidden = false;
} else {
  show(text("incomplete"), false);
}
