// What all ways to sign in have in common: the options of the session, the second factor, and what follows.

import { byId, show } from "./page.js";
import { startSession } from "./session.js";
import { openAccount } from "./views/account.js";
import { offerPasskey } from "./views/passkeys.js";
import { showRecoveryCodes } from "./views/recovery-codes.js";

const HALF_A_DAY = 12 * 60 * 60;

// A sign-in that waits for its second factor, in this tab only: {mfaToken, methods, transport, byPassword}.
export let pending = null;

// `path` is the endpoint of the first factor: /login, /passkeys/login or /login/code/verify.
export async function signIn(path, proof) {
  const { transport, persistent } = Object.fromEntries(new FormData(byId("sign-in-form")));
  // Without "keep me signed in" the cookies end with the browser, and the session after half a day.
  const options = persistent ? {} : { persistent: false, lifetime: HALF_A_DAY };
  const data = await startSession(transport, path, { ...proof, ...options });
  const { mfaToken, methods } = data;
  pending = { mfaToken, methods, transport, byPassword: path === "/login" };
  await (data.mfaRequired ? show("second-factor") : finish(data));
}

export async function verifySecondFactor(proof) {
  await finish(await startSession(pending.transport, "/mfa/verify", { mfaToken: pending.mfaToken, ...proof }));
}

async function finish({ recoveryCodes }) {
  const { byPassword } = pending;
  pending = null;
  await openAccount();
  if (recoveryCodes) await showRecoveryCodes(recoveryCodes);
  else if (byPassword) await offerPasskey();
}
