// Signs in when the button is pressed. Opening the page does nothing: mail scanners open links.
// The cookie with the loginToken identifies the browser that requested the link; this page cannot read it.

import { announce, byId, request, runOnce, show, takeParameters, text } from "./page.js";

const COOKIES_ONLY = { "X-Token-Transport": "cookie" };
const [token] = takeParameters("token");
const factor = byId("factor");
const passkey = byId("passkey");
let mfaToken = "";

function hideControls() {
  for (const control of [byId("confirm"), factor, passkey]) control.hidden = true;
}

function finish(message, isSuccess) {
  hideControls();
  byId("continue").hidden = !isSuccess;
  announce(message, isSuccess);
}

function askForFactor({ mfaToken: pending, methods }) {
  hideControls();
  mfaToken = pending;
  factor.hidden = !methods.some((method) => ["totp", "recovery_code"].includes(method));
  passkey.hidden = !(methods.includes("passkey") && window.PublicKeyCredential?.parseRequestOptionsFromJSON);
  if (factor.hidden && passkey.hidden) finish(text("no-factor"), false);
  else announce(text("second-factor"), true);
}

async function signIn() {
  const response = await request("/api/auth/login/code/verify", { token }, COOKIES_ONLY);
  if (!response.ok && response.code === "code_invalid") finish(text("elsewhere"), false);
  else if (!response.ok) announce(response.message, false);
  else if (response.data.mfaRequired) askForFactor(response.data);
  else finish(text("signed-in"), true);
}

/** Shows the codes of a first sign-in after a sign-up by passkey: no later response has them. */
function showRecoveryCodes(codes) {
  const items = codes.map((code) => Object.assign(document.createElement("li"), { textContent: code }));
  byId("recovery-codes").replaceChildren(...items);
  byId("recovery").hidden = !codes.length;
}

async function complete(proof) {
  const response = await request("/api/auth/mfa/verify", { mfaToken, ...proof }, COOKIES_ONLY);
  if (response.ok) {
    showRecoveryCodes(response.data.recoveryCodes ?? []);
    finish(text("signed-in"), true);
  } else if (["token_invalid", "token_expired", "invalid_credentials"].includes(response.code)) finish(text("over"), false);
  else announce(Object.values(response.errors ?? {})[0]?.[0] ?? response.message, false);
}

async function usePasskey() {
  const options = await request("/api/auth/mfa/passkey/options", { mfaToken });
  if (!options.ok) {
    announce(options.message, false);
    return;
  }
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.data.publicKey);
    const credential = await navigator.credentials.get({ publicKey });
    await complete({ credential: credential.toJSON() });
  } catch {
    announce(text("cancelled"), false);
  }
}

byId("sign-in").addEventListener("click", (event) => runOnce(event.currentTarget, signIn));
passkey.addEventListener("click", (event) => runOnce(event.currentTarget, usePasskey));
factor.addEventListener("submit", (event) => {
  event.preventDefault();
  const value = factor.elements.code.value;
  const isAppCode = value.replace(/[\s-]/g, "").length === 6;
  runOnce(factor.querySelector("button"), () => complete(isAppCode ? { code: value } : { recoveryCode: value }));
});

if (token) {
  byId("confirm").hidden = false;
} else {
  show(text("incomplete"), false);
}
