// Makes and uses passkeys, and tells the browser's password manager which of them the server accepts.

import { t } from "./language.js";

// The browser or the user refused; the message can be shown.
export class PasskeyError extends Error {}

let autofillRequest = null;

export const isSupported = () => Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);

export async function create(options) {
  while (autofillRequest) await stopAutofill();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return toJSON(navigator.credentials.create({ publicKey }));
}

export async function get(options) {
  while (autofillRequest) await stopAutofill();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return toJSON(navigator.credentials.get({ publicKey }));
}

export const canAutofill = async () =>
  isSupported() && Boolean(await PublicKeyCredential.isConditionalMediationAvailable?.());

// Offers passkeys among the suggestions of the field with autocomplete="username webauthn". Resolves when the user chooses
// one, or with null if the request was stopped.
export async function autofill(options) {
  while (autofillRequest) await stopAutofill();
  const controller = new AbortController();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = navigator.credentials
    .get({ publicKey, mediation: "conditional", signal: controller.signal })
    .then((chosen) => chosen.toJSON(), () => null);
  autofillRequest = { controller, credential };
  return credential;
}

// A page can have one request at a time, so that every other request stops this one first.
export async function stopAutofill() {
  const request = autofillRequest;
  autofillRequest = null;
  request?.controller.abort();
  await request?.credential;
}

// Removes a passkey from the password manager that the server does not know: it was removed, or its sign-up failed.
export function signalUnknown(rpId, credentialId) {
  return signal("signalUnknownCredential", { rpId, credentialId });
}

// Call it with the `signal` of GET /passkeys after each sign-in and each change: the password manager then hides the passkeys
// that are no longer accepted, and shows the user's current names.
export async function signalAccepted({ rpId, userId, allAcceptedCredentialIds, name, displayName }) {
  await signal("signalAllAcceptedCredentials", { rpId, userId, allAcceptedCredentialIds });
  await signal("signalCurrentUserDetails", { rpId, userId, name, displayName });
}

// Not every browser has these methods, and none of them says whether it changed anything.
async function signal(method, details) {
  await window.PublicKeyCredential?.[method]?.(details).catch(() => null);
}

async function toJSON(request) {
  try {
    return (await request).toJSON();
  } catch (error) {
    throw new PasskeyError(explain(error), { cause: error });
  }
}

function explain({ name }) {
  if (name === "InvalidStateError") return t("This device already has a passkey of your account.");
  if (name === "SecurityError") return t("Passkeys do not work at this address.");
  return t("No passkey was used. You cancelled, or it took too long.");
}
