// Sign up with a password or with a passkey, and verify the email with the code.

import { send } from "../api.js";
import { language, t } from "../language.js";
import { announce, byId, clearErrors, onClick, onSubmit, show } from "../page.js";
import * as passkeys from "../passkeys.js";

const form = byId("register-form");
let email;

export function askForCode(address) {
  email = address;
  byId("sent-to").textContent = address;
  show("verify");
}

async function register(credential) {
  const { email: address, username, password } = Object.fromEntries(new FormData(form));
  await send("POST", "/register", { email: address, username, language, ...(credential ? { credential } : { password }) });
  askForCode(address);
}

async function registerWithPasskey() {
  const { email: address, username } = Object.fromEntries(new FormData(form));
  const { publicKey } = await send("POST", "/passkeys/signup/options", { email: address, username });
  const credential = await passkeys.create(publicKey);
  try {
    await register(credential);
  } catch (error) {
    // The device has made a passkey for an account that does not exist.
    await passkeys.signalUnknown(publicKey.rp.id, credential.id);
    throw error;
  }
}

onSubmit("register-form", () => register());
onClick(byId("register-passkey"), registerWithPasskey, form);
byId("register-passkey").hidden = !passkeys.isSupported();

onSubmit("verify-form", async ({ code }) => {
  await send("POST", "/verify-email", { email, code });
  show("sign-in");
  announce(t("Your email is verified. Sign in now."));
});
onClick(byId("resend"), async () => {
  await send("POST", "/resend-verification", { email });
  clearErrors(byId("verify-form"));
  announce(t("We sent another code. The previous one no longer works."));
});
