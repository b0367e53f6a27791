// Repeats a request for which the server requires a recent proof, once the user has confirmed who they are.

import * as dialogs from "./dialogs.js";
import { t } from "./language.js";
import { attempt, byId, clearErrors, onClick, onSubmit } from "./page.js";
import * as passkeys from "./passkeys.js";
import { codeProof } from "./proof.js";
import { call, reauthenticate } from "./session.js";

const dialog = byId("step-up");
const field = byId("step-up-field");

// The field of the dialog by what the user has, and the proof that /reauthenticate gets.
const TYPED = {
  secondFactor: {
    name: "code",
    label: t("Code from your authenticator app, or a recovery code"),
    autocomplete: "one-time-code",
    proof: codeProof,
  },
  password: {
    name: "password",
    label: t("Password"),
    autocomplete: "current-password",
    proof: (password) => ({ password }),
  },
  email: {
    name: "emailCode",
    label: t("Code from the email"),
    autocomplete: "one-time-code",
    proof: (emailCode) => ({ emailCode }),
  },
};

let typed;
let confirmation = null;

// Use this for the requests of a signed-in user.
export async function request(method, path, body) {
  try {
    return await call(method, path, body);
  } catch (error) {
    if (error.code !== "reauthentication_required") throw error;
    // Requests that fail at the same time wait for the same dialog.
    confirmation ??= confirm(error.challenge).finally(() => (confirmation = null));
    if (!(await confirmation)) throw error;
    return call(method, path, body);
  }
}

// Opens the dialog, and returns whether the user has confirmed who they are.
async function confirm(challenge) {
  const { user } = await call("GET", "/me");
  const needsFactor = user.mfaEnabled || challenge.includes('acr_values="aal2"');
  const owned = needsFactor && passkeys.isSupported() ? (await call("GET", "/passkeys")).passkeys : [];
  typed = TYPED[needsFactor ? "secondFactor" : user.hasPassword ? "password" : "email"];
  fillDialog(owned.length > 0);
  const closed = dialogs.open(dialog);
  if (typed === TYPED.email) attempt(byId("step-up-resend"), sendCode);
  return (await closed) === "confirmed";
}

function fillDialog(hasPasskey) {
  clearErrors(dialog);
  byId("step-up-passkey").hidden = !hasPasskey;
  byId("step-up-resend").hidden = typed !== TYPED.email;
  byId("step-up-label").textContent = typed.label;
  const { name, autocomplete } = typed;
  Object.assign(field, { name, autocomplete, value: "", type: name === "password" ? "password" : "text" });
}

async function prove(proof) {
  await reauthenticate(proof);
  dialog.close("confirmed");
}

const sendCode = () => call("POST", "/reauthenticate/email");

onSubmit("step-up-form", () => prove(typed.proof(field.value)));
onClick(byId("step-up-resend"), sendCode);
onClick(byId("step-up-passkey"), async () => {
  const { publicKey } = await call("POST", "/reauthenticate/options");
  await prove({ credential: await passkeys.get(publicKey) });
});
