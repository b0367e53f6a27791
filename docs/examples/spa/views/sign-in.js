// Sign in with a password, with a passkey by a button, or with a passkey that the browser suggests in the field.

import { send } from "../api.js";
import { announce, byId, onClick, onSubmit, onView, show, showError, shownView } from "../page.js";
import * as passkeys from "../passkeys.js";
import { signIn } from "../sign-in-flow.js";
import { askForCode } from "./sign-up.js";

let renewal;
let isSigningIn = false;

// The user may choose a suggestion and press the button: only the first one signs in.
async function signInWithPasskey({ credential, rpId }) {
  if (isSigningIn) return;
  isSigningIn = true;
  try {
    await signIn("/passkeys/login", { credential });
  } catch (error) {
    // The server has no such passkey any more: the password manager should not offer it again.
    if (error.code === "passkey_unknown") await passkeys.signalUnknown(rpId, credential.id);
    throw error;
  } finally {
    isSigningIn = false;
  }
}

// Lets the browser suggest passkeys while the sign-in form is shown. A challenge expires, so it is replaced in time.
async function offerAutofill() {
  clearTimeout(renewal);
  await passkeys.stopAutofill();
  if (shownView() !== "sign-in" || !(await passkeys.canAutofill())) return;
  const { publicKey } = await send("POST", "/passkeys/login/options").catch(() => ({}));
  if (!publicKey) return; // no suggestions are better than an error that the user did not cause
  renewal = setTimeout(offerAutofill, publicKey.timeout * 0.8);
  const credential = await passkeys.autofill(publicKey);
  if (credential) await signInWithPasskey({ credential, rpId: publicKey.rpId }).catch((error) => showError(error));
}

onView(offerAutofill);

onSubmit("sign-in-form", async ({ identifier, password }) => {
  try {
    await signIn("/login", { identifier, password });
  } catch (error) {
    if (error.code !== "email_not_verified" || !identifier.includes("@")) throw error;
    askForCode(identifier);
    announce(error.message, "bad");
  }
});

onClick(byId("use-passkey"), async () => {
  try {
    const { publicKey } = await send("POST", "/passkeys/login/options");
    await signInWithPasskey({ credential: await passkeys.get(publicKey), rpId: publicKey.rpId });
  } finally {
    offerAutofill();
  }
});

byId("use-passkey").hidden = !passkeys.isSupported();
byId("by-email").addEventListener("click", () => {
  const identifier = byId("identifier").value;
  show("email");
  if (identifier.includes("@")) byId("address").value = identifier;
});
